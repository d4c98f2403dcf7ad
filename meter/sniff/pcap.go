package sniff

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// LinkType is the link-layer type of the captures: LINKTYPE_RTAC_SERIAL of the registry of pcap link types. Its 12-byte
// header (seconds, microseconds, event, control lines, footer; big-endian) tells who sent, and Wireshark opens it
// without being told how ("Decode as" then chooses the protocol of the payload).
const LinkType = 250

// Events of the header: the dissector's names are DATA_TX_START and DATA_RX_START.
const (
	eventSent     = 0x01
	eventReceived = 0x02
)

// rtacHeader is the length of the header before the payload.
const rtacHeader = 12

// Capture writes pieces as a pcap file with microseconds.
type Capture struct {
	w io.Writer
}

// NewCapture writes the head of the file. w is used, not owned; each piece is one Write.
func NewCapture(w io.Writer) (*Capture, error) {
	head := make([]byte, 0, 24)
	head = binary.LittleEndian.AppendUint32(head, 0xA1B2C3D4)
	head = binary.LittleEndian.AppendUint16(head, 2)
	head = binary.LittleEndian.AppendUint16(head, 4)
	head = binary.LittleEndian.AppendUint64(head, 0)
	head = binary.LittleEndian.AppendUint32(head, 65535)
	head = binary.LittleEndian.AppendUint32(head, LinkType)
	if _, err := w.Write(head); err != nil {
		return nil, fmt.Errorf("write capture: %w", err)
	}
	return &Capture{w}, nil
}

// Write adds one piece. Bytes of an unknown side count as received.
func (c *Capture) Write(p Piece) error {
	sec, usec := stamp(p.At)
	n := uint32(rtacHeader + len(p.Bytes))
	rec := make([]byte, 0, 16+int(n))
	for _, v := range []uint32{sec, usec, n, n} {
		rec = binary.LittleEndian.AppendUint32(rec, v)
	}
	rec = binary.BigEndian.AppendUint32(rec, sec)
	rec = binary.BigEndian.AppendUint32(rec, usec)
	event := byte(eventReceived)
	if p.From == Master {
		event = eventSent
	}
	rec = append(rec, event, 0, 0, 0)
	rec = append(rec, p.Bytes...)
	if _, err := c.w.Write(rec); err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	return nil
}

// stamp gives the two halves of a time as the format has them.
func stamp(t time.Time) (sec, usec uint32) {
	us := max(t.UnixMicro(), 0)
	return uint32(us / 1e6), uint32(us % 1e6)
}
