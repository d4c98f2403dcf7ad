package sniff

import (
	"tally/meter/cjt188"
	"tally/meter/dlt645"
	"tally/meter/mbus"
	"tally/meter/modbus/frame"
)

// Protocol is the language of a frame, in the words of the command line.
type Protocol string

// Protocols that are recognised.
const (
	Unknown   Protocol = ""
	CJT188    Protocol = "cjt188"
	DLT645    Protocol = "dlt645"
	MBus      Protocol = "mbus"
	ModbusRTU Protocol = "modbus-rtu"
)

// Found is a part of a burst: a frame, or bytes that are none.
type Found struct {
	Protocol Protocol // Unknown for bytes that are no frame
	Damaged  bool     // has the form of a frame, but its checksum is wrong
	Bytes    []byte   // with the preamble that belongs to it
}

const (
	preamble    = 0xFE
	start       = 0x68
	acknowledge = 0xE5
)

// Cut divides a burst into frames and what lies between them. Nothing is lost: the parts joined are the burst.
func Cut(b []byte) []Found {
	var parts []Found
	junk := 0 // where bytes begin that belong to nothing so far
	for i := 0; i < len(b); {
		f, n := recognise(b[i:], i == 0 || junk < i && onlyPreamble(b[junk:i]), i == junk)
		if n == 0 {
			i++
			continue
		}
		from := i
		if f.Protocol == CJT188 || f.Protocol == DLT645 {
			for from > junk && b[from-1] == preamble {
				from--
			}
		}
		if from > junk {
			parts = append(parts, Found{Bytes: b[junk:from]})
		}
		f.Bytes = b[from : i+n]
		parts = append(parts, f)
		i += n
		junk = i
	}
	if junk < len(b) {
		parts = append(parts, Found{Bytes: b[junk:]})
	}
	return parts
}

func onlyPreamble(b []byte) bool {
	for _, c := range b {
		if c != preamble {
			return false
		}
	}
	return true
}

// recognise finds the frame that b begins with, and its length; 0 for none. A frame whose checksum is right wins over
// one that is only formed like one. fresh says that nothing unknown stands before b in its burst; a single E5 counts
// only after a frame or at the beginning (next).
func recognise(b []byte, fresh, next bool) (Found, int) {
	for _, try := range []struct {
		protocol Protocol
		length   func([]byte) (n int, right bool)
	}{{DLT645, length645}, {CJT188, length188}, {MBus, lengthMBus}, {ModbusRTU, lengthModbus}} {
		if n, right := try.length(b); right {
			return Found{Protocol: try.protocol}, n
		}
	}
	if next && b[0] == acknowledge {
		return Found{Protocol: MBus}, 1
	}
	if !fresh && !next {
		return Found{}, 0
	}
	for _, try := range []struct {
		protocol Protocol
		length   func([]byte) (n int, right bool)
	}{{DLT645, length645}, {CJT188, length188}, {MBus, lengthMBus}} {
		if n, _ := try.length(b); n > 0 {
			return Found{Protocol: try.protocol, Damaged: true}, n
		}
	}
	return Found{}, 0
}

// length645 gives the length of a DL/T 645 frame at the start of b whose stop byte is in its place.
func length645(b []byte) (int, bool) {
	if len(b) < 12 || b[0] != start || b[7] != start {
		return 0, false
	}
	n := 12 + int(b[9])
	if len(b) < n || b[n-1] != 0x16 {
		return 0, false
	}
	_, err := dlt645.Parse(b[:n])
	return n, err == nil
}

// length188 is the same for CJ/T 188.
func length188(b []byte) (int, bool) {
	if len(b) < 13 || b[0] != start {
		return 0, false
	}
	n := 13 + int(b[10])
	if len(b) < n || b[n-1] != 0x16 {
		return 0, false
	}
	_, err := cjt188.Parse(b[:n])
	return n, err == nil
}

// lengthMBus is the same for short and long M-Bus frames.
func lengthMBus(b []byte) (int, bool) {
	n := 0
	switch {
	case len(b) >= 5 && b[0] == 0x10:
		n = 5
	case len(b) >= 9 && b[0] == start && b[1] == b[2] && b[3] == start:
		n = 6 + int(b[1])
	}
	if n == 0 || len(b) < n || b[n-1] != 0x16 {
		return 0, false
	}
	_, err := mbus.Parse(b[:n])
	return n, err == nil
}

// lengthModbus tries the lengths that the function code allows; only a right CRC makes a Modbus frame.
func lengthModbus(b []byte) (int, bool) {
	if len(b) < 4 || b[0] > 247 {
		return 0, false
	}
	for _, n := range modbusLengths(b) {
		if n <= len(b) && n <= 256 && frame.WholeRTU(b[:n]) {
			return n, true
		}
	}
	return 0, false
}

// modbusLengths are the lengths that a question or an answer with this function code can have (Application Protocol
// V1.1b3, 6).
func modbusLengths(b []byte) []int {
	at := func(i int) int {
		if i < len(b) {
			return int(b[i])
		}
		return 0
	}
	switch f := b[1]; {
	case f&0x80 != 0:
		return []int{5}
	case f >= 1 && f <= 4:
		return []int{8, 5 + at(2)}
	case f == 5 || f == 6 || f == 8:
		return []int{8}
	case f == 7 || f == 11 || f == 12:
		return []int{4, 5, 8}
	case f == 15 || f == 16:
		return []int{8, 9 + at(6)}
	case f == 17:
		return []int{4, 5 + at(2)}
	case f == 22:
		return []int{10}
	case f == 23:
		return []int{5 + at(2), 13 + at(10)}
	case f == 43:
		return append([]int{7}, objects(b)...)
	}
	return nil
}

// objects gives the length of an answer to 2B/0E: a list of objects that carry their own lengths.
func objects(b []byte) []int {
	if len(b) < 10 || b[2] != 14 {
		return nil
	}
	n := 8
	for range b[7] {
		if n+2 > len(b) {
			return nil
		}
		n += 2 + int(b[n+1])
	}
	return []int{n + 2}
}
