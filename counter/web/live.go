package web

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"tally/counter"
)

const (
	heartbeat     = 5 * time.Second  // ages on the page are never older than this
	writePatience = 10 * time.Second // a client that takes no bytes for so long is dropped
)

// sections are the parts of the page that change by themselves, by the id of their element.
var sections = []string{"desks", "standing", "open", "meters", "uplink", "bench"}

// events is the live stream: one event per section whose HTML has changed, the event named like the section. It ends
// with the event "bye" when the session ends.
func (h *Handler) events(c *call) error {
	st, ok := h.streams.open(c.session.Token, c.session.Expires)
	if !ok {
		return &counter.Refusal{Code: codeTooManyStreams}
	}
	defer st.close()
	changed, cancel := h.o.Views.Subscribe()
	defer cancel()

	c.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	c.w.Header().Set("X-Accel-Buffering", "no") // a proxy must not hold events back
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	out := &sender{w: c.w, ctl: http.NewResponseController(c.w), sent: map[string][]byte{}}
	out.raw([]byte("retry: 1000\n\n"))
	for {
		if st.expired(h.o.Now()) {
			out.bye()
			return nil
		}
		h.push(c, out)
		if out.err != nil {
			return nil // the browser is gone; it comes back by itself
		}
		select {
		case <-c.r.Context().Done():
			return nil
		case <-h.streams.closed.ch:
			return nil
		case <-st.of.ended.ch:
			out.bye()
			return nil
		case _, open := <-changed:
			if !open {
				return nil
			}
		case <-st.kick:
		case <-tick.C:
			out.raw([]byte(": heartbeat\n\n"))
		}
	}
}

// push renders every section and sends those that differ from what this stream has.
func (h *Handler) push(c *call, out *sender) {
	data := h.state(c)
	for _, name := range sections {
		if name == "bench" && h.o.Bench == nil {
			continue
		}
		var b bytes.Buffer
		if err := h.pages[c.station()].ExecuteTemplate(&b, name, data); err != nil {
			h.log.Error("page section cannot be rendered", "section", name, "cause", err)
			continue
		}
		out.section(name, b.Bytes())
	}
	out.flush()
}

// sender writes events to one browser. After an error it does nothing.
type sender struct {
	w    http.ResponseWriter
	ctl  *http.ResponseController
	sent map[string][]byte
	err  error
}

func (s *sender) section(name string, html []byte) {
	if last, ok := s.sent[name]; ok && bytes.Equal(last, html) {
		return
	}
	s.sent[name] = html
	var b bytes.Buffer
	b.WriteString("event: " + name + "\n")
	// Every kind of line end would end the field: https://html.spec.whatwg.org/multipage/server-sent-events.html
	html = bytes.ReplaceAll(html, []byte("\r"), []byte("\n"))
	for line := range bytes.SplitSeq(html, []byte("\n")) {
		b.WriteString("data: ")
		b.Write(line)
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	s.raw(b.Bytes())
}

func (s *sender) bye() {
	s.raw([]byte("event: bye\ndata: -\n\n"))
	s.flush()
}

func (s *sender) raw(b []byte) {
	if s.err != nil {
		return
	}
	if err := s.ctl.SetWriteDeadline(time.Now().Add(writePatience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.err = err
		return
	}
	_, s.err = s.w.Write(b)
}

func (s *sender) flush() {
	if s.err == nil {
		s.err = s.ctl.Flush()
	}
}
