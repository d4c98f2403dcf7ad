package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"

	"tally/meter"
	"tally/sync/contract"
)

// bundle is values that are committed together, on their way to the disk: first the texts that need no turn, then, when
// it is known what they follow, the bytes of their records. Nothing is encoded twice, and the memory is used again.
type bundle struct {
	values []Value // copies of what was given, as they will be stored
	texts  []byte  // of each value what its record says before and behind the stamp, one after the other
	cuts   []cut

	from, to streamState // Next and Head only: what the records follow, and what they lead to
	space    []byte
	records  [][]byte // in space
}

// cut is where the two texts of a value end.
type cut struct{ head, body int }

// maxRecycled is the memory of a bundle, in bytes, above which it is left to the collector.
const maxRecycled = 1 << 20

var bundles = sync.Pool{New: func() any { return new(bundle) }}

func newBundle(n int) *bundle {
	b := bundles.Get().(*bundle)
	b.values = slices.Grow(b.values[:0], n)
	b.cuts = slices.Grow(b.cuts[:0], n)
	b.texts = b.texts[:0]
	return b
}

// recycle gives the memory back. Nobody may hold bytes of the records any more.
func (b *bundle) recycle() {
	if cap(b.texts)+cap(b.space) > maxRecycled {
		return
	}
	clear(b.values) // what is the newest of its meter is held elsewhere
	bundles.Put(b)
}

// add encodes a value. The record's time is the meter's, so that an old value never gets a new time.
func (b *bundle) add(v Value) error {
	var c cut
	var id meter.ID
	var at [32]byte
	switch {
	case v.Reading != nil:
		r := stored(*v.Reading)
		id, v.Reading = r.Meter, &r
		when := appendTime(at[:0], r.At)
		b.texts = appendHead(b.texts, id, contract.TypeReading, when)
		c.head = len(b.texts)
		b.texts = appendReading(b.texts, r, when)
	case v.Failure != nil:
		f := *v.Failure
		f.At = contract.At(f.At).Time
		id, v.Failure = f.Meter, &f
		when := appendTime(at[:0], f.At)
		b.texts = appendHead(b.texts, id, contract.TypeReadingFailed, when)
		c.head = len(b.texts)
		b.texts = appendFailed(b.texts, f, when)
	default:
		return errors.New("keep: neither a reading nor a failure")
	}
	c.body = len(b.texts)
	b.values, b.cuts = append(b.values, v), append(b.cuts, c)
	return checkKey("meter number", string(id))
}

// stored is a reading as it is after a restart: a copy, its time cut to the millisecond and its evidence to maxRaw.
func stored(r meter.Reading) meter.Reading {
	r.At = contract.At(r.At).Time
	r.Values = append([]meter.Value(nil), r.Values...)
	r.Quality = append(meter.Quality(nil), r.Quality...)
	r.Raw = append([]byte{}, r.Raw[:min(len(r.Raw), maxRaw)]...)
	return r
}

// appendHead is the part of a record before its stamp. The id is "meter@time", to the millisecond.
func appendHead(to []byte, id meter.ID, typ string, at []byte) []byte {
	to = appendText(append(to, `,"id":`...), string(id))
	to = append(append(to[:len(to)-1], '@'), at[1:]...) // one text
	to = appendText(append(to, `,"type":`...), typ)
	return append(append(to, `,"at":`...), at...)
}

// chain makes the records as they follow st. The chain of hashes is most of the work of storing a reading.
func (b *bundle) chain(by stamper, st streamState) error {
	stamp := by.appendStamp(nil)
	b.space = slices.Grow(b.space[:0], len(b.texts)+len(b.values)*(len(stamp)+recordFrame))
	b.records = b.records[:0]
	b.from = streamState{Next: st.Next, Head: st.Head}
	prev, next := append(make([]byte, 0, 2*sha256.Size), st.Head...), st.Next
	start := 0
	for i, c := range b.cuts {
		at := len(b.space)
		b.space = appendRecord(b.space, next, b.texts[start:c.head], stamp, prev, b.texts[c.head:c.body])
		raw := b.space[at:len(b.space):len(b.space)]
		typ, id := b.kind(i)
		if err := fits(raw, typ, id); err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		prev = hex.AppendEncode(prev[:0], sum[:])
		b.records = append(b.records, raw)
		start, next = c.body, next+1
	}
	b.to = streamState{Next: next, Head: string(bytes.Clone(prev))}
	return nil
}

// kind names value i for an error.
func (b *bundle) kind(i int) (typ, id string) {
	if v := b.values[i]; v.Reading != nil {
		return contract.TypeReading, string(v.Reading.Meter)
	}
	return contract.TypeReadingFailed, string(b.values[i].Failure.Meter)
}
