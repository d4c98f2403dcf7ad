package daemon

import (
	"encoding/json"
	"testing"

	"tally/storage/storagetest"
)

// TestASecondChangeOfASettingIsTried: what holds now and what is proposed are two things, also where both name the same
// setting. A proposal that is refused, or is still to be tried, changes nothing of what holds.
func TestASecondChangeOfASettingIsTried(t *testing.T) {
	r := startSettings(t, storagetest.New(t))
	defer r.stop()
	first, rate := "tcp://first:1883", 7
	r.set(settingsKept{Confirmed: Settings{Broker: &first, MaxRate: &rate}})

	k, err := r.propose(2, json.RawMessage(`{"broker":"tcp://second:1883"}`))
	if err != nil || k == nil || k.Trial == nil || *k.Trial.Settings.Broker != "tcp://second:1883" {
		t.Errorf("a second broker is proposed: %+v, %v", k, err)
	}
	if k, err := r.propose(3, json.RawMessage(`{"max_rate":-1}`)); err == nil || k != nil {
		t.Errorf("a bad rate: %+v, %v", k, err)
	}
	if now := r.now().now(); *now.Broker != "tcp://first:1883" || *now.MaxRate != 7 {
		t.Errorf("a proposal changed what holds: %s, %d", *now.Broker, *now.MaxRate)
	}
	if k, err := r.propose(4, json.RawMessage(`{"broker":null}`)); err != nil || k == nil || k.Trial.Settings.Broker != nil {
		t.Errorf("back to the configuration: %+v, %v", k, err)
	}
}
