package icmeter

// layout is a card as the meter that takes it sees it. Each is written from the layout's rules; none knows the others.
type layout interface {
	// size is the least number of bytes.
	size() int
	// header reads who the card is.
	header(m []byte) (header, Reason)
	// writer names the meter that wrote on the card, "" when none has.
	writer(m []byte) string
	// bind claims an unbound card before anything is credited.
	bind(m *Meter, card Memory) Reason
	// take credits what is new and leaves the meter's sign on the card. An error says that the sign is not there.
	take(m *Meter, card Memory, image []byte) (credited int64, why Reason, err error)
}

// Layouts of cards that a meter can be made for.
const (
	GEN4442 = "GEN4442"
	GEN102  = "GEN102"
	GENCPU  = "GENCPU"
	ADD4442 = "ADD4442"
	REP4442 = "REP4442"
	RAW4442 = "RAW4442"
	INC4442 = "INC4442"
	LOADCPU = "LOADCPU"
)

// layoutOf finds a layout by its name; "" is GEN4442. nil: there is none of that name.
func layoutOf(name string) layout {
	switch name {
	case "", GEN4442:
		return &gen4442
	case GEN102:
		return &gen102
	case GENCPU:
		return &genCPU
	case ADD4442:
		return adding{}
	case REP4442:
		return replacing{}
	case RAW4442:
		return bare{}
	case INC4442:
		return emptying{}
	case LOADCPU:
		return loaded{}
	}
	return nil
}

// Layouts lists the names.
func Layouts() []string {
	return []string{GEN4442, GEN102, GENCPU, ADD4442, REP4442, RAW4442, INC4442, LOADCPU}
}

// header is what the meter looks at of who the card is.
type header struct {
	kind   byte // 1 is a customer's
	unit   byte // index of units
	region uint16
	card   string
	meter  string // "" when the card is not bound yet
	issue  byte
}

// order is what the meter looks at of an order.
type order struct {
	seq                     uint16
	cum                     uint32
	price                   uint32
	alarm, hoard, overdraft uint16
}
