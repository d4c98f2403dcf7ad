package frame

import (
	"encoding/binary"

	"tally/meter"
	"tally/meter/telegram"
)

// Lengths of RTU frames.
const (
	rtuShortest = 4
	rtuLongest  = 256
)

// ExplainRTU says what the RTU frame at the start of b is and what is wrong with it; b may go on behind the frame.
func ExplainRTU(b []byte, o Options) telegram.Report {
	r := telegram.Report{Protocol: RTU}
	if len(b) < rtuShortest {
		r.Fault(telegram.Short(len(b), rtuShortest))
		if len(b) >= 2 && functions[b[1]&^exceptionBit] != "" {
			r.Fit = telegram.FitStart
		}
		return r
	}
	lengths := foretold(b)
	for _, n := range append([]int{len(b)}, lengths...) {
		if n <= len(b) && n <= rtuLongest && crcOK(b[:n]) {
			r.Fit, r.Length = telegram.FitWhole, n
			explain(&r, b[0], b[1:n-2], 1, o)
			r.Frame.Add("crc", telegram.Hex(b[n-2:n]...))
			return r
		}
	}
	r.Frame.Add("address", int(b[0]))
	r.Frame.Add("function", int(b[1]&^exceptionBit))
	if name := functions[b[1]&^exceptionBit]; name != "" {
		r.Frame.Add("function_name", name)
		r.Fit = telegram.FitStart
	}
	damage(&r, b, lengths)
	return r
}

func crcOK(frame []byte) bool {
	n := len(frame) - 2
	return n >= 2 && binary.LittleEndian.Uint16(frame[n:]) == CRC(frame[:n])
}

// damage says what is wrong with a frame whose checksum holds at none of the lengths that its function foretells.
func damage(r *telegram.Report, b []byte, lengths []int) {
	end, fits := len(b), len(lengths) == 0
	for _, n := range lengths {
		fits = fits || n == len(b)
	}
	if !fits {
		longest := 0
		for _, n := range lengths {
			longest = max(longest, n)
			if n < len(b) {
				end = n // bytes are left over behind it
			}
		}
		if longest > len(b) && end == len(b) {
			r.Fault(telegram.Short(len(b), longest))
			return
		}
	}
	if fits && len(lengths) > 0 {
		r.Fit = telegram.FitShape
	}
	r.Length = end
	var want [2]byte
	binary.LittleEndian.PutUint16(want[:], CRC(b[:end-2]))
	r.Fault(&telegram.Problem{
		Code: telegram.Checksum, Offset: end - 2, Want: telegram.Hex(want[:]...), Got: telegram.Hex(b[end-2 : end]...), Text: "CRC is wrong", Class: meter.ErrChecksum,
	})
}

// foretold are the lengths that the function allows for a frame that begins with b: of its question, of its answer.
// None if the function does not tell. b has at least four bytes.
func foretold(b []byte) []int {
	const around = 3 // address and CRC
	f := b[1]
	switch {
	case f&exceptionBit != 0 && functions[f&^exceptionBit] != "":
		return []int{around + 2}
	case f == WriteCoil || f == WriteRegister || f == Diagnostics:
		return []int{around + 5}
	case f == MaskWrite:
		return []int{around + 7}
	case f >= ReadCoils && f <= ReadInput:
		return []int{around + 5, around + 2 + int(b[2])}
	case f == ReadStatus:
		return []int{around + 1, around + 2}
	case f == ReportServer:
		return []int{around + 1, around + 2 + int(b[2])}
	case (f == WriteCoils || f == WriteRegisters) && len(b) > 6:
		return []int{around + 5, around + 6 + int(b[6])}
	case f == WriteCoils || f == WriteRegisters:
		return []int{around + 5}
	case f == ReadWrite && len(b) > 10:
		return []int{around + 2 + int(b[2]), around + 10 + int(b[10])}
	case f == ReadWrite:
		return []int{around + 2 + int(b[2])}
	case f == Encapsulated:
		return identified(b, around)
	}
	return nil
}

// identified are the lengths of function 2B: its answer is as long as its objects.
func identified(b []byte, around int) []int {
	lengths := []int{around + 4}
	if len(b) < 8 {
		return lengths
	}
	at := 8
	for range b[7] {
		if len(b) < at+2 {
			return lengths
		}
		at += 2 + int(b[at+1])
	}
	return append(lengths, at+2)
}
