package contract

import (
	"crypto/ed25519"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var exampleArgs = map[string]any{
	CommandReadNow:  ReadNowArgs{Meters: []string{"00112233"}},
	CommandValve:    ValveArgs{Meter: "00112233", Do: ValveClose},
	CommandSetClock: SetClockArgs{Meters: []string{"00112233"}},
	CommandResend:   ResendArgs{Stream: Tx, Epoch: "e-20261101", From: 501, To: 1000},
	CommandBackup:   BackupArgs{},
	CommandLogLevel: LogLevelArgs{Level: "debug", ForS: 600},
}

var exampleParts = map[string]any{
	PartPrices: Prices{AsOf: At(exampleTime), Tables: []PriceTable{{
		Class: "residential", Version: 3, From: "2027-01-01", PeriodMonths: 12,
		Tiers: []PriceTier{{UpToL: 300_000, Price: 26_500}, {Price: 31_800}},
	}}},
	PartLocks: Locks{
		AsOf:     At(exampleTime),
		Standing: []LockState{{Account: "00010002", At: At(exampleTime.Add(-time.Hour)), Reason: "leak found, not repaired", By: "zhao"}},
		Lifted:   []LiftedLock{{Account: "00010003", At: At(exampleTime.Add(-48 * time.Hour)), By: "li"}},
	},
	PartAccounts: Accounts{AsOf: At(exampleTime), Upto: 17, Deltas: []AccountDelta{{
		Account: "00010001", Version: 17, Region: 3301, Card: "0000112233", CardIssue: 2, CardSeq: 12, CardCum: 4120, CardQty: 500,
		CardTag: "9f3a01", CardUnit: "0.1m3", Meter: "G4-7788", PeriodStart: "2026-01-01", BoughtL: 250_000,
		Dead:   []DeadCard{{Region: 3301, Card: "0000112200", Issue: 1, Why: "replaced"}},
		Doubts: []OpenDoubt{{Doubt: exampleOpenOrder, Seen: &exampleWitness, Wanted: []HandOver{exampleWant}, Given: "o-01JE2", Returned: []string{"o-01JE1"}, Ruled: &exampleRuling}},
	}}},
}

func TestArgsAndPartsAreAsInTheExamples(t *testing.T) {
	for kind, all := range map[string]map[string]any{"args_": exampleArgs, "part_": exampleParts} {
		for name, v := range all {
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, kind+name, raw)
			line := fromGolden(t, kind+name)
			if err := validate(t, schema(t, kind+name), line); err != nil {
				t.Errorf("%s%s: %v", kind, name, err)
			}
			back := reflect.New(reflect.TypeOf(v))
			if err := json.Unmarshal(line, back.Interface()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v, back.Elem().Interface()); diff != "" {
				t.Errorf("%s%s: %s", kind, name, diff)
			}
			if kind == "args_" {
				if err := CheckArgs(name, line); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestArgsThatAreRefused(t *testing.T) {
	for args, typ := range map[string]string{
		`{"meter":"1","do":"half"}`:                                  CommandValve,
		`{"meter":"","do":"open"}`:                                   CommandValve,
		`{"do":"open"}`:                                              CommandValve,
		`{"meter":["1","2"],"do":"open"}`:                            CommandValve,
		`{"meter":"1","do":"open","only_if":"seen"}`:                 CommandValve,
		`{"meters":[""]}`:                                            CommandReadNow,
		`{"meters":["` + strings.Repeat(`1","`, 1000) + `1"]}`:       CommandSetClock,
		`{"stream":"zz","epoch":"e","from":1,"to":2}`:                CommandResend,
		`{"stream":"tx","epoch":"e e","from":1,"to":2}`:              CommandResend,
		`{"stream":"tx","epoch":"e","from":0,"to":2}`:                CommandResend,
		`{"stream":"tx","epoch":"e","from":3,"to":2}`:                CommandResend,
		`{"stream":"tx","epoch":"e","from":3,"to":9007199254740992}`: CommandResend,
		`{"level":"loud"}`:                                           CommandLogLevel,
		`{"level":"debug","for_s":86401}`:                            CommandLogLevel,
		`{"level":"debug","for_s":-1}`:                               CommandLogLevel,
		`{"where":"/etc"}`:                                           CommandBackup,
		`[]`:                                                         CommandReadNow,
		`{}`:                                                         "self_destruct",
	} {
		if err := CheckArgs(typ, json.RawMessage(args)); err == nil {
			t.Errorf("%s took %s", typ, args)
		}
	}
}

func TestKeysAreCopiedAsOneLine(t *testing.T) {
	pub, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	name, key, err := ParseKeyText(" " + KeyText("central-2026", pub) + "\n")
	if err != nil || name != "central-2026" || !slices.Equal(key, pub) {
		t.Error(name, err)
	}
	for _, s := range []string{"", "x", "a b:" + KeyText("", pub)[1:], "x:AAAA", KeyText("x", pub) + "A", KeyText("", pub)} {
		if _, _, err := ParseKeyText(s); err == nil || (len(s) > 8 && strings.Contains(err.Error(), s[4:])) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// FuzzArgs: a signed command may still have been written by a centre with a fault.
func FuzzArgs(f *testing.F) {
	for typ, v := range exampleArgs {
		raw, _ := json.Marshal(v)
		f.Add(typ, raw)
	}
	f.Add(CommandValve, []byte(`{"meter":"1","do":"open","do":"close"}`))
	f.Fuzz(func(t *testing.T, typ string, raw []byte) {
		if CheckArgs(typ, raw) != nil {
			return
		}
		if typ == CommandValve {
			v, err := OpenArgs[ValveArgs](raw)
			if err != nil || v.Meter == "" || v.Do != ValveOpen && v.Do != ValveClose {
				t.Errorf("%+v %v", v, err)
			}
		}
	})
}

// FuzzKeyText: people copy half lines and wrong files.
func FuzzKeyText(f *testing.F) {
	f.Add("central-2026:6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=")
	f.Add("a:b:c")
	f.Add("-----BEGIN PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, s string) {
		name, key, err := ParseKeyText(s)
		if err != nil {
			return
		}
		if again, same, err := ParseKeyText(KeyText(name, key)); err != nil || again != name || !slices.Equal(same, key) {
			t.Errorf("%q is read as %q and not read again: %v", s, name, err)
		}
	})
}

// FuzzHeads: signed heads come from nodes, some of which lie.
func FuzzHeads(f *testing.F) {
	good, err := json.Marshal(exampleHeads())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, "hall-1", "e-20261101")
	f.Add(good, "hall-2", "e-20261101")
	f.Add([]byte(`{"heads":{"xx":{}},"key":"00","sig":""}`), "", "")
	pub := exampleKey.Public().(ed25519.PublicKey)
	f.Fuzz(func(t *testing.T, raw []byte, node, epoch string) {
		var h AuditHeads
		if json.Unmarshal(raw, &h) != nil || h.Verify(pub, node, epoch) != nil {
			return
		}
		if node != "hall-1" || epoch != "e-20261101" || h.Heads[Tx].Seq != 120 || h.Heads[Ev].Seq != 310 || h.Heads[Rd].Seq != 0 {
			t.Errorf("taken for %s/%s: %+v", node, epoch, h)
		}
	})
}
