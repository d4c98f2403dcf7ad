package profile

import (
	"fmt"
	"slices"
)

// Hint is something that is allowed in a model and probably not meant.
type Hint struct {
	Where string // name of the register or section
	Text  string
}

// String says it in one line.
func (h Hint) String() string { return h.Where + ": " + h.Text }

// Check reads a model and looks for what will work and yet be wrong. Its error is Parse's; hints come only without one.
func Check(where string, text []byte) (*Profile, []Hint, error) {
	p, err := Parse(where, text)
	if err != nil {
		return nil, nil, err
	}
	var hints []Hint
	if p.Title == "" {
		hints = append(hints, Hint{"title", "people will see the model's name only"})
	}
	if p.URL == "" {
		hints = append(hints, Hint{"url", "nobody will find the document again"})
	}
	switch p.Protocol {
	case Modbus:
		hints = append(hints, p.Map.hints()...)
	case DLT645:
		hints = append(hints, p.DLT645.hints()...)
	case MBus:
		if len(p.MBus.Values) > 0 && !slices.ContainsFunc(p.MBus.Values, func(v MBusValue) bool { return counter(v.As) }) {
			hints = append(hints, Hint{"mbus.value", "none of them is a counter (volume, energy …)"})
		}
	}
	return p, hints, nil
}

// counter tells whether a value of that name only ever grows.
func counter(name string) bool {
	return name == "volume" || name == "energy" || len(name) > 7 && (name[:7] == "volume_" || name[:7] == "energy_")
}

// exactTo is up to where a float32 tells whole numbers apart.
const exactTo = 1 << 24

func (m Map) hints() []Hint {
	var hints []Hint
	if !slices.ContainsFunc(m.Registers, func(r Register) bool { return counter(r.Name) }) {
		hints = append(hints, Hint{"register", "none of them is a counter (volume, energy …)"})
	}
	for i, r := range m.Registers {
		if r.Kind == F32 && counter(r.Name) {
			hints = append(hints, Hint{r.Name, fmt.Sprintf("a float of 32 bits counts whole units up to %d only; take an integer or BCD copy if the meter has one", exactTo)})
		}
		if r.Unit == "" {
			hints = append(hints, Hint{r.Name, "it has no unit"})
		}
		for _, other := range m.Registers[:i] {
			if r.Function == other.Function && int(r.Address) < int(other.Address)+other.Words && int(other.Address) < int(r.Address)+r.Words {
				hints = append(hints, Hint{r.Name, fmt.Sprintf("it shares registers with %s", other.Name)})
			}
		}
	}
	if n := len(m.Plan()); n > 4 {
		hints = append(hints, Hint{"modbus.bridge", fmt.Sprintf("a reading takes %d requests; a larger bridge would join some", n)})
	}
	return hints
}

func (v DLT645Variant) hints() []Hint {
	for i, item := range v.Items {
		for _, other := range v.Items[:i] {
			if item.Code == other.Code {
				return []Hint{{"dlt645.item", fmt.Sprintf("item %X is asked twice", item.Code)}}
			}
		}
	}
	return nil
}
