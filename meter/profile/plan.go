package profile

import (
	"cmp"
	"slices"
)

// Plan merges the registers into as few requests as the model allows: neighbours of one table join one block as long
// as it stays within Max and covers no register that must not be read.
func (m Map) Plan() []Block {
	regs := slices.SortedFunc(slices.Values(m.Registers), func(a, b Register) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Words, b.Words))
	})
	var blocks []Block
	for _, r := range regs {
		if n := len(blocks); n > 0 {
			if joined, ok := m.join(blocks[n-1], r); ok {
				blocks[n-1] = joined
				continue
			}
		}
		blocks = append(blocks, Block{Function: r.Function, Start: r.Address, Count: r.Words})
	}
	return blocks
}

// join returns b made long enough to carry r.
func (m Map) join(b Block, r Register) (Block, bool) {
	end := int(b.Start) + b.Count // first register behind b
	hole := int(r.Address) - end
	if b.Function != r.Function || hole > m.Bridge {
		return b, false
	}
	for a := end; a < int(r.Address); a++ {
		if m.forbidden(uint16(a)) {
			return b, false
		}
	}
	b.Count = max(b.Count, int(r.Address)+r.Words-int(b.Start))
	return b, b.Count <= m.Max
}

func (m Map) forbidden(a uint16) bool {
	return slices.ContainsFunc(m.Gaps, func(g Range) bool { return g.First <= a && a <= g.Last })
}
