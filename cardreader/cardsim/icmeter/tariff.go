package icmeter

import (
	"fmt"
	"math"
	"time"
)

// tariffAt is where GEN4442 has its price table.
const (
	tariffAt  = 0xB0
	tariffLen = 32
)

// Tariff is a price table as a card brought it.
type Tariff struct {
	From    string    `json:"from"`   // YYMMDD
	Limits  [3]uint16 `json:"limits"` // ends of tiers in m³; 0: the tier has none
	Prices  [4]uint32 `json:"prices"` // 1/10 000 yuan per m³
	Months  uint8     `json:"months"` // of the period that tiers run over
	Release uint8     `json:"release"`
}

// takeTariff takes the prices of a card that are whole, in force and newer than the ones that the meter has.
func (m *Meter) takeTariff(image []byte) {
	b := image[tariffAt : tariffAt+tariffLen]
	if crc16(b[:30]) != be16(b[30:]) {
		return
	}
	t := Tariff{From: fmt.Sprintf("%x", b[:3]), Months: b[0x15], Release: b[0x16]}
	for i := range t.Limits {
		t.Limits[i] = be16(b[3+2*i:])
	}
	for i := range t.Prices {
		t.Prices[i] = uint32(b[9+3*i])<<16 | uint32(be16(b[10+3*i:]))
	}
	if t.From > m.now().Format("060102") || m.s.Tariff != nil && t.From < m.s.Tariff.From {
		return
	}
	m.s.Tariff = &t
}

// tier is the running one, counted from 0, and how many litres are left in it.
func (s *State) tier() (int, int64) {
	if s.Tariff == nil {
		return 0, math.MaxInt64
	}
	for i, limit := range s.Tariff.Limits {
		if limit == 0 {
			return i, math.MaxInt64
		}
		if end := int64(limit) * 1000; s.TierUsed < end {
			return i, end - s.TierUsed
		}
	}
	return len(s.Tariff.Limits), math.MaxInt64
}

func (s *State) tierLeft() int64 {
	_, left := s.tier()
	return left
}

// priceNow is what a cubic metre costs in the running tier.
func (s *State) priceNow() uint32 {
	if s.Tariff == nil {
		return s.Price
	}
	i, _ := s.tier()
	return s.Tariff.Prices[i]
}

// period begins the count of the tiers anew in a new period.
func (s *State) period(now time.Time) {
	if s.Tariff == nil || s.Tariff.Months == 0 {
		return
	}
	n := (now.Year()*12 + int(now.Month()) - 1) / int(s.Tariff.Months)
	if key := fmt.Sprint(n); key != s.Period {
		s.Period, s.TierUsed = key, 0
	}
}
