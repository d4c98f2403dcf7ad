package cli

import (
	"context"
	"io"
	"log/slog"
	"time"

	"tally/cardreader/profile"
	"tally/cmd/internal/cli/accountcsv"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/counter"
)

// Env is the world of one command: its streams, its environment and its arguments without the program's name.
type Env struct {
	Args   []string
	In     io.Reader
	Out    io.Writer // data
	Err    io.Writer // messages
	Getenv func(string) string
}

// TallydDeps is what tallyd's commands are made of.
type TallydDeps struct {
	// Run runs a node until ctx ends and returns nil then. It writes to nothing but log. An error wrapping ErrConfig is
	// a fault of the config that only the start could find.
	Run func(ctx context.Context, n config.Node, log *slog.Logger) error
	// Demo runs the demonstration until ctx ends.
	Demo func(ctx context.Context, o DemoOptions) error
	// AddOperator stores a new operator in the ledger of a stopped node. It returns an error wrapping NameTaken,
	// WeakPassword or NodeRunning (a daemon holds the ledger) when it refuses.
	AddOperator func(ctx context.Context, n config.Node, op NewOperator) error
	// ImportAccounts brings the customers of a sheet into the ledger of a stopped node, all or none; a dry run stores
	// nothing and counts what would be. What the ledger has against a row is accountcsv.Problems; a daemon that holds
	// the ledger is NodeRunning.
	ImportAccounts func(ctx context.Context, n config.Node, s accountcsv.Sheet, dryRun bool) (Imported, error)
	// Check verifies a data folder or a backup that no process uses. An error wrapping NodeRunning says that one does.
	Check func(ctx context.Context, dir string) (control.Checked, error)
	// Restore makes the data folder of a node out of a backup. An error wrapping ErrRefused says why it does not.
	Restore func(ctx context.Context, n config.Node, backup string) error
	// CardDigits is how many decimal digits a card number of the node's card profile has.
	CardDigits func(config.Cards) (int, error)
	// Known lists what configs may name: meter models and card profiles.
	Known config.Known
	// Now is the time; nil for time.Now.
	Now func() time.Time
}

// Imported counts what an import did with its accounts.
type Imported struct {
	Added, Changed, Same int
}

// DemoOptions is what `tallyd demo` was asked for.
type DemoOptions struct {
	Dir    string // where the demo keeps its data, absolute
	Listen string // host:port of the page
	Fresh  bool   // throw old data away first
	Lang   string // "zh" or "en"
	Out    io.Writer
	Log    *slog.Logger
}

// NewOperator is somebody who shall be able to log in.
type NewOperator struct {
	Name     string
	Display  string // as on receipts; the name when not given
	No       uint16 // as in the card's write stamp
	Role     counter.Role
	Password config.Secret
}

// TallyDeps is what the technician's commands are made of.
type TallyDeps struct {
	// Cards reads cards through PC/SC when no daemon runs on this machine, by the layout that is named, or by the one that
	// fits when it is nil. A card that the named one does not fit comes with its bytes beside the error. close ends it.
	Cards func(ctx context.Context, layout *profile.Profile) (cards control.Cards, close func() error, err error)
	Known config.Known
	// Bench opens lines and meters on this machine.
	Bench Bench
	// Socket is where a node's control socket usually lies; empty for the platform's place.
	Socket string
	// Now is the time; nil for time.Now.
	Now func() time.Time
}

// now is the time of the machine unless a test turns it.
func (d TallyDeps) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}
