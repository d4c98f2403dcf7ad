// Package regview reads registers of an unknown meter in every way that makers use: all word orders and all types side by
// side, so that a person sees which one is the value on the display.
package regview

import (
	"encoding/binary"

	"tally/meter/profile"
)

// Orders are the orders in which bytes are sent.
func Orders() []profile.Order {
	return []profile.Order{profile.ABCD, profile.CDAB, profile.BADC, profile.DCBA}
}

// Reading is one way to read registers.
type Reading struct {
	Kind  profile.Kind  `json:"kind"`
	Order profile.Order `json:"order"`
	Value string        `json:"value"` // decimal; empty when these bytes are no such number
}

// View is all that can begin at one register.
type View struct {
	Address  uint16    `json:"address"` // as on the wire, counted from 0
	Word     uint16    `json:"word"`
	Text     string    `json:"text,omitempty"` // the register's two characters, if both can be printed
	Readings []Reading `json:"readings"`
}

// kinds by the registers that they take. Those of one register have two orders only.
var kinds = []struct {
	words  int
	kinds  []profile.Kind
	orders []profile.Order
}{
	{1, []profile.Kind{profile.U16, profile.I16, profile.BCD16}, []profile.Order{profile.ABCD, profile.BADC}},
	{2, []profile.Kind{profile.U32, profile.I32, profile.F32, profile.BCD32, profile.HiLo}, Orders()},
	{4, []profile.Kind{profile.U64, profile.I64, profile.F64, profile.BCD64}, Orders()},
}

// Words is how many registers a kind of this package takes; 0 for another kind.
func Words(k profile.Kind) int {
	for _, group := range kinds {
		for _, kind := range group.kinds {
			if kind == k {
				return group.words
			}
		}
	}
	return 0
}

// Of reads every register of a run that begins at start. What does not fit into the run is left out.
func Of(start uint16, words []uint16) []View {
	raw := make([]byte, 0, 2*len(words))
	for _, w := range words {
		raw = binary.BigEndian.AppendUint16(raw, w)
	}
	views := make([]View, len(words))
	for i, w := range words {
		v := View{Address: start + uint16(i), Word: w, Text: text(w)}
		for _, group := range kinds {
			if i+group.words > len(words) {
				continue
			}
			for _, k := range group.kinds {
				for _, o := range group.orders {
					v.Readings = append(v.Readings, Reading{k, o, value(k, o, raw[2*i:2*(i+group.words)])})
				}
			}
		}
		views[i] = v
	}
	return views
}

// value reads bytes in one way; empty when they are no such number.
func value(k profile.Kind, o profile.Order, raw []byte) string {
	r := profile.Register{Kind: k, Words: len(raw) / 2, Order: o, Multiply: 1}
	n, err := r.Decode(raw)
	if err != nil {
		return ""
	}
	return n.String()
}

// Find returns a view's reading of a kind and order.
func (v View) Find(k profile.Kind, o profile.Order) (value string, ok bool) {
	for _, r := range v.Readings {
		if r.Kind == k && r.Order == o {
			return r.Value, true
		}
	}
	return "", false
}

func text(w uint16) string {
	hi, lo := byte(w>>8), byte(w)
	if hi < 0x20 || hi > 0x7E || lo < 0x20 || lo > 0x7E {
		return ""
	}
	return string([]byte{hi, lo})
}
