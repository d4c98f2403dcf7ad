package daemon

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// trialRun is settings over a ledger, with a centre that is played by the test.
type trialRun struct {
	*settings
	store *storage.Store
	acked atomic.Uint64
	used  []string // brokers that were applied, in order
	stop  func()
}

func startSettings(t *testing.T, store *storage.Store) *trialRun {
	t.Helper()
	r := &trialRun{store: store}
	r.settings = newSettings(store, "tcp://old:1883", 10*time.Minute, func(s Settings) {
		b := "config"
		if s.Broker != nil {
			b = *s.Broker
		}
		r.used = append(r.used, b)
	}, quiet)
	r.settings.acked = r.acked.Load
	if err := r.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	return r
}

// push is what a desired state does with settings.
func (r *trialRun) push(t *testing.T, version uint64, raw string) {
	t.Helper()
	k, err := r.propose(version, json.RawMessage(raw))
	if err != nil || k == nil {
		t.Fatalf("proposed %v, %v", k, err)
	}
	if err := r.save(t.Context(), *k); err != nil {
		t.Fatal(err)
	}
	r.try(*k)
}

// evTypes lists what is on ev.
func evTypes(t *testing.T, s *storage.Store) []string {
	t.Helper()
	recs, err := s.Queue(contract.Ev).Read(t.Context(), 1, 1000, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, r := range recs {
		rec, err := contract.ParseRecord(r.Raw)
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, rec.Type)
	}
	return types
}

func wantUsed(t *testing.T, r *trialRun, want ...string) {
	t.Helper()
	if !slices.Equal(r.used, want) {
		t.Errorf("applied %v, want %v", r.used, want)
	}
}

const newBroker = `{"broker":"tcp://new:1883"}`

func TestSettingsAreConfirmedByTheCentresWordOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		store := storagetest.Open(t, dir, storage.Options{})
		r := startSettings(t, store)
		r.push(t, 7, newBroker)
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if r.now().Trial == nil {
			t.Fatal("confirmed without a word")
		}
		r.acked.Store(store.Queue(contract.Ev).State().Next - 1)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.stop()
		wantUsed(t, r, "config", "tcp://new:1883")
		if got := evTypes(t, store); !slices.Equal(got, []string{contract.TypeSettingsTrial, contract.TypeSettingsConfirmed}) {
			t.Errorf("on record: %v", got)
		}
		again := startSettings(t, store)
		time.Sleep(time.Hour)
		again.stop()
		wantUsed(t, again, "tcp://new:1883")
	})
}

func TestSettingsThatCutTheNodeOffAreTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := storagetest.Open(t, t.TempDir(), storage.Options{})
		r := startSettings(t, store)
		r.acked.Store(store.Queue(contract.Ev).State().Next - 1) // what was acknowledged before proves nothing
		r.push(t, 7, newBroker)
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		wantUsed(t, r, "config", "tcp://new:1883", "config")
		if got := evTypes(t, store); !slices.Equal(got, []string{contract.TypeSettingsTrial, contract.TypeSettingsRolledBack}) {
			t.Errorf("on record: %v", got)
		}
		if _, err := r.propose(8, json.RawMessage(newBroker)); err == nil {
			t.Error("the same settings were taken again")
		}
		if k, err := r.propose(8, json.RawMessage(`{"broker":"tcp://other:1883"}`)); err != nil || k == nil {
			t.Errorf("other settings: %v, %v", k, err)
		}
		r.stop()
	})
}

// TestATrialGoesOnOverARestart: neither a restart nor many of them keep a node cut off.
func TestATrialGoesOnOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := storagetest.Open(t, t.TempDir(), storage.Options{})
		r := startSettings(t, store)
		r.push(t, 7, newBroker)
		synctest.Wait()
		r.stop()
		second := startSettings(t, store)
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		second.stop()
		wantUsed(t, second, "tcp://new:1883", "config")

		r = startSettings(t, store)
		r.push(t, 9, `{"broker":"tcp://third:1883"}`)
		r.stop()
		for range maxStarts {
			r = startSettings(t, store)
			synctest.Wait()
			r.stop()
			wantUsed(t, r, "tcp://third:1883")
		}
		r = startSettings(t, store)
		r.stop()
		wantUsed(t, r, "config")
	})
}

// TestNewerSettingsReplaceATrial, and what comes back when those fail too is what was confirmed last.
func TestNewerSettingsReplaceATrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := storagetest.Open(t, t.TempDir(), storage.Options{})
		r := startSettings(t, store)
		r.push(t, 7, newBroker)
		time.Sleep(9 * time.Minute)
		r.push(t, 8, `{"max_rate":5}`)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if k := r.now(); k.Trial == nil || k.Trial.Version != 8 || k.Trial.Settings.Broker == nil || *k.Trial.Settings.MaxRate != 5 {
			t.Errorf("%+v", k)
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		r.stop()
		wantUsed(t, r, "config", "tcp://new:1883", "tcp://new:1883", "config")
	})
}

func TestSettingsAreChecked(t *testing.T) {
	r := startSettings(t, storagetest.New(t))
	defer r.stop()
	for raw, says := range map[string]string{
		`{"broker":"ssl://new:8883"}`:         "encryption",
		`{"broker":"tcp://new"}`:              "tcp://host:port",
		`{"broker":"tcp://user:pw@new:1883"}`: "tcp://host:port",
		`{"broker":"tcp://:1883"}`:            "tcp://host:port",
		`{"max_rate":-1}`:                     "max_rate",
		`{"log_level":"loud"}`:                "log_level",
		`{"data_dir":"/"}`:                    "data_dir",
		`{"max_rate":"fast"}`:                 "settings",
		`[]`:                                  "settings",
	} {
		if k, err := r.propose(1, json.RawMessage(raw)); err == nil || k != nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, %v", raw, k, err)
		}
	}
	if k, err := r.propose(1, json.RawMessage(`{}`)); k != nil || err != nil {
		t.Errorf("nothing: %v, %v", k, err)
	}
}
