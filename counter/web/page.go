package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"tally/counter"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static
var assets embed.FS

// pages are the templates, once for each voice.
type pages map[voice]*template.Template

func parsePages() (pages, error) {
	all := pages{}
	for _, v := range voices() {
		funcs := v.funcs()
		funcs["about"] = func(water bool, piece string, data any) (template.HTML, error) {
			var b strings.Builder
			err := all[voice{v.lang, water}].ExecuteTemplate(&b, piece, data)
			return template.HTML(b.String()), err // escaped by the template that made it
		}
		t, err := template.New("").Funcs(funcs).ParseFS(templates, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("parse page templates: %w", err)
		}
		all[v] = t
	}
	return all, nil
}

// html writes the named template. It is rendered whole before the first byte leaves, so that an error is not half a
// page.
func (h *Handler) html(w http.ResponseWriter, status int, v voice, name string, data any) {
	var b bytes.Buffer
	if err := h.pages[v].ExecuteTemplate(&b, name, data); err != nil {
		h.log.Error("page cannot be rendered", "page", name, "cause", err)
		writeJSON(w, http.StatusInternalServerError, v.failure(&counter.Refusal{Code: counter.CodeInternal}))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes()) //nolint // the client is gone, nobody to tell
}

// frame is what every page has around it.
type frame struct {
	Lang    lang
	Other   lang // the language to switch to
	Station string
	Version string
}

func (c *call) frame() frame {
	f := frame{Lang: c.lang, Other: en, Station: c.h.o.Station, Version: c.h.o.Version}
	if c.lang == en {
		f.Other = zh
	}
	return f
}

// state is the counter page: everything on it that changes, as it is right now.
type state struct {
	frame
	Session counter.Session
	Hands   hands
	Now     time.Time
	Desks   []DeskView
	Trouble *Failure // why no reader can be used
	Open    []OpenView
	OpenErr *Failure
	Meters  []MeterView
	Uplink  UplinkView
	Bench   *BenchState
}

func (h *Handler) state(c *call) state {
	s := state{
		frame: c.frame(), Session: c.session, Hands: handsOf(c.session), Now: h.o.Now(),
		Desks: c.desks(), Meters: h.o.Meters.Meters(), Uplink: h.o.Uplink.Uplink(),
	}
	if r := h.o.Trouble(); r != nil {
		f := c.station().failure(r)
		s.Trouble = &f
	}
	var err error
	if s.Open, err = h.openOrders(c); err != nil {
		f := c.station().failure(asRefusal(err))
		s.OpenErr = &f
	}
	if h.o.Bench != nil {
		b := h.o.Bench.State()
		s.Bench = &b
	}
	return s
}

func (h *Handler) counterPage(c *call) error {
	h.html(c.w, http.StatusOK, c.station(), "counter", h.state(c))
	return nil
}

// static serves the embedded files under the hash that the page asks for, for ever.
func (h *Handler) static(c *call) error {
	name := c.r.PathValue("file")
	b, err := fs.ReadFile(assets, "static/"+path.Base(name))
	kind, known := assetTypes[path.Ext(name)]
	if err != nil || !known {
		return &counter.Refusal{Code: counter.CodeNotFound}
	}
	c.w.Header().Set("Content-Type", kind)
	c.w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	c.w.Write(b) //nolint // the client is gone, nobody to tell
	return nil
}

var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// assetURL names a static file by its content, so that an update is never hidden by a cache.
func assetURL(name string) (string, error) {
	b, err := fs.ReadFile(assets, "static/"+name)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return "/static/" + name + "?v=" + hex.EncodeToString(sum[:6]), nil
}
