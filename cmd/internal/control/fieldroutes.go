package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"tally/cmd/internal/fieldwork"
	"tally/meter"
)

// actTime bounds how long a node may take for one act: the wait for the line, the command and its reading back.
const actTime = 5 * time.Minute

// mostAct bounds an act on the wire.
const mostAct = 64 << 10

// fieldRoutes adds what is asked of a Field.
func fieldRoutes(mux *http.ServeMux, s server) {
	mux.HandleFunc("GET /v1/lines", route(s, func(r *http.Request) ([]Line, error) {
		f, err := s.field()
		if err != nil {
			return nil, err
		}
		l, err := f.Lines(r.Context())
		for i := range l {
			l[i].Meters = list(l[i].Meters)
		}
		return list(l), err
	}))
	mux.HandleFunc("POST /v1/meters/{id}/do", route(s, func(r *http.Request) (fieldwork.Result, error) {
		f, err := s.field()
		if err != nil {
			return fieldwork.Result{}, err
		}
		var a fieldwork.Act
		d := json.NewDecoder(io.LimitReader(r.Body, mostAct))
		d.DisallowUnknownFields() // a field that this node does not know may be the one that forbids
		if err := d.Decode(&a); err != nil {
			return fieldwork.Result{}, &Error{Code: CodeBadRequest, Message: err.Error()}
		}
		return f.MeterDo(r.Context(), meter.ID(r.PathValue("id")), a)
	}))
	mux.HandleFunc("GET /v1/lines/{name}/overhear", s.overhear)
	mux.HandleFunc("POST /v1/lines/{name}/loan", s.lend)
}

func (s server) field() (Field, error) {
	if f, ok := s.node.(Field); ok {
		return f, nil
	}
	return nil, &Error{Code: CodeNotFound, Message: "this node has no lines"}
}

// overhear streams what goes over a line as JSON lines until the client goes away or the door closes.
func (s server) overhear(w http.ResponseWriter, r *http.Request) {
	f, err := s.field()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := http.NewResponseController(w)
	enc := json.NewEncoder(w)
	begun := false
	begin := func() error {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusOK)
		}
		return out.Flush()
	}
	err = f.Overhear(ctx, r.PathValue("name"), func(h Heard) error {
		if err := begin(); err != nil {
			return err
		}
		if h.Bytes == nil {
			return nil // a sign that the line is being heard
		}
		if err := enc.Encode(h); err != nil {
			return err
		}
		return out.Flush()
	})
	switch {
	case err != nil && !begun:
		s.fail(w, r, err)
	case err != nil:
		s.log.Debug("listening to a line ended", "err", err)
	}
}

// Lines implements Field.
func (c *Client) Lines(ctx context.Context) ([]Line, error) {
	return ask[[]Line](ctx, c, snapshotTime, http.MethodGet, "/v1/lines")
}

// MeterDo implements Field. It is never repeated: the transport does not repeat a POST that may have arrived.
func (c *Client) MeterDo(ctx context.Context, id meter.ID, a fieldwork.Act) (fieldwork.Result, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return fieldwork.Result{}, fmt.Errorf("ask node: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, actTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://tallyd/v1/meters/"+url.PathEscape(string(id))+"/do", bytes.NewReader(body))
	if err != nil {
		return fieldwork.Result{}, fmt.Errorf("ask node: %w", err)
	}
	req.GetBody = nil // what cannot be read again cannot be sent again
	resp, err := c.http.Do(req)
	if err != nil {
		return fieldwork.Result{}, c.unreachable(err)
	}
	defer resp.Body.Close()
	return answerOf[fieldwork.Result](resp)
}

// Overhear implements Field.
func (c *Client) Overhear(ctx context.Context, name string, emit func(Heard) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://tallyd/v1/lines/"+url.PathEscape(name)+"/overhear", nil)
	if err != nil {
		return fmt.Errorf("ask node: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		_, err := answerOf[struct{}](resp)
		return err
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		var h Heard
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
			return fmt.Errorf("understand the node's answer: %w", err)
		}
		if err := emit(h); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return lines.Err()
}

// answerOf reads a whole answer.
func answerOf[T any](resp *http.Response) (answer T, err error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer, fmt.Errorf("read the node's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return answer, decodeError(resp.StatusCode, body)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, fmt.Errorf("understand the node's answer: %w", err)
	}
	return answer, nil
}
