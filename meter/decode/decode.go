package decode

import (
	"slices"
	"strings"

	"tally/meter"
	"tally/meter/cjt188"
	"tally/meter/dlt645"
	"tally/meter/mbus"
	"tally/meter/modbus/frame"
	"tally/meter/telegram"
)

// Protocols that a frame can be of.
const (
	Auto      = "auto"
	ModbusRTU = frame.RTU
	ModbusTCP = frame.TCP
	CJT188    = "cjt188"
	DLT645    = "dlt645"
	MBus      = "mbus"
)

// Protocols lists what may be asked for, Auto first.
func Protocols() []string { return []string{Auto, ModbusRTU, ModbusTCP, CJT188, DLT645, MBus} }

// Options say what is known beside the frame; the zero value is nothing.
type Options struct {
	Protocol string // one of Protocols; empty is Auto
	CJT188   cjt188.Variant
	DLT645   map[dlt645.Item]dlt645.Coding // items that a model codes or names in its own way
	Modbus   frame.Options
}

// candidate is one protocol. Candidates are in the order in which they win when two fit equally well: the ones with the
// stronger form first.
type candidate struct {
	protocol string
	explain  func(b []byte, o Options) telegram.Report
	preamble bool         // FE in front of a frame belongs to the protocol
	behind   telegram.Fit // least fit of a frame that does not begin with the first byte; a weak form is found anywhere
	begins   string       // bytes that a frame behind the first byte begins with; empty for any
}

// never is a fit that no frame has.
const never = telegram.FitWhole + 1

var candidates = []candidate{
	{MBus, func(b []byte, _ Options) telegram.Report { return mbus.Explain(b) }, false, telegram.FitHeader, "\x68\x10\xE5"},
	{DLT645, func(b []byte, o Options) telegram.Report { return dlt645.Explain(b, o.DLT645) }, true, telegram.FitStart, "\x68"},
	{CJT188, func(b []byte, o Options) telegram.Report { return cjt188.Explain(b, o.CJT188) }, true, telegram.FitStart, "\x68"},
	{ModbusRTU, func(b []byte, o Options) telegram.Report { return frame.ExplainRTU(b, o.Modbus) }, false, telegram.FitWhole, ""},
	{ModbusTCP, func(b []byte, o Options) telegram.Report { return frame.ExplainTCP(b, o.Modbus) }, false, never, ""},
}

// Frame explains one frame. There is always a protocol in the report when b is not empty and Options name one or let it
// be found; when nothing fits it is the one that comes closest, with its complaint.
func Frame(b []byte, o Options) telegram.Report {
	if len(b) == 0 {
		r := telegram.Report{}
		if o.Protocol != Auto {
			r.Protocol = o.Protocol
		}
		r.Fault(telegram.Short(0, 1))
		return r
	}
	var best telegram.Report
	bestScore := -1
	for _, c := range candidates {
		if o.Protocol != "" && o.Protocol != Auto && o.Protocol != c.protocol {
			continue
		}
		if r, score := locate(b, c, o); score > bestScore {
			best, bestScore = r, score
		}
	}
	return best
}

// mostJunk is how far behind the first byte a frame is looked for.
const mostJunk = 512

// locate finds the best frame of one protocol in b, wherever it begins.
func locate(b []byte, c candidate, o Options) (telegram.Report, int) {
	var best telegram.Report
	bestScore, bestStart := -1, 0
	ends := min(len(b), mostJunk)
	if c.preamble && idle(b) {
		ends = len(b) + 1 // the frame is yet to come
	}
	for start := range ends {
		first := start == 0 || c.preamble && idle(b[:start])
		if !first && (c.behind == never || c.begins != "" && !strings.Contains(c.begins, string(b[start:start+1]))) {
			continue
		}
		r := c.explain(b[start:], o)
		if !first && r.Fit < c.behind {
			continue
		}
		given, before := len(b), start
		if c.preamble && idle(b[:start]) && start < len(b) {
			given, before = len(b)-start, 0
		}
		s := score(r, given, before, train(r, b[start:], c))
		if s > bestScore {
			best, bestScore, bestStart = r, s, start
		}
	}
	best.Shift(bestStart)
	around(&best, b, bestStart, c)
	return best, bestScore
}

// weights of what was found, per thousand of the bytes given.
var weights = map[telegram.Fit]int{telegram.FitNothing: 0, telegram.FitStart: 200, telegram.FitHeader: 500, telegram.FitShape: 900, telegram.FitMended: 950, telegram.FitWhole: 1000}

// train is how many bytes whole frames take that follow each other, the first of which is r.
func train(r telegram.Report, b []byte, c candidate) int {
	n := r.Length
	for r.Fit == telegram.FitWhole && n < len(b) {
		next := c.explain(b[n:], Options{})
		if next.Fit != telegram.FitWhole {
			break
		}
		n += next.Length
	}
	return n
}

// score rates a report by how much of the form holds and how much of the bytes given it explains.
func score(r telegram.Report, given, start, covered int) int {
	if covered == 0 || covered > given-start {
		covered = given - start
	}
	s := 2 * weights[r.Fit] * covered / max(given, 1)
	if len(r.Problems) == 1 && r.Problems[0].Code == telegram.Truncated {
		s++ // where nothing fits: it may yet become a frame
	}
	return s
}

// idle tells whether there are only FE.
func idle(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0xFE }) }

// around adds what is wrong beside the frame.
func around(r *telegram.Report, b []byte, start int, c candidate) {
	junk := b[:start]
	if c.preamble {
		for i := len(junk); i > 0 && junk[i-1] == 0xFE; i-- {
			junk = junk[:i-1]
		}
	}
	if n := start - len(junk); n > 0 {
		r.Frame = append(telegram.Fields{{Name: "preamble", Value: n}}, r.Frame...)
	}
	if len(junk) > 0 && r.Fit > telegram.FitNothing {
		r.Problems = append([]*telegram.Problem{{
			Code: telegram.Junk, Got: excerpt(junk), Text: "bytes before the frame", Class: meter.ErrMalformed,
		}}, r.Problems...)
	}
	end := start + r.Length
	if r.Length == 0 || end >= len(b) || r.Fit < telegram.FitShape {
		return
	}
	p := &telegram.Problem{Code: telegram.Trailing, Offset: end, Got: excerpt(b[end:]), Text: "bytes behind the frame", Class: meter.ErrMalformed}
	if c.explain(b[end:], Options{}).Fit == telegram.FitWhole {
		p.Text = "another frame begins here"
	}
	r.Fault(p)
}

// excerpt prints the first bytes.
func excerpt(b []byte) string {
	const most = 8
	if len(b) <= most {
		return telegram.Hex(b...)
	}
	return telegram.Hex(b[:most]...) + " …"
}
