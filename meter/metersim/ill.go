package metersim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ills are the names of faults that an answer can have, with what they do.
var ills = map[string]Fault{
	"silence":   {Silent: true},
	"late":      {Late: 1500 * time.Millisecond},
	"checksum":  {Damage: true},
	"cut":       {Truncate: 6},
	"noise":     {Noise: []byte{0x00, 0xFF, 0x13, 0x68}},
	"trailing":  {Trailing: []byte{0x00, 0xFF}},
	"exception": {Exception: 4},
	"busy":      {Exception: 6},
	"foreign":   {Foreign: 0x77},
	"split":     {Split: 60 * time.Millisecond},
	"dribble":   {Dribble: 20 * time.Millisecond},
}

// Ills lists the words that ParseFault knows.
func Ills() []string {
	return append(slices.Sorted(maps.Keys(ills)), "echo", "dead", "rollover", "replaced")
}

// Parse of shares.
const (
	usualShare = 20 // per cent of the answers
	usualDead  = 10 // per cent of the meters
	replacedIn = time.Minute
)

// ParseFault adds a fault, "name" or "name=per cent", to the recipe.
func (r *Recipe) ParseFault(s string) error {
	name, share, given := strings.Cut(s, "=")
	per := usualShare
	if name == "dead" {
		per = usualDead
	}
	if given {
		n, err := strconv.Atoi(share)
		if err != nil || n < 1 || n > 100 {
			return fmt.Errorf("fault %q: a share is 1 to 100 per cent", s)
		}
		per = n
	}
	switch f, ok := ills[name]; {
	case ok:
		r.Ills = append(r.Ills, Ill{f, per})
	case name == "dead":
		r.Dead = per
	case given && slices.Contains(Ills(), name):
		return fmt.Errorf("fault %q has no share", s)
	case name == "echo":
		r.Echo = true
	case name == "rollover":
		r.Rollover = true
	case name == "replaced":
		r.Replaced = replacedIn
	default:
		return fmt.Errorf("fault %q is none of %s", s, strings.Join(Ills(), ", "))
	}
	return nil
}

// chance makes some answers ill.
type chance struct {
	rand *rand.Rand
	ills []Ill
}

func (c *chance) draw() (Fault, bool) {
	if c == nil {
		return Fault{}, false
	}
	n := c.rand.IntN(100)
	for _, ill := range c.ills {
		if n -= ill.Share; n < 0 {
			return ill.Fault, true
		}
	}
	return Fault{}, false
}

// Fall makes a share of the answers ill, by chance, the same with the same seed. Shares add up; what is above a hundred
// never comes.
func (s *Script) Fall(seed uint64, ills ...Ill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chance = &chance{rand.New(rand.NewPCG(seed, 645)), ills}
}
