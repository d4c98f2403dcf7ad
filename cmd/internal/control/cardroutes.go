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

	"tally/cardreader/purse"
)

// MaxOrders bounds how many orders of a card are listed.
const MaxOrders = 500

// lookTime bounds how long a node may take to read a card again and to resolve what it proves.
const lookTime = time.Minute

// cardRoutes adds what is asked of a CardBook and a CardWatcher.
func cardRoutes(mux *http.ServeMux, s server) {
	mux.HandleFunc("GET /v1/cards/{card}/orders", route(s, func(r *http.Request) ([]CardOrder, error) {
		book, err := s.book()
		if err != nil {
			return nil, err
		}
		card, err := ParseCardID(r.PathValue("card"))
		if err != nil {
			return nil, &Error{Code: CodeBadRequest, Message: err.Error()}
		}
		n, err := strconv.Atoi(r.URL.Query().Get("n"))
		if err != nil || n < 1 || n > MaxOrders {
			n = MaxOrders
		}
		l, err := book.CardOrders(r.Context(), card, n)
		return list(l), err
	}))
	mux.HandleFunc("GET /v1/orders/open", route(s, func(r *http.Request) ([]CardOrder, error) {
		book, err := s.book()
		if err != nil {
			return nil, err
		}
		l, err := book.OpenOrders(r.Context())
		return list(l), err
	}))
	mux.HandleFunc("POST /v1/card/look", route(s, func(r *http.Request) (struct{}, error) {
		book, err := s.book()
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, book.LookAgain(r.Context(), r.URL.Query().Get("reader"))
	}))
	mux.HandleFunc("GET /v1/cards/watch", s.watchCards)
}

func (s server) book() (CardBook, error) {
	if b, ok := s.node.(CardBook); ok {
		return b, nil
	}
	return nil, &Error{Code: CodeNoCards, Message: "this node keeps no orders"}
}

// watchCards streams events as JSON lines until the client goes away or the door closes.
func (s server) watchCards(w http.ResponseWriter, r *http.Request) {
	watcher, ok := s.node.(CardWatcher)
	if !ok {
		s.fail(w, r, &Error{Code: CodeNoCards, Message: "this node has no readers"})
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	if err := out.Flush(); err != nil {
		s.log.Debug("control client went away", "err", err)
		return
	}
	enc := json.NewEncoder(w)
	err := watcher.WatchCards(r.Context(), func(e CardEvent) error {
		if err := enc.Encode(e); err != nil {
			return err
		}
		return out.Flush()
	})
	if err != nil {
		s.log.Debug("watch of the readers ended", "err", err)
	}
}

// ParseCardID reads "0571-00001234".
func ParseCardID(s string) (purse.CardID, error) {
	region, no, ok := strings.Cut(s, "-")
	n, err := strconv.ParseUint(region, 16, 16)
	if !ok || err != nil || len(region) != 4 || no == "" || len(no) > 20 || strings.Trim(no, "0123456789") != "" {
		return purse.CardID{}, fmt.Errorf("%q is no card: want REGION-NUMBER as in 0571-00001234", clip(s))
	}
	return purse.CardID{Region: uint16(n), No: no}, nil
}

func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// CardOrders implements CardBook.
func (c *Client) CardOrders(ctx context.Context, card purse.CardID, n int) ([]CardOrder, error) {
	return ask[[]CardOrder](ctx, c, snapshotTime, http.MethodGet, "/v1/cards/"+url.PathEscape(card.String())+"/orders?n="+strconv.Itoa(n))
}

// OpenOrders implements CardBook.
func (c *Client) OpenOrders(ctx context.Context) ([]CardOrder, error) {
	return ask[[]CardOrder](ctx, c, snapshotTime, http.MethodGet, "/v1/orders/open")
}

// LookAgain implements CardBook.
func (c *Client) LookAgain(ctx context.Context, reader string) error {
	_, err := ask[struct{}](ctx, c, lookTime, http.MethodPost, "/v1/card/look?reader="+url.QueryEscape(reader))
	return err
}

// WatchCards implements CardWatcher.
func (c *Client) WatchCards(ctx context.Context, emit func(CardEvent) error) error {
	answer, err := c.stream(ctx, http.MethodGet, "/v1/cards/watch", nil)
	if err != nil {
		return err
	}
	defer answer.Close()
	lines := bufio.NewScanner(answer)
	for lines.Scan() {
		var e CardEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("understand the node's answer: %w", err)
		}
		if err := emit(e); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(ErrNodeEnded, lines.Err())
}

// stream asks for an answer that comes bit by bit; the caller closes it. It lasts as long as ctx does.
func (c *Client) stream(ctx context.Context, method, path string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://tallyd"+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask node: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the node's answer: %w", err)
	}
	return nil, decodeError(resp.StatusCode, text)
}

// ErrNodeEnded says that the node stopped while it was being watched.
var ErrNodeEnded = errors.New("the node stopped")
