package cardtest

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"

	"github.com/emmansun/gmsm/sm4"

	"tally/cardreader/cardsim"
)

// Subject is a kind of card that the suite is run with, and the commands with which it sees whether a card was reached.
// They are written out, so that no driver has a say in them.
type Subject struct {
	Name          string
	New           func() cardsim.Device // a fresh one
	ATR           []byte
	Choose        []byte // the type of chip, or the application
	Chosen        []byte
	Read, Holds   []byte // some of its bytes, and the answer while they are as on a fresh one
	Unlock, Write func(send func(cmd []byte) (answer []byte))
	Look          func(send func(cmd []byte) (answer []byte)) []byte // what Write changes; nil: the answer to Read
	Wrote         []byte                                             // what Look says after Write
	Before        int                                                // commands of Choose and Unlock
	First         []byte                                             // first command of Write
}

// Subjects are all kinds of simulated cards, an SLE 4442 behind readers of every dialect.
func Subjects() []Subject {
	zeros := make([]byte, sm4.BlockSize)
	one, err := des.NewCipher(zeros[:des.BlockSize])
	if err != nil {
		panic(err) // eight bytes are a key
	}
	other, err := sm4.NewCipher(zeros)
	if err != nil {
		panic(err) // so are sixteen
	}
	return []Subject{SLE4442(), oldACS(), omnikey(), at88sc102(), cos("CPU card", one, false), cos("CPU card with SM4", other, true), mifareCard()}
}

// look says what Write changes.
func (s Subject) look(send func([]byte) []byte) []byte {
	if s.Look != nil {
		return s.Look(send)
	}
	return send(s.Read)
}

var ok = []byte{0x90, 0x00}

func with(data []byte, sw ...byte) []byte { return append(append([]byte{}, data...), sw...) }

// only sends commands whose answers do not matter: whether they took effect is read.
func only(cmds ...[]byte) func(func([]byte) []byte) {
	return func(send func([]byte) []byte) {
		for _, c := range cmds {
			send(c)
		}
	}
}

func chip4442() *cardsim.SLE4442 {
	return cardsim.NewSLE4442(cardsim.Options{PSC: []byte{0x11, 0x22, 0x33}, Main: []byte{0xCA, 0xFE, 0xBA, 0xBE}})
}

// SLE4442 is the chip behind an ACS reader.
func SLE4442() Subject {
	write := []byte{0xFF, 0xD0, 0, 0x20, 4, 1, 2, 3, 4}
	return Subject{
		Name: "SLE 4442", ATR: []byte{0x3B, 0x04, 0xA2, 0x13, 0x10, 0x91},
		New:    func() cardsim.Device { return cardsim.ACS(chip4442()) },
		Choose: []byte{0xFF, 0xA4, 0, 0, 1, 6}, Chosen: ok,
		Read: []byte{0xFF, 0xB0, 0, 0x20, 4}, Holds: with([]byte{0xCA, 0xFE, 0xBA, 0xBE}, ok...), Wrote: with([]byte{1, 2, 3, 4}, ok...),
		Unlock: only([]byte{0xFF, 0x20, 0, 0, 3, 0x11, 0x22, 0x33}), Write: only(write), Before: 2, First: write,
	}
}

// oldACS is the chip behind an ACR38 from before CCID, whose reads end with the protection bytes.
func oldACS() Subject {
	s := SLE4442()
	s.Name = "SLE 4442 in an old ACS reader"
	s.New = func() cardsim.Device { return cardsim.OldACS(chip4442()) }
	protection := []byte{0x30, 0xFF, 0x1F, 0xF8} // of a chip as delivered
	s.Holds, s.Wrote = with(append([]byte{0xCA, 0xFE, 0xBA, 0xBE}, protection...), ok...), with(append([]byte{1, 2, 3, 4}, protection...), ok...)
	return s
}

// omnikey is the chip behind an OMNIKEY reader, which has no type of chip to choose: its serial bytes are read instead.
func omnikey() Subject {
	s := SLE4442()
	s.Name = "SLE 4442 in an OMNIKEY reader"
	s.New = func() cardsim.Device { return cardsim.OMNIKEY(chip4442()) }
	s.Choose, s.Chosen = []byte{0xFF, 0xB0, 0, 0, 4}, with([]byte{0xA2, 0x13, 0x10, 0x91}, ok...)
	write := []byte{0xFF, 0xD6, 0, 0x20, 4, 1, 2, 3, 4}
	s.Write, s.First = only(write), write
	return s
}

func at88sc102() Subject {
	write := []byte{0xFF, 0xD0, 0, 0x18, 2, 0xF0, 0x0F}
	return Subject{
		Name: "AT88SC102", ATR: []byte{0x3B, 0x04, 0x0F, 0x0F, 0xAA, 0xBB},
		New: func() cardsim.Device {
			return cardsim.ACS102(cardsim.NewAT88SC102(cardsim.AT88SC102Options{Code: [2]byte{0x12, 0x34}, Issuer: []byte{0xAA, 0xBB}}))
		},
		Choose: []byte{0xFF, 0xA4, 0, 0, 1, 9}, Chosen: ok,
		Read: []byte{0xFF, 0xB0, 0, 0x18, 2}, Holds: with([]byte{0xFF, 0xFF}, ok...), Wrote: with([]byte{0xF0, 0x0F}, ok...),
		Unlock: only([]byte{0xFF, 0x20, 8, 0x0A, 2, 0x12, 0x34}), Write: only(write), Before: 2, First: write,
	}
}

// cos authenticates and seals with keys of zeros, under which triple DES is DES.
func cos(name string, zero cipher.Block, isSM4 bool) Subject {
	size := zero.BlockSize()
	challenge4, challenge8 := []byte{0, 0x84, 0, 0, 4}, []byte{0, 0x84, 0, 0, 8}
	return Subject{
		Name: name, ATR: []byte{0x3B, 0x68, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},
		New: func() cardsim.Device {
			return cardsim.NewCOS(cardsim.COSOptions{AID: []byte("GAS"), Serial: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, SM4: isSM4})
		},
		Choose: append([]byte{0, 0xA4, 4, 0, 3}, "GAS"...), Chosen: []byte{0x61, 0x07},
		Read: []byte{0, 0xB0, 0x84, 0, 4}, Holds: with(make([]byte, 4), ok...), Wrote: with([]byte{1, 2, 3, 4}, ok...),
		Unlock: func(send func([]byte) []byte) {
			answer := make([]byte, size)
			copy(answer, first(send(challenge8), 8))
			zero.Encrypt(answer, answer)
			send(append([]byte{0, 0x82, 0, 1, byte(size)}, answer...))
		},
		Write: func(send func([]byte) []byte) {
			x := make([]byte, size)
			copy(x, first(send(challenge4), 4))
			cmd := []byte{0x04, 0xD6, 0x84, 0, 8, 1, 2, 3, 4}
			padded := append(bytes.Clone(cmd), 0x80)
			for len(padded)%size != 0 {
				padded = append(padded, 0)
			}
			for i, b := range padded {
				if x[i%size] ^= b; i%size == size-1 {
					zero.Encrypt(x, x)
				}
			}
			send(append(cmd, x[:4]...))
		},
		Before: 3, First: challenge4,
	}
}

// first are the first n bytes of an answer, as far as it has them: a card that was swapped refuses.
func first(answer []byte, n int) []byte { return answer[:min(n, len(answer))] }

func mifareCard() Subject {
	block := []byte("sixteen bytes!!!")
	write := append([]byte{0xFF, 0xD6, 0, 4, 16}, block...)
	return Subject{
		Name: "Mifare Classic",
		ATR:  []byte{0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 3, 6, 3, 0, 1, 0, 0, 0, 0, 0x6A},
		New:  func() cardsim.Device { return cardsim.NewMifare(cardsim.MifareOptions{B: [6]byte{9}}) },
		// The serial is read without a key; unlocking is opening a sector with key B, which writes.
		Choose: []byte{0xFF, 0xCA, 0, 0, 0}, Chosen: with([]byte{1, 2, 3, 4}, ok...),
		Read: []byte{0xFF, 0xCA, 0, 0, 0}, Holds: with([]byte{1, 2, 3, 4}, ok...), Wrote: with(block, ok...),
		Look: func(send func([]byte) []byte) []byte {
			send([]byte{0xFF, 0x82, 0, 0, 6, 0, 0, 0, 0, 0, 0})
			send([]byte{0xFF, 0x86, 0, 0, 5, 1, 0, 4, 0x60, 0})
			return send([]byte{0xFF, 0xB0, 0, 4, 16})
		},
		Unlock: only([]byte{0xFF, 0x82, 0, 0, 6, 9, 0, 0, 0, 0, 0}, []byte{0xFF, 0x86, 0, 0, 5, 1, 0, 4, 0x61, 0}),
		Write:  only(write), Before: 3, First: write,
	}
}
