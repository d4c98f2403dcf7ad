// Package inbox makes what the centre commands happen once, even if it is delivered ten times, late or out of order,
// and never because of somebody else.
//
// A command is made durable as begun before it is carried out. What was begun when the node went down is answered with
// outcome unknown and not carried out again: whether a valve moved is for the person to find out who commanded it.
package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"tally/sync/contract"
)

// Standing is what a store knows of a command.
type Standing int

// Standings of a command.
const (
	Fresh Standing = iota + 1 // not seen before, and durable as begun from now on
	Seen                      // the counter or the id was used before, or is older than what is remembered
)

// Store remembers commands. Its methods may be called from several goroutines.
type Store interface {
	// Begin makes durable that c is begun and returns Fresh, once for each counter and each id. With Seen or an error
	// nothing is changed. At least the newest 1000 counters are remembered; what is older is Seen.
	Begin(ctx context.Context, c contract.Command) (Standing, error)

	// Finish makes r durable and gives it to the stream ev in the same transaction. Of a command that is finished
	// already nothing is changed.
	Finish(ctx context.Context, r contract.CommandResult) error

	// Open returns the commands that were begun and not finished.
	Open(ctx context.Context) ([]contract.Command, error)
}

// Handler carries out one type of command. It may return any result that can be marshalled. An error that matches
// ErrUnknown leaves the outcome unknown; any other says that nothing has changed.
type Handler func(ctx context.Context, c contract.Command) (result any, err error)

// ErrUnknown says that a command was begun and nobody knows how it ended.
var ErrUnknown = errors.New("outcome unknown")

// Config of an Inbox. Node, Keys and Handlers are needed.
type Config struct {
	Node     string
	Keys     func() contract.Keys // who may command; asked each time, so that keys can be replaced
	Handlers map[string]Handler   // by type of command

	// Desired gets each authentic desired state, also older ones and the same again: it keeps the version that it has
	// applied. Nil: none is wanted.
	Desired func(ctx context.Context, d contract.Desired) error

	Now        func() time.Time  // time.Now when nil
	ClockSound func() bool       // whether Now can be trusted; always when nil. Commands wait until it can: the centre repeats them
	OnAlarm    func(text string) // something came that must not come; must not block
	AtOnce     int               // commands carried out side by side; 4
}

// Inbox takes what the centre sends to one node.
type Inbox struct {
	cfg   Config
	store Store
	in    chan delivery
}

type delivery struct {
	topic   contract.Topic
	payload []byte
}

// New wires an inbox to its store.
func New(cfg Config, store Store) (*Inbox, error) {
	if err := contract.CheckNode(cfg.Node); err != nil {
		return nil, fmt.Errorf("set up inbox: %w", err)
	}
	if cfg.Keys == nil || store == nil {
		return nil, errors.New("set up inbox: no keys or no store")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.ClockSound == nil {
		cfg.ClockSound = func() bool { return true }
	}
	if cfg.OnAlarm == nil {
		cfg.OnAlarm = func(string) {}
	}
	if cfg.AtOnce <= 0 {
		cfg.AtOnce = 4
	}
	return &Inbox{cfg: cfg, store: store, in: make(chan delivery, 64)}, nil
}

// Take is for mqttlink.NodeConfig.Down. It never blocks: what finds no room is dropped, and the centre sends it again.
func (b *Inbox) Take(topic contract.Topic, payload []byte) {
	select {
	case b.in <- delivery{topic, payload}:
	default:
	}
}

// Run carries out commands until ctx ends, waits for those that are under way, and returns nil then. An error means
// that the store cannot say what was begun before; nothing is carried out then.
func (b *Inbox) Run(ctx context.Context) error {
	if err := b.settle(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	room := make(chan struct{}, b.cfg.AtOnce)
	for {
		select {
		case <-ctx.Done():
			return nil
		case d := <-b.in:
			c, ok := b.open(ctx, d)
			if !ok {
				continue
			}
			select {
			case room <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			wg.Go(func() {
				defer func() { <-room }()
				b.carryOut(ctx, c)
			})
		}
	}
}

// settle answers for what an earlier run left open.
func (b *Inbox) settle(ctx context.Context) error {
	open, err := b.store.Open(ctx)
	if err != nil {
		return fmt.Errorf("read open commands: %w", err)
	}
	for _, c := range open {
		r := answer(c, contract.Unknown, "the node went down while it was carried out")
		if err := b.store.Finish(ctx, r); err != nil {
			return fmt.Errorf("answer open command %s: %w", c.ID, err)
		}
	}
	return nil
}

// open returns an authentic command; a desired state goes its own way.
func (b *Inbox) open(ctx context.Context, d delivery) (contract.Command, bool) {
	var err error
	var c contract.Command
	switch d.topic.Kind {
	case contract.KindCmd:
		c, err = contract.OpenCommand(d.payload, b.cfg.Node, b.cfg.Keys())
	case contract.KindCfg:
		err = b.become(ctx, d.payload)
	default:
		err = fmt.Errorf("topic %s is none of the inbox", d.topic)
	}
	if err != nil {
		b.cfg.OnAlarm(err.Error())
	}
	return c, err == nil && d.topic.Kind == contract.KindCmd
}

func (b *Inbox) become(ctx context.Context, payload []byte) error {
	if b.cfg.Desired == nil || len(payload) == 0 { // an empty one only clears the broker's memory
		return nil
	}
	d, err := contract.OpenDesired(payload, b.cfg.Node, b.cfg.Keys())
	if err != nil {
		return err
	}
	return b.cfg.Desired(ctx, d)
}

func (b *Inbox) carryOut(ctx context.Context, c contract.Command) {
	if !b.cfg.ClockSound() { // nobody knows whether it has expired; nothing is begun, and the centre sends it again
		b.cfg.OnAlarm(fmt.Sprintf("command %s waits: the clock is not to be trusted", c.ID))
		return
	}
	standing, err := b.store.Begin(ctx, c)
	if err != nil {
		b.cfg.OnAlarm(fmt.Sprintf("command %s cannot be begun: %v", c.ID, err))
		return // nothing has happened; the centre sends it again
	}
	if standing != Fresh {
		return
	}
	r := b.result(ctx, c)
	// It has happened: the answer is kept even when the node is just going down.
	if err := b.store.Finish(context.WithoutCancel(ctx), r); err != nil {
		b.cfg.OnAlarm(fmt.Sprintf("result of command %s cannot be kept: %v", c.ID, err))
	}
}

func (b *Inbox) result(ctx context.Context, c contract.Command) contract.CommandResult {
	handler := b.cfg.Handlers[c.Type]
	switch {
	case handler == nil:
		return answer(c, contract.Unsupported, "")
	case !c.InTime(b.cfg.Now()):
		return answer(c, contract.NotInTime, "")
	}
	result, err := handler(ctx, c)
	if errors.Is(err, ErrUnknown) {
		return answer(c, contract.Unknown, err.Error())
	}
	if err != nil {
		return answer(c, contract.Failed, err.Error())
	}
	raw, err := json.Marshal(result)
	if err != nil || len(raw) > maxResult {
		return answer(c, contract.Done, "its result cannot be sent")
	}
	r := answer(c, contract.Done, "")
	r.Result = raw
	return r
}

// maxResult keeps a result within a record.
const maxResult = contract.MaxRecord - 4<<10

func answer(c contract.Command, outcome, text string) contract.CommandResult {
	if len(text) > 500 {
		text = text[:500]
	}
	return contract.CommandResult{Command: c.ID, Counter: c.Counter, Type: c.Type, Outcome: outcome, Text: text}
}
