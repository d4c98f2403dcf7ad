package purse

import (
	"bytes"

	"tally/cardreader/profile"
	"tally/cardreader/space"
)

// Places are where a making finds what it is judged by, so that a journal is enough to judge a card. Ends are exclusive.
type Places struct {
	Free      int `json:"free"` // first byte that is not the chip's own
	Header    int `json:"header"`
	HeaderEnd int `json:"header_end"`
	Switch    int `json:"switch"`
	// Words: two bytes are erased together, and one that does not change is written again with its neighbour.
	Words     bool `json:"words,omitempty"`
	Check     int  `json:"check"` // of the header; empty when it has none
	CheckEnd  int  `json:"check_end"`
	Tariff    int  `json:"tariff,omitempty"`
	TariffEnd int  `json:"tariff_end,omitempty"`
}

func placesOf(p *profile.Profile) Places {
	h := blockAt(p.Header, 0)
	s := Places{Free: p.Chip.Protect, Header: h.at, HeaderEnd: h.end}
	if sw, ok := switchOf(p); ok {
		s.Switch, s.Words = sw.at, sw.kind == space.Words
	}
	s.Check, s.CheckEnd = checkAt(p)
	if p.Tariff != nil {
		t := blockAt(p.Tariff, 0)
		s.Tariff, s.TariffEnd = t.at, t.end
	}
	return s
}

// fit reports whether the places lie in images of these lengths; a plan comes from a file.
func (s *Places) fit(now, before, after int) bool {
	return s != nil && now == before && now == after && s.Free >= 0 && s.Free <= now &&
		s.Header >= 0 && s.Header < s.HeaderEnd && s.HeaderEnd <= now && s.Switch >= s.Header && s.Switch < s.HeaderEnd &&
		s.Tariff >= 0 && s.Tariff <= s.TariffEnd && s.TariffEnd <= now
}

// resolveMaking judges a surveyed card against a plan that makes, changes or retires one. The switch of the header was
// the last byte to be written, or the first, so a header in use is the one before or the new one, and what it says is
// proof for all the rest.
func resolveMaking(p Plan, st State) Verdict {
	if st.Profile != p.Profile || !p.Places.fit(len(st.Image), len(p.Before), len(p.After)) {
		return OtherCard
	}
	h := p.Places
	now, old, fresh := st.Image[h.Header:h.HeaderEnd], p.Before[h.Header:h.HeaderEnd], p.After[h.Header:h.HeaderEnd]
	if p.Make == MakeTariff {
		return p.resolveTariff(st)
	}
	switch {
	case st.Condition == InUse && p.Make != MakeOff && bytes.Equal(now, fresh):
		return Done
	case st.Condition == InUse && p.Make != MakeNew && bytes.Equal(now, old):
		return NotDone
	case st.Condition == InUse || st.Condition == Empty && !p.halfMade(now, old, fresh):
		return OtherCard // of the same number too: it was made at another time
	case p.Make == MakeOff && bytes.Equal(now, fresh) && bytes.Equal(st.Image[h.Free:], p.After[h.Free:]):
		return Done
	case p.halfMade(now, old, fresh):
		return Begun
	}
	return OtherCard
}

// halfMade: the header, but for the switch and the check, is the new one, the one before, or what an interrupted write
// leaves between the two, with at most one byte that came out wrong. On a card that was in use, what does not change is
// not written and must be there, the number with it; on one that was not, the new bytes alone tell whose it is to be.
func (p Plan) halfMade(now, old, fresh []byte) bool {
	h := p.Places
	news, wrong := 0, 0
	for i := range now {
		at := h.Header + i
		changes := fresh[i] != old[i]
		switch {
		case at == h.Switch || at >= h.Check && at < h.CheckEnd:
		case changes && now[i] == fresh[i] && fresh[i] != 0xFF:
			news++
		case !changes && now[i] != old[i] && now[i] != 0xFF && p.Make != MakeNew && !(h.Words && (i^1 == h.Switch-h.Header || mateChanges(i, old, fresh))):
			return false
		case now[i] != old[i] && now[i] != fresh[i] && now[i] != 0xFF:
			wrong++
		}
	}
	return wrong <= 1 && (p.Make != MakeNew || news > wrong)
}

// mateChanges: the other byte of the word is to change.
func mateChanges(i int, old, fresh []byte) bool {
	return i^1 < len(old) && old[i^1] != fresh[i^1]
}

// resolveTariff: the price table is the new one, the one before, or neither; then it is written again.
func (p Plan) resolveTariff(st State) Verdict {
	t := stretch{p.Places.Tariff, p.Places.TariffEnd}
	switch {
	case st.Condition != InUse || st.Card != p.Card || st.IssueCount != p.IssueCount:
		return OtherCard
	case bytes.Equal(st.Image[t.at:t.end], p.After[t.at:t.end]):
		return Done
	case bytes.Equal(st.Image[t.at:t.end], p.Before[t.at:t.end]):
		return NotDone
	}
	return Begun
}
