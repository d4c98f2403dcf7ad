package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/space"
	"tally/counter"
	"tally/counter/web"
	"tally/meter/quantity"
)

// readerName is the one simulated reader.
const readerName = "Demo Reader 0"

// Places of a card on the bench.
const (
	onTable  = "table"
	inReader = "reader"
	inMeter  = "meter"
)

// bench is the workbench under the simulated reader: cards that can be pushed into it and IC-card meters that take
// them. Cards and meters are files, so that what lies where survives the process.
type bench struct {
	src  *cardsim.Source
	file string

	mu     sync.Mutex
	cards  []*benchCard
	meters []*benchMeter
}

type benchCard struct {
	id, label string
	card      *cardsim.Kept
	where     string // onTable, inReader, inMeter
	meter     string // id of the meter it is in
}

type benchMeter struct {
	id       string
	meter    *icmeter.Meter
	water    bool
	slot     []space.Area // where the bytes of its cards lie
	said     string
	credited string
}

// benchFile is what is kept beside the cards.
type benchFile struct {
	Born   time.Time                    `json:"born"` // first start: the remote meters count from here
	Where  map[string]string            `json:"where"`
	In     map[string]string            `json:"in"` // card → meter
	Meters map[string]*icmeter.Meter    `json:"meters"`
	Said   map[string]map[string]string `json:"said"`
}

// openBench takes up the bench that lies in dir, or lays a new one out.
func openBench(dir string, src *cardsim.Source, now func() time.Time) (b *bench, born time.Time, err error) {
	if err := os.MkdirAll(filepath.Join(dir, "cards"), 0o700); err != nil {
		return nil, born, fmt.Errorf("make the bench: %w", err)
	}
	b = &bench{src: src, file: filepath.Join(dir, "bench.json")}
	saved, err := loadBench(b.file)
	if err != nil {
		return nil, born, err
	}
	if saved.Born.IsZero() {
		saved.Born = now().UTC().Truncate(time.Second)
	}
	for _, c := range cards {
		kept, err := c.in(filepath.Join(dir, "cards", c.no+".card"))
		if err != nil {
			return nil, born, err
		}
		card := &benchCard{id: c.no, label: c.label, card: kept, where: onTable}
		if w := saved.Where[c.no]; w != "" {
			card.where, card.meter = w, saved.In[c.no]
		}
		b.cards = append(b.cards, card)
	}
	for _, ic := range icMeters {
		m, err := ic.meter(saved.Meters[ic.number])
		if err != nil {
			return nil, born, err
		}
		p, err := ic.cards()
		if err != nil {
			return nil, born, err
		}
		m.SetClock(func() time.Time { return now().In(utc8) })
		said := saved.Said[ic.number]
		b.meters = append(b.meters, &benchMeter{id: ic.number, meter: m, water: ic.water, slot: p.Map, said: said["said"], credited: said["credited"]})
	}
	for _, c := range b.cards {
		if c.where == inReader {
			if err := src.Insert(readerName, c.card); err != nil {
				return nil, born, fmt.Errorf("put card %s back into the reader: %w", c.id, err)
			}
		}
	}
	return b, saved.Born, b.save(saved.Born)
}

func loadBench(file string) (benchFile, error) {
	var f benchFile
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		return f, fmt.Errorf("read the bench (tallyd demo --fresh starts anew): %w", err)
	}
	return f, nil
}

// save writes where everything is, whole or not at all. The caller holds mu or is alone.
func (b *bench) save(born time.Time) error {
	if born.IsZero() {
		f, err := loadBench(b.file)
		if err != nil {
			return err
		}
		born = f.Born
	}
	f := benchFile{
		Born: born, Where: map[string]string{}, In: map[string]string{}, Meters: map[string]*icmeter.Meter{},
		Said: map[string]map[string]string{},
	}
	for _, c := range b.cards {
		f.Where[c.id] = c.where
		if c.where == inMeter {
			f.In[c.id] = c.meter
		}
	}
	for _, m := range b.meters {
		f.Meters[m.id] = m.meter
		f.Said[m.id] = map[string]string{"said": m.said, "credited": m.credited}
	}
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("keep the bench: %w", err)
	}
	tmp := b.file + ".new"
	if err = os.WriteFile(tmp, append(raw, '\n'), 0o600); err == nil {
		err = os.Rename(tmp, b.file)
	}
	if err != nil {
		return fmt.Errorf("keep the bench: %w", err)
	}
	return nil
}

// State implements web.Bench.
func (b *bench) State() web.BenchState {
	b.mu.Lock()
	defer b.mu.Unlock()
	var s web.BenchState
	held := map[string]string{}
	for _, c := range b.cards {
		s.Cards = append(s.Cards, web.BenchCard{ID: c.id, Label: c.label, Where: c.where})
		if c.where == inMeter {
			held[c.meter] = c.id
		}
	}
	for _, m := range b.meters {
		st := m.meter.State()
		v := web.BenchMeter{
			ID: m.id, Number: st.Number, Water: m.water, Card: held[m.id], Said: m.said, Credited: m.credited, Valve: "closed",
			Remaining: cubic(st.Remaining), Used: cubic(int64(st.Used)),
		}
		if st.ValveOpen {
			v.Valve = "open"
		}
		s.Meters = append(s.Meters, v)
	}
	return s
}

// cubic prints units of 0.01 m³.
func cubic(units int64) string { return quantity.Decimal{Unscaled: units, Scale: 2}.String() }

// Do implements web.Bench.
func (b *bench) Do(_ context.Context, a web.BenchAction) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	switch a.Do {
	case "insert":
		err = b.insert(b.card(a.Card))
	case "remove":
		err = b.remove(b.card(a.Card))
	case "swipe":
		err = b.swipe(b.card(a.Card), b.meter(a.Meter))
	case "take":
		err = b.take(b.card(a.Card))
	case "use":
		err = b.use(b.meter(a.Meter), a.Use)
	default:
		err = refused(counter.CodeNotFound)
	}
	if err != nil {
		return err
	}
	return b.save(time.Time{})
}

func refused(code string) error { return &counter.Refusal{Code: code} }

func (b *bench) card(id string) *benchCard {
	for _, c := range b.cards {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (b *bench) meter(id string) *benchMeter {
	for _, m := range b.meters {
		if m.id == id {
			return m
		}
	}
	return nil
}

// insert puts a card into the reader; one that is there already is taken out first, as a clerk would.
func (b *bench) insert(c *benchCard) error {
	if c == nil {
		return refused(counter.CodeNotFound)
	}
	if c.where == inReader {
		return nil
	}
	for _, other := range b.cards {
		if other.where == inReader {
			if err := b.remove(other); err != nil {
				return err
			}
		}
	}
	if err := b.src.Insert(readerName, c.card); err != nil {
		return &counter.Refusal{Code: counter.CodeBusy, Cause: err}
	}
	c.where, c.meter = inReader, ""
	return nil
}

func (b *bench) remove(c *benchCard) error {
	if c == nil {
		return refused(counter.CodeNotFound)
	}
	if c.where != inReader {
		return nil
	}
	if err := b.src.Remove(readerName); err != nil {
		return &counter.Refusal{Code: counter.CodeBusy, Cause: err}
	}
	c.where = onTable
	return nil
}

// swipe puts a card into a meter, wherever the card is now, and leaves it there.
func (b *bench) swipe(c *benchCard, m *benchMeter) error {
	if c == nil || m == nil {
		return refused(counter.CodeNotFound)
	}
	for _, other := range b.cards {
		if other != c && other.where == inMeter && other.meter == m.id {
			return refused(counter.CodeBusy)
		}
	}
	if err := b.remove(c); err != nil {
		return err
	}
	c.where, c.meter = inMeter, m.id
	r := m.swipe(c)
	m.said, m.credited = string(r.Reason), ""
	if r.Accepted {
		m.said, m.credited = "credited", cubic(r.Credited)
	}
	return nil
}

// swipe is what the meter makes of a card in its slot. A card of another chip shows it nothing.
func (m *benchMeter) swipe(c *benchCard) icmeter.Result {
	slot, ok := c.card.Slot(m.slot)
	if !ok {
		return icmeter.Result{Reason: icmeter.ReasonLayout, State: m.meter.State()}
	}
	return m.meter.Swipe(slot)
}

// take gives a card back. The meter writes its state as it is now, so that the gas used meanwhile shows on the card.
func (b *bench) take(c *benchCard) error {
	if c == nil {
		return refused(counter.CodeNotFound)
	}
	if c.where == inMeter {
		b.meter(c.meter).swipe(c)
		c.where, c.meter = onTable, ""
	}
	return nil
}

func (b *bench) use(m *benchMeter, volume string) error {
	if m == nil {
		return refused(counter.CodeNotFound)
	}
	v, err := quantity.ParseVolume(volume)
	if err != nil || v <= 0 {
		return &counter.Refusal{Code: counter.CodeBadAmount, Cause: err}
	}
	m.meter.Use(v)
	return nil
}
