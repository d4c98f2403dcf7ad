package counter

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"time"

	"tally/cardreader/purse"
)

// idMaker makes journal ids: 32 hex digits that sort by time within a node, whatever the clock does.
type idMaker struct {
	mu      sync.Mutex
	random  io.Reader
	station uint16
	last    int64 // milliseconds
	count   uint16
}

func (m *idMaker) init(random io.Reader, station uint16) { m.random, m.station = random, station }

// next is milliseconds (6 bytes), a counter for the same millisecond (2), the station (2) and chance (6).
func (m *idMaker) next(now time.Time) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ms := now.UnixMilli()
	if ms > m.last {
		m.last, m.count = ms, 0
	} else if m.count++; m.count == 0 {
		m.last++
	}
	chance := make([]byte, 6)
	if _, err := io.ReadFull(m.random, chance); err != nil {
		return "", fmt.Errorf("make an order id: %w", err)
	}
	return fmt.Sprintf("%012x%04x%04x%x", m.last, m.count, m.station, chance), nil
}

// TagOf is what the card carries of a journal id: three bytes of its SHA-256.
func TagOf(order string) purse.Tag {
	sum := sha256.Sum256([]byte(order))
	return purse.Tag(sum[:3])
}

// journalOf is what a card with more room carries of a journal id: its time and count, which with the station's number on
// the card lead back to the order. Zeros for an id of another make.
func journalOf(order string) (id [8]byte) {
	if b, err := hex.DecodeString(order[:min(len(order), 2*len(id))]); err == nil {
		copy(id[:], b)
	}
	return id
}

// digest names a content by its SHA-256 in hex.
func digest(format string, args ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, format, args...))
	return hex.EncodeToString(sum[:])
}
