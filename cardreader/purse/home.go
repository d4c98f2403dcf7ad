package purse

import "tally/cardreader/profile"

// At says of which region the cards are whose layout has no place for one: the utility's own. Without it they are of
// region 0. It is called before the purse is used and returns the purse.
func (m *MemoryPurse) At(region uint16) *MemoryPurse {
	if m.profile.Header.Field(profile.Region) == nil {
		m.home = region
	}
	return m
}

// homed gives a state the region that its layout leaves out.
func (m *MemoryPurse) homed(st State, err error) (State, error) {
	if st.Card.No != "" && m.home != 0 {
		st.Card.Region = m.home
	}
	return st, err
}

// planned does the same for a plan, and unplanned takes it away again: the bytes of the card do not say it.
func (m *MemoryPurse) planned(p Plan, err error) (Plan, error) {
	if m.home != 0 {
		p.Card.Region = m.home
	}
	return p, err
}

func (m *MemoryPurse) unplanned(p Plan) Plan {
	if m.home != 0 {
		p.Card.Region = 0
	}
	return p
}
