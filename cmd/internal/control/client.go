package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"time"

	"tally/meter"
)

// Client is the other side of the door; it is a Node. Its errors match ErrNoNode, ErrNotAllowed or
// context.DeadlineExceeded (a node that hangs), or are *Error.
type Client struct {
	http *http.Client
	path string
}

// NewClient speaks to the daemon at a socket. It connects when it is used; Close lets go of idle connections.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{&http.Client{Transport: &http.Transport{DialContext: dial}}, path}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status implements Node.
func (c *Client) Status(ctx context.Context) (NodeStatus, error) {
	return ask[NodeStatus](ctx, c, snapshotTime, http.MethodGet, "/v1/status")
}

// Readers implements Node.
func (c *Client) Readers(ctx context.Context) ([]Reader, error) {
	return ask[[]Reader](ctx, c, snapshotTime, http.MethodGet, "/v1/readers")
}

// Card implements Node.
func (c *Client) Card(ctx context.Context, reader string) (Card, error) {
	return ask[Card](ctx, c, cardTime, http.MethodGet, "/v1/card?reader="+url.QueryEscape(reader))
}

// Meters implements Node.
func (c *Client) Meters(ctx context.Context) ([]Meter, error) {
	return ask[[]Meter](ctx, c, snapshotTime, http.MethodGet, "/v1/meters")
}

// MeterRead implements Node.
func (c *Client) MeterRead(ctx context.Context, id meter.ID) (meter.Reading, error) {
	return ask[meter.Reading](ctx, c, meterTime, http.MethodPost, "/v1/meters/"+url.PathEscape(string(id))+"/read")
}

// How long a client waits for a node, so that one that hangs is told from one that works. A meter may have to wait for
// the line, for its retries and for its own timeout of up to a minute.
const (
	snapshotTime = 10 * time.Second
	cardTime     = 30 * time.Second
	meterTime    = 3 * time.Minute
)

// maxAnswer bounds what a client reads; a node of 2 000 meters says less than half of it.
const maxAnswer = 8 << 20

func ask[T any](ctx context.Context, c *Client, limit time.Duration, method, path string) (answer T, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://tallyd"+path, nil)
	if err != nil {
		return answer, fmt.Errorf("ask node: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer, c.unreachable(err)
	}
	defer resp.Body.Close()
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

func decodeError(status int, body []byte) error {
	var e Error
	if err := json.Unmarshal(body, &e); err != nil || e.Code == "" {
		return &Error{Code: CodeOtherVersion, Message: fmt.Sprintf("the node answered with HTTP status %d", status)}
	}
	return &e
}

// unreachable classifies what went wrong before there was an answer.
func (c *Client) unreachable(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist) || isRefused(err):
		return fmt.Errorf("%s: %w", c.path, ErrNoNode)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w", c.path, ErrNotAllowed)
	}
	return fmt.Errorf("ask node: %w", err)
}
