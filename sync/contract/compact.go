package contract

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// EncColumns is the compact encoding of readings: CBOR in deterministic form (RFC 8949 §4.2.1), records column by
// column, DEFLATE (RFC 1951). It gives back the very bytes of the records; their hashes, which nothing can compress,
// are computed anew on the other side instead of being sent.
const EncColumns = "columns"

// compactMark is CBOR's own mark (RFC 8949 §3.4.6, tag 55799) in front of a compact envelope. JSON never begins so.
var compactMark = []byte{0xd9, 0xd9, 0xf7}

// maxColumns bounds what a compact envelope may grow to when it is unpacked.
const maxColumns = 256 << 10

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil { // the level is a constant
		panic(err)
	}
	return w
}}

// SealCompact is Seal in the compact encoding:
//
//	55799([v, node, epoch, stream, seq0, n, boot, sent_at in ms, clock, enc, sha256, columns deflated])
//
// Records that the encoding would not give back byte for byte are sealed as JSON. Only a centre that says in its status
// that it takes the encoding is sent it.
func SealCompact(head Envelope, records []json.RawMessage) ([]byte, error) {
	packed := packColumns(records)
	head.V, head.Enc, head.N, head.Records = Version, EncColumns, len(records), records
	if bad := checkEnvelope(head); bad != nil {
		return nil, fmt.Errorf("seal envelope: %w", bad)
	}
	sum := sumOf(records)
	back, err := unpackColumns(packed, head.N, head.Stream.Limits().Bytes)
	if err != nil || len(packed) > maxColumns || !slices.EqualFunc(back, records, slices.Equal) {
		return Seal(head, records)
	}
	b := cborHead(bytes.Clone(compactMark), cborArray, 12)
	b = cborInt(b, int64(head.V))
	for _, s := range []string{head.Node, head.Epoch, string(head.Stream)} {
		b = cborString(b, s)
	}
	b = cborInt(cborInt(b, int64(head.Seq0)), int64(head.N))
	b = cborInt(cborString(b, head.Boot), head.SentAt.UnixMilli())
	b = cborString(cborString(b, head.Clock), head.Enc)
	raw, err := hex.DecodeString(sum)
	if err != nil {
		return nil, fmt.Errorf("seal envelope: %w", err)
	}
	return cborBlob(cborBlob(b, raw), deflate(packed)), nil
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&out)
	w.Write(b) // a Buffer takes everything
	w.Close()
	return out.Bytes()
}

func inflate(b []byte) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(b))
	out, err := io.ReadAll(io.LimitReader(r, maxColumns+1))
	if err == nil && len(out) > maxColumns {
		err = fmt.Errorf("more than %d bytes", maxColumns)
	}
	return out, err
}

// openCompact reads what follows the mark. Items after the twelfth are of a later version and ignored.
func openCompact(b []byte) (Envelope, *Invalid) {
	r := &cborReader{rest: b}
	items := r.array()
	e := Envelope{V: int(int32(r.int()))}
	e.Node, e.Epoch, e.Stream = r.text(), r.text(), Stream(r.text())
	e.Seq0, e.N = r.expect(cborUint), int(int32(min(r.expect(cborUint), 1<<30)))
	if r.err != nil {
		return Envelope{}, invalid(CodeBadEnvelope, "$", "not an envelope in CBOR")
	}
	if e.V != Version {
		if checkIdentity(e) != nil {
			e = Envelope{}
		}
		return e, invalid(CodeBadVersion, "v", "this end speaks %d", Version)
	}
	e.Boot = r.text()
	e.SentAt = Time{time.UnixMilli(r.int()).UTC()}
	e.Clock, e.Enc = r.text(), r.text()
	e.SHA256 = hex.EncodeToString(r.bytes())
	packed := r.bytes()
	if r.err != nil || items < 12 {
		return Envelope{}, invalid(CodeBadEnvelope, "$", "not an envelope in CBOR")
	}
	return unpackEnvelope(e, packed)
}

func unpackEnvelope(e Envelope, packed []byte) (Envelope, *Invalid) {
	if bad := checkIdentity(e); bad != nil {
		return Envelope{}, bad
	}
	if e.Enc != EncColumns {
		return Envelope{}, invalid(CodeBadEnvelope, "enc", "unknown")
	}
	b, err := inflate(packed)
	if err != nil {
		return Envelope{}, invalid(CodeBadEnvelope, "records", "cannot be inflated")
	}
	limits := e.Stream.Limits()
	if e.Records, err = unpackColumns(b, limits.Records, limits.Bytes); err != nil {
		return Envelope{}, invalid(CodeBadEnvelope, "records", "%v", err)
	}
	return e, nil
}
