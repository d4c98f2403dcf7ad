package counter_test

import (
	"time"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/tariff"
)

// cardRefusals provoke the codes about making, changing and retiring cards, at a counter with real purses.
var cardRefusals = map[string]func(h *hall, o *office, c *client) error{
	counter.CodeBlank: func(h *hall, o *office, c *client) error {
		_, err := o.sell(h.blank(), 100)
		return err
	},
	counter.CodeCardOff: func(h *hall, o *office, c *client) error {
		p := o.issue(c)
		if _, err := o.retire(p); err != nil {
			return err
		}
		_, err := o.sell(p, 100)
		return err
	},
	counter.CodeBlankNeeded: func(h *hall, o *office, c *client) error {
		o.issue(c)
		_, err := o.reissue(c, c.card, counter.CauseFaulty, "")
		return err
	},
	counter.CodeHasCard: func(h *hall, o *office, c *client) error {
		o.issue(c)
		d := o.insert(h.blank())
		_, err := o.svc.Issue(bg, o.clerk, counter.Issue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: c.no})
		return err
	},
	counter.CodeNoCard: func(h *hall, o *office, c *client) error {
		_, err := o.reissue(c, h.blank(), counter.CauseFaulty, "")
		return err
	},
	counter.CodeCardTaken: func(h *hall, o *office, c *client) error {
		p := o.issue(c)
		d, other := o.insert(h.blank()), h.client(1)
		no, _ := purse.Decode(h.prof, p.chip.ReadMem())
		_, err := o.svc.Issue(bg, o.clerk, counter.Issue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: other.no, CardNo: no.Card.No})
		return err
	},
	counter.CodeCardNumber: func(h *hall, o *office, c *client) error {
		d := o.insert(h.blank())
		_, err := o.svc.Issue(bg, o.clerk, counter.Issue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: c.no, CardNo: "1234567890"})
		return err
	},
	counter.CodeIssuesUsed: func(h *hall, o *office, c *client) error {
		o.put(func(tx counter.Tx) error {
			a, err := tx.Account(c.no)
			a.LastIssue = 255
			if err != nil {
				return err
			}
			return tx.PutAccount(a)
		})
		d := o.insert(h.blank())
		_, err := o.svc.Issue(bg, o.clerk, counter.Issue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: c.no})
		return err
	},
	counter.CodeSaySwiped: func(h *hall, o *office, c *client) error {
		if _, err := o.sell(o.issue(c), 100); err != nil {
			return err
		}
		_, err := o.reissue(c, h.blank(), counter.CauseFaulty, "")
		return err
	},
	counter.CodeSayApproved: func(h *hall, o *office, c *client) error {
		if _, err := o.sell(o.issue(c), 100); err != nil {
			return err
		}
		d := o.insert(h.blank())
		_, err := o.svc.Reissue(bg, o.clerk, counter.Session{}, counter.Reissue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion,
			Account: c.no, Cause: counter.CauseFaulty, Reason: "x", Swiped: counter.SwipedNo})
		return err
	},
	counter.CodeStaleAccounts: func(h *hall, o *office, c *client) error {
		o.change = func(opt *counter.Options) { opt.MaxAccountAge = 24 * time.Hour }
		o.restart()
		o.svc.Confirm(counter.Freshness{Accounts: h.clock()})
		o.issue(c)
		h.turn(25 * time.Hour)
		o.restart()
		_, err := o.reissue(c, h.blank(), counter.CauseFaulty, "")
		return err
	},
	counter.CodeBadCause: func(h *hall, o *office, c *client) error {
		_, err := o.reissue(c, h.blank(), "boredom", "")
		return err
	},
	counter.CodeNotReplaced: func(h *hall, _ *office, _ *client) error {
		raw := newHall(h.tester, "RAW4442 v1", purse.UnitDeciM3, 1)
		o, c := raw.offices[0], raw.client(0)
		o.issue(c)
		_, err := o.reissue(c, raw.blank(), counter.CauseFaulty, "")
		return err
	},
	counter.CodeSameMeter: func(h *hall, o *office, c *client) error {
		_, err := o.changeMeter(o.issue(c), c.meter.Number(), 0)
		return err
	},
	counter.CodeBadMeter: func(h *hall, o *office, c *client) error {
		_, err := o.changeMeter(o.issue(c), "M-1", 0)
		return err
	},
	counter.CodeOverRemaining: func(h *hall, o *office, c *client) error {
		_, err := o.changeMeter(o.issue(c), "20000001", 10)
		return err
	},
	counter.CodeNoCardPrices: func(h *hall, o *office, c *client) error {
		p := o.issue(c)
		tiers := residential()
		tiers.Tiers[0].UpTo += 1
		if err := o.svc.SetTables([]tariff.Table{tiers}); err != nil {
			return err
		}
		return o.price(p)
	},
	counter.CodePricesThere: func(h *hall, o *office, c *client) error { return o.price(o.issue(c)) },
	counter.CodeBegun: func(h *hall, o *office, c *client) error {
		p := o.issue(c)
		d := o.insert(p)
		p.tap.arm(14, pulled)
		_, err := o.svc.ChangeMeter(bg, o.clerk, counter.MeterChange{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Meter: "20000001", Reason: "x"})
		if code(err) != counter.CodeWriteUnknown {
			return err
		}
		o.insert(p)
		return o.svc.Void(bg, o.clerk, o.lastOrder().ID)
	},
	counter.CodeBadUses: func(h *hall, o *office, c *client) error {
		_, err := o.tool(h.blank(), purse.KindCheck, 0)
		return err
	},
	counter.CodeBadKind: func(h *hall, o *office, c *client) error {
		_, err := o.tool(h.blank(), purse.KindUser, 1)
		return err
	},
}

// onHall makes refusals at a counter with real purses refusals of a world.
func onHall(of map[string]func(*hall, *office, *client) error) map[string]func(*world) error {
	out := map[string]func(*world) error{}
	for code, provoke := range of {
		out[code] = func(w *world) error {
			h := newHall(w.t, "GEN4442 v1", purse.UnitCentiM3, 1)
			return provoke(h, h.offices[0], h.client(0))
		}
	}
	return out
}
