package control

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// silent is a node that accepts a question and never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestNodeThatHangs: every question ends, at its own time.
func TestNodeThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Client{http: &http.Client{Transport: silent{}}, path: "s"}
		for _, tt := range []struct {
			ask  func(context.Context) error
			want time.Duration
		}{
			{func(ctx context.Context) error { _, err := c.Status(ctx); return err }, snapshotTime},
			{func(ctx context.Context) error { _, err := c.Readers(ctx); return err }, snapshotTime},
			{func(ctx context.Context) error { _, err := c.Meters(ctx); return err }, snapshotTime},
			{func(ctx context.Context) error { _, err := c.Card(ctx, ""); return err }, cardTime},
			{func(ctx context.Context) error { _, err := c.MeterRead(ctx, "1"); return err }, meterTime},
		} {
			start := time.Now()
			if err := tt.ask(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took != tt.want {
				t.Errorf("waited %s, want %s", took, tt.want)
			}
		}
	})
}
