package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Hash is what the next record of the stream carries as Prev.
func Hash(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// MarshalRecord fixes the bytes of r. What ParseRecord would refuse is refused here, before it is committed.
func MarshalRecord(r Record) (json.RawMessage, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("marshal record %d: %w", r.Seq, err)
	}
	if _, err := ParseRecord(raw); err != nil {
		return nil, fmt.Errorf("marshal record %d: %w", r.Seq, err)
	}
	return raw, nil
}

// ParseRecord reads and checks one record; errors are *Invalid with a place within the record. Unknown fields are
// ignored, an unknown type is no error: a centre stores what it does not understand.
func ParseRecord(raw []byte) (Record, error) {
	r, bad := parseRecord(raw)
	if bad != nil {
		return Record{}, bad
	}
	return r, nil
}

func parseRecord(raw []byte) (Record, *Invalid) {
	var r Record
	if bad := decode(raw, &r, CodeBadRecord); bad != nil {
		return r, bad
	}
	if len(raw) > MaxRecord {
		return r, invalid(CodeTooLarge, "record", "%d bytes, the limit is %d", len(raw), MaxRecord)
	}
	return r, checkRecord(r)
}

func checkRecord(r Record) *Invalid {
	bad := func(where, why string, args ...any) *Invalid { return invalid(CodeBadRecord, where, why, args...) }
	switch {
	case r.Seq == 0 || r.Seq > MaxSeq:
		return bad("seq", "%d is not 1 to 2^53-1", r.Seq)
	case !short(r.ID):
		return bad("id", "not 1 to %d bytes", maxShort)
	case !isName(r.Type):
		return bad("type", "not 1 to 64 of [A-Za-z0-9_-]")
	case r.At.IsZero():
		return bad("at", "missing")
	case r.Mono < 0:
		return bad("mono", "negative")
	case !short(r.Boot):
		return bad("boot", "not 1 to %d bytes", maxShort)
	case !short(r.Clock):
		return bad("clock", "not 1 to %d bytes", maxShort)
	case r.Seq == 1 && r.Prev != "":
		return bad("prev", "not empty at seq 1")
	case r.Seq > 1 && !isHash(r.Prev):
		return bad("prev", "not a SHA-256 in lower case hex")
	case len(r.Body) == 0 || r.Body[0] != '{':
		return bad("body", "not an object")
	}
	return nil
}

// CheckChain says whether raw follows the record whose bytes are before; before is nil for seq 1.
func CheckChain(before []byte, r Record) error {
	want := ""
	if before != nil {
		want = Hash(before)
	}
	if r.Prev != want {
		return invalid(CodeBadRecord, "prev", "record %d does not continue the record before it", r.Seq)
	}
	return nil
}

// maxShort bounds ids and other short strings.
const maxShort = 128

func short(s string) bool { return len(s) > 0 && len(s) <= maxShort }

func isHash(s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}
