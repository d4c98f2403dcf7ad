package control

import (
	"context"
	"net/http"
	"time"

	"tally/meter"
)

// Ledgers is what the node knows of its meters' days. A Node that watches meters is one too.
type Ledgers interface {
	// Ledgers lists the daily ledger of every meter, by line and in the order of the config.
	Ledgers(ctx context.Context) ([]MeterLedger, error)
}

// MeterLedger is the daily ledger of one meter, and what is going on with it. Amounts are decimals in Unit.
type MeterLedger struct {
	Meter     meter.ID    `json:"meter"`
	Line      string      `json:"line"`
	Class     string      `json:"class"`
	Large     bool        `json:"large"` // a large customer's
	Unit      string      `json:"unit"`
	Days      []LedgerDay `json:"days"`      // whole days, oldest first
	Mean      string      `json:"mean"`      // of them; empty when there are fewer than a week
	Deviation string      `json:"deviation"` // standard deviation
	Today     string      `json:"today"`     // since the last freeze; empty when nobody can say
	Going     []GoingOn   `json:"going_on"`
}

// LedgerDay is what was used on one local day.
type LedgerDay struct {
	Day  string `json:"day"` // 2006-01-02
	Used string `json:"used"`
	Flag string `json:"flag"` // high, low, none; empty for an ordinary day
}

// GoingOn is an event that has begun and not ended.
type GoingOn struct {
	Kind  string    `json:"kind"`
	Since time.Time `json:"since"`
}

// ledgerRoutes adds what is asked of Ledgers.
func ledgerRoutes(mux *http.ServeMux, s server) {
	mux.HandleFunc("GET /v1/ledgers", route(s, func(r *http.Request) ([]MeterLedger, error) {
		l, ok := s.node.(Ledgers)
		if !ok {
			return nil, &Error{Code: CodeNoLedger, Message: "this node keeps no ledger"}
		}
		all, err := l.Ledgers(r.Context())
		for i := range all {
			all[i].Days, all[i].Going = list(all[i].Days), list(all[i].Going)
		}
		return list(all), err
	}))
}

var _ Ledgers = (*Client)(nil)

// Ledgers implements Ledgers.
func (c *Client) Ledgers(ctx context.Context) ([]MeterLedger, error) {
	return ask[[]MeterLedger](ctx, c, snapshotTime, http.MethodGet, "/v1/ledgers")
}
