package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
	"unicode/utf8"

	"tally/meter"
)

// Serve answers at l until ctx ends, then closes l and returns nil after the requests under way have ended or been
// given five seconds. It returns an error when listening ends by itself.
func Serve(ctx context.Context, l net.Listener, node Node, log *slog.Logger) error {
	srv := &http.Server{
		Handler: Handler(node, log), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve control socket: %w", errors.Join(err, l.Close()))
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		_ = srv.Close() // who still hangs is cut off; that is the end that was asked for
	}
	<-ended
	return nil
}

// Handler is the door's routes.
func Handler(node Node, log *slog.Logger) http.Handler {
	s := server{node, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", route(s, s.status))
	mux.HandleFunc("GET /v1/readers", route(s, s.readers))
	mux.HandleFunc("GET /v1/card", route(s, s.card))
	mux.HandleFunc("GET /v1/meters", route(s, s.meters))
	mux.HandleFunc("POST /v1/meters/{id}/read", route(s, s.meterRead))
	cardRoutes(mux, s)
	bookRoutes(mux, s)
	fieldRoutes(mux, s)
	ledgerRoutes(mux, s)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &Error{Code: CodeOtherVersion, Message: "this node does not know the question",
			Hint: "Use the tally command of the same version as tallyd."})
	})
	return mux
}

type server struct {
	node Node
	log  *slog.Logger
}

// route turns a question into a handler.
func route[T any](s server, ask func(*http.Request) (T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := ask(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.write(w, http.StatusOK, answer)
	}
}

func (s server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e, known := asError(err)
	if !known {
		s.log.Error("control request failed", "path", r.URL.Path, "err", err)
	}
	s.write(w, e.status(), e)
}

func (s server) write(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		s.log.Error("control answer cannot be encoded", "err", err)
		status, body = http.StatusInternalServerError, []byte(`{"code":"internal","message":"fault inside the node","hint":""}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(append(body, '\n')); err != nil {
		s.log.Debug("control client went away", "err", err)
	}
}

func (s server) status(r *http.Request) (NodeStatus, error) {
	st, err := s.node.Status(r.Context())
	st.Problems, st.Readers, st.Lines = list(st.Problems), list(st.Readers), list(st.Lines)
	st.Uplink.Streams = list(st.Uplink.Streams)
	return st, err
}

func (s server) readers(r *http.Request) ([]Reader, error) {
	l, err := s.node.Readers(r.Context())
	return list(l), err
}

func (s server) card(r *http.Request) (Card, error) {
	c, err := s.node.Card(r.Context(), r.URL.Query().Get("reader"))
	if c.Customer != nil {
		masked := *c.Customer
		masked.Name = MaskName(masked.Name)
		c.Customer = &masked
	}
	c.State.Damaged = list(c.State.Damaged)
	return c, err
}

func (s server) meters(r *http.Request) ([]Meter, error) {
	l, err := s.node.Meters(r.Context())
	return list(l), err
}

func (s server) meterRead(r *http.Request) (meter.Reading, error) {
	return s.node.MeterRead(r.Context(), meter.ID(r.PathValue("id")))
}

// list makes a missing list an empty one: clients iterate, and null surprises them.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// MaskName leaves the first character of a name, whatever its length. Masking twice changes nothing.
func MaskName(name string) string {
	if name == "" {
		return ""
	}
	r, _ := utf8.DecodeRuneInString(name)
	return string(r) + "**"
}
