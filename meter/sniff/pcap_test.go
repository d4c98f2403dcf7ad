package sniff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

// TestCapture reads the file back by the published format, not by our own writer's constants.
func TestCapture(t *testing.T) {
	var file bytes.Buffer
	c, err := NewCapture(&file)
	if err != nil {
		t.Fatal(err)
	}
	when := time.Date(2026, 11, 21, 12, 0, 0, 123456000, time.UTC)
	for _, p := range []Piece{
		{At: when, From: Master, Found: Found{Bytes: []byte{1, 2, 3}}},
		{At: when.Add(time.Second), From: Meter, Found: Found{Bytes: []byte{4}}},
		{At: when, Found: Found{Bytes: nil}},
	} {
		if err := c.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	want := "d4c3b2a1" + "0200" + "0400" + "0000000000000000" + "ffff0000" + "fa000000" +
		hex4(when, 15) + big(when) + "01000000" + "010203" +
		hex4(when.Add(time.Second), 13) + big(when.Add(time.Second)) + "02000000" + "04" +
		hex4(when, 12) + big(when) + "02000000"
	if !bytes.Equal(file.Bytes(), unhex(t, want)) {
		t.Errorf("got  % x\nwant % x", file.Bytes(), unhex(t, want))
	}
}

func hex4(t time.Time, n uint32) string {
	b := make([]byte, 16)
	binary.LittleEndian.PutUint32(b, uint32(t.Unix()))
	binary.LittleEndian.PutUint32(b[4:], uint32(t.Nanosecond()/1000))
	binary.LittleEndian.PutUint32(b[8:], n)
	binary.LittleEndian.PutUint32(b[12:], n)
	return hexOf(b)
}

func big(t time.Time) string {
	b := make([]byte, 8)
	binary.BigEndian.PutUint32(b, uint32(t.Unix()))
	binary.BigEndian.PutUint32(b[4:], uint32(t.Nanosecond()/1000))
	return hexOf(b)
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s []byte
	for _, c := range b {
		s = append(s, digits[c>>4], digits[c&15])
	}
	return string(s)
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestCaptureOnAFullDisk(t *testing.T) {
	if _, err := NewCapture(full{}); err == nil {
		t.Error("head written")
	}
	if err := (&Capture{full{}}).Write(Piece{}); err == nil {
		t.Error("piece written")
	}
}

// FuzzCapture: every record is as long as it says, whatever the times are.
func FuzzCapture(f *testing.F) {
	f.Add(int64(0), []byte{1}, true)
	f.Add(int64(-1), []byte{}, false)
	f.Add(int64(1)<<62, []byte{0xFF}, false)
	f.Fuzz(func(t *testing.T, at int64, b []byte, master bool) {
		var file bytes.Buffer
		c, err := NewCapture(&file)
		if err != nil {
			t.Fatal(err)
		}
		p := Piece{At: time.Unix(0, at), Found: Found{Bytes: b}}
		if master {
			p.From = Master
		}
		if err := c.Write(p); err != nil {
			t.Fatal(err)
		}
		rec := file.Bytes()[24:]
		if n := int(binary.LittleEndian.Uint32(rec[8:])); n != len(rec)-16 || n != 12+len(b) || binary.LittleEndian.Uint32(rec[4:]) >= 1e6 {
			t.Fatalf("record of %d bytes says %d", len(rec)-16, n)
		}
	})
}
