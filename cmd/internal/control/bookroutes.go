package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// longTime bounds copying, checking and exporting: a node that was cut off for weeks has gigabytes.
const longTime = time.Hour

// bookRoutes adds what is asked of Books.
func bookRoutes(mux *http.ServeMux, s server) {
	mux.HandleFunc("GET /v1/outbox", route(s, ofBooks(s, func(b Books, r *http.Request) (Outbox, error) {
		o, err := b.Outbox(r.Context())
		o.Streams = list(o.Streams)
		return o, err
	})))
	mux.HandleFunc("GET /v1/events", route(s, ofBooks(s, func(b Books, r *http.Request) ([]Event, error) {
		n, err := strconv.Atoi(r.URL.Query().Get("n"))
		if err != nil || n < 1 || n > MaxEvents {
			return nil, &Error{Code: CodeBadRequest, Message: fmt.Sprintf("n is not 1 to %d", MaxEvents)}
		}
		l, err := b.Events(r.Context(), EventQuery{N: n, Types: r.URL.Query()["type"]})
		return list(l), err
	})))
	mux.HandleFunc("POST /v1/backup", route(s, ofBooks(s, func(b Books, r *http.Request) (BackupMade, error) {
		return b.Backup(r.Context())
	})))
	mux.HandleFunc("POST /v1/check", route(s, ofBooks(s, func(b Books, r *http.Request) (Checked, error) {
		c, err := b.Check(r.Context())
		c.Findings = list(c.Findings)
		return c, err
	})))
	mux.HandleFunc("POST /v1/export", s.export)
}

func ofBooks[T any](s server, ask func(Books, *http.Request) (T, error)) func(*http.Request) (T, error) {
	return func(r *http.Request) (T, error) {
		b, ok := s.node.(Books)
		if !ok {
			return *new(T), &Error{Code: CodeNoLedger, Message: "this node keeps no ledger"}
		}
		return ask(b, r)
	}
}

// maxQuery bounds what a client may ask in one body.
const maxQuery = 16 << 10

// exported is the last line of an export: without it the export is not complete.
type exported struct {
	Exported *int   `json:"exported"`
	Error    *Error `json:"error,omitempty"`
}

// export streams JSON lines. A failure before the first line is an answer like any other, a later one is the last line.
func (s server) export(w http.ResponseWriter, r *http.Request) {
	b, ok := s.node.(Books)
	var q ExportQuery
	if err := json.NewDecoder(io.LimitReader(r.Body, maxQuery)).Decode(&q); err != nil || !ok {
		s.fail(w, r, &Error{Code: CodeBadRequest, Message: "no ledger, or not a question about it"})
		return
	}
	n := 0
	out := bufio.NewWriter(w)
	err := b.Export(r.Context(), q, func(line json.RawMessage) error {
		if n == 0 {
			w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
		}
		n++
		if _, err := out.Write(line); err != nil {
			return err
		}
		return out.WriteByte('\n')
	})
	if err != nil && n == 0 {
		s.fail(w, r, err)
		return
	}
	end := exported{Exported: &n}
	if err != nil {
		s.log.Error("export ended early", "err", err)
		end.Error, _ = asError(err)
	}
	if err := json.NewEncoder(out).Encode(end); err != nil {
		s.log.Debug("control client went away", "err", err)
		return
	}
	if err := out.Flush(); err != nil {
		s.log.Debug("control client went away", "err", err)
	}
}

// Outbox implements Books.
func (c *Client) Outbox(ctx context.Context) (Outbox, error) {
	return ask[Outbox](ctx, c, snapshotTime, http.MethodGet, "/v1/outbox")
}

// Events implements Books.
func (c *Client) Events(ctx context.Context, q EventQuery) ([]Event, error) {
	v := url.Values{"n": {strconv.Itoa(q.N)}, "type": q.Types}
	return ask[[]Event](ctx, c, snapshotTime, http.MethodGet, "/v1/events?"+v.Encode())
}

// Backup implements Books.
func (c *Client) Backup(ctx context.Context) (BackupMade, error) {
	return ask[BackupMade](ctx, c, longTime, http.MethodPost, "/v1/backup")
}

// Check implements Books.
func (c *Client) Check(ctx context.Context) (Checked, error) {
	return ask[Checked](ctx, c, longTime, http.MethodPost, "/v1/check")
}

// errCutShort: an export that ends without saying so.
var errCutShort = errors.New("export is not complete: the node stopped sending")

// Export implements Books.
func (c *Client) Export(ctx context.Context, q ExportQuery, f func(json.RawMessage) error) error {
	ctx, cancel := context.WithTimeout(ctx, longTime)
	defer cancel()
	body, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("ask node: %w", err)
	}
	answer, err := c.stream(ctx, http.MethodPost, "/v1/export", strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	defer answer.Close()
	return eachLine(answer, f)
}

// eachLine hands every line but the last, which says how many there were, to f.
func eachLine(r io.Reader, f func(json.RawMessage) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	n := 0
	for lines.Scan() {
		line := lines.Bytes()
		if strings.HasPrefix(string(line), `{"exported":`) {
			var end exported
			if err := json.Unmarshal(line, &end); err != nil || end.Exported == nil || *end.Exported != n {
				return errCutShort
			}
			if end.Error != nil {
				return end.Error
			}
			return nil
		}
		n++
		if err := f(append(json.RawMessage{}, line...)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the node's answer: %w", err)
	}
	return errCutShort
}
