package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"tally/counter"
)

// Options is what the page stands on. Every service but Cards, Specials and Bench, and Station, are required.
type Options struct {
	Sales     Sales
	Decisions Decisions
	Returns   Returns
	Logins    Logins
	Views     Views
	Meters    Meters
	Uplink    Uplink
	Cards     Cards    // with Specials; nil where no cards are made
	Specials  Specials // with Cards
	Bench     Bench    // nil on a real counter: then there is neither panel nor address for it

	// Trouble says why no reader can be used at all; nil, or a nil answer, when nothing stands against it.
	Trouble func() *counter.Refusal

	// Classes are the price classes that hold today, to choose from; nil, or a nil answer, leaves the class to be typed.
	Classes func() []string

	// Hosts are the names under which the page may be asked for, with or without a port ("counter-3.example:8420").
	// The loopback names are always allowed. Any other name is refused, so that a foreign page cannot reach this
	// one by pointing its own name here (DNS rebinding).
	Hosts   []string
	Station string
	Lang    string // "zh" or "en": language before somebody switches it; empty for Chinese
	Version string
	Demo    *DemoLogin       // shown on the login page; nil outside the demo
	Now     func() time.Time // nil for time.Now
	Logger  *slog.Logger     // nil discards
}

// DemoLogin is the login that a demo shows to whoever looks at it.
type DemoLogin struct {
	Name     string
	Password string
}

// Handler serves the page and the API. It is safe for concurrent use and holds no goroutine of its own.
type Handler struct {
	o       Options
	log     *slog.Logger
	pages   pages
	streams *streams
	served  http.Handler
}

// New checks the options and parses the templates.
func New(o Options) (*Handler, error) {
	switch {
	case o.Sales == nil, o.Decisions == nil, o.Returns == nil, o.Logins == nil, o.Views == nil, o.Meters == nil, o.Uplink == nil:
		return nil, errors.New("build counter page: a service is missing in the options")
	case o.Station == "":
		return nil, errors.New("build counter page: the station has no name")
	}
	if o.Trouble == nil {
		o.Trouble = func() *counter.Refusal { return nil }
	}
	if o.Classes == nil {
		o.Classes = func() []string { return nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch o.Lang {
	case "":
		o.Lang = string(zh)
	case string(zh), string(en):
	default:
		return nil, fmt.Errorf("build counter page: language %q is neither zh nor en", o.Lang)
	}
	h := &Handler{o: o, log: o.Logger, streams: newStreams()}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if h.pages, err = parsePages(); err != nil {
		return nil, err
	}
	h.served = h.protect(h.mux())
	return h, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.served.ServeHTTP(w, r) }

// EndStreams ends every live stream, now and from now on, so that a server can shut down without waiting for them;
// meant for http.Server.RegisterOnShutdown. It may be called more than once.
func (h *Handler) EndStreams() { h.streams.closeAll() }

// once guards a channel that is closed by whoever comes first.
type once struct {
	ch   chan struct{}
	done sync.Once
}

func newOnce() *once { return &once{ch: make(chan struct{})} }

func (o *once) close() { o.done.Do(func() { close(o.ch) }) }
