package metersim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Protocols of a population.
const (
	ProtocolRTU    = "modbus-rtu"
	ProtocolTCP    = "modbus-tcp"
	ProtocolCJT188 = "cjt188"
	ProtocolDLT645 = "dlt645"
	ProtocolMBus   = "mbus"
)

// Protocols lists what a population may speak.
func Protocols() []string {
	return []string{ProtocolRTU, ProtocolTCP, ProtocolCJT188, ProtocolDLT645, ProtocolMBus}
}

// Recipe says what is on a simulated line.
type Recipe struct {
	Protocol string
	Count    int // meters, 1–250
	Pacing   Pacing
	Echo     bool // the adapter hands back what the master writes
	Dead     int  // per cent of the meters that never answer
	Ills     []Ill
	Rollover bool             // counters stand just below their end
	Replaced time.Duration    // the first meter is replaced after that time; 0 = never
	Seed     uint64           // of what is left to chance
	Now      func() time.Time // nil = time.Now
}

// Ill is a fault that some of the answers have.
type Ill struct {
	Fault Fault
	Share int // per cent of the answers
}

// Resident is one meter of a population.
type Resident struct {
	Address string // as a config writes it
	Model   string // profile that reads it
	Number  string // that it tells of itself, where the protocol has one
	Dead    bool
}

// Population is a line with meters whose counters run.
type Population struct {
	Bus       *Bus
	Residents []Resident

	recipe Recipe
	turn   []func(tenths uint32) // sets each meter's counter, in units of 10 litres
	mu     sync.Mutex            // guards counts
	counts []uint32
	renew  func() // puts another meter in the place of the first
	rand   *rand.Rand
}

// most is how many meters a line may have.
const most = 250

// Populate makes the meters.
func Populate(r Recipe) (*Population, error) {
	if !slices.Contains(Protocols(), r.Protocol) {
		return nil, fmt.Errorf("protocol %q is none of %s", r.Protocol, strings.Join(Protocols(), ", "))
	}
	limit := most
	if r.Protocol == ProtocolRTU || r.Protocol == ProtocolTCP {
		limit = 247
	}
	if r.Count < 1 || r.Count > limit {
		return nil, fmt.Errorf("%d meters: 1–%d are possible", r.Count, limit)
	}
	if r.Now == nil {
		r.Now = time.Now
	}
	p := &Population{Bus: NewBus(r.Pacing), recipe: r, rand: rand.New(rand.NewPCG(r.Seed, 188))}
	p.Bus.Echo = r.Echo
	settle := p.modbus
	switch r.Protocol {
	case ProtocolCJT188:
		settle = p.cjt188()
	case ProtocolDLT645:
		settle = p.dlt645()
	case ProtocolMBus:
		settle = p.mbus()
	}
	for i := range r.Count {
		script := settle(i)
		dead := (i+1)*r.Dead/100 > i*r.Dead/100 // spread over the line
		p.Residents[i].Dead = dead
		if dead {
			script.Always(&Fault{Silent: true, Deaf: true})
		} else if len(r.Ills) > 0 {
			script.Fall(r.Seed+uint64(i), r.Ills...)
		}
		start := uint32(10_000 + 777*i)
		if r.Rollover {
			start = 99_999_990
		}
		p.counts = append(p.counts, start)
		p.turn[i](start)
	}
	return p, nil
}

func (p *Population) add(r Resident, turn func(uint32)) {
	p.Residents = append(p.Residents, r)
	p.turn = append(p.turn, turn)
}

func (p *Population) modbus(i int) *Script {
	unit := byte(i + 1)
	s := NewGasMeter(0)
	s.Identity = []string{"tally", "simulated gas meter", "1"}
	p.Bus.Attach(unit, s)
	p.add(Resident{Address: fmt.Sprint(unit), Model: "generic-gas-modbus"}, func(n uint32) { s.SetUint32(gasVolume, 10*n) })
	if i == 0 {
		p.renew = func() { s.Identity[2] = "2" }
	}
	return &s.Script
}

func (p *Population) cjt188() func(int) *Script {
	line := &CJT188{}
	p.Bus.Speech = line
	return func(i int) *Script {
		m := &CJT188Meter{Kind: 0x30, Now: p.recipe.Now, Settles: 1}
		copy(m.Address[:], bcd32(uint32(i+1)))
		m.Address[5], m.Address[6] = 0x11, 0x22
		for back := range 12 {
			m.History = append(m.History, uint32(max(0, 10_000+777*i-500*(back+1))))
		}
		line.Add(m)
		p.add(Resident{Address: fmt.Sprintf("2211%010d", i+1), Model: "generic-cjt188-gas"}, m.Turn)
		return &m.Script
	}
}

func (p *Population) dlt645() func(int) *Script {
	line := &DLT645{}
	p.Bus.Speech = line
	return func(i int) *Script {
		m := &DLT645Meter{Now: p.recipe.Now}
		copy(m.Address[:], bcd32(uint32(i+1)))
		m.Set([]byte{0, 0, 3, 2}, []byte{0x00, 0x15, 0x00}) // 0.15 kW
		line.Add(m)
		turn := func(n uint32) { m.Set([]byte{0, 0, 1, 0}, bcd32(n)) }
		p.add(Resident{Address: fmt.Sprintf("%012d", i+1), Model: "generic-dlt645-2007"}, turn)
		return &m.Script
	}
}

func (p *Population) mbus() func(int) *Script {
	line := &MBus{}
	p.Bus.Speech = line
	return func(i int) *Script {
		m := &MBusMeter{Address: byte(i + 1), Now: p.recipe.Now}
		number := uint32(26_000_001 + i)
		copy(m.Header[:], bcd32(number))
		copy(m.Header[4:], []byte{0x24, 0x40, 1, 7})
		line.Add(m)
		turn := func(n uint32) { m.Set(append([]byte{0x0C, 0x14}, bcd32(n)...)) }
		p.add(Resident{Address: fmt.Sprint(i + 1), Model: "generic-mbus", Number: fmt.Sprint(number)}, turn)
		if i == 0 {
			p.renew = func() { m.Renumber(bcd32(99_000_001)) }
		}
		return &m.Script
	}
}

// Run lets the counters go on, every second a little, until ctx ends.
func (p *Population) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	from := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			if after := p.recipe.Replaced; after > 0 && now.Sub(from) >= after {
				p.recipe.Replaced = 0
				p.mu.Lock()
				p.counts[0] = 0
				p.mu.Unlock()
				if p.renew != nil {
					p.renew()
				}
			}
			p.tick()
		}
	}
}

// tick lets each meter count up to three units of 10 litres.
func (p *Population) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, turn := range p.turn {
		p.counts[i] = (p.counts[i] + p.rand.Uint32N(4)) % 100_000_000
		turn(p.counts[i])
	}
}

// Serve answers on the slaves' end of a line, and lets the counters run, until ctx ends.
func (p *Population) Serve(ctx context.Context, serve func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	err := serve(ctx)
	cancel()
	<-done
	return err
}

// Listen answers on every connection that ln accepts: as a Modbus TCP server, or as a transparent gateway.
func (p *Population) Listen(ctx context.Context, ln net.Listener) error {
	if p.recipe.Protocol == ProtocolTCP {
		return p.Bus.ServeTCP(ctx, ln)
	}
	return p.Bus.ServeRTUOverTCP(ctx, ln)
}
