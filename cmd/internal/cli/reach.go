package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/cmd/internal/fieldwork"
	"tally/meter"
	"tally/meter/line"
	"tally/meter/portlist"
)

// Bench opens lines and meters on this machine.
type Bench interface {
	// Opener opens the line; nothing is opened before it is called.
	Opener(config.Line) line.Opener
	// Options are those of the line.
	Options(config.Line) line.Options
	// Meter puts a driver on a line. The line is used, not owned.
	Meter(*line.Line, config.Line, config.Meter) (fieldwork.Meter, error)
	// Ports lists the serial ports, without opening one.
	Ports() ([]portlist.Port, error)
	// Holders tells which processes have a port open, as far as this user may know.
	Holders(path string) []portlist.Process
}

// way is how a command gets to a line: through the node that owns it, or by opening it.
type way struct {
	app    *app
	bench  Bench
	client *control.Client
	cfg    config.Line
	node   string // name of the line at the node; empty when the command opens it
}

// opener opens the line as its owner has it.
func (w way) opener() line.Opener {
	if w.node != "" {
		return w.client.Borrow(w.node)
	}
	open := w.bench.Opener(w.cfg)
	return func(ctx context.Context) (line.Conn, error) {
		c, err := open(ctx)
		if err != nil && w.cfg.Kind == config.KindSerial {
			if held := holders(w.bench.Holders(w.cfg.Port)); held != "" {
				return nil, fmt.Errorf("%w; %s", err, held)
			}
		}
		return c, err
	}
}

// holders names processes in a technical message: those that keep others out, or else all.
func holders(all []portlist.Process) string {
	if slices.ContainsFunc(all, func(p portlist.Process) bool { return p.Locked }) {
		all = slices.DeleteFunc(slices.Clone(all), func(p portlist.Process) bool { return !p.Locked })
	}
	var names []string
	for _, p := range all {
		names = append(names, strings.TrimSpace(fmt.Sprintf("process %d %s", p.PID, p.Name)))
	}
	if len(names) == 0 {
		return ""
	}
	return "held by " + strings.Join(names, ", ")
}

// line makes the line with these options. The caller closes it.
func (w way) line(o line.Options) *line.Line {
	if w.node != "" {
		return line.New(w.node, w.opener(), o)
	}
	return line.New(w.cfg.Name, w.opener(), o)
}

// where is the line for people and for the audit file.
func (w way) where() string {
	if w.node != "" {
		return w.node
	}
	if w.cfg.Kind == config.KindTCP {
		return "tcp://" + w.cfg.Address
	}
	return w.cfg.Port
}

// reach finds the way to a line. Where a node runs that owns the port, or knows a line of that name, the way leads through
// it; what the flags leave open is then as the node has it. The caller closes the client.
func (a *app) reach(c *cobra.Command, d door, m direct, deps TallyDeps) (way, direct, error) {
	client, _ := a.client(d)
	w := way{app: a, bench: deps.Bench, client: client}
	owned, err := ownerOf(c.Context(), client, m.port)
	if err != nil {
		client.Close()
		return w, m, err
	}
	if owned != nil {
		m = fromNode(m, *owned)
		w.node = owned.Name
	}
	if w.cfg, err = a.directWire(c, m); err != nil {
		client.Close()
		return w, m, err
	}
	if owned != nil {
		a.say("the node has %s; going through it (line %s)", "%s 由节点占用；经节点访问（线路 %s）", plain(owned.Where), plain(owned.Name))
		w.cfg.Baud, w.cfg.Parity, w.cfg.StopBits = owned.Baud, owned.Parity, owned.StopBits
	}
	return w, m, nil
}

// ownerOf returns the node's line that a port is, or nil. That no node runs is no error, whatever was named.
func ownerOf(ctx context.Context, client *control.Client, port string) (*control.Line, error) {
	lines, err := client.Lines(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if e, ok := errors.AsType[*control.Error](err); errors.Is(err, control.ErrNoNode) || ok && e.Code == control.CodeNotFound {
			return nil, nil
		}
		return nil, err
	}
	for _, l := range lines {
		if l.Name == port || l.Where == strings.TrimPrefix(port, "tcp://") || samePort(l.Where, port) {
			return &l, nil
		}
	}
	return nil, nil
}

// samePort tells whether two paths are one device: by-id names are links.
func samePort(a, b string) bool {
	ra, erra := filepath.EvalSymlinks(a)
	rb, errb := filepath.EvalSymlinks(b)
	return erra == nil && errb == nil && ra == rb
}

// fromNode fills in what the flags leave open.
func fromNode(m direct, l control.Line) direct {
	m.port = l.Where
	if l.Kind == config.KindTCP {
		m.port = "tcp://" + l.Where
	}
	if m.protocol == "" {
		m.protocol = l.Protocol
	}
	if m.baud == 0 {
		m.baud = l.Baud
	}
	if m.parity == "" {
		m.parity = l.Parity
	}
	if m.utcOffset == "" {
		m.utcOffset = l.Offset
	}
	return m
}

// target is the meter that a command is about.
type target interface {
	// Do carries an act out; a change is sent at most once.
	Do(ctx context.Context, a fieldwork.Act) (fieldwork.Result, error)
	// Read reads the meter now.
	Read(ctx context.Context) (meter.Reading, error)
	// Number is what somebody has to type.
	Number() meter.ID
	// Where is its line, and whether that is a node's.
	Where() (place string, node bool)
}

// nodeMeter is a configured meter of the node.
type nodeMeter struct {
	client *control.Client
	id     meter.ID
}

func (n nodeMeter) Do(ctx context.Context, a fieldwork.Act) (fieldwork.Result, error) {
	return n.client.MeterDo(ctx, n.id, a)
}
func (n nodeMeter) Read(ctx context.Context) (meter.Reading, error) {
	return n.client.MeterRead(ctx, n.id)
}
func (n nodeMeter) Number() meter.ID { return n.id }

// Where asks the node for the meter's line; a node that does not say is "node".
func (n nodeMeter) Where() (string, bool) {
	lines, err := n.client.Lines(context.Background())
	if err != nil {
		return "node", true
	}
	for _, l := range lines {
		for _, m := range l.Meters {
			if m.ID == n.id {
				return l.Name, true
			}
		}
	}
	return "node", true
}

// lineMeter is a meter on a line that the command opened or borrowed.
type lineMeter struct {
	way   way
	line  *line.Line
	meter fieldwork.Meter
	deps  TallyDeps
}

func (l lineMeter) Do(ctx context.Context, a fieldwork.Act) (fieldwork.Result, error) {
	return fieldwork.Do(ctx, l.meter, a, l.deps.now)
}
func (l lineMeter) Read(ctx context.Context) (meter.Reading, error) {
	return l.meter.Driver.Read(line.WithPriority(ctx, line.Interactive))
}
func (l lineMeter) Number() meter.ID      { return l.meter.Number }
func (l lineMeter) Where() (string, bool) { return l.way.where(), l.way.node != "" }

// which are the flags and arguments that name a meter.
type which struct {
	door   door
	direct direct
}

// whichFlags adds the flags of commands about one meter.
func (a *app) whichFlags(c *cobra.Command, w *which, deps TallyDeps) {
	a.doorFlags(c, &w.door, deps.Socket)
	a.directFlags(c, &w.direct)
}

// withMeter finds the meter that is meant and gives it to do. A number names a meter of the node, --port one on a line.
func (a *app) withMeter(c *cobra.Command, w which, deps TallyDeps, args []string, do func(target) error) (err error) {
	switch {
	case w.direct.port != "" && len(args) > 0:
		return a.usage(c, "name a meter or a --port, not both", "请指定表号或 --port，不能同时指定")
	case w.direct.port == "" && len(args) == 0:
		return a.usage(c, "name a meter, or a line with --port", "请指定表号，或用 --port 指定线路")
	case w.direct.port == "":
		if err := a.noPort(c, w.direct); err != nil {
			return err
		}
		client, _ := a.client(w.door)
		defer client.Close()
		return do(nodeMeter{client, meter.ID(args[0])})
	}
	path, m, err := a.reach(c, w.door, w.direct, deps)
	if err != nil {
		return err
	}
	defer path.client.Close()
	cfg, err := a.directLine(c, m, deps.Known)
	if err != nil {
		return err
	}
	one := cfg.Meters[0]
	if path.node != "" { // the line is the node's; the meter may want another speed
		one.Baud, one.Parity, one.StopBits = cfg.Baud, cfg.Parity, cfg.StopBits
	}
	l := path.line(path.bench.Options(path.cfg))
	defer func() { err = errors.Join(err, l.Close()) }()
	driver, err := path.bench.Meter(l, path.cfg, one)
	if err != nil {
		return err
	}
	return do(lineMeter{path, l, driver, deps})
}

// notSent tells whether an error proves that nothing was sent: no node took the question.
func notSent(err error) bool {
	if errors.Is(err, control.ErrNoNode) || errors.Is(err, control.ErrNotAllowed) {
		return true
	}
	e, ok := errors.AsType[*control.Error](err)
	return ok && (e.Code == control.CodeNotFound || e.Code == control.CodeBadRequest || e.Code == control.CodeOtherVersion)
}
