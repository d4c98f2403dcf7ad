package cpucard

import (
	"crypto/des"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Terminal identifies the machine that loads.
type Terminal [6]byte

// TradeLoad is the transaction type of a load into the purse (圈存), the way the published example has it.
const TradeLoad byte = 0x01

// LoadInit is the card's answer to INITIALIZE FOR LOAD (80 50 00 02).
type LoadInit struct {
	Balance    uint32 // before the load
	Seq        uint16 // of the load that is being begun; one more than before proves that the last one happened
	KeyVersion byte
	Algorithm  byte
	Random     [4]byte
	MAC1       MAC
}

// ErrLoadInit: an answer that is no LoadInit.
var ErrLoadInit = errors.New("answer to initialize for load is malformed")

// ParseLoadInit decodes the 16 data bytes of the answer.
func ParseLoadInit(b []byte) (LoadInit, error) {
	if len(b) != 16 {
		return LoadInit{}, fmt.Errorf("parse %d bytes, want 16: %w", len(b), ErrLoadInit)
	}
	return LoadInit{
		Balance: binary.BigEndian.Uint32(b), Seq: binary.BigEndian.Uint16(b[4:]), KeyVersion: b[6], Algorithm: b[7],
		Random: [4]byte(b[8:12]), MAC1: MAC(b[12:16]),
	}, nil
}

// Bytes encodes the answer.
func (l LoadInit) Bytes() []byte {
	b := binary.BigEndian.AppendUint32(nil, l.Balance)
	b = binary.BigEndian.AppendUint16(b, l.Seq)
	b = append(b, l.KeyVersion, l.Algorithm)
	b = append(b, l.Random[:]...)
	return append(b, l.MAC1[:]...)
}

// LoadSession is the key of one load. It is worthless afterwards, but no way of printing shows it: see Key.
type LoadSession struct{ key [des.BlockSize]byte }

// String does not show the key.
func (LoadSession) String() string { return redacted }

// Format does not show the key, whatever the verb.
func (LoadSession) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// NewLoadSession derives the session key from the card's load key.
func NewLoadSession(dlk Key, l LoadInit) LoadSession {
	var s LoadSession
	dlk.triple().Encrypt(s.key[:], l.seed())
	return s
}

// seed is what the session key is made of.
func (l LoadInit) seed() []byte { return append(l.Random[:], byte(l.Seq>>8), byte(l.Seq), 0x80, 0x00) }

// credit checks the card's MAC and makes the one that allows the load.
func (s LoadSession) credit(l LoadInit, d Load) (MAC, error) {
	if !s.MAC1(l, d.Amount, d.Trade, d.Terminal).Equal(l.MAC1) {
		return MAC{}, ErrMAC1
	}
	return s.MAC2(d.Amount, d.Trade, d.Terminal, d.At), nil
}

// MAC1 is what the card must have sent: it proves that the card has the load key and says this balance.
func (s LoadSession) MAC1(l LoadInit, amount uint32, trade byte, term Terminal) MAC {
	msg := binary.BigEndian.AppendUint32(nil, l.Balance)
	msg = binary.BigEndian.AppendUint32(msg, amount)
	msg = append(msg, trade)
	return s.mac(append(msg, term[:]...))
}

// Stamp is date and time of a load as BCD, YYYYMMDD and hhmmss.
type Stamp struct {
	Date [4]byte
	Time [3]byte
}

// StampOf is a time of day in its own zone.
func StampOf(t time.Time) (s Stamp) {
	for i, v := range []int{t.Year() / 100, t.Year() % 100, int(t.Month()), t.Day()} {
		s.Date[i] = byte(v/10<<4 | v%10)
	}
	for i, v := range []int{t.Hour(), t.Minute(), t.Second()} {
		s.Time[i] = byte(v/10<<4 | v%10)
	}
	return s
}

// MAC2 is what CREDIT FOR LOAD (80 52) carries: it proves to the card that the load was allowed.
func (s LoadSession) MAC2(amount uint32, trade byte, term Terminal, at Stamp) MAC {
	msg := binary.BigEndian.AppendUint32(nil, amount)
	msg = append(msg, trade)
	msg = append(msg, term[:]...)
	msg = append(msg, at.Date[:]...)
	return s.mac(append(msg, at.Time[:]...))
}

func (s LoadSession) mac(msg []byte) MAC {
	last := chain(must(des.NewCipher(s.key[:])), make([]byte, des.BlockSize), msg)
	return MAC(last[:4])
}
