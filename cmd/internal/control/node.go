package control

import (
	"context"
	"time"

	"tally/cardreader/purse"
	"tally/meter"
)

// Node is the daemon as the door sees it. All methods may be called from several goroutines; they end when their
// context does. An error that is or wraps an *Error is shown to the technician, any other is code internal.
type Node interface {
	// Status is a snapshot; it must not wait for a device.
	Status(ctx context.Context) (NodeStatus, error)
	Cards
	// Meters lists the configured meters with their last values, by line and in the order of the config.
	Meters(ctx context.Context) ([]Meter, error)
	// MeterRead asks the meter now, ahead of the schedule. The errors of package meter come through as their codes;
	// an unknown id is code CodeNotFound.
	MeterRead(ctx context.Context, id meter.ID) (meter.Reading, error)
}

// Cards is the reading of IC cards: by the daemon, or by the command itself when no daemon runs.
type Cards interface {
	// Readers lists the readers that are there, by name. When the smart-card service is away it says that instead of none.
	Readers(ctx context.Context) ([]Reader, error)
	// Card reads the card in a reader without changing it and without presenting a code. An empty name means the only
	// reader that has a card; CodeAmbiguous when there are several.
	Card(ctx context.Context, reader string) (Card, error)
}

// NodeStatus is how a node is. Lists are empty, not null, in JSON.
type NodeStatus struct {
	Node     string     `json:"node"`
	Version  string     `json:"version"`
	Epoch    string     `json:"epoch"`
	Boot     string     `json:"boot"`
	Started  time.Time  `json:"started"`
	UptimeS  int64      `json:"uptime_s"`
	Ready    bool       `json:"ready"`
	Problems []Problem  `json:"problems"` // what is not well, worst first; empty when all is well
	Readers  []Reader   `json:"readers"`
	Lines    []LineStat `json:"lines"`
	Uplink   Uplink     `json:"uplink"`
	Open     OpenOrders `json:"open_orders"`
	Disk     Disk       `json:"disk"`
}

// Problem is one thing that is not well.
type Problem struct {
	Code    string `json:"code"`    // stable, snake_case
	Subject string `json:"subject"` // what it is about: a reader, line, meter; empty for the node
	Message string `json:"message"` // English, for logs and for commands that do not know the code
}

// Reader is one card reader.
type Reader struct {
	Name string `json:"name"`
	Card string `json:"card"` // CardNone, CardPresent, CardMute
	ATR  string `json:"atr"`  // hex, empty without a card
}

// What lies in a reader.
const (
	CardNone    = "none"
	CardPresent = "present"
	CardMute    = "mute" // a card that does not answer, or a reader without memory-card support
)

// Card is a card that was read, with the customer it belongs to as far as this node knows.
type Card struct {
	Reader   string      `json:"reader"`
	ATR      string      `json:"atr"`
	State    purse.State `json:"state"`
	Customer *Customer   `json:"customer"` // nil when unknown or no daemon was asked
}

// Customer is an account with as little as a technician needs. The door masks the name before it sends it.
type Customer struct {
	No     string `json:"no"`
	Name   string `json:"name"`
	Meter  string `json:"meter"`
	Locked bool   `json:"locked"`
}

// LineStat is one line and how its meters are.
type LineStat struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Where    string `json:"where"` // port or address
	Open     bool   `json:"open"`
	Meters   int    `json:"meters"`
	Alive    int    `json:"alive"`
	Dead     int    `json:"dead"`
	Asked    uint64 `json:"asked"` // questions since the start
	Answered uint64 `json:"answered"`

	Down  bool      `json:"down,omitempty"` // nobody on it answers
	Since time.Time `json:"since,omitzero"` // since when it is down
	Next  time.Time `json:"next,omitzero"`  // when it is tried again; only while it is down
}

// Meter is one configured meter with its newest values.
type Meter struct {
	ID      meter.ID       `json:"id"`
	Line    string         `json:"line"`
	Model   string         `json:"model"`
	Dead    bool           `json:"dead"`
	Last    *meter.Reading `json:"last"`           // nil when there never was one
	Failure *meter.Failure `json:"failure"`        // newest failure when it is newer than Last
	Since   time.Time      `json:"since,omitzero"` // since when it is dead
	Next    time.Time      `json:"next,omitzero"`  // when it is asked again

	Valve meter.ValveState `json:"valve,omitempty"` // as the last command left it; unknown until it is read
}

// Uplink is the delivery to the central system.
type Uplink struct {
	Configured bool     `json:"configured"`
	Broker     string   `json:"broker"` // without credentials
	Connected  bool     `json:"connected"`
	Central    bool     `json:"central"` // the ingest says it is there
	Streams    []Stream `json:"streams"`

	CertificateEnds time.Time `json:"certificate_ends,omitzero"` // the node's own; zero without one
}

// Waiting sums what the centre has not committed.
func (u Uplink) Waiting() uint64 {
	var n uint64
	for _, s := range u.Streams {
		n += s.Waiting
	}
	return n
}

// Stream is how far one stream is.
type Stream struct {
	Name    string `json:"name"`
	Next    uint64 `json:"next"`
	Acked   uint64 `json:"acked"`
	Waiting uint64 `json:"waiting"`
}

// OpenOrders counts orders whose money is without an end.
type OpenOrders struct {
	InDoubt    int `json:"in_doubt"`
	Quarantine int `json:"quarantine"`
}

// Disk is the room where the data lie.
type Disk struct {
	Dir       string `json:"dir"`
	FreeBytes uint64 `json:"free_bytes"`
	UsedBytes uint64 `json:"used_bytes"` // by the node's own files
	SalesRoom bool   `json:"sales_room"` // a sale would fit
}

// Codes of problems that a node reports.
const (
	ProblemNotReady    = "not_ready"            // the message says why
	ProblemLedger      = "ledger_damaged"       // nothing can be sold until a backup is restored
	ProblemReadings    = "readings_set_aside"   // damaged segments lie in the data folder
	ProblemCertificate = "certificate_expiring" // the node's own, for the broker
	ProblemSettings    = "settings_on_trial"    // settings of the centre that it has not been reached with yet
	ProblemOrdersOpen  = "orders_open"          // card orders whose money is without an end
	ProblemCardService = "card_service"         // the smart-card service is not there, or does not let the node in
	ProblemLineLost    = "line_lost"
	ProblemLineDown    = "line_down" // nobody on it answers
	ProblemMetersDead  = "meters_dead"
	ProblemBrokerAway  = "broker_away"
	ProblemCentreAway  = "central_away"
)
