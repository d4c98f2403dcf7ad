package counter

import (
	"slices"
	"strings"
)

// MaskName keeps the first letter of a name: 王小明 becomes 王**. The number of stars says nothing about the length.
func MaskName(name string) string {
	for _, r := range strings.TrimSpace(name) {
		return string(r) + "**"
	}
	return ""
}

// MaskPhone keeps three leading and four trailing digits of a number of eleven or more (138****5678), the last two of a
// shorter one and nothing of fewer than seven.
func MaskPhone(phone string) string {
	r := []rune(strings.TrimSpace(phone))
	switch n := len(r); {
	case n == 0:
		return ""
	case n < 7:
		return "****"
	case n < 11:
		return "****" + string(r[n-2:])
	default:
		return string(r[:3]) + "****" + string(r[n-4:])
	}
}

// viewOf is an account as people see it.
func viewOf(a Account) AccountView {
	return AccountView{
		No: a.No, Name: MaskName(a.Name), Address: a.Address, Phone: MaskPhone(a.Phone), PriceClass: a.PriceClass,
		Card: a.Card, Meter: a.Meter, Bought: a.Bought, Locked: len(a.Locks) > 0,
		Locks: slices.Clone(a.Locks), Water: a.Water, Unit: a.CardUnit, Lost: a.Lost,
	}
}
