package metersim

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func framed(t testing.TB, s string) []byte {
	b := unhex(t, s)
	return binary.LittleEndian.AppendUint16(b, checksum(b))
}

// onWire runs a bus on a pipe under a clock that turns by itself; the test holds the master's end.
func onWire(t *testing.T, bus *Bus, test func(t *testing.T, master net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- bus.Serve(ctx, theirs) }()
		test(t, ours)
		cancel()
		ours.Close()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// ask sends a frame and returns what comes within a second, and when the last byte came.
func ask(t *testing.T, master net.Conn, request []byte) ([]byte, time.Duration) {
	t.Helper()
	from := time.Now()
	if _, err := master.Write(request); err != nil {
		t.Fatal(err)
	}
	var got []byte
	var last time.Duration
	buf := make([]byte, 300)
	for {
		master.SetReadDeadline(from.Add(time.Second))
		n, err := master.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			return got, last
		}
		last = time.Since(from)
	}
}

// Vectors of the protocol specifications and of a meter's manual.
func TestAnswers(t *testing.T) {
	slave := NewSlave()
	slave.Set(0x6B, 0xAE41, 0x5652, 0x4340)
	bus := NewBus(Pacing{})
	bus.Attach(0x11, slave)
	for _, c := range []struct{ name, ask, want string }{
		{"read", "11 03 006B 0003 7687", "11 03 06 AE41 5652 4340 49AD"},
		{"read input registers", "11 04 006B 0001", "11 04 02 AE41"},
		{"illegal address", "11 03 0000 0001", "11 83 02"},
		{"partly illegal", "11 03 006D 0002", "11 83 02"},
		{"no registers", "11 03 006B 0000", "11 83 03"},
		{"126 registers", "11 03 006B 007E", "11 83 03"},
		{"write one", "11 06 006C 0102", "11 06 006C 0102"},
		{"and read it", "11 03 006C 0001", "11 03 02 0102"},
		{"write two", "11 10 006C 0002 04 1111 2222", "11 10 006C 0002"},
		{"and read them", "11 03 006C 0002", "11 03 04 1111 2222"},
		{"write with a wrong count", "11 10 006C 0002 02 1111", "11 90 03"},
		{"unknown function", "11 08 0000 0000", "11 88 01"},
		{"somebody else", "12 03 006B 0003", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			onWire(t, bus, func(t *testing.T, master net.Conn) {
				request := unhex(t, c.ask)
				if c.name != "read" {
					request = framed(t, c.ask)
				}
				var want []byte
				if c.name == "read" {
					want = unhex(t, c.want)
				} else if c.want != "" {
					want = framed(t, c.want)
				}
				if got, _ := ask(t, master, request); !bytes.Equal(got, want) {
					t.Errorf("answer % X, want % X", got, want)
				}
			})
		})
	}
}

func TestPacingIsThatOfTheWire(t *testing.T) {
	p := Pacing{Baud: 9600, Turnaround: 5 * ms}
	bus := NewBus(p)
	bus.Attach(1, NewGasMeter(1))
	onWire(t, bus, func(t *testing.T, master net.Conn) {
		_, took := ask(t, master, framed(t, "01 03 0000 0006"))
		// All of the limit but the silence in front of the request, which is the master's.
		if want := p.Limit(8, 17) - p.Silence(); took != want {
			t.Errorf("answer took %s, want %s", took, want)
		}
	})
	if got := p.Limit(8, 25).Round(time.Microsecond); got != 46667*time.Microsecond {
		t.Errorf("limit of 10 registers = %s, want 46.667ms", got)
	}
	if p := (Pacing{Baud: 115200}); p.Silence() != 1750*time.Microsecond {
		t.Errorf("silence at 115200 = %s", p.Silence())
	}
	if p := (Pacing{Baud: 2400, CharBits: 11}); p.Char().Round(time.Microsecond) != 4583*time.Microsecond {
		t.Errorf("character at 2400 8E1 = %s", p.Char())
	}
}

func TestRushedRequestsAreNotUnderstood(t *testing.T) {
	bus := NewBus(Pacing{Baud: 9600})
	bus.Attach(1, NewGasMeter(1))
	onWire(t, bus, func(t *testing.T, master net.Conn) {
		request := framed(t, "01 03 0000 0006")
		if _, err := master.Write(request); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(master, make([]byte, 17)); err != nil {
			t.Fatal(err)
		}
		if got, _ := ask(t, master, request); len(got) != 0 {
			t.Errorf("answered % X to a request without silence before it", got)
		}
		if bus.Rushed() != 1 {
			t.Errorf("rushed = %d, want 1", bus.Rushed())
		}
		if got, _ := ask(t, master, request); len(got) != 17 {
			t.Errorf("answer after a second of silence: % X", got)
		}
	})
}

func TestFaults(t *testing.T) {
	good := framed(t, "01 03 04 0000 0001")
	for _, c := range []struct {
		name  string
		fault Fault
		want  []byte
		last  time.Duration
	}{
		{"none", Fault{}, good, 0},
		{"silent", Fault{Silent: true}, nil, 0},
		{"late", Fault{Late: 300 * ms}, good, 300 * ms},
		{"damaged", Fault{Damage: true}, append(append(bytes.Clone(good[:4]), good[4]^0x10), good[5:]...), 0},
		{"truncated", Fault{Truncate: 3}, good[:3], 0},
		{"noise", Fault{Noise: []byte{0, 255}, Trailing: []byte{9}}, append(append([]byte{0, 255}, good...), 9), 0},
		{"exception", Fault{Exception: 6}, framed(t, "01 83 06"), 0},
		{"foreign", Fault{Foreign: 9}, framed(t, "09 03 04 0000 0001"), 0},
		{"function", Fault{Function: 4}, framed(t, "01 04 04 0000 0001"), 0},
		{"short", Fault{Short: 1}, framed(t, "01 03 02 0000"), 0},
		{"split", Fault{Split: 50 * ms}, good, 50 * ms},
		{"dribble", Fault{Dribble: 10 * ms}, good, 90 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			slave := NewGasMeter(1)
			bus := NewBus(Pacing{})
			bus.Attach(1, slave)
			slave.Next(c.fault)
			onWire(t, bus, func(t *testing.T, master net.Conn) {
				got, last := ask(t, master, framed(t, "01 03 0000 0002"))
				if !bytes.Equal(got, c.want) || last != c.last {
					t.Errorf("got % X after %s, want % X after %s", got, last, c.want, c.last)
				}
				if again, _ := ask(t, master, framed(t, "01 03 0000 0002")); !bytes.Equal(again, good) {
					t.Errorf("next answer % X, want a good one", again)
				}
			})
		})
	}
}

func TestAlwaysAndNever(t *testing.T) {
	slave := NewGasMeter(1)
	bus := NewBus(Pacing{})
	bus.Attach(1, slave)
	onWire(t, bus, func(t *testing.T, master net.Conn) {
		request := framed(t, "01 03 0000 0002")
		slave.Always(&Fault{Silent: true})
		for range 3 {
			if got, _ := ask(t, master, request); got != nil {
				t.Errorf("a dead meter answered % X", got)
			}
		}
		slave.Always(nil)
		if got, _ := ask(t, master, request); len(got) != 9 {
			t.Errorf("after the repair: % X", got)
		}
		bus.Attach(1, nil)
		if got, _ := ask(t, master, request); got != nil {
			t.Errorf("a meter that was taken away answered % X", got)
		}
		if slave.Asked() != 4 {
			t.Errorf("asked %d times, want 4", slave.Asked())
		}
	})
}

func TestLateMeterAnswersInOrderAndOthersMeanwhile(t *testing.T) {
	slow, quick := NewGasMeter(1), NewGasMeter(2)
	bus := NewBus(Pacing{})
	bus.Attach(1, slow)
	bus.Attach(2, quick)
	slow.Next(Fault{Late: 100 * ms})
	onWire(t, bus, func(t *testing.T, master net.Conn) {
		for _, f := range []string{"01 03 0000 0002", "01 03 0004 0001", "02 03 0000 0002"} {
			if _, err := master.Write(framed(t, f)); err != nil {
				t.Fatal(err)
			}
		}
		got, _ := ask(t, master, nil)
		want := append(framed(t, "02 03 04 0000 0002"), append(framed(t, "01 03 04 0000 0001"), framed(t, "01 03 02 00B9")...)...)
		if !bytes.Equal(got, want) {
			t.Errorf("got % X, want % X", got, want)
		}
	})
}

func TestEchoAndNoise(t *testing.T) {
	bus := NewBus(Pacing{})
	bus.Echo = true
	bus.Attach(1, NewGasMeter(1))
	onWire(t, bus, func(t *testing.T, master net.Conn) {
		request := framed(t, "01 03 0000 0002")
		master.SetDeadline(time.Now().Add(time.Minute))
		go master.Write(request)
		buf := make([]byte, 64)
		n, err := io.ReadAtLeast(master, buf, 17)
		if err != nil || !bytes.Equal(buf[:8], request) || n != 17 {
			t.Errorf("got % X, %v, want the request and its answer", buf[:n], err)
		}
	})
	bus.Echo = false
	onWire(t, bus, func(t *testing.T, master net.Conn) {
		if got, _ := ask(t, master, unhex(t, "01 03 00")); got != nil {
			t.Errorf("half a request was answered % X", got)
		}
		if got, _ := ask(t, master, unhex(t, "01 03 0000 0002 0000")); got != nil {
			t.Errorf("a damaged request was answered % X", got)
		}
		if got, _ := ask(t, master, framed(t, "01 03 0000 0002")); len(got) != 9 {
			t.Errorf("after noise: % X", got)
		}
	})
}

func TestCounterGrowsWithConsumption(t *testing.T) {
	s := NewGasMeter(65_530)
	s.Consume(10, time.Minute)
	if s.Litres() != 65_540 {
		t.Errorf("counter = %d, want 65540", s.Litres())
	}
	if got := s.answer(unhex(t, "03 0002 0002")); !bytes.Equal(got, unhex(t, "03 04 0000 0258")) {
		t.Errorf("flow = % X, want 600 L/h", got)
	}
	s.Limit(1)
	if got := s.answer(unhex(t, "03 0000 0002")); !bytes.Equal(got, unhex(t, "83 02")) {
		t.Errorf("two registers of a meter that gives one at a time: % X", got)
	}
}
