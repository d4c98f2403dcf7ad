package counter_test

import (
	"encoding/json"
	"slices"

	"tally/counter"
	"tally/sync/contract"
)

// centre hears what the counters send, in each one's order, and tells all of them of the accounts.
type centre struct {
	accounts map[string]counter.AccountDelta
	version  uint64
	doubts   []*openDoubt
	past     []counter.AccountDelta // what was told before
}

func newCentre() *centre { return &centre{accounts: map[string]counter.AccountDelta{}} }

// hear takes at most n further records of an office.
func (c *centre) hear(o *office, n int) {
	o.h.Helper()
	records := o.store.Records()
	for _, r := range records[o.sent:min(len(records), o.sent+n)] {
		o.sent++
		if r.Stream != contract.Tx {
			continue
		}
		switch r.Type {
		case contract.TypeSale, counter.TypeRefund, counter.TypeMakeUp:
			var s contract.Sale
			o.decode(r.Body, &s)
			c.sale(s)
			c.ended(s.Order)
		case counter.TypeIssue, counter.TypeReissue, counter.TypeMeterChange, counter.TypeRetire:
			var m counter.CardOperation
			o.decode(r.Body, &m)
			c.card(m)
			c.ended(m.Order)
		default:
			c.hearOpen(o, r)
		}
	}
}

func (o *office) decode(raw json.RawMessage, into any) {
	o.h.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		o.h.Fatal(err)
	}
}

// further reports whether an order comes after what is known of the card.
func further(d counter.AccountDelta, issue uint8, seq uint16) bool {
	if issue != d.CardIssue {
		return issue > d.CardIssue
	}
	return d.Card == "" || int16(seq-d.CardSeq) > 0
}

func (c *centre) sale(s contract.Sale) {
	d := c.accounts[s.Account]
	if further(d, s.CardIssue, s.CardSeq) {
		d.Region, d.Card, d.CardIssue, d.CardSeq, d.CardCum, d.CardQty = s.Region, s.Card, s.CardIssue, s.CardSeq, s.CardCum, s.CardQty
		d.CardTag, d.CardUnit, d.Cardless = s.CardTag, s.CardUnit, false
	}
	d.PeriodStart, d.BoughtL = s.Period, d.BoughtL+s.VolumeL
	c.put(s.Account, d)
}

func (c *centre) card(m counter.CardOperation) {
	d := c.accounts[m.Account]
	if m.Op == "retire" {
		if m.CardIssue >= d.CardIssue {
			d.Cardless, d.CardIssue = true, m.CardIssue
		}
		c.put(m.Account, d)
		return
	}
	if !further(d, m.CardIssue, m.CardSeq) {
		return
	}
	if m.OldCard != "" && m.OldCard != m.Card {
		d.Dead = append(slices.Clone(d.Dead), counter.DeadDelta{Region: m.OldRegion, Card: m.OldCard, Issue: m.OldIssue, Why: counter.DeadReplaced})
	}
	d.Region, d.Card, d.CardIssue, d.CardSeq, d.CardCum, d.CardQty = m.Region, m.Card, m.CardIssue, m.CardSeq, m.CardCum, m.CardQty
	d.CardTag, d.CardUnit, d.Cardless, d.Meter = m.CardTag, m.CardUnit, false, m.Meter
	c.put(m.Account, d)
}

func (c *centre) put(account string, d counter.AccountDelta) {
	c.version++
	d.Account, d.Version = account, c.version
	c.accounts[account] = d
}

// tell gives an office the accounts of which keep says so.
func (c *centre) tell(o *office, keep func(account string) bool) {
	o.h.Helper()
	var all []counter.AccountDelta
	for _, d := range c.accounts {
		if keep(d.Account) {
			d.Doubts = c.open(d.Account, o)
			all = append(all, d)
			c.past = append(c.past, d)
		}
	}
	if err := o.svc.Absorb(bg, all); err != nil && !o.power.Dead() && code(err) != counter.CodeStore {
		o.h.Errorf("absorb: %v", err)
	}
}

// exchange brings an office up to date.
func (h *hall) exchange(o *office) {
	h.Helper()
	for _, other := range h.offices {
		h.centre.hear(other, 1<<30)
	}
	h.centre.tell(o, func(string) bool { return true })
}
