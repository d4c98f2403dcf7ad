package config

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tally/meter"
)

// taken remembers where a name was used first.
type taken map[string]int

// use reports a second use of value; kind keeps names of different things apart.
func (k taken) use(t *table, key, kind, value string) {
	if value == "" {
		return
	}
	if line, used := k[kind+value]; used {
		t.bad(key, codeTaken, quoted(value), line)
		return
	}
	k[kind+value] = t.place(key).line
}

// meters resolves what holds for all meters, and what is known with the operator's own models.
func (d *document) meters(t *table, known Known) (Meters, Known) {
	m := Meters{ModelDir: t.abs("model_dir")}
	if m.ModelDir != "" && known.ModelDir != nil {
		more, err := known.ModelDir(known, m.ModelDir)
		if err != nil {
			t.bad("model_dir", codeModels, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		known = more
	}
	m.Rules = d.rules(t)
	t.close()
	return m, known
}

func (d *document) lines(tables []*table, known Known) []Line {
	used := taken{}
	var out []Line
	for _, t := range tables {
		l := d.line(t)
		used.use(t, "name", "name ", l.Name)
		used.use(t, "port", "port ", l.Port)
		used.use(t, "address", "address ", l.Address)
		units := taken{}
		for _, mt := range t.subs("meter", 1000) {
			m := d.meter(mt, l, known)
			used.use(mt, "id", "meter ", string(m.ID))
			if m.Unit != 0 {
				units.use(mt, "unit", "unit ", strconv.Itoa(int(m.Unit)))
			}
			units.use(mt, "address", "address "+m.Kind+" ", m.Address)
			l.Meters = append(l.Meters, m)
		}
		t.close()
		out = append(out, l)
	}
	return out
}

func (d *document) line(t *table) Line {
	l := Line{Name: t.requiredName("name", `"riser-1"`), Gap: t.span("gap", 0, 0, 10*time.Second)}
	l.Kind = t.must("kind", `"serial"`, KindSerial, KindTCP)
	l.Echo = t.choice("echo", EchoAuto, EchoAuto, EchoNone, EchoAlways)
	switch l.Kind {
	case KindSerial:
		l.Protocol = t.must("protocol", `"modbus-rtu"`, SerialProtocols()...)
		t.serial(&l)
		t.unfit(`kind = "serial"`, "address")
	case KindTCP:
		l.Protocol = t.must("protocol", `"modbus-tcp"`, TCPProtocols()...)
		if t.required("address", `"10.0.0.7:502"`) != "" {
			l.Address = t.hostPort("address", "", "10.0.0.7:502")
		}
		if strings.HasPrefix(l.Address, ":") || strings.HasSuffix(l.Address, ":0") {
			t.bad("address", codeAddress, quoted(l.Address), "10.0.0.7:502")
		}
		t.unfit(`kind = "tcp"`, "port", "baud", "parity", "data_bits", "stop_bits", "direction")
	default: // reported already; what hangs on it cannot be judged
		for _, key := range []string{"protocol", "port", "address", "baud", "parity", "data_bits", "stop_bits", "direction"} {
			t.take(key)
		}
	}
	return l
}

// SerialProtocols are the protocols that a serial line may have.
func SerialProtocols() []string { return []string{ModbusRTU, CJT188, DLT645, MBus} }

// TCPProtocols are the protocols that a TCP line may have; all but ModbusTCP are serial frames through a transparent
// gateway.
func TCPProtocols() []string { return []string{ModbusTCP, RTUOverTCP, CJT188, DLT645, MBus} }

// Bauds are the speeds that a serial line may have.
func Bauds() []int {
	return []int{300, 600, 1200, 2400, 4800, 9600, 14400, 19200, 38400, 57600, 115200, 230400}
}

// SerialDefaults are speed and parity of a protocol: for Modbus those of the serial line specification, V1.02, 2.5.1,
// but for the parity, because what is in the field is 8N1; for the others 2400 8E1.
func SerialDefaults(protocol string) (baud int, parity string) {
	switch protocol {
	case CJT188, DLT645, MBus:
		return 2400, ParityEven
	}
	return 9600, ParityNone
}

// serial reads what only a serial line has.
func (t *table) serial(l *Line) {
	baud, parity := SerialDefaults(l.Protocol)
	l.Port = t.required("port", `"/dev/serial/by-id/…"`)
	l.Baud = t.number("baud", baud, Bauds()...)
	l.Parity = t.choice("parity", parity, ParityNone, ParityEven, ParityOdd)
	l.DataBits = t.number("data_bits", 8, 8)
	l.StopBits = t.number("stop_bits", 1, 1, 2)
	l.Direction = t.choice("direction", DirectionAuto, DirectionAuto, DirectionRTS, DirectionRTSInverted)
}

// must is a choice that has to be made.
func (t *table) must(key, example string, words ...string) string {
	if !t.has(key) {
		t.bad(key, codeMissing, key+" = "+example)
		return ""
	}
	return t.choice(key, "", words...)
}

func (d *document) meter(t *table, l Line, known Known) Meter {
	m := Meter{
		ID:      meter.ID(t.requiredName("id", `"00012345"`)),
		Model:   t.required("model", `"generic-gas-modbus"`),
		Every:   t.span("every", 15*time.Minute, time.Second, 24*time.Hour),
		Timeout: t.span("timeout", 0, 50*time.Millisecond, time.Minute),
	}
	switch family(l.Protocol) {
	case familyModbus:
		if t.has("unit") {
			m.Unit = uint8(t.whole("unit", 0, 1, 247))
		} else {
			t.bad("unit", codeMissing, "unit = 1")
		}
		t.unfit(`protocol = "`+l.Protocol+`"`, "address", "kind")
	case "": // reported already
		for _, key := range []string{"unit", "address", "kind"} {
			t.take(key)
		}
	default:
		m.Address = t.meterAddress(l.Protocol, known)
		t.unfit(`protocol = "`+l.Protocol+`"`, "unit")
		m.Kind = t.meterKind(l.Protocol, m.Model, known)
	}
	t.meterSpeed(&m, l)
	m.Watched = t.watched()
	if m.Model != "" {
		t.model(m.Model, l.Protocol, known)
	}
	t.close()
	return m
}

// meterSpeed reads the speed of a meter that differs from its line's.
func (t *table) meterSpeed(m *Meter, l Line) {
	if l.Kind == KindTCP {
		t.unfit(`kind = "tcp"`, "baud", "parity", "stop_bits")
		return
	}
	m.Baud = t.number("baud", 0, Bauds()...)
	m.Parity = t.choice("parity", "", ParityNone, ParityEven, ParityOdd)
	m.StopBits = t.number("stop_bits", 0, 1, 2)
}

// familyModbus is what models of all three Modbus framings speak.
const familyModbus = "modbus"

// family is the family of protocols that a line's protocol belongs to; "" for none.
func family(protocol string) string {
	switch protocol {
	case ModbusRTU, ModbusTCP, RTUOverTCP:
		return familyModbus
	}
	return protocol
}

// Words for addresses in messages.
const (
	addressOf188  word = "address of CJ/T 188"
	addressOf645  word = "address of DL/T 645"
	addressOfMBus word = "address of M-Bus"
)

// meterAddress is the address of a meter that is no Modbus slave, in the one form that is compared.
func (t *table) meterAddress(protocol string, known Known) string {
	examples := map[string]string{CJT188: `"00000020120218"`, DLT645: `"201207072529"`, MBus: `"12"`}
	s := t.required("address", examples[protocol])
	if s == "" || known.Address == nil {
		return s
	}
	canonical, ok := known.Address(protocol, s)
	if !ok {
		t.bad("address", codeMeterAddress, quoted(s), protocol, map[string]word{CJT188: addressOf188, DLT645: addressOf645, MBus: addressOfMBus}[protocol])
	}
	return canonical
}

// meterKind is what a CJ/T 188 meter meters.
func (t *table) meterKind(protocol, model string, known Known) string {
	if protocol != CJT188 {
		t.unfit(`protocol = "`+protocol+`"`, "kind")
		return ""
	}
	if !t.has("kind") {
		if slices.Contains(known.Kindless, model) {
			t.bad("kind", codeMissing, `kind = "gas"`)
		}
		return ""
	}
	if known.Kinds == nil {
		return t.text("kind", "")
	}
	return t.choice("kind", "", known.Kinds...)
}

// model reports a model that nobody knows, or that speaks another protocol than its line.
func (t *table) model(name, protocol string, known Known) {
	t.known("model", name, known.Models)
	speaks := known.Speaks[name]
	if speaks == "" || family(protocol) == "" || speaks == family(protocol) {
		return
	}
	var fitting []string
	for _, m := range known.Models {
		if known.Speaks[m] == family(protocol) {
			fitting = append(fitting, m)
		}
	}
	t.bad("model", codeWrongFamily, quoted(name), speaks, protocol, strings.Join(fitting, ", "))
}
