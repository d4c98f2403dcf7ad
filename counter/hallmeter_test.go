package counter_test

import (
	"fmt"

	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/meter/quantity"
)

// meterSim is a meter that takes cards.
type meterSim interface {
	Number() string
	// Swipe takes a card and returns what was credited.
	Swipe(chip simChip) purse.Amount
	// Credited is all that was ever credited, Left what of it is there still, as the display says.
	Credited() purse.Amount
	Left() purse.Amount
	// Use lets so many units flow.
	Use(n purse.Amount)
}

// meter makes a meter for the hall's cards: the general one for the general layout, one told by the profile for others.
func (h *hall) meter(no int) meterSim {
	h.Helper()
	number := fmt.Sprintf("%08d", no)
	layout, general := map[string]string{
		"GEN4442 v1": icmeter.GEN4442, "GENCPU v1": icmeter.GENCPU, "GEN102 v1": icmeter.GEN102, "LOADCPU v1": icmeter.LOADCPU,
	}[h.prof.Name]
	if !general {
		return &makersMeter{h: h, number: number}
	}
	m, err := icmeter.NewOf(layout, number, region, icmeter.Unit(h.unit))
	if err != nil {
		h.Fatal(err)
	}
	m.SetClock(h.clock)
	return &generalMeter{m: m}
}

type generalMeter struct {
	m        *icmeter.Meter
	credited purse.Amount
	last     icmeter.Result
}

func (g *generalMeter) Number() string { return g.m.State().Number }

func (g *generalMeter) Swipe(chip simChip) purse.Amount {
	g.last = g.m.Swipe(chip)
	g.credited += purse.Amount(g.last.Credited)
	return purse.Amount(g.last.Credited)
}

func (g *generalMeter) Credited() purse.Amount { return g.credited }
func (g *generalMeter) Left() purse.Amount     { return purse.Amount(g.m.State().Remaining) }
func (g *generalMeter) Use(n purse.Amount)     { g.m.Use(quantity.Volume(n) * 10) }

// makersMeter is another maker's, told by the profile what to look at: it credits what it has not taken yet and leaves
// the maker's sign on the card. It reads the first slot, or its backup when that is not whole, and leaves both alike.
type makersMeter struct {
	h        *hall
	number   string
	seq      int64
	credited purse.Amount
	used     purse.Amount
}

func (m *makersMeter) Number() string         { return m.number }
func (m *makersMeter) Credited() purse.Amount { return m.credited }
func (m *makersMeter) Left() purse.Amount     { return m.credited - m.used }
func (m *makersMeter) Use(n purse.Amount)     { m.used += min(n, m.Left()) }

func (m *makersMeter) must(err error) {
	m.h.Helper()
	if err != nil {
		m.h.Fatal(err)
	}
}

func (m *makersMeter) Swipe(chip simChip) purse.Amount {
	p, image := m.h.prof, chip.ReadMem()
	st, err := purse.Decode(p, image)
	if err != nil || st.Order == nil || st.Meter != "" && trim(st.Meter) != trim(m.number) {
		return 0
	}
	raw := p.Order.Of(image, 0)
	if st.Order.Slot != p.Order.Slots[0].Name {
		copy(raw, p.Order.Of(image, 1))
	}
	var got purse.Amount
	switch p.Rules.Swiped {
	case profile.SwipedZero:
		if st.Order.Qty == 0 || int64(st.Order.Seq) == m.seq {
			return 0
		}
		m.must(p.Order.Field(profile.Qty).PutInt(raw, 0))
		p.Seal(p.Order, image, 0)
		got = st.Order.Qty
	case profile.SwipedMark:
		if st.Swiped {
			return 0
		}
		got = st.Order.Qty
		if f := p.Order.Field(profile.Mark); f != nil {
			m.must(f.PutWord(raw, "swiped"))
		} else {
			raw[p.Order.Commit.At] = byte(*p.Order.Commit.Taken)
		}
	case profile.SwipedWriteBack:
		if int64(st.Order.Seq) == m.seq {
			return 0
		}
		got = st.Order.Qty
		wb := p.WriteBack.Of(image, 0)
		clear(wb)
		m.must(p.WriteBack.Field(profile.Seq).PutInt(wb, int64(st.Order.Seq)))
		m.must(p.WriteBack.Field(profile.Remaining).PutInt(wb, int64(m.Left()+got)))
		m.must(p.WriteBack.Field(profile.Time).PutTime(wb, m.h.clock()))
		m.must(p.WriteBack.Field(profile.MeterNo).PutDigits(wb, m.number))
		p.Seal(p.WriteBack, image, 0)
	}
	if p.Rules.Copies == profile.CopiesBackup {
		copy(p.Order.Of(image, 1), raw)
	}
	m.seq = int64(st.Order.Seq)
	m.credited += got
	m.must(chip.WriteMem(0x20, image[0x20:]))
	return got
}

func trim(no string) string {
	for len(no) > 1 && no[0] == '0' {
		no = no[1:]
	}
	return no
}
