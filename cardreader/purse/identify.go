package purse

import (
	"errors"
	"fmt"

	"tally/cardreader"
	"tally/cardreader/profile"
)

// Identify finds the profile whose layout an image has. An error, always of class Permanent, says how far the card was
// identified: its header is a known one but damaged, it was never issued, it is of no known layout, or of several.
func Identify(profiles []*profile.Profile, image []byte) (*profile.Profile, error) {
	return IdentifyBy(profiles, func(*profile.Profile) ([]byte, error) { return image, nil })
}

// IdentifyBy is Identify for a card that each profile sees in its own way. An error of the image ends it.
func IdentifyBy(profiles []*profile.Profile, image func(*profile.Profile) ([]byte, error)) (*profile.Profile, error) {
	var found *profile.Profile
	var best error
	for _, p := range profiles {
		m, err := image(p)
		if err != nil {
			return nil, err
		}
		_, err = Decode(p, m)
		switch {
		case err == nil && found != nil:
			return nil, refuse("identify", CodeAmbiguous, fmt.Errorf("%q and %q", found.Name, p.Name))
		case err == nil:
			found = p
		case best == nil || tells(err) > tells(best):
			best = err
		}
	}
	if found != nil {
		return found, nil
	}
	if best == nil {
		best = refuse("identify", CodeUnknownLayout, errors.New("no profile to compare with"))
	}
	return nil, best
}

// tells orders the reasons why a card is none of a profile by how much they say.
func tells(err error) int {
	e, ok := errors.AsType[*cardreader.Error](err)
	if !ok {
		return 0
	}
	switch e.Code {
	case CodeHeaderDamaged:
		return 4
	case CodeUnknownLayout:
		return 2
	case CodeBlankCard:
		return 3
	}
	return 1
}
