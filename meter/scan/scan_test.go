package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tally/meter/line"
	"tally/meter/metersim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is a find in one line.
func told(f Find) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s%s %s", f.Setting, f.Protocol, f.Evidence, f.Address, f.Number, f.Asked, f.Kind))
}

func all(s *State) []string {
	var out []string
	for _, f := range s.Found {
		out = append(out, told(f))
	}
	return out
}

func same(t *testing.T, s *State, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, all(s)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

func gasBus(at ...byte) *metersim.Bus {
	b := metersim.NewBus(metersim.Pacing{Turnaround: 30 * time.Millisecond})
	for _, a := range at {
		b.Attach(a, metersim.NewGasMeter(1000))
	}
	return b
}

func mbusMeter(address byte, id ...byte) metersim.Speech {
	m := &metersim.MBusMeter{Address: address, Header: [12]byte{id[3], id[2], id[1], id[0], 0x93, 0x15, 1, 7}}
	m.Set([]byte{0x0C, 0x13, 0x78, 0x56, 0x34, 0x12})
	s := &metersim.MBus{}
	s.Add(m)
	return s
}

func electricity(old bool, address ...byte) metersim.Speech {
	m := &metersim.DLT645Meter{Address: [6]byte(address), Old: old}
	if old {
		m.Set([]byte{0x10, 0x90}, []byte{1, 0, 0, 0})
	}
	s := &metersim.DLT645{}
	s.Add(m)
	return s
}

// TestFindsEachProtocolAnywhere: a meter at a speed and parity that nobody would try first is found by a scan that knows
// nothing.
func TestFindsEachProtocolAnywhere(t *testing.T) {
	one := &metersim.CJT188{}
	one.Add(water(0x18, 0x02, 0x12, 0x20, 0x20, 0, 0))
	for name, tt := range map[string]struct {
		w    world
		want string
	}{
		"CJ/T 188":      {world{bus: bus(one), speed: speed(38400, line.None)}, "38400 8N1 cjt188 answer 00002020120218 00002020120218 cold water"},
		"DL/T 645-2007": {world{bus: bus(electricity(false, 0x29, 0x25, 0x07, 0x07, 0x21, 0x20)), speed: speed(4800, line.Odd)}, "4800 8O1 dlt645 answer 202107072529 202107072529 electricity"},
		"DL/T 645-1997": {world{bus: bus(electricity(true, 0x54, 0x07, 0x13, 0, 0x80, 0x13)), speed: speed(300, line.Even)}, "300 8E1 dlt645 answer 138000130754 138000130754 electricity"},
		"M-Bus":         {world{bus: bus(mbusMeter(77, 0x12, 0x34, 0x56, 0x78)), speed: speed(38400, line.Even)}, "38400 8E1 mbus answer 77 12345678 water"},
		"Modbus":        {world{bus: gasBus(200), speed: speed(57600, line.Odd)}, "57600 8O1 modbus-rtu answer 200"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, _ := run(t, &tt.w, Options{First: true})
				same(t, s, tt.want)
			})
		})
	}
}

// TestLikelyFirst: what is delivered most is asked first.
func TestLikelyFirst(t *testing.T) {
	steps := plan(Options{})
	first := func(p Protocol) string {
		i := slices.IndexFunc(steps, func(s Step) bool { return s.Protocol == p })
		return fmt.Sprintf("%s %s %d–%d", steps[i].Setting, steps[i].Ask, steps[i].From, steps[i].To)
	}
	got := []string{first(CJT188), first(DLT645), first(MBus), first(ModbusRTU)}
	if diff := cmp.Diff([]string{"2400 8E1 address 0–0", "2400 8E1 address 0–0", "2400 8E1 all 0–0", "9600 8N1 range 1–10"}, got); diff != "" {
		t.Error(diff)
	}
	n := 0
	for _, s := range steps {
		n += s.count()
	}
	if n < 27*(247+5) {
		t.Errorf("only %d questions: not every speed, parity and address", n)
	}
}

func TestLimits(t *testing.T) {
	steps := plan(Options{Bauds: []int{2400}, Parities: []line.Parity{line.Even}, Protocols: []Protocol{ModbusRTU, MBus}, Modbus: Range{5, 20}, MBus: Range{1, 1}, Numbers: []string{"12345678"}})
	var got []string
	for _, s := range steps {
		got = append(got, fmt.Sprintf("%s %s %s %d–%d %s", s.Setting, s.Protocol, s.Ask, s.From, s.To, s.Pattern))
	}
	want := []string{"2400 8E1 mbus all 0–0 ", "2400 8E1 mbus select 0–0 FFFFFFFF", "2400 8E1 mbus number 0–0 12345678", "2400 8E1 mbus range 1–1 ",
		"2400 8E1 modbus-rtu range 5–10 ", "2400 8E1 modbus-rtu range 11–20 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

var mbusOnly = Options{Bauds: []int{2400}, Parities: []line.Parity{line.Even}, Protocols: []Protocol{MBus}, MBus: Range{1, 3}}

// TestMBusSecondarySearch: three meters that share an address answer at once, until the search by their numbers tells
// them apart.
func TestMBusSecondarySearch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := &world{speed: speed(2400, line.Even), bus: bus(crowd{
			mbusMeter(1, 0x12, 0x34, 0x56, 0x78), mbusMeter(1, 0x12, 0x34, 0x99, 0x99), mbusMeter(1, 0x70, 0, 0, 0x01),
		})}
		s, _ := run(t, w, mbusOnly)
		var numbers []string
		for _, f := range s.Found {
			if f.Number != "" {
				numbers = append(numbers, f.Number)
			}
		}
		if diff := cmp.Diff([]string{"12345678", "12349999", "70000001"}, numbers); diff != "" {
			t.Errorf("%s\n%v", diff, all(s))
		}
	})
}

// TestDLT645ShortenedAddresses: two meters answer the wildcard at once; their lowest digits tell them apart.
func TestDLT645ShortenedAddresses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := &world{speed: speed(2400, line.Even), bus: bus(crowd{
			electricity(false, 0x29, 0x25, 0x07, 0x07, 0x21, 0x20), electricity(false, 0x29, 0x26, 0x07, 0x07, 0x21, 0x20), electricity(false, 0x30, 0, 0, 0, 0, 0),
		})}
		s, _ := run(t, w, Options{Bauds: []int{2400}, Parities: []line.Parity{line.Even}, Protocols: []Protocol{DLT645}})
		var numbers []string
		for _, f := range s.Found {
			if f.Certain() {
				numbers = append(numbers, f.Number)
			}
		}
		slices.Sort(numbers)
		if diff := cmp.Diff([]string{"000000000030", "202107072529", "202107072629"}, numbers); diff != "" {
			t.Errorf("%s\n%v", diff, all(s))
		}
	})
}

// TestSomethingIsHere: a wrong checksum and a refusal are traces, and silence is none.
func TestSomethingIsHere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := gasBus(1, 2, 3, 5)
		damagedMeter, refusing, empty := metersim.NewGasMeter(1), metersim.NewGasMeter(1), metersim.NewSlave()
		damagedMeter.Always(&metersim.Fault{Damage: true})
		refusing.Always(&metersim.Fault{Exception: 6})
		once := metersim.NewGasMeter(1)
		once.Next(metersim.Fault{Damage: true})
		b.Attach(2, damagedMeter)
		b.Attach(3, refusing)
		b.Attach(4, empty)
		b.Attach(5, once)
		w := &world{bus: b, speed: speed(9600, line.None)}
		s, _ := run(t, w, Options{Bauds: []int{9600}, Parities: []line.Parity{line.None}, Protocols: []Protocol{ModbusRTU}, Modbus: Range{1, 7}})
		same(t, s, "9600 8N1 modbus-rtu answer 1", "9600 8N1 modbus-rtu damaged  2", "9600 8N1 modbus-rtu refusal 3", "9600 8N1 modbus-rtu refusal 4", "9600 8N1 modbus-rtu answer 5")
		if s.Found[2].Exception != 6 || s.Found[3].Exception != 2 || len(s.Found[1].Raw) != 7 {
			t.Errorf("%+v", s.Found)
		}
	})
}

// TestSplitEchoAndNoise: an echoing adapter, a glitch before the answer and a pause in it hide no meter.
func TestSplitEchoAndNoise(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := gasBus(1, 2)
		b.Echo = true
		split := metersim.NewGasMeter(1)
		split.Always(&metersim.Fault{Split: 40 * time.Millisecond, Noise: []byte{0x00, 0xFF}})
		b.Attach(2, split)
		s, _ := run(t, &world{bus: b, speed: speed(9600, line.None)},
			Options{Bauds: []int{9600}, Parities: []line.Parity{line.None}, Protocols: []Protocol{ModbusRTU}, Modbus: Range{1, 4}})
		same(t, s, "9600 8N1 modbus-rtu answer 1", "9600 8N1 modbus-rtu answer 2")
		if !s.Found[0].Echo {
			t.Error("the echo was not noticed")
		}
	})
}

// TestLateAnswerIsOfWhoSentIt: a meter that answers when its neighbour is asked is found under its own address.
func TestLateAnswerIsOfWhoSentIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := gasBus(1)
		late := metersim.NewGasMeter(1)
		late.Always(&metersim.Fault{Late: 300 * time.Millisecond})
		b.Attach(2, late)
		s, _ := run(t, &world{bus: b, speed: speed(9600, line.None)},
			Options{Bauds: []int{9600}, Parities: []line.Parity{line.None}, Protocols: []Protocol{ModbusRTU}, Modbus: Range{1, 4}})
		same(t, s, "9600 8N1 modbus-rtu answer 1", "9600 8N1 modbus-rtu answer 2")
	})
}

// TestStopAndResume: stopped at any question and gone on with from its file, a scan finds the same and asks nothing twice
// but the question it was stopped in.
func TestStopAndResume(t *testing.T) {
	options := Options{Bauds: []int{9600, 2400}, Parities: []line.Parity{line.None}, Protocols: []Protocol{ModbusRTU}, Modbus: Range{1, 20}}
	whole := func(t *testing.T, stopAt ...int) (*State, int) {
		asked := 0
		w := &world{bus: gasBus(3, 17), speed: speed(9600, line.None), hears: func([]byte) { asked++ }}
		s := New("pipe", options, time.Now())
		l := line.New("pipe", w.open(t), LineOptions())
		defer l.Close()
		for _, at := range stopAt {
			ctx, cancel := context.WithCancel(t.Context())
			r := Runner{Line: l, Report: func(e Event) {
				if e.Kind == Asking && asked >= at {
					cancel()
				}
			}}
			if err := r.Run(ctx, s); !errors.Is(err, context.Canceled) {
				t.Fatalf("stopped at %d: %v", at, err)
			}
			cancel()
			file, err := s.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if s, err = Parse(file); err != nil {
				t.Fatal(err)
			}
		}
		r := Runner{Line: l, Report: func(Event) {}}
		if err := r.Run(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		return s, asked
	}
	var want []string
	var questions int
	bubble(t, func(t *testing.T) {
		s, n := whole(t)
		want, questions = all(s), n
	})
	for stop := 0; stop < 38; stop += 3 {
		bubble(t, func(t *testing.T) {
			s, n := whole(t, stop, stop+1)
			if diff := cmp.Diff(want, all(s)); diff != "" {
				t.Errorf("stopped at %d (-want +got):\n%s", stop, diff)
			}
			if n > questions+2 {
				t.Errorf("stopped at %d: %d questions, without stopping %d", stop, n, questions)
			}
		})
	}
}

// TestListenFirst: where another master asks, nothing is sent.
func TestListenFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		sent := 0
		b := gasBus(7)
		w := &world{bus: b, speed: speed(9600, line.None), hears: func([]byte) { sent++ }}
		l := line.New("pipe", overhearing(w.open(t), []byte{7, 3, 0, 0, 0, 1, 0x84, 0x6C}), LineOptions())
		defer l.Close()
		s := New("pipe", Options{Bauds: []int{2400, 9600}, Parities: []line.Parity{line.None}, Protocols: []Protocol{ModbusRTU}, Listen: 2 * time.Second}, time.Now())
		r := Runner{Line: l, Report: func(Event) {}}
		if err := r.Run(t.Context(), s); !errors.Is(err, ErrInUse) {
			t.Fatalf("got %v, found %v", err, all(s))
		}
		same(t, s, "9600 8N1 modbus-rtu overheard 7")
		if sent > 0 {
			t.Errorf("%d questions were sent", sent)
		}
	})
}

// overhearing makes a port on which frame comes every half second while it is at 9600 baud.
func overhearing(open line.Opener, frame []byte) line.Opener {
	return func(ctx context.Context) (line.Conn, error) {
		c, err := open(ctx)
		return &chatter{port: c.(*port), frame: frame}, err
	}
}

type chatter struct {
	*port
	frame []byte
	due   time.Time
	until time.Time
}

func (c *chatter) SetReadDeadline(t time.Time) error {
	c.until = t
	return c.port.SetReadDeadline(t)
}

func (c *chatter) Read(b []byte) (int, error) {
	if c.due.IsZero() {
		c.due = time.Now().Add(500 * time.Millisecond)
	}
	if c.port.right() && c.due.Before(c.until) {
		<-time.After(time.Until(c.due)) // in the bubble's time
		c.due = c.due.Add(500 * time.Millisecond)
		return copy(b, c.frame), nil
	}
	return c.port.Read(b)
}

// babbler is a port on which something comes all the time.
type babbler struct{ *port }

func (b babbler) Read(p []byte) (int, error) {
	<-time.After(10 * time.Millisecond) // in the bubble's time
	return copy(p, []byte{0x55, 0x5A}), nil
}

// TestNoiseWithoutEnd: a setting at which the line is never silent is left out, and the scan comes to its end.
func TestNoiseWithoutEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := &world{bus: gasBus(1), speed: speed(9600, line.None)}
		open := w.open(t)
		l := line.New("pipe", func(ctx context.Context) (line.Conn, error) {
			c, err := open(ctx)
			return babbler{c.(*port)}, err
		}, LineOptions())
		defer l.Close()
		s := New("pipe", Options{Bauds: []int{2400, 9600}, Protocols: []Protocol{ModbusRTU}, Parities: []line.Parity{line.None}}, time.Now())
		noisy := 0
		r := Runner{Line: l, Report: func(e Event) {
			if e.Kind == Noisy {
				noisy++
			}
		}}
		if err := r.Run(t.Context(), s); err != nil || noisy != 2 || len(s.Queue) != 0 {
			t.Errorf("%v, %d noisy, %d left", err, noisy, len(s.Queue))
		}
	})
}

// TestETA: the estimate for silence is what it takes.
func TestETA(t *testing.T) {
	bubble(t, func(t *testing.T) {
		began := time.Now()
		s, events := run(t, &world{bus: gasBus(), speed: speed(9600, line.None)},
			Options{Bauds: []int{9600}, Parities: []line.Parity{line.None}, Protocols: []Protocol{ModbusRTU}})
		took := time.Since(began)
		if first := events[0].ETA; first < took*9/10 || first > took*11/10 {
			t.Errorf("said %s, took %s", first, took)
		}
		middle := events[len(events)/2]
		if left := took / 2; middle.ETA < left*9/10 || middle.ETA > left*11/10 {
			t.Errorf("half way said %s, it was %s", middle.ETA, left)
		}
		if s.Asked != 247 || middle.Left+middle.Asked != 247 {
			t.Errorf("%d asked, half way %d and %d", s.Asked, middle.Asked, middle.Left)
		}
	})
}

// TestNothingIsWritten: a scan's questions are reads and link resets only.
func TestNothingIsWritten(t *testing.T) {
	for _, step := range plan(Options{Numbers: []string{"12345678"}}) {
		q, err := questionOf(step, step.From, Options{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		b := bytes.TrimLeft(q.request, "\xFE")
		ok := false
		switch step.Protocol {
		case CJT188:
			ok = b[9] == 0x01 || b[9] == 0x03
		case DLT645:
			ok = b[8] == 0x01 || b[8] == 0x13
		case MBus: // SND_NKE, or a selection
			ok = b[0] == 0x10 && b[1] == 0x40 || b[0] == 0x68 && b[6] == 0x52
		case ModbusRTU:
			ok = b[1] == 3
		}
		if !ok {
			t.Fatalf("%+v sends % x", step, b)
		}
	}
}

func FuzzParse(f *testing.F) {
	s := New("/dev/ttyUSB0", Options{Bauds: []int{2400}, Numbers: []string{"12345678"}}, time.Unix(0, 0))
	s.Found = append(s.Found, Find{Evidence: Answered, Raw: Raw{1}})
	good, err := s.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"queue":[{"baud":9600,"parity":"none","stop_bits":1,"protocol":"modbus-rtu","ask":"range","from":1,"to":300}]}`))
	f.Add([]byte(`{"version":1,"queue":[{"baud":9600,"parity":"none","stop_bits":1,"protocol":"mbus","ask":"select","pattern":"FFFFFFFG"}]}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			return
		}
		for _, step := range s.Queue { // what was taken can be asked
			if _, err := questionOf(step, step.From, s.Options, 0); err != nil {
				t.Fatal(err)
			}
			deeper(step, Find{Evidence: Damaged})
		}
		again, err := s.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(again); err != nil {
			t.Fatalf("wrote what it does not read: %v", err)
		}
	})
}

func TestParseIsStrict(t *testing.T) {
	good, err := New("p", Options{Bauds: []int{2400}, Protocols: []Protocol{CJT188}}, time.Unix(0, 0)).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string][2]string{
		"unknown field": {`"version"`, `"colour": 1, "version"`}, "version": {`"version": 1`, `"version": 2`}, "baud": {`"baud": 2400`, `"baud": 1`},
		"parity": {`"parity": "even"`, `"parity": "mark"`}, "stop bits": {`"stop_bits": 1`, `"stop_bits": 3`}, "protocol": {`"cjt188",
   "ask"`, `"cjt189",
   "ask"`}, "question": {`"ask": "address"`, `"ask": "write"`}, "negative": {`"asked": 0`, `"asked": -1`}, "trailing": {"\n}\n", "\n} {}"},
	} {
		bad := strings.Replace(string(good), edit[0], edit[1], 1)
		if bad == string(good) {
			t.Fatalf("%s: nothing to edit in\n%s", name, good)
		}
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := Parse(good); err != nil {
		t.Error(err)
	}
}
