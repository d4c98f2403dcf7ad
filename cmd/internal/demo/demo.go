package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tally/cardreader/cardsim"
	"tally/cmd/internal/centre"
	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/cmd/internal/daemon"
	"tally/cmd/internal/unit"
	"tally/counter/web"
	"tally/meter/metersim"
)

// Names in the demo.
const (
	nodeName   = "demo-hall"
	centreName = "demo-centre"
)

// grace is what each of the demo's big parts may take to stop; together they stay below five seconds because only one
// of them ever has work under way.
const grace = 4 * time.Second

// Demo is the whole house in one process.
type Demo struct {
	log    *slog.Logger
	broker *broker
	centre *centre.Centre
	wires  []*wire
	node   *daemon.Node
}

// NodeDir and CentralDB say where the demo's files lie.
func NodeDir(dir string) string { return filepath.Join(dir, "node") }

// CentralDB is the centre's SQLite file.
func CentralDB(dir string) string { return filepath.Join(dir, "central", "central.db") }

func benchDir(dir string) string { return filepath.Join(dir, "bench") }

// Run runs the demo until ctx ends and says on o.Out where it is.
func Run(ctx context.Context, o cli.DemoOptions, version string) error {
	if o.Fresh {
		if err := clean(ctx, o.Dir); err != nil {
			return err
		}
	}
	d, err := New(ctx, o, version)
	if err != nil {
		return daemon.Mark(err)
	}
	sayWhere(o.Out, o.Lang, d.node.URL())
	return d.Run(ctx)
}

func sayWhere(w io.Writer, lang, url string) {
	if lang == "zh" {
		fmt.Fprintf(w, "tally 演示：%s  登录 %s / %s  （Ctrl-C 停止）\n", url, demoUser, demoPassword)
		return
	}
	fmt.Fprintf(w, "tally demo: %s  login %s / %s  (Ctrl-C stops it)\n", url, demoUser, demoPassword)
}

// clean throws away what an earlier demo left in dir, and nothing else that may lie there.
func clean(ctx context.Context, dir string) error {
	client := control.NewClient(filepath.Join(NodeDir(dir), config.SocketName))
	defer client.Close()
	// One that is too busy to answer in time runs as well: only where nobody listens there is none.
	if _, err := client.Status(ctx); !errors.Is(err, control.ErrNoNode) {
		return errors.Join(fmt.Errorf("a demo runs on %s; stop it before starting afresh", dir), err)
	}
	for _, part := range []string{NodeDir(dir), filepath.Dir(CentralDB(dir)), benchDir(dir)} {
		if err := os.RemoveAll(part); err != nil {
			return fmt.Errorf("throw the old demo away: %w", err)
		}
	}
	return nil
}

// New opens everything. Whatever fails leaves nothing open.
func New(ctx context.Context, o cli.DemoOptions, version string) (*Demo, error) {
	for _, dir := range []string{NodeDir(o.Dir), filepath.Dir(CentralDB(o.Dir)), benchDir(o.Dir)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the demo's folder: %w", err)
		}
	}
	d := &Demo{log: o.Log}
	nodePass, centrePass := config.NewSecret(rand.Text()), config.NewSecret(rand.Text())
	var err error
	if d.broker, err = newBroker(nodeName, nodePass, centreName, centrePass, o.Log); err != nil {
		return nil, err
	}
	d.centre, err = centre.New(ctx, config.Central{
		ID: centreName, Database: CentralDB(o.Dir), Uplink: d.broker.uplink(centreName, centrePass),
	}, o.Log)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	if err := d.openNode(ctx, o, nodePass, version); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// openNode opens the simulated world and the node on it.
func (d *Demo) openNode(ctx context.Context, o cli.DemoOptions, pass config.Secret, version string) error {
	src := cardsim.NewSource(readerName)
	bench, born, err := openBench(benchDir(o.Dir), src, time.Now)
	if err != nil {
		return err
	}
	for _, riser := range []func(born, now time.Time, openPTY func() (*metersim.PTY, error)) (*wire, error){newGasRiser, newWaterRiser} {
		w, err := riser(born, time.Now(), metersim.OpenPTY)
		if err != nil {
			return err
		}
		d.wires = append(d.wires, w)
	}
	cards, err := cardsConfig(benchDir(o.Dir))
	if err != nil {
		return err
	}
	uplink := d.broker.uplink(nodeName, pass)
	d.node, err = daemon.New(ctx, config.Node{
		Name: nodeName, DataDir: NodeDir(o.Dir), HTTP: config.HTTP{Listen: o.Listen},
		Counter: config.Counter{Enabled: true, Station: station, StationNo: 1, Region: region, Tariffs: tariffs},
		Cards:   cards,
		Lines:   d.lines(),
		Uplink:  &uplink,
	}, daemon.Parts{
		Version: version, Source: src, Bench: bench, Demo: &web.DemoLogin{Name: demoUser, Password: demoPassword}, Seed: seed,
	}, o.Log)
	return err
}

func (d *Demo) lines() (lines []config.Line) {
	for _, w := range d.wires {
		lines = append(lines, w.config())
	}
	return lines
}

// Node is the demo's node.
func (d *Demo) Node() *daemon.Node { return d.node }

// Run runs everything until ctx ends. The node stops first, so that what it has just committed may still travel.
func (d *Demo) Run(ctx context.Context) error {
	units := []unit.Unit{{Name: "broker", Run: d.broker.Run}, {Name: "centre", Run: d.centre.Run}}
	for _, w := range d.wires {
		units = append(units, unit.Unit{Name: "meters of " + w.line.Name, Run: w.Run})
	}
	return unit.Run(ctx, d.log, grace, append(units, unit.Unit{Name: "node", Run: d.node.Run}))
}

// close gives up what New opened before it failed.
func (d *Demo) close() error {
	var errs []error
	for _, w := range d.wires {
		errs = append(errs, w.Close())
	}
	if d.centre != nil {
		errs = append(errs, d.centre.Close())
	}
	return errors.Join(append(errs, d.broker.srv.Close())...)
}
