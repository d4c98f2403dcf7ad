// Package local is the HTTP server of a program on its own machine: the page, and the probes that an administrator asks.
package local

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"tally/cmd/internal/config"
	"tally/cmd/internal/unit"
)

// Timeouts of the local server. Writing has none: the live stream of the page is one answer that lasts; its handler
// sets its own deadline for each part.
const (
	headerTimeout   = 5 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 3 * time.Second
)

// Listen opens the address of the page at once, so that a port in use is an error of the start and not of later.
func Listen(c config.HTTP) (net.Listener, error) {
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("open the page's address %s (is another tallyd running?): %w", c.Listen, err)
	}
	l = limit(l, mostConns)
	if c.CertFile == "" {
		return l, nil
	}
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("load the page's certificate: %w", err), l.Close())
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), nil
}

// Server is a unit that serves h on l until its context ends; live streams are ended by endStreams so that the
// shutdown need not wait for browsers.
func Server(name string, l net.Listener, h http.Handler, endStreams func(), log *slog.Logger) unit.Unit {
	return unit.Unit{Name: name, Run: func(ctx context.Context) error {
		srv := &http.Server{
			Handler:           hasten(h, bodyTimeout),
			ReadHeaderTimeout: headerTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    32 << 10,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		}
		if endStreams != nil {
			srv.RegisterOnShutdown(endStreams)
		}
		served := make(chan error, 1)
		go func() { served <- srv.Serve(l) }()
		select {
		case err := <-served:
			return err
		case <-ctx.Done():
		}
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err := srv.Shutdown(stop)
		if err != nil { // a request that hangs does not keep the node from stopping
			err = srv.Close()
		}
		<-served
		return err
	}}
}

// Watch is what the probes of an administrator ask.
type Watch interface {
	// Ready says why the node cannot do its work, or nil.
	Ready(ctx context.Context) error
}

// Probes answers /healthz, /readyz and /metrics and leaves everything else to page. They need no login and tell nothing about
// a customer; the page's own guard does not see them.
func Probes(w Watch, metrics, page http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) { plain(rw, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(rw http.ResponseWriter, r *http.Request) {
		if err := w.Ready(r.Context()); err != nil {
			plain(rw, http.StatusServiceUnavailable, "not ready: "+err.Error())
			return
		}
		plain(rw, http.StatusOK, "ready")
	})
	mux.Handle("GET /metrics", metrics)
	mux.Handle("/", page)
	return mux
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
