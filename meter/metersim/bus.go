package metersim

import (
	"sync"
	"time"
)

// Pacing is how fast a line is. The zero value is infinitely fast.
type Pacing struct {
	Baud       int           // bits a second; 0 = no byte times
	CharBits   int           // bits of a character with start, parity and stop; 0 = 10 (8N1)
	Turnaround time.Duration // how long a meter thinks after it has seen the end of the request
	Gap        time.Duration // silence before a request, where it is not Modbus' t3.5
}

// Char is the time of one character.
func (p Pacing) Char() time.Duration {
	if p.Baud <= 0 {
		return 0
	}
	bits := p.CharBits
	if bits == 0 {
		bits = 10
	}
	return time.Duration(bits) * time.Second / time.Duration(p.Baud)
}

// Silence is what a meter wants before a request: t3.5 (Modbus over Serial Line V1.02, 2.5.1.1) or the Gap.
func (p Pacing) Silence() time.Duration {
	if p.Gap > 0 {
		return p.Gap
	}
	if p.Baud > 19200 {
		return 1750 * time.Microsecond
	}
	return p.Char() * 7 / 2
}

// Limit is the shortest time from one Modbus request to the next that the line allows: both frames, the turnaround, and
// t3.5 in front of each.
func (p Pacing) Limit(request, answer int) time.Duration {
	return p.Char()*time.Duration(request+answer) + p.Turnaround + 2*p.Silence()
}

// Speech is a protocol other than Modbus: the meters on a line and how their master is understood.
type Speech interface {
	// Frame tells how long the request at the start of b is, 0 if too little is there to tell. What is no request has
	// length 1: it is heard alone and means nothing.
	Frame(b []byte) int

	// Hear takes one request; false means that nobody answers. Who names the meter that does: it answers one
	// question after the other.
	Hear(frame []byte) (r Reply, answered bool)
}

// Reply is what a meter of another protocol answers, before the fault is applied that Fault.cut knows.
type Reply struct {
	Who   string
	Bytes []byte
	Fault Fault
}

// Bus is a serial line with slaves on it.
type Bus struct {
	Pacing Pacing
	Echo   bool   // the adapter hands back what the master writes
	Speech Speech // nil = Modbus, with the slaves that are attached

	mu     sync.Mutex
	slaves map[byte]*Slave
	rushed int
}

// NewBus makes a line with nothing on it.
func NewBus(p Pacing) *Bus { return &Bus{Pacing: p, slaves: map[byte]*Slave{}} }

// Attach puts a slave on the line under an address, 1–247; nil takes it away.
func (b *Bus) Attach(address byte, s *Slave) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s == nil {
		delete(b.slaves, address)
		return
	}
	b.slaves[address] = s
}

func (b *Bus) slave(address byte) *Slave {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.slaves[address]
}

// Rushed counts requests that came before the line had been silent for t3.5: real meters would not have understood
// them, and these do not answer either. Only a paced line counts.
func (b *Bus) Rushed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rushed
}

func (b *Bus) speech() Speech {
	if b.Speech != nil {
		return b.Speech
	}
	return modbusSpeech{b}
}
