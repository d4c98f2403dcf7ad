package purse_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"testing"

	"tally/cardreader"
	"tally/cardreader/at88sc102"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/issued"
	"tally/cardreader/cpucard"
	"tally/cardreader/guard"
	"tally/cardreader/keyed"
	"tally/cardreader/keyfile"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// makingKit is a kind of chip whose cards are made from blank ones.
type makingKit struct {
	kit
	blank func() *issued.Card
	// own reports whether the card has the utility's secrets, and no other.
	own func(*issued.Card) bool
}

var transportCode = at88sc102.Code{0xA5, 0x5A}

var issuing = cpucard.Issuing{Meter: cpucard.Key{10, 11}, Control: cpucard.Key{12, 13}, Transport: cpucard.Key{14, 15}}

func makingKeys(t testing.TB) issued.Keys {
	t.Helper()
	h := func(b []byte) string { return hex.EncodeToString(b) }
	k, err := keyfile.Parse(map[string]string{
		"vend": h(vend[:]), "line": h(line[:]), "load": h(loadKey[:]), "meter": h(issuing.Meter[:]), "control": h(issuing.Control[:]),
		"transport": h(issuing.Transport[:]), "transport_code": h(transportCode[:]),
		"code": h(secret102.Code[:]), "erase_1": h(secret102.Keys.Zone1[:]), "erase_2": h(secret102.Keys.Zone2[:]),
	})
	if err != nil {
		t.Fatal(err)
	}
	return issued.Keys{Others: k}
}

func makingKits(t testing.TB) []makingKit {
	t.Helper()
	keys, serial := makingKeys(t), [8]byte{0x20, 0x26, 0, 0, 0, 0, 0, 9}
	blank := func(p *profile.Profile) func() *issued.Card {
		return func() *issued.Card {
			c, err := issued.Blank(p, serial, keys)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
	}
	cpu := func(name string, a cpucard.Algorithm) makingKit {
		p := withCipher(builtin(t, name), a)
		own := issuing
		own.SoftKeys = masterKeys(a)
		m := makingKit{kit: kit{name: name + " " + string(a), p: p}, blank: blank(p)}
		m.header = headerOf(p)
		m.header.MeterNo = "10000001"
		m.open = func(card cardreader.Card, g *guard.Guard, _ *profile.Profile) (purse.Memory, error) {
			mem, err := openCPU(card, g, p, own)
			if err != nil {
				return nil, err
			}
			return keyed.NewCPU(mem.(*cpucard.Memory), own, keyed.Places(p.Keys)), nil
		}
		m.own = func(c *issued.Card) bool {
			key := func(k cpucard.Key) [16]byte { return a.Diversify(k, serial) }
			loads := key(own.Load)
			if p.Keys.Control != nil && p.Keys.Load == nil {
				loads = own.Transport // nobody uses it
			}
			return c.COS.HasKeys(key(own.Vend), key(own.Meter), key(own.Line), loads)
		}
		return m
	}
	p := builtin(t, "GEN102 v1")
	sc := makingKit{kit: kit{name: p.Name, p: p, header: blankHeader}, blank: blank(p)}
	sc.open = func(card cardreader.Card, g *guard.Guard, p *profile.Profile) (purse.Memory, error) {
		chip, err := at88sc102.Open(ctx, card, g, secret102)
		if err != nil {
			return nil, err
		}
		mem, err := at88sc102.NewMemory(chip, p.Map)
		return keyed.New102(mem, secret102, &transportCode), err
	}
	sc.own = func(c *issued.Card) bool {
		return c.Chip102.HasSecrets(secret102.Code[:], secret102.Keys.Zone1[:], secret102.Keys.Zone2[:])
	}
	return []makingKit{sc, cpu("GENCPU v1", cpucard.TripleDES), cpu("GENCPU v1", cpucard.SM4), cpu("LOADCPU v1", cpucard.TripleDES)}
}

// work is one thing that is done to a card, planned from what lies on it.
type work struct {
	name string
	plan func(pr *purse.MemoryPurse, st purse.State) (purse.Plan, error)
}

func works(k makingKit) []work {
	remake := func(h purse.Header, carry *purse.Carry) func(*purse.MemoryPurse, purse.State) (purse.Plan, error) {
		return func(pr *purse.MemoryPurse, st purse.State) (purse.Plan, error) {
			return pr.Remake(st, purse.NewCard{Header: h, Carry: carry, Tag: purse.Tag{1}})
		}
	}
	order := buy(5, 70)
	other := k.header
	other.MeterNo, other.IssueCount = "20000002", k.header.IssueCount+1
	again := k.header
	again.IssueCount += 2
	carry := &purse.Carry{Order: order, Seq: 7, Cumulative: 700, Said: &purse.WriteBack{Seq: 6, Accepted: 630, MeterNo: k.header.MeterNo}}
	return []work{
		{"new", remake(k.header, nil)}, {"anew", remake(other, nil)},
		{"off", func(pr *purse.MemoryPurse, st purse.State) (purse.Plan, error) {
			return pr.Change(st, purse.Change{Tag: purse.Tag{2}})
		}},
		{"from off", remake(again, carry)},
	}
}

// survey is the card as a counter reads it.
func survey(pr *purse.MemoryPurse) (purse.State, error) {
	st, err := pr.Read(ctx)
	if err == nil {
		return st, nil
	}
	if st, err = pr.Survey(ctx); len(st.Image) > 0 && err != nil {
		st.Condition, err = purse.Off, nil
	}
	return st, err
}

// TestEveryAPDUOfAMaking: a card is made, made anew for another meter, retired, and made again; whatever goes wrong at
// whatever command of that, the card says how far it is, and a few insertions later it is what it was to be, with the
// utility's secrets and all tries.
func TestEveryAPDUOfAMaking(t *testing.T) {
	for _, k := range makingKits(t) {
		t.Run(k.name, func(t *testing.T) {
			h := newHall(t)
			turns, points := 0, 0
			for i, w := range works(k) {
				n := 0
				h.makeOne(k, i, cardsim.Fault{}, func(count int) { n = count })
				for at := 1; at <= n; at++ {
					for _, kind := range cardsim.FaultKinds() {
						if turns++; turns%makingStride() != 0 {
							continue
						}
						points++
						name := fmt.Sprintf("%s, APDU %d of %d, %s", w.name, at, n, kind)
						h.makeOne(k, i, cardsim.Fault{At: at, Kind: kind}, nil)
						if t.Failed() {
							t.Fatal(name)
						}
					}
				}
			}
			t.Logf("%d of %d points", points, turns)
		})
	}
}

// makingStride is how many points there are for each one tried: all in a campaign.
func makingStride() int {
	switch {
	case os.Getenv("TALLY_ALL_POINTS") != "":
		return 1
	case testing.Short():
		return 61
	}
	return 17
}

// makeOne brings a card to the i-th work and does that, with a fault, until it is done.
func (h *hall) makeOne(k makingKit, i int, f cardsim.Fault, count func(int)) {
	t := h.t
	t.Helper()
	card := k.blank()
	for _, w := range works(k)[:i] {
		h.with(k.kit, card.Device, func(pr *purse.MemoryPurse) {
			st, err := survey(pr)
			if err != nil {
				t.Fatalf("%s: %v", w.name, err)
			}
			pl, err := w.plan(pr, st)
			if err != nil {
				t.Fatalf("%s: %v", w.name, err)
			}
			if err := pr.Write(ctx, pl); err != nil {
				t.Fatalf("%s: %v", w.name, err)
			}
		})
	}
	w := works(k)[i]
	other := k.blank()
	before, otherBefore := card.ReadMem(), other.ReadMem()
	f.With = other.Device
	script := cardsim.Script(card.Device, f)
	var pl purse.Plan
	var said error
	h.with(k.kit, script, func(pr *purse.MemoryPurse) {
		st, err := survey(pr)
		if err != nil {
			return
		}
		p, err := w.plan(pr, st)
		if err != nil {
			return
		}
		pl, said = p, pr.Write(ctx, p)
	})
	if count != nil {
		if said != nil || pl.Profile == "" {
			t.Fatalf("%s without a fault: %v", w.name, said)
		}
		count(script.Count())
	}
	if pl.Profile == "" { // it was never stored: nothing may have happened
		pl, said = h.plan(k, w, card), cardreader.ErrNotSent
	}
	swapped := f.Kind == cardsim.Swapped && !bytes.Equal(other.ReadMem(), otherBefore)
	if swapped { // two blank cards are alike: it is that one which is made
		card = other
	}
	if v := h.judge(k, card, pl); v == purse.OtherCard || v == purse.NotDone { // the order is given up, and made again of what is there
		if !bytes.Equal(card.ReadMem(), before) {
			t.Errorf("%s: something was written, and the card says %s", w.name, v)
		}
		pl = h.plan(k, w, card)
	}
	h.finish(k, w, card, pl, said)
}

// judge is what the card says of a plan when it comes back.
func (h *hall) judge(k makingKit, card *issued.Card, pl purse.Plan) (v purse.Verdict) {
	h.with(k.kit, card.Device, func(pr *purse.MemoryPurse) {
		st, err := survey(pr)
		if err != nil {
			h.t.Error(err)
		}
		v = purse.Resolve(pl, st)
	})
	return v
}

func (h *hall) plan(k makingKit, w work, card *issued.Card) (pl purse.Plan) {
	h.with(k.kit, card.Device, func(pr *purse.MemoryPurse) {
		st, err := survey(pr)
		if err == nil {
			pl, err = w.plan(pr, st)
		}
		if err != nil {
			h.t.Errorf("%s: %v", w.name, err)
		}
	})
	return pl
}

// finish lets the card come back until the work is done.
func (h *hall) finish(k makingKit, w work, card *issued.Card, pl purse.Plan, said error) {
	t := h.t
	t.Helper()
	var verdict purse.Verdict
	var last error
	for range 6 {
		h.with(k.kit, card.Device, func(pr *purse.MemoryPurse) {
			st, err := survey(pr)
			if err != nil {
				t.Errorf("%s: %v", w.name, err)
				return
			}
			verdict = purse.Resolve(pl, st)
			if said == nil && verdict != purse.Done {
				t.Errorf("%s was proven, and the card says %s", w.name, verdict)
			}
			if verdict == purse.Done {
				return
			}
			if next, err := pr.Change(st, purse.Change{Resume: &pl}); err != nil {
				last = err
			} else if last = pr.Write(ctx, next); last == nil {
				pl = next
			}
		})
		if verdict == purse.Done || t.Failed() {
			break
		}
	}
	if verdict != purse.Done {
		t.Errorf("%s is still %s: %v", w.name, verdict, last)
	}
	if card.Tries() < 3 || !k.own(card) {
		t.Errorf("%s: %d tries, own secrets %v", w.name, card.Tries(), k.own(card))
	}
}
