package cpucard

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
)

// SAMKey is where a security module keeps a master key: P1 and P2 of DELIVERY KEY. The upper three bits of Usage are the
// levels of diversification; here there is one: its factor is the card's serial, with SM4 the serial and its complement.
type SAMKey struct{ Usage, Version byte }

// SAMOptions say what a security module holds.
type SAMOptions struct {
	Algorithm        Algorithm
	AID              []byte // its application; empty: it needs none to be selected
	Vend, Line, Load SAMKey
}

// SAM is a security module (PSAM) in a reader's slot, as [Keys]. The master keys never leave it. It may be used from
// several goroutines; a command of one waits for those of another, because a key that was delivered is good until the
// next.
type SAM struct {
	mu   sync.Mutex
	link *exchange.Link
	o    SAMOptions
}

// OpenSAM takes the card over and closes it; when it fails the card is the caller's to close.
func OpenSAM(ctx context.Context, card cardreader.Card, o SAMOptions) (*SAM, error) {
	const op = "select security module"
	s := &SAM{link: exchange.New(card), o: o}
	if len(o.AID) == 0 {
		return s, nil
	}
	r, err := s.link.Send(ctx, op, apdu.Command{INS: 0xA4, P1: 0x04, Data: o.AID})
	if err != nil {
		return nil, err
	}
	if err := r.SW.Err(); err != nil && !errors.Is(err, apdu.ErrMoreData) {
		return nil, exchange.Fail(cardreader.Permanent, cardreader.CodeNotSupported, op, err)
	}
	return s, nil
}

// Close powers the module down.
func (s *SAM) Close() error { return s.link.Close() }

// Modes of CIPHER DATA, its P1.
const (
	cipherEncrypt = 0x00
	cipherMAC     = 0x05 // all blocks at once, the initial value in front
)

// Cryptogram lets the module encrypt the challenge under the card's vend key.
func (s *SAM) Cryptogram(ctx context.Context, sn Serial, challenge [8]byte) ([]byte, error) {
	block := make([]byte, s.o.Algorithm.BlockSize())
	copy(block, challenge[:])
	return s.cipher(ctx, sn, s.o.Vend, cipherEncrypt, block, len(block))
}

// Seal lets the module make the MAC under the card's line key.
func (s *SAM) Seal(ctx context.Context, sn Serial, c Challenge, cmd apdu.Command) (apdu.Command, error) {
	n := s.o.Algorithm.BlockSize()
	data := make([]byte, n, apdu.MaxData)
	copy(data, c[:])
	if len(cmd.Data) > MaxSealed {
		return apdu.Command{}, apdu.ErrLength
	}
	if data = append(data, pad(sealing(cmd), n)...); len(data) > apdu.MaxData {
		return apdu.Command{}, fmt.Errorf("seal %d bytes in a security module: %w", len(cmd.Data), apdu.ErrLength)
	}
	mac, err := s.cipher(ctx, sn, s.o.Line, cipherMAC, data, len(MAC{}))
	if err != nil {
		return apdu.Command{}, err
	}
	cmd.Data = append(append(make([]byte, 0, len(cmd.Data)+len(mac)), cmd.Data...), mac...)
	return cmd, nil
}

// Credit lets the module make the session key, which is good for this load only.
func (s *SAM) Credit(ctx context.Context, sn Serial, l LoadInit, d Load) (MAC, error) {
	if s.o.Algorithm == SM4 {
		return MAC{}, ErrLoadCipher
	}
	key, err := s.cipher(ctx, sn, s.o.Load, cipherEncrypt, l.seed(), 8)
	if err != nil {
		return MAC{}, err
	}
	return LoadSession{[8]byte(key)}.credit(l, d)
}

// cipher delivers the card's key and has it used.
func (s *SAM) cipher(ctx context.Context, sn Serial, k SAMKey, mode byte, data []byte, want int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	factor := sn[:]
	if s.o.Algorithm == SM4 {
		all := sn.factor()
		factor = all[:]
	}
	const op = "use security module"
	r, err := s.link.SendT0(ctx, op, apdu.Command{CLA: 0x80, INS: 0x1A, P1: k.Usage, P2: k.Version, Data: factor})
	if err == nil {
		err = r.SW.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("deliver key %02X/%02X: %w", k.Usage, k.Version, err)
	}
	r, err = s.link.SendT0(ctx, op, apdu.Command{CLA: 0x80, INS: 0xFA, P1: mode, Data: data, Le: want})
	if err == nil {
		err = r.SW.Err()
	}
	if err == nil && len(r.Data) != want {
		err = fmt.Errorf("%d bytes, want %d: %w", len(r.Data), want, apdu.ErrLength)
	}
	if err != nil {
		return nil, fmt.Errorf("cipher data: %w", err)
	}
	return r.Data, nil
}
