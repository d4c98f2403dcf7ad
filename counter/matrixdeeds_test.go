package counter_test

import (
	"strings"

	"tally/cardreader/cardsim"
	"tally/cardreader/purse"
	"tally/counter"
)

// deed is one operation of the counter.
type deed struct {
	name string
	skip map[string]bool // profiles whose cards do not have it
	set  func(s *scene)
}

// boughtAndTaken gives the client a card that was sold to once, and put into the meter.
func (s *scene) boughtAndTaken() {
	s.Helper()
	s.on = s.o.issue(s.c)
	s.bought(300)
	s.o.take()
	s.c.meter.Swipe(s.on.chip)
}

func (s *scene) bought(n purse.Amount) counter.Receipt {
	s.Helper()
	r, err := s.o.sell(s.on, n)
	if err != nil {
		s.Fatal(err)
	}
	s.o.settled()
	return r
}

var noMarksOf = map[string]bool{"RAW4442 v1": true}

// unfit are the layouts of a deed that the deed, or its accident, is not for.
func unfit(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n+" v1"] = true
	}
	return m
}

// skips reports whether the deed is not for a layout, whatever the cipher of its keys.
func (d deed) skips(layout string) bool { return d.skip[strings.TrimSuffix(layout, " sm4")] }

// deeds are all operations that write on cards.
var deeds = []deed{
	{"issue", nil, func(s *scene) {
		s.on = s.blank()
		s.act = func() error {
			d := s.o.settled()
			_, err := s.o.svc.Issue(bg, s.o.clerk, counter.Issue{Request: s.o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: s.c.no})
			return err
		}
		s.asked = func(done bool) {
			if done {
				s.c.card = s.on
			}
		}
	}},
	{"first sale", nil, func(s *scene) {
		s.on = s.o.issue(s.c)
		s.act = s.sale(300)
	}},
	{"sale", nil, func(s *scene) {
		s.boughtAndTaken()
		s.act = s.sale(230)
	}},
	{"writing again", nil, func(s *scene) {
		d := s.doubted()
		s.act = func() error { _, err := s.o.svc.Retry(bg, s.o.clerk, d); return err }
	}},
	{"giving up", nil, func(s *scene) {
		d := s.doubted()
		s.wants = counter.Void
		s.act = func() error { return s.o.svc.Void(bg, s.o.clerk, d) }
	}},
	{"refund", unfit("LOADCPU"), func(s *scene) {
		s.boughtAndTaken()
		r := s.bought(230)
		s.act = func() error {
			d := s.o.settled()
			_, err := s.o.svc.Refund(bg, s.o.clerk, s.o.leader, counter.Refund{Request: s.o.request(), Reader: d.Reader, Insertion: d.Insertion, Order: r.Order, Reason: "退气"})
			return err
		}
	}},
	{"make-up", unfit("RAW4442", "GEN102", "LOADCPU"), func(s *scene) {
		s.boughtAndTaken()
		before := s.on.chip.ReadMem()
		s.bought(230)
		s.o.take()
		if err := s.on.chip.WriteMem(0x20, before[0x20:]); err != nil {
			s.Fatal(err)
		}
		s.c.lost = 230
		s.asked = func(bool) { s.c.lost = 0 }
		s.act = func() error {
			d := s.o.settled()
			_, err := s.o.svc.MakeUp(bg, s.o.clerk, counter.MakeUp{Request: s.o.request(), Reader: d.Reader, Insertion: d.Insertion})
			return err
		}
	}},
	{"reissue taken", noMarksOf, func(s *scene) {
		s.boughtAndTaken()
		s.o.insert(s.on) // the counter sees that it was taken
		s.old = s.on
		s.on = s.blank()
		s.act = s.replace("")
	}},
	{"reissue not taken", noMarksOf, func(s *scene) {
		s.boughtAndTaken()
		s.bought(230)
		s.old = s.on
		s.on = s.blank()
		s.act = s.replace(counter.SwipedNo)
	}},
	{"meter change", noMarksOf, func(s *scene) {
		s.boughtAndTaken()
		left := s.c.meter.Left()
		s.act = func() error {
			d := s.o.settled()
			r := counter.MeterChange{Request: s.o.request(), Reader: d.Reader, Insertion: d.Insertion, Meter: "20000001", Reason: "换表"}
			if s.unit == purse.UnitFen {
				r.Money = money(left)
			} else {
				r.Remaining = volume(left, s.unit)
			}
			_, err := s.o.svc.ChangeMeter(bg, s.o.clerk, r)
			return err
		}
		s.asked = s.changed
		s.noWriteBack(left)
	}},
	{"meter change with gas on the card", noMarksOf, func(s *scene) {
		s.boughtAndTaken()
		s.bought(230)
		s.act = func() error {
			d := s.o.settled()
			_, err := s.o.svc.ChangeMeter(bg, s.o.clerk, counter.MeterChange{Request: s.o.request(), Reader: d.Reader, Insertion: d.Insertion, Meter: "20000001", Reason: "换表"})
			return err
		}
		s.asked = s.changed
	}},
	{"prices", unfit("ADD4442", "REP4442", "INC4442", "RAW4442", "GEN102"), func(s *scene) {
		s.boughtAndTaken()
		s.newPrices()
		s.act = func() error {
			d := s.o.settled()
			_, err := s.o.svc.PriceCard(bg, s.o.clerk, counter.CardWork{Request: s.o.request(), Reader: d.Reader, Insertion: d.Insertion})
			return err
		}
	}},
	{"sale with new prices", unfit("ADD4442", "REP4442", "INC4442", "RAW4442", "GEN102"), func(s *scene) {
		s.boughtAndTaken()
		s.newPrices()
		s.act = s.sale(230)
	}},
	{"retire", nil, func(s *scene) {
		s.boughtAndTaken()
		s.act = func() error {
			d := s.o.settled()
			_, err := s.o.svc.Retire(bg, s.o.clerk, counter.CardWork{Request: s.o.request(), Reader: d.Reader, Insertion: d.Insertion, Reason: "销户"})
			return err
		}
		s.asked = func(done bool) {
			if done {
				s.c.spent, s.c.card = append(s.c.spent, s.c.card), nil
			}
		}
	}},
	{"card for meters", unfit("REP4442", "INC4442", "RAW4442", "LOADCPU"), func(s *scene) {
		s.tool(purse.KindCheck)
	}},
	{"clearing card", unfit("REP4442", "INC4442", "RAW4442", "LOADCPU"), func(s *scene) {
		s.tool(purse.KindClear)
	}},
	{"parameter card", unfit("ADD4442", "REP4442", "INC4442", "RAW4442", "LOADCPU", "GEN102"), func(s *scene) {
		s.tool(purse.KindParam)
	}},
}

// tool is about to make a card that sets up meters.
func (s *scene) tool(k purse.Kind) {
	s.on = s.blank()
	s.act = func() error {
		d := s.o.settled()
		_, err := s.o.svc.MakeTool(bg, s.o.leader, counter.ToolCard{
			Request: s.o.request(), Reader: d.Reader, Insertion: d.Insertion, CardNo: "90000001", Kind: k, Uses: 3, Reason: "外勤", Class: "residential",
		})
		return err
	}
}

// doubtAt is the command at which a pull leaves a sale in doubt, by layout.
var doubtAt = map[string]int{}

// doubted gives the client a card that was pulled in the middle of a sale, and returns the order in doubt.
func (s *scene) doubted() string {
	s.Helper()
	s.boughtAndTaken()
	for at := max(doubtAt[s.prof.Name], 1); at < 100; at++ {
		s.o.insert(s.on)
		s.on.tap.arm(at, cardsim.Fault{Kind: cardsim.PulledMidway})
		_ = s.sale(230)()
		s.o.settled()
		s.o.take()
		if o := s.o.lastOrder(); o.State == counter.InDoubt {
			doubtAt[s.prof.Name], s.reopened = at, 1
			return o.ID
		}
	}
	s.Fatal("no pull leaves a sale in doubt")
	return ""
}

func (s *scene) sale(n purse.Amount) func() error {
	return func() error {
		d := s.o.settled()
		a := counter.Ask{Reader: d.Reader, Insertion: d.Insertion, Volume: volume(n, s.unit)}
		if s.unit == purse.UnitFen {
			a.Volume, a.Money = 0, money(n)
		}
		q, err := s.o.svc.Quote(bg, s.o.clerk, a)
		if err != nil {
			return err
		}
		_, err = s.o.svc.Sell(bg, s.o.clerk, counter.Sell{Request: s.o.request(), Ask: a, Volume: q.Volume, Amount: q.Amount})
		return err
	}
}

func (s *scene) replace(swiped string) func() error {
	s.asked = func(done bool) {
		if done {
			s.c.spent, s.c.card = append(s.c.spent, s.c.card), s.on
		}
	}
	return func() error {
		d := s.o.settled()
		r := counter.Reissue{Request: s.o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: s.c.no, Cause: counter.CauseFaulty, Reason: "补卡", Swiped: swiped}
		if swiped == "" && s.marksOnly() {
			r.Swiped = counter.SwipedYes
		}
		_, err := s.o.svc.Reissue(bg, s.o.clerk, s.o.leader, r)
		return err
	}
}

func (s *scene) marksOnly() bool { return s.prof.WriteBack == nil }

// noWriteBack: a meter whose cards carry nothing back cannot say what it had left; the counter carries nothing over then.
func (s *scene) noWriteBack(left purse.Amount) {
	if s.prof.WriteBack != nil || left == 0 {
		return
	}
	s.act = func() error {
		d := s.o.settled()
		_, err := s.o.svc.ChangeMeter(bg, s.o.clerk, counter.MeterChange{Request: s.o.request(), Reader: d.Reader, Insertion: d.Insertion, Meter: "20000001", Reason: "换表"})
		return err
	}
}

// changed hangs the new meter on the wall.
func (s *scene) changed(done bool) {
	if done {
		s.c.old = append(s.c.old, s.c.meter)
		s.c.meter = s.meter(20000001)
	}
}

func (s *scene) newPrices() {
	t := residential()
	t.Version++
	t.Tiers[0].Price += 100
	if err := s.o.svc.SetTables([]table{t}); err != nil {
		s.Fatal(err)
	}
	change := s.o.change
	s.o.change = func(o *counter.Options) {
		if change != nil {
			change(o)
		}
		o.Tables = []table{t}
	}
}
