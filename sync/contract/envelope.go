package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// EncJSON is the encoding of the records within an envelope; the only one of tx and ev.
const EncJSON = "json"

// Seal makes the payload of up/<stream> from records as they were committed. Of head, the caller sets Node, Epoch,
// Stream, Seq0, Boot, SentAt and Clock; the rest is filled in here. The bytes of the records are not touched.
func Seal(head Envelope, records []json.RawMessage) ([]byte, error) {
	head.V, head.Enc, head.N, head.Records = Version, EncJSON, len(records), records
	head.SHA256 = sumOf(records)
	if bad := checkEnvelope(head); bad != nil {
		return nil, fmt.Errorf("seal envelope: %w", bad)
	}
	for i, raw := range records {
		if !json.Valid(raw) || raw[0] != '{' || raw[len(raw)-1] != '}' || bytes.ContainsAny(raw, "\r\n") {
			return nil, fmt.Errorf("seal envelope: %w", invalid(CodeBadRecord, place(i), "not one object in one line"))
		}
	}
	head.Records = []json.RawMessage{}
	out, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("seal envelope: %w", err)
	}
	// The records go in by hand: encoding/json would rewrite the bytes of a RawMessage, and the hashes with them.
	out = out[:len(out)-len("]}")]
	for i, raw := range records {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, raw...)
	}
	return append(out, "]}"...), nil
}

// Open reads and checks the payload of up/<stream>. Errors are *Invalid. With CodeBadVersion the identity (Node, Epoch,
// Stream, Seq0, N) is returned too where it could be read, so that the records can be nacked. The records themselves
// are not parsed: a bad one must not take its neighbours with it.
func Open(payload []byte) (Envelope, error) {
	e, bad := open(payload)
	if bad != nil {
		return e, bad
	}
	return e, nil
}

func open(payload []byte) (Envelope, *Invalid) {
	if len(payload) > Rd.MaxPayload() {
		return Envelope{}, invalid(CodeTooLarge, "$", "%d bytes", len(payload))
	}
	e, bad := openHead(payload)
	if bad != nil {
		return e, bad
	}
	if bad := checkEnvelope(e); bad != nil {
		return Envelope{}, bad
	}
	if e.SHA256 != sumOf(e.Records) {
		return Envelope{}, invalid(CodeBadEnvelope, "sha256", "is not that of the records")
	}
	if len(payload) > e.Stream.MaxPayload() {
		return Envelope{}, invalid(CodeTooLarge, "$", "%d bytes on stream %s", len(payload), e.Stream)
	}
	return e, nil
}

func openHead(payload []byte) (Envelope, *Invalid) {
	if rest, ok := bytes.CutPrefix(payload, compactMark); ok {
		return openCompact(rest)
	}
	var e Envelope
	bad := decode(payload, &e, CodeBadEnvelope)
	if bad != nil || e.V != Version {
		if other := checkVersion(payload); other != nil {
			return identity(payload), other
		}
		return Envelope{}, bad
	}
	if e.Enc != EncJSON {
		return Envelope{}, invalid(CodeBadEnvelope, "enc", "unknown")
	}
	return e, nil
}

// checkVersion looks at v alone: nothing else of another version needs to have the form of this one.
func checkVersion(payload []byte) *Invalid {
	var head struct {
		V *int `json:"v"`
	}
	if err := json.Unmarshal(payload, &head); err != nil || head.V == nil {
		return invalid(CodeBadEnvelope, "v", "missing or not a number")
	}
	if *head.V != Version {
		return invalid(CodeBadVersion, "v", "%d, this end speaks %d", *head.V, Version)
	}
	return nil
}

// identity reads what every version is expected to keep; zero when it is not there or not sound.
func identity(payload []byte) Envelope {
	var head struct {
		Node   string `json:"node"`
		Epoch  string `json:"epoch"`
		Stream Stream `json:"stream"`
		Seq0   uint64 `json:"seq0"`
		N      int    `json:"n"`
	}
	if json.Unmarshal(payload, &head) != nil {
		return Envelope{}
	}
	e := Envelope{Node: head.Node, Epoch: head.Epoch, Stream: head.Stream, Seq0: head.Seq0, N: head.N}
	if checkIdentity(e) != nil {
		return Envelope{}
	}
	return e
}

func checkIdentity(e Envelope) *Invalid {
	bad := func(where, why string, args ...any) *Invalid { return invalid(CodeBadEnvelope, where, why, args...) }
	switch {
	case CheckNode(e.Node) != nil:
		return bad("node", "not a node name")
	case !isName(e.Epoch):
		return bad("epoch", "not 1 to 64 of [A-Za-z0-9_-]")
	case !e.Stream.Known():
		return bad("stream", "unknown")
	case e.N < 1:
		return bad("n", "%d records", e.N)
	case e.N > e.Stream.Limits().Records:
		return invalid(CodeTooLarge, "n", "%d records, the limit is %d", e.N, e.Stream.Limits().Records)
	case e.Seq0 == 0 || e.Seq0 > MaxSeq-uint64(e.N):
		return bad("seq0", "%d is not 1 to 2^53-1", e.Seq0)
	}
	return nil
}

func checkEnvelope(e Envelope) *Invalid {
	if bad := checkIdentity(e); bad != nil {
		return bad
	}
	bad := func(where, why string, args ...any) *Invalid { return invalid(CodeBadEnvelope, where, why, args...) }
	switch {
	case !short(e.Boot):
		return bad("boot", "not 1 to %d bytes", maxShort)
	case e.SentAt.IsZero():
		return bad("sent_at", "missing")
	case !short(e.Clock):
		return bad("clock", "not 1 to %d bytes", maxShort)
	case e.N != len(e.Records):
		return bad("n", "%d, but %d records", e.N, len(e.Records))
	}
	size := 0
	for _, raw := range e.Records {
		size += len(raw)
	}
	if limit := e.Stream.Limits().Bytes; size > limit {
		return invalid(CodeTooLarge, "records", "%d bytes, the limit is %d", size, limit)
	}
	return nil
}

// Record parses the i-th record and checks that it stands where the envelope says. Errors are *Invalid.
func (e Envelope) Record(i int) (Record, error) {
	r, bad := parseRecord(e.Records[i])
	if bad == nil && r.Seq != e.Seq0+uint64(i) {
		bad = invalid(CodeBadRecord, "seq", "%d, the envelope says %d", r.Seq, e.Seq0+uint64(i))
	}
	if bad != nil {
		return Record{}, bad.at(place(i))
	}
	return r, nil
}

func place(i int) string { return fmt.Sprintf("records[%d]", i) }

func sumOf(records []json.RawMessage) string {
	h := sha256.New()
	for _, raw := range records {
		h.Write(raw)
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil))
}
