package config

import (
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

func (d *document) lines(tables []*table, models []string) []Line {
	used := taken{}
	var out []Line
	for _, t := range tables {
		l := d.line(t)
		used.use(t, "name", "name ", l.Name)
		used.use(t, "port", "port ", l.Port)
		used.use(t, "address", "address ", l.Address)
		units := taken{}
		for _, mt := range t.subs("meter", 247) {
			m := d.meter(mt, models)
			used.use(mt, "id", "meter ", string(m.ID))
			if m.Unit != 0 {
				units.use(mt, "unit", "unit ", strconv.Itoa(int(m.Unit)))
			}
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
	switch l.Kind {
	case KindSerial:
		l.Protocol = t.must("protocol", `"modbus-rtu"`, ModbusRTU)
		t.serial(&l)
		t.unfit(`kind = "serial"`, "address")
	case KindTCP:
		l.Protocol = t.must("protocol", `"modbus-tcp"`, ModbusTCP, RTUOverTCP)
		if t.required("address", `"10.0.0.7:502"`) != "" {
			l.Address = t.hostPort("address", "", "10.0.0.7:502")
		}
		if strings.HasPrefix(l.Address, ":") || strings.HasSuffix(l.Address, ":0") {
			t.bad("address", codeAddress, quoted(l.Address), "10.0.0.7:502")
		}
		t.unfit(`kind = "tcp"`, "port", "baud", "parity", "data_bits", "stop_bits")
	default: // reported already; what hangs on it cannot be judged
		for _, key := range []string{"protocol", "port", "address", "baud", "parity", "data_bits", "stop_bits"} {
			t.take(key)
		}
	}
	return l
}

// Bauds are the speeds that a serial line may have.
func Bauds() []int {
	return []int{300, 600, 1200, 2400, 4800, 9600, 14400, 19200, 38400, 57600, 115200, 230400}
}

// serial reads what only a serial line has. The defaults are those of the Modbus serial line specification, V1.02, 2.5.1,
// but for the parity: what is in the field is 8N1.
func (t *table) serial(l *Line) {
	l.Port = t.required("port", `"/dev/serial/by-id/…"`)
	l.Baud = t.number("baud", 9600, Bauds()...)
	l.Parity = t.choice("parity", ParityNone, ParityNone, ParityEven, ParityOdd)
	l.DataBits = t.number("data_bits", 8, 8)
	l.StopBits = t.number("stop_bits", 1, 1, 2)
}

// must is a choice that has to be made.
func (t *table) must(key, example string, words ...string) string {
	if !t.has(key) {
		t.bad(key, codeMissing, key+" = "+example)
		return ""
	}
	return t.choice(key, "", words...)
}

func (d *document) meter(t *table, models []string) Meter {
	m := Meter{
		ID:      meter.ID(t.requiredName("id", `"00012345"`)),
		Model:   t.required("model", `"generic-gas-modbus"`),
		Every:   t.span("every", 15*time.Minute, time.Second, 24*time.Hour),
		Timeout: t.span("timeout", time.Second, 50*time.Millisecond, time.Minute),
	}
	if t.has("unit") {
		m.Unit = uint8(t.whole("unit", 0, 1, 247))
	} else {
		t.bad("unit", codeMissing, "unit = 1")
	}
	if m.Model != "" {
		t.known("model", m.Model, models)
	}
	t.close()
	return m
}
