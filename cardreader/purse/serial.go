package purse

import "tally/cardreader/profile"

// newer compares sequences by serial arithmetic (RFC 1982) over what the profile's field can count: a is newer than b
// when it lies less than half the circle ahead. Exactly half apart neither is newer.
func newer(p *profile.Profile, a, b uint16) bool {
	m := modulus(p)
	d := ((int64(a)-int64(b))%m + m) % m
	return d != 0 && 2*d < m
}

// next is the sequence after s.
func next(p *profile.Profile, s uint16) uint16 { return uint16((int64(s) + 1) % modulus(p)) }

// modulus is the number of sequences, 1 for a layout without one: then no order is newer than another.
func modulus(p *profile.Profile) int64 {
	f := p.Order.Field(profile.Seq)
	if f == nil {
		return 1
	}
	_, hi := f.As.Bounds(f.Len)
	return min(hi, 0xFFFF) + 1
}
