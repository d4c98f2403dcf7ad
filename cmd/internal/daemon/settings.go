package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"tally/counter"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// Settings is what the centre may change of a node; what is nil is as the config says.
type Settings struct {
	Broker   *string `json:"broker,omitempty"`    // tcp://host:port or ssl://host:port, with the same scheme as the config's
	MaxRate  *int    `json:"max_rate,omitempty"`  // readings a second at most while a backlog drains; 0: no limit
	LogLevel *string `json:"log_level,omitempty"` // debug, info, warn, error
}

// settingsKept is what the ledger keeps.
type settingsKept struct {
	Confirmed Settings  `json:"confirmed"`
	Trial     *trial    `json:"trial,omitempty"`
	Rejected  *Settings `json:"rejected,omitempty"` // cut the node off when they were tried last
}

// trial are settings that the centre has not been reached with yet.
type trial struct {
	Version  uint64   `json:"version"`
	Settings Settings `json:"settings"`
	Starts   int      `json:"starts"` // of the node since they came
}

const settingsState = "settings"

// usualTrial is how long settings are on trial when the config does not say.
const usualTrial = 10 * time.Minute

// maxStarts is how often a node may start with settings on trial: one that does not live long enough to find out whether
// they cut it off goes back to the earlier ones.
const maxStarts = 3

// settings holds those of now. apply is called whenever they change; it must not block.
type settings struct {
	store  *storage.Store
	config string // the broker of the config
	apply  func(Settings)
	within time.Duration
	acked  func() uint64 // how far the centre has the stream ev
	log    *slog.Logger

	mu    sync.Mutex
	kept  settingsKept
	fresh chan struct{} // a trial has begun
}

func newSettings(store *storage.Store, broker string, within time.Duration, apply func(Settings), log *slog.Logger) *settings {
	q := store.Queue(contract.Ev)
	if within <= 0 { // a config that was made in the program
		within = usualTrial
	}
	return &settings{store: store, config: broker, within: within, apply: apply, log: log, fresh: make(chan struct{}, 1),
		acked: func() uint64 { return q.State().Acked }}
}

// load brings the settings back after a start and applies them.
func (s *settings) load(ctx context.Context) error {
	var k settingsKept
	if err := s.store.LoadState(ctx, settingsState, &k); err != nil && !errors.Is(err, counter.ErrNotFound) {
		return err
	}
	if k.Trial != nil {
		if k.Trial.Starts++; k.Trial.Starts > maxStarts {
			return s.end(ctx, k, contract.TypeSettingsRolledBack, fmt.Sprintf("the node was started %d times and did not reach the centre", maxStarts))
		}
		if err := s.save(ctx, k); err != nil {
			return err
		}
		s.begun()
	}
	s.set(k)
	return nil
}

func (s *settings) save(ctx context.Context, k settingsKept, drafts ...outbox.Draft) error {
	return s.store.UpdateState(ctx, func(tx storage.StateTx) error {
		for _, d := range drafts {
			if err := tx.Emit(d); err != nil {
				return err
			}
		}
		return tx.SaveState(settingsState, k)
	})
}

// set makes k those of now.
func (s *settings) set(k settingsKept) {
	s.mu.Lock()
	s.kept = k
	s.mu.Unlock()
	s.apply(k.now())
}

func (k settingsKept) now() Settings {
	if k.Trial != nil {
		return k.Trial.Settings
	}
	return k.Confirmed
}

func (s *settings) now() settingsKept {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept
}

func (s *settings) begun() {
	select {
	case s.fresh <- struct{}{}:
	default:
	}
}

// propose reads the part of a desired state; nil when it changes nothing. What is not in it is as in the settings of now.
func (s *settings) propose(version uint64, raw json.RawMessage) (*settingsKept, error) {
	k := s.now()
	next := k.now().clone() // decoding writes through pointers that are there already
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&next); err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	if err := next.check(s.config); err != nil {
		return nil, err
	}
	if next.equal(k.now()) {
		return nil, nil
	}
	if k.Rejected != nil && next.equal(*k.Rejected) {
		return nil, errors.New("the node did not reach the centre with these settings when it tried them")
	}
	k.Trial = &trial{Version: version, Settings: next}
	return &k, nil
}

func (v Settings) check(config string) error {
	if v.Broker != nil {
		scheme, address, _ := strings.Cut(*v.Broker, "://")
		host, port, err := net.SplitHostPort(address)
		if err != nil || host == "" || port == "" || strings.ContainsAny(address, "/@ ") {
			return errors.New("broker is not tcp://host:port or ssl://host:port")
		}
		if was, _, _ := strings.Cut(config, "://"); scheme != was {
			return fmt.Errorf("broker with %s:// where the configuration has %s://: encryption is a matter of the configuration", scheme, was)
		}
	}
	if v.MaxRate != nil && (*v.MaxRate < 0 || *v.MaxRate > 1_000_000) {
		return errors.New("max_rate is not 0 to 1000000")
	}
	if v.LogLevel != nil && !slices.Contains([]string{"debug", "info", "warn", "error"}, *v.LogLevel) {
		return errors.New("log_level is not debug, info, warn or error")
	}
	return nil
}

func (v Settings) clone() Settings {
	return Settings{copied(v.Broker), copied(v.MaxRate), copied(v.LogLevel)}
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

func (v Settings) equal(o Settings) bool {
	return same(v.Broker, o.Broker) && same(v.MaxRate, o.MaxRate) && same(v.LogLevel, o.LogLevel)
}

func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// try applies settings that are durable as a trial already.
func (s *settings) try(k settingsKept) {
	s.set(k)
	s.begun()
}

// run ends trials: the centre's word for a record that was made under the new settings confirms them, and without it the
// earlier ones come back when the time is over. Restarts count, so that a node that is switched off and on does not
// stay cut off either.
func (s *settings) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.fresh:
		}
		k := s.now()
		if k.Trial == nil {
			continue
		}
		note := contract.SettingsNote{Version: k.Trial.Version}
		if err := s.save(ctx, k, s.draft(contract.TypeSettingsTrial, note)); err != nil {
			s.log.Warn("trial of settings is not on record", "err", err)
		}
		if s.reached(ctx, s.store.Queue(contract.Ev).State().Next-1) {
			s.finish(ctx, k, contract.TypeSettingsConfirmed, "")
		} else if ctx.Err() == nil && s.stillTrying(k) {
			s.finish(ctx, k, contract.TypeSettingsRolledBack, fmt.Sprintf("the centre was not reached with them within %s", s.within))
		}
	}
}

func (s *settings) stillTrying(k settingsKept) bool {
	now := s.now()
	return now.Trial != nil && now.Trial.Version == k.Trial.Version
}

// reached waits until the centre has record seq of ev; false when the time is over, ctx ends or newer settings have come.
func (s *settings) reached(ctx context.Context, seq uint64) bool {
	deadline := time.NewTimer(s.within)
	defer deadline.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for s.acked() < seq {
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		case <-s.fresh:
			s.begun()
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// finish ends a trial, and tries again while the ledger cannot store that.
func (s *settings) finish(ctx context.Context, k settingsKept, how, why string) {
	for {
		err := s.end(ctx, k, how, why)
		if err == nil || ctx.Err() != nil {
			return
		}
		s.log.Warn("end of the trial of settings is not on record yet", "err", err)
		select {
		case <-time.After(10 * time.Second):
		case <-ctx.Done():
			return
		}
	}
}

func (s *settings) end(ctx context.Context, k settingsKept, how, why string) error {
	note := contract.SettingsNote{Version: k.Trial.Version, Why: why}
	next := settingsKept{Confirmed: k.Confirmed, Rejected: &k.Trial.Settings}
	if how == contract.TypeSettingsConfirmed {
		next = settingsKept{Confirmed: k.Trial.Settings}
	}
	if err := s.save(ctx, next, s.draft(how, note)); err != nil {
		return err
	}
	s.log.Info("settings of the centre", "version", note.Version, "outcome", how, "why", why)
	if how == contract.TypeSettingsConfirmed {
		s.mu.Lock()
		s.kept = next
		s.mu.Unlock()
		return nil
	}
	s.set(next)
	return nil
}

func (s *settings) draft(typ string, note contract.SettingsNote) outbox.Draft {
	return outbox.Draft{Stream: contract.Ev, Type: typ, ID: fmt.Sprintf("settings/%d", note.Version), Body: note}
}
