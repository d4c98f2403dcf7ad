package icmeter

// Kinds of cards that set a meter up, as the header of GEN4442 says them.
const (
	kindCheck = 5 // reads the meter
	kindClear = 6 // makes it as it came from the factory
	kindParam = 7 // brings settings and prices
	kindTool  = 8 // opens the valve for a test
)

// ReasonUsedUp: the card's uses are used up.
const ReasonUsedUp Reason = "used_up"

func isTool(kind byte) bool { return kind >= kindCheck && kind <= kindTool }

// counts reports whether cards of this layout count uses: the sequence of the order is how many there are, the sequence
// of the write-back how many were made.
func (g *gen) counts() bool { return g == &gen4442 }

// serve does what a card of a technician is for, once a use was taken from it. The use is written before anything is
// done, so that a card that is pulled in between has lost a use and won nothing.
func (m *Meter) serve(g *gen, card Memory, image []byte, h header) Result {
	o, _, why := g.newest(image)
	made := g.uses(image)
	switch {
	case h.region != m.s.Region:
		why = ReasonRegion
	case h.meter != "" && h.meter != m.s.Number:
		why = ReasonMeter
	case why != "":
	case made >= o.seq:
		why = ReasonUsedUp
	}
	if why != "" {
		return m.result(why)
	}
	says := m.s
	says.Seq, says.Accepted = made+1, uint32(made)+1
	fresh, at := says.slot(m.now()), g.older(image)
	err := m.writeAll(card, piece{at + commitAt, []byte{openByte}}, piece{at, fresh[:commitAt]}, piece{at + commitAt, fresh[commitAt:]})
	if err != nil {
		return m.result(ReasonWriteBack)
	}
	m.obey(h.kind, o, image)
	r := m.result("")
	r.Accepted, r.WroteBack = true, true
	return r
}

// uses is how often a card was used, by its own count: the greater of the two write-backs.
func (g *gen) uses(image []byte) uint16 {
	var n uint16
	for _, at := range g.backs {
		if b, ok := readBack(image, at); ok {
			n = max(n, b.seq)
		}
	}
	return n
}

func (m *Meter) obey(kind byte, o order, image []byte) {
	s := &m.s
	switch kind {
	case kindClear:
		*s = State{Layout: s.Layout, Number: s.Number, Region: s.Region, Unit: s.Unit, LastEvent: EventCleared}
	case kindParam:
		s.Alarm, s.Hoard, s.Overdraft, s.LastEvent = o.alarm, o.hoard, o.overdraft, EventSet
		if o.price != 0 {
			s.Price = o.price
		}
		m.takeTariff(image)
	case kindTool:
		s.ValveOpen, s.LastEvent = true, EventOpened
	}
}
