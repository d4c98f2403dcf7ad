package centraltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// compose makes what is outdated, and returns the desired state that the node then gets; nil when nothing is published.
func (s *subject) compose(node string, at time.Time) *contract.Desired {
	s.t.Helper()
	outdated, err := s.Store.Outdated(always, at, time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, n := range outdated {
		if err := s.Store.Compose(always, n, Signer{}, at, time.Hour); err != nil {
			s.t.Fatal(err)
		}
	}
	var got *contract.Desired
	err = s.Store.Publish(always, "me", at, 24*time.Hour, func(_ context.Context, out central.Outgoing) error {
		d, err := contract.OpenDesired(out.Payload, out.Topic.Node, Signer{}.Keys())
		if err == nil && d.Version != out.Version {
			err = fmt.Errorf("version %d, told %d", d.Version, out.Version)
		}
		if out.Topic.Node == node {
			got = &d
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

func part[T any](t *testing.T, d *contract.Desired, name string) (v T) {
	t.Helper()
	if d == nil {
		t.Fatalf("no desired state with %s", name)
	}
	if err := json.Unmarshal(d.Parts[name], &v); err != nil {
		t.Fatal(err)
	}
	return v
}

var table = contract.PriceTable{Class: "residential", Version: 2, From: "2027-01-01", PeriodMonths: 12, Tiers: []contract.PriceTier{{Price: 26_500}}}

func desired(t *testing.T, s *subject) {
	s.status("n1", Start, nil)
	s.status("n2", Start, nil)
	first := s.compose("n1", Start)
	if _, has := first.Parts[contract.PartPrices]; has || len(part[contract.Locks](t, first, contract.PartLocks).Standing) != 0 {
		t.Errorf("%s", first.Parts)
	}
	if again := s.compose("n1", Start.Add(time.Minute)); again != nil {
		t.Errorf("made anew without a reason: %+v", again)
	}
	if err := s.Store.ReleasePrices(always, []contract.PriceTable{table}, "chen", Start.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Set(always, "n1", contract.Settings{"log_level": json.RawMessage(`"debug"`)}, Start.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	second := s.compose("n1", Start.Add(3*time.Minute))
	if p := part[contract.Prices](t, second, contract.PartPrices); second.Version <= first.Version || len(p.Tables) != 1 || p.Tables[0].Tiers[0].Price != 26_500 {
		t.Errorf("%+v", second)
	}
	if set := part[contract.Settings](t, second, contract.PartSettings); string(set["log_level"]) != `"debug"` {
		t.Errorf("%s", set)
	}
	third := s.compose("n1", Start.Add(2*time.Hour)) // nothing new, but it shows that the centre is there
	if l := part[contract.Locks](t, third, contract.PartLocks); !l.AsOf.After(Start.Add(time.Hour)) || third.Version <= second.Version {
		t.Errorf("%+v", l)
	}
}

func versionsGrow(t *testing.T, s *subject) {
	s.status("n1", Start, nil)
	before := s.compose("n1", Start)
	if _, err := s.DB.Exec("DELETE FROM desired"); err != nil {
		t.Fatal(err)
	}
	if after := s.compose("n1", Start.Add(time.Second)); after.Version <= before.Version {
		t.Errorf("%d, then %d", before.Version, after.Version)
	}
	s.status("n1", Start, func(st *contract.Status) { st.Cfg = before.Version + 1<<40 }) // a centre whose clock was ahead
	if _, err := s.DB.Exec("DELETE FROM desired"); err != nil {
		t.Fatal(err)
	}
	if after := s.compose("n1", Start.Add(time.Minute)); after.Version <= before.Version+1<<40 {
		t.Errorf("%d is not above what the node has", after.Version)
	}
}

func publishing(t *testing.T, s *subject) {
	s.status("n1", Start, nil)
	if err := s.Store.Compose(always, "n1", Signer{}, Start, time.Hour); err != nil {
		t.Fatal(err)
	}
	publish := func(holder string, at time.Time, send func() error) (n int) {
		err := s.Store.Publish(always, holder, at, time.Hour, func(context.Context, central.Outgoing) error { n++; return send() })
		if err != nil && !strings.Contains(err.Error(), "gone") {
			t.Error(err)
		}
		return n
	}
	well := func() error { return nil }
	publish("a", Start, func() error {
		if n := publish("b", Start, well); n != 0 {
			t.Error("two at once: an old state might come after a new one")
		}
		return errors.New("gone")
	})
	if n := publish("b", Start, well); n != 1 {
		t.Errorf("%d after the first has failed", n)
	}
	if n := publish("b", Start.Add(time.Minute), well); n != 0 {
		t.Error("published again at once")
	}
	if n := publish("b", Start.Add(2*time.Hour), well); n != 1 {
		t.Error("not published again: a broker may have lost it")
	}
}
