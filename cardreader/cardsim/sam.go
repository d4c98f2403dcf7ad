package cardsim

import (
	"bytes"
	"sync"

	"tally/cardreader/apdu"
)

// SAMOptions describe a security module (PSAM) with its master keys.
type SAMOptions struct {
	AID  []byte               // application; empty: none has to be selected
	Keys map[[2]byte][16]byte // by use, the lower five bits of P1, and version, P2
	SM4  bool
}

// SAM is a security module as the PBOC specification's terminals have it: DELIVERY KEY derives a key from a master key,
// CIPHER DATA uses it. It computes by itself and lives in memory.
type SAM struct {
	mu       sync.Mutex
	o        SAMOptions
	inSlot   bool
	selected bool
	key      *[16]byte // delivered
	fetch    []byte
	used     int
}

// NewSAM makes a module.
func NewSAM(o SAMOptions) *SAM { return &SAM{o: o} }

// Used is how often a key was used.
func (s *SAM) Used() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// Insert puts the module into a slot.
func (s *SAM) Insert() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inSlot {
		return ErrInUse
	}
	s.inSlot = true
	return nil
}

// Remove takes it out.
func (s *SAM) Remove() {
	s.PowerOff()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inSlot = false
}

// PowerOff forgets what was delivered.
func (s *SAM) PowerOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.selected, s.key, s.fetch = false, nil, nil
}

// Reset powers up; the historical bytes say PSAM.
func (s *SAM) Reset() []byte {
	s.PowerOff()
	return append([]byte{0x3B, 0x64, 0x00, 0x00}, "PSAM"...)
}

// Exchange carries out a command.
func (s *SAM) Exchange(command []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd, err := apdu.ParseCommand(command)
	if err != nil {
		return sw(swWrongLength).Bytes(), nil
	}
	return s.do(cmd).Bytes(), nil
}

func (s *SAM) do(cmd apdu.Command) apdu.Response {
	switch uint16(cmd.CLA)<<8 | uint16(cmd.INS) {
	case 0x00A4:
		s.selected = bytes.Equal(cmd.Data, s.o.AID)
		if !s.selected {
			return sw(swNotFound)
		}
		return sw(apdu.OK)
	case 0x00C0:
		f := s.fetch
		s.fetch = nil
		if len(f) == 0 || cmd.Le != len(f) {
			return sw(swConditions)
		}
		return apdu.Response{Data: f, SW: apdu.OK}
	case 0x801A:
		return s.deliver(cmd)
	case 0x80FA:
		return s.cipherData(cmd)
	}
	return sw(swUnknownINS)
}

// deliver derives level by level, eight bytes of factor each.
func (s *SAM) deliver(cmd apdu.Command) apdu.Response {
	s.key = nil
	k, ok := s.o.Keys[[2]byte{cmd.P1 & 0x1F, cmd.P2}]
	levels := int(cmd.P1 >> 5)
	per := 8
	if s.o.SM4 {
		per = 16
	}
	switch {
	case !s.selected && len(s.o.AID) > 0:
		return sw(swSecurity)
	case !ok:
		return sw(swNoKey)
	case len(cmd.Data) != per*levels:
		return sw(swWrongLength)
	}
	for f := range levels {
		k = s.derive(k, cmd.Data[per*f:][:per])
	}
	s.key = &k
	return sw(apdu.OK)
}

func (s *SAM) derive(k [16]byte, factor []byte) (out [16]byte) {
	if s.o.SM4 {
		return [16]byte(sm4Block(k, factor))
	}
	not := bytes.Clone(factor)
	for i := range not {
		not[i] = ^not[i]
	}
	copy(out[:], desEDE(k, factor))
	copy(out[8:], desEDE(k, not))
	return out
}

// cipherData: P1 00 encrypts block by block, 05 makes a MAC of all blocks behind the initial value. The caller pads.
func (s *SAM) cipherData(cmd apdu.Command) apdu.Response {
	n := 8
	if s.o.SM4 {
		n = 16
	}
	switch {
	case s.key == nil:
		return sw(swConditions)
	case len(cmd.Data) < n || len(cmd.Data)%n != 0:
		return sw(swWrongLength)
	}
	k := *s.key
	s.used++
	switch cmd.P1 {
	case 0x00:
		var out []byte
		for b := cmd.Data; len(b) > 0; b = b[n:] {
			out = append(out, s.block(k, b[:n])...)
		}
		s.fetch = out
	case 0x05:
		if len(cmd.Data) < 2*n {
			return sw(swWrongLength)
		}
		s.fetch = s.macOf(k, cmd.Data[:n], cmd.Data[n:])
	default:
		return sw(swOutside)
	}
	return sw(0x6100 | apdu.Status(len(s.fetch)))
}

func (s *SAM) block(k [16]byte, b []byte) []byte {
	if s.o.SM4 {
		return sm4Block(k, b)
	}
	return desEDE(k, b)
}

// macOf is desMAC or sm4MAC of what the caller has padded: they pad, so the padding is taken off first.
func (s *SAM) macOf(k [16]byte, iv, padded []byte) []byte {
	end := bytes.LastIndexByte(padded, 0x80)
	if end < 0 || len(bytes.TrimRight(padded[end+1:], "\x00")) > 0 {
		return make([]byte, 4) // not padded as the family pads: no MAC that anybody takes
	}
	if s.o.SM4 {
		return sm4MAC(k, iv, padded[:end])
	}
	return desMAC(k, iv[:4], padded[:end])
}
