package purse

import "tally/cardreader/profile"

func decodeWriteBacks(p *profile.Profile, st *State) []WriteBack {
	if p.WriteBack == nil {
		return nil
	}
	var valid []WriteBack
	for i, s := range p.WriteBack.Slots {
		name := "write_back_" + s.Name
		switch p.Verify(p.WriteBack, st.Image, i) {
		case profile.Valid:
			v := view{p.WriteBack, p.WriteBack.Of(st.Image, i), name, &st.Damaged}
			valid = append(valid, writeBack(v, s.Name))
		case profile.BadCheck:
			st.Damaged = append(st.Damaged, name+"_crc")
		case profile.BadCommit:
			st.Damaged = append(st.Damaged, name+"_commit")
		}
	}
	for i := range valid {
		if w := &valid[i]; st.WriteBack == nil || laterWriteBack(p, w, st.WriteBack) {
			st.WriteBack = w
		}
	}
	return valid
}

func writeBack(v view, slot string) WriteBack {
	w := WriteBack{
		Slot:       slot,
		Seq:        uint16(v.int(profile.Seq)),
		Accepted:   Amount(v.int(profile.Accepted)),
		Remaining:  Amount(v.int(profile.Remaining)),
		Used:       Amount(v.int(profile.Used)),
		Valve:      uint8(v.int(profile.Valve)),
		BatteryDV:  uint8(v.int(profile.Battery)),
		Status:     []string{},
		LastEvent:  uint8(v.int(profile.LastEvent)),
		Magnet:     uint8(v.int(profile.Magnet)),
		ValveError: uint8(v.int(profile.ValveErrors)),
		MeterTime:  v.text(profile.Time),
		MeterNo:    v.text(profile.MeterNo),
	}
	if f := v.b.Field(profile.Status); f != nil {
		if set, err := f.Set(v.raw); err == nil {
			w.Status = set
		}
	}
	return w
}

// laterWriteBack orders write-backs by sequence, then by the volume used, which only grows, then by the meter's clock,
// which may be wrong. Of equals the first stays.
func laterWriteBack(p *profile.Profile, a, b *WriteBack) bool {
	if a.Seq != b.Seq {
		return newer(p, a.Seq, b.Seq)
	}
	if a.Used != b.Used {
		return a.Used > b.Used
	}
	return a.MeterTime > b.MeterTime
}
