package purse

import "tally/cardreader/profile"

// MonthUse is what the meter noted of one month.
type MonthUse struct {
	Month string `json:"month"` // YYYYMM
	Used  Amount `json:"used"`  // in that month
	Total Amount `json:"total"` // since the meter was new
}

// decodeMonths lists the months that are on the card and whole, in the card's order.
func decodeMonths(p *profile.Profile, st *State) {
	if p.MonthUse == nil {
		return
	}
	for i, s := range p.MonthUse.Slots {
		switch p.Verify(p.MonthUse, st.Image, i) {
		case profile.Valid:
			v := view{p.MonthUse, p.MonthUse.Of(st.Image, i), "month_" + s.Name, &st.Damaged}
			st.Months = append(st.Months, MonthUse{v.text(profile.Month), Amount(v.int(profile.Used)), Amount(v.int(profile.Total))})
		case profile.BadCheck:
			st.Damaged = append(st.Damaged, "month_"+s.Name+"_crc")
		}
	}
}
