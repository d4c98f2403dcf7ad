package purse

import (
	"bytes"
	"errors"

	"tally/cardreader/profile"
)

// Finish plans the rest of an order that Resolve says is Begun: from what lies on the card now to the same order.
func Finish(p *profile.Profile, old Plan, st State) (Plan, error) {
	if old.Make != "" || len(st.Image) != p.Chip.Size || Resolve(old, st) != Begun {
		return Plan{}, refuse("plan", CodeCardChanged, errors.New("not the half of this order"))
	}
	pl := old
	pl.Before, pl.After = st.Image, bytes.Clone(st.Image)
	for _, s := range pl.Steps {
		if s.Addr < 0 || s.Addr > len(pl.After)-len(s.Data) {
			return Plan{}, refuse("plan", CodeBadPlan, errors.New("a step lies outside the card"))
		}
		copy(pl.After[s.Addr:], s.Data)
	}
	return pl, nil
}
