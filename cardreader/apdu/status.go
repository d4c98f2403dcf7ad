package apdu

import (
	"errors"
	"fmt"
)

// Status is the status word SW1-SW2. Every Status but OK may be used as an error; errors.Is matches it against another
// Status and against the meanings below.
type Status uint16

// OK is the only status word of ISO 7816-4 that promises success with nothing left to fetch.
const OK Status = 0x9000

// Meanings of status words, to be tested with errors.Is.
var (
	ErrMoreData     = errors.New("more data to fetch with get response")
	ErrWrongLe      = errors.New("wrong expected length")
	ErrWrongCode    = errors.New("secret code or cryptogram is wrong")
	ErrMemory       = errors.New("memory could not be written")
	ErrWrongLength  = errors.New("wrong length")
	ErrSecurity     = errors.New("security status not satisfied")
	ErrBlocked      = errors.New("secret code or key is blocked")
	ErrNoChallenge  = errors.New("no valid challenge: data is invalidated")
	ErrConditions   = errors.New("conditions of use not satisfied")
	ErrMAC          = errors.New("mac of secure messaging is wrong")
	ErrNotFound     = errors.New("file or record not found")
	ErrParameters   = errors.New("wrong parameters")
	ErrNotSupported = errors.New("instruction or class not supported")
	ErrBalance      = errors.New("balance is insufficient")
	ErrKeyIndex     = errors.New("key index not supported")
	ErrNoProof      = errors.New("transaction proof is not available")
)

// statusRow gives the words w with w&mask == word their meaning.
type statusRow struct {
	mask, word Status
	meaning    error
}

// statusTable: ISO 7816-4:2013 §5.6, and of the 93xx/94xx words the ones of the PBOC and CJ/T 166 card family.
// The first row that fits counts.
var statusTable = [...]statusRow{
	{0xFF00, 0x6100, ErrMoreData},
	{0xFFF0, 0x63C0, ErrWrongCode}, // the low digit is the tries left
	{0xFFFF, 0x6300, ErrWrongCode},
	{0xFFFF, 0x6581, ErrMemory},
	{0xFFFF, 0x6700, ErrWrongLength},
	{0xFFFF, 0x6982, ErrSecurity},
	{0xFFFF, 0x6983, ErrBlocked},
	{0xFFFF, 0x6984, ErrNoChallenge},
	{0xFFFF, 0x6985, ErrConditions},
	{0xFFFF, 0x6987, ErrMAC},
	{0xFFFF, 0x6988, ErrMAC},
	{0xFFFF, 0x6A80, ErrParameters},
	{0xFFFF, 0x6A81, ErrNotSupported},
	{0xFFFF, 0x6A82, ErrNotFound},
	{0xFFFF, 0x6A83, ErrNotFound},
	{0xFFFF, 0x6A86, ErrParameters},
	{0xFFFF, 0x6B00, ErrParameters},
	{0xFF00, 0x6C00, ErrWrongLe},
	{0xFFFF, 0x6D00, ErrNotSupported},
	{0xFFFF, 0x6E00, ErrNotSupported},
	{0xFFFF, 0x9302, ErrMAC},
	{0xFFFF, 0x9303, ErrBlocked},
	{0xFFFF, 0x9401, ErrBalance},
	{0xFFFF, 0x9403, ErrKeyIndex},
	{0xFFFF, 0x9406, ErrNoProof},
}

// Error names the word and, where the table knows it, its meaning.
func (s Status) Error() string {
	if m := s.meaning(); m != nil {
		return fmt.Sprintf("status %04X: %v", uint16(s), m)
	}
	return fmt.Sprintf("status %04X", uint16(s))
}

// Is reports whether target is what s means by the table.
func (s Status) Is(target error) bool {
	m := s.meaning()
	return m != nil && m == target
}

// Err is nil for OK and s for everything else.
func (s Status) Err() error {
	if s == OK {
		return nil
	}
	return s
}

// Tries returns the tries left that a 63Cx word announces.
func (s Status) Tries() (n int, ok bool) {
	return int(s & 0xF), s&0xFFF0 == 0x63C0
}

// More returns the bytes to fetch (61xx) or the right Le (6Cxx): 1–256.
func (s Status) More() (n int, ok bool) {
	if hi := s & 0xFF00; hi != 0x6100 && hi != 0x6C00 {
		return 0, false
	}
	return le(byte(s)), true
}

func (s Status) meaning() error {
	for _, r := range statusTable {
		if s&r.mask == r.word {
			return r.meaning
		}
	}
	return nil
}
