package scan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"tally/meter/line"
)

// Protocol is the language in which is asked.
type Protocol string

// Protocols, in the words of the command line and the config.
const (
	CJT188     Protocol = "cjt188"
	DLT645     Protocol = "dlt645"
	MBus       Protocol = "mbus"
	ModbusRTU  Protocol = "modbus-rtu"
	ModbusTCP  Protocol = "modbus-tcp"
	RTUOverTCP Protocol = "rtu-over-tcp"
)

// Protocols lists what can be asked on a serial line, and so through a transparent gateway, where Modbus is called
// rtu-over-tcp.
func Protocols() []Protocol { return []Protocol{CJT188, DLT645, MBus, ModbusRTU} }

// Setting is how characters go over the line; zero on TCP, where the gateway decides.
type Setting struct {
	Baud     int         `json:"baud,omitempty"`
	Parity   line.Parity `json:"parity,omitempty"`
	StopBits int         `json:"stop_bits,omitempty"`
}

// Mode is the setting for a line.
func (s Setting) Mode() line.Mode {
	if s.Baud == 0 {
		return line.Mode{}
	}
	return line.Mode{Baud: s.Baud, Parity: s.Parity, DataBits: 8, StopBits: s.StopBits}
}

// String is "2400 8E1"; empty on TCP.
func (s Setting) String() string {
	if s.Baud == 0 {
		return ""
	}
	return fmt.Sprintf("%d 8%c%d", s.Baud, map[line.Parity]byte{line.Even: 'E', line.Odd: 'O', line.None: 'N'}[s.Parity], s.StopBits)
}

// Kinds of questions.
const (
	askAddress = "address" // CJ/T 188 and DL/T 645: everybody tells its address
	askRead    = "read"    // the same by reading, for meters that do not tell; edition of 1997
	askSwapped = "swapped" // CJ/T 188 with the item low byte first
	askAll     = "all"     // M-Bus: the address that all answer
	askSelect  = "select"  // M-Bus: secondary address with wildcards
	askRange   = "range"   // addresses From to To
	askNumber  = "number"  // a number that was given
)

// Step is a run of questions of one kind at one setting.
type Step struct {
	Setting
	Protocol Protocol `json:"protocol"`
	Ask      string   `json:"ask"`
	From     int      `json:"from,omitempty"` // next address of a range
	To       int      `json:"to,omitempty"`
	Pattern  string   `json:"pattern,omitempty"` // number, or one with wildcards: A of DL/T 645, F of M-Bus
}

// count is how many questions the step has at least.
func (s Step) count() int {
	if s.Ask == askRange {
		return max(s.To-s.From+1, 0)
	}
	return 1
}

// Range is a run of addresses, both ends included.
type Range struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Options say what to look for; the zero value is everything on a serial line.
type Options struct {
	TCP       bool          `json:"tcp,omitempty"` // a gateway: no speeds
	Bauds     []int         `json:"bauds,omitempty"`
	Parities  []line.Parity `json:"parities,omitempty"`
	StopBits  int           `json:"stop_bits,omitempty"` // 0 = 1
	Protocols []Protocol    `json:"protocols,omitempty"`
	Modbus    Range         `json:"modbus"`            // zero = 1–247
	MBus      Range         `json:"mbus"`              // zero = 0–250
	Numbers   []string      `json:"numbers,omitempty"` // also ask CJ/T 188, DL/T 645 and M-Bus meters by these
	Timeout   time.Duration `json:"timeout,omitempty"` // for one answer; 0 = by protocol
	Listen    time.Duration `json:"listen,omitempty"`  // at each speed, before anything is asked
	First     bool          `json:"first,omitempty"`   // end with the setting at which the first meter was found
}

// Speeds that meters are delivered with.
var defaultBauds = []int{300, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200}

func (o Options) withDefaults() Options {
	if len(o.Bauds) == 0 {
		o.Bauds = defaultBauds
	}
	if len(o.Protocols) == 0 && o.TCP {
		o.Protocols = []Protocol{ModbusTCP}
	} else if len(o.Protocols) == 0 {
		o.Protocols = Protocols()
	}
	o.StopBits = cmp.Or(o.StopBits, 1)
	if o.Modbus == (Range{}) {
		o.Modbus = Range{1, 247}
	}
	if o.MBus == (Range{}) {
		o.MBus = Range{0, 250}
	}
	return o
}

// likely orders the settings of each protocol: what its standard or its makers' manuals name first. CJ/T 188-2004 and
// DL/T 645 have even parity; EN 13757-2 allows nothing else; Modbus devices are delivered with 9600 8N1 more often
// than with the 8E1 of the specification.
var likely = map[Protocol][]Setting{
	CJT188:    {{2400, line.Even, 1}, {9600, line.Even, 1}, {4800, line.Even, 1}, {1200, line.Even, 1}, {2400, line.None, 1}, {9600, line.None, 1}},
	DLT645:    {{2400, line.Even, 1}, {1200, line.Even, 1}, {9600, line.Even, 1}, {4800, line.Even, 1}, {9600, line.None, 1}, {2400, line.None, 1}},
	MBus:      {{2400, line.Even, 1}, {300, line.Even, 1}, {9600, line.Even, 1}, {1200, line.Even, 1}, {4800, line.Even, 1}, {19200, line.Even, 1}},
	ModbusRTU: {{9600, line.None, 1}, {9600, line.Even, 1}, {19200, line.Even, 1}, {19200, line.None, 1}, {4800, line.None, 1}, {2400, line.None, 1}, {2400, line.Even, 1}, {4800, line.Even, 1}, {115200, line.None, 1}, {38400, line.None, 1}},
}

// rank is how unlikely a setting is for a protocol; lower comes first.
func rank(p Protocol, s Setting) int {
	if p == RTUOverTCP {
		p = ModbusRTU
	}
	if i := slices.IndexFunc(likely[p], func(l Setting) bool { return l.Baud == s.Baud && l.Parity == s.Parity }); i >= 0 {
		return 10 * i
	}
	r := 10*len(likely[p]) + 10*slices.Index(append([]int{9600, 2400, 19200, 4800, 38400, 115200, 1200, 57600, 300}, s.Baud), s.Baud)
	if s.Parity == line.Odd {
		r += 100
	}
	return r
}

// parities of a protocol: those that were asked for, else what can be.
func (o Options) parities(p Protocol) []line.Parity {
	switch {
	case len(o.Parities) > 0:
		return o.Parities
	case p == MBus:
		return []line.Parity{line.Even}
	}
	return []line.Parity{line.None, line.Even, line.Odd}
}

// settings of a protocol.
func (o Options) settings(p Protocol) []Setting {
	if o.TCP {
		return []Setting{{}}
	}
	var all []Setting
	for _, baud := range o.Bauds {
		if p == MBus && baud > 38400 && len(o.Bauds) == len(defaultBauds) {
			continue // beyond EN 13757-2
		}
		for _, parity := range o.parities(p) {
			all = append(all, Setting{baud, parity, o.StopBits})
		}
	}
	return all
}

// bands cut a range of addresses so that the low ones come first at every setting: meters are numbered from 1.
var bands = []struct{ upTo, cost int }{{10, 5}, {32, 25}, {100, 60}, {255, 90}}

// plan makes the steps, the most likely first.
func plan(o Options) []Step {
	o = o.withDefaults()
	type ranked struct {
		Step
		cost int
	}
	var all []ranked
	for _, p := range o.Protocols {
		for _, s := range o.settings(p) {
			base := rank(p, s)
			for _, q := range quick(p) {
				all = append(all, ranked{Step{Setting: s, Protocol: p, Ask: q.Ask, Pattern: q.Pattern}, base})
			}
			for _, number := range o.Numbers {
				if p == CJT188 || p == DLT645 || p == MBus {
					all = append(all, ranked{Step{Setting: s, Protocol: p, Ask: askNumber, Pattern: number}, base + 1})
				}
			}
			r, has := o.addresses(p)
			for _, b := range bands {
				if has && r.From <= min(r.To, b.upTo) {
					all = append(all, ranked{Step{Setting: s, Protocol: p, Ask: askRange, From: r.From, To: min(r.To, b.upTo)}, base + b.cost})
					r.From = b.upTo + 1
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.cost, b.cost) })
	steps := make([]Step, len(all))
	for i, s := range all {
		steps[i] = s.Step
	}
	return steps
}

// addresses is the range of a protocol that has one.
func (o Options) addresses(p Protocol) (Range, bool) {
	switch p {
	case MBus:
		return o.MBus, true
	case ModbusRTU, ModbusTCP, RTUOverTCP:
		return o.Modbus, true
	}
	return Range{}, false
}

// quick are the questions that find a meter without knowing its address.
func quick(p Protocol) []Step {
	switch p {
	case CJT188:
		return []Step{{Ask: askAddress}, {Ask: askRead}, {Ask: askSwapped}}
	case DLT645:
		return []Step{{Ask: askAddress, Pattern: "AAAAAAAAAAAA"}, {Ask: askRead, Pattern: "AAAAAAAAAAAA"}}
	case MBus:
		return []Step{{Ask: askAll}, {Ask: askSelect, Pattern: "FFFFFFFF"}}
	}
	return nil
}

// listening are the settings at which is listened: each speed once, with the parity that is likeliest there.
func listening(steps []Step) []Setting {
	var all []Setting
	for _, s := range steps {
		if !slices.ContainsFunc(all, func(h Setting) bool { return h.Baud == s.Baud }) {
			all = append(all, s.Setting)
		}
	}
	return all
}
