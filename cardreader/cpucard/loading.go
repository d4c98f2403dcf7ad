package cpucard

import (
	"context"
	"encoding/binary"
	"errors"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
)

// Load is one load into the card's electronic purse (圈存).
type Load struct {
	Key      byte // number of the load key on the card
	Amount   uint32
	Trade    byte
	Terminal Terminal
	At       Stamp
}

// TAC is the card's own receipt of a transaction, which whoever has the TAC key can check.
type TAC [4]byte

// ErrLoadMoved: the purse is not the one that the load was worked out for.
var ErrLoadMoved = errors.New("balance or load counter changed since they were read")

// BeginLoad tells the card what is to be loaded (80 50 00 02) and changes nothing yet: it also serves to read balance and
// load counter.
func (c *Chip) BeginLoad(ctx context.Context, d Load) (LoadInit, error) {
	const op = "begin load"
	data := append([]byte{d.Key}, binary.BigEndian.AppendUint32(nil, d.Amount)...)
	r, err := c.link.SendT0(ctx, op, apdu.Command{CLA: 0x80, INS: 0x50, P2: 0x02, Data: append(data, d.Terminal[:]...), Le: 16})
	if err != nil {
		return LoadInit{}, err
	}
	if errors.Is(r.SW, apdu.ErrBlocked) || errors.Is(r.SW, apdu.ErrKeyIndex) || errors.Is(r.SW, apdu.ErrNotSupported) {
		return LoadInit{}, exchange.Fail(cardreader.Permanent, cardreader.CodeNotSupported, op, r.SW)
	}
	if r.SW != apdu.OK || len(r.Data) != 16 {
		return LoadInit{}, c.link.Bad(op, r, 16)
	}
	return ParseLoadInit(r.Data)
}

// Credit loads. The purse must be as seq and balance say; otherwise nothing is sent that could change it. A nil error
// comes with the card's receipt. After an error that matches cardreader.ErrOutcomeUnknown only the load counter tells:
// BeginLoad on a new connection, where one more than before proves the load, and Proof brings the receipt.
func (c *Chip) Credit(ctx context.Context, d Load, balance uint32, seq uint16) (TAC, error) {
	const op = "credit load"
	l, err := c.BeginLoad(ctx, d)
	if err != nil {
		return TAC{}, exchange.Before(err)
	}
	if l.Balance != balance || l.Seq != seq {
		return TAC{}, exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, op, ErrLoadMoved)
	}
	mac, err := c.keys.Credit(ctx, c.serial, l, d)
	if err != nil {
		return TAC{}, exchange.Fail(cardreader.Retry, cardreader.CodeKeys, op, exchange.Quiet(err))
	}
	data := append(append(d.At.Date[:], d.At.Time[:]...), mac[:]...)
	r, err := c.link.SendT0(ctx, op, apdu.Command{CLA: 0x80, INS: 0x52, Data: data, Le: 4})
	if err != nil {
		return TAC{}, err
	}
	if r.SW != apdu.OK || len(r.Data) != 4 {
		return TAC{}, c.link.Bad(op, r, 4)
	}
	return TAC(r.Data), nil
}

// Proof fetches the receipt of the load that had this counter (80 5A): the MAC and the TAC of the transaction. Without one
// (94 06) ok is false: the card keeps the last transaction only.
func (c *Chip) Proof(ctx context.Context, trade byte, seq uint16) (mac MAC, tac TAC, ok bool, err error) {
	const op = "prove load"
	r, err := c.link.SendT0(ctx, op, apdu.Command{CLA: 0x80, INS: 0x5A, P2: trade, Data: []byte{byte(seq >> 8), byte(seq)}, Le: 8})
	switch {
	case err != nil:
		return mac, tac, false, err
	case errors.Is(r.SW, apdu.ErrNoProof):
		return mac, tac, false, nil
	case r.SW != apdu.OK || len(r.Data) != 8:
		return mac, tac, false, c.link.Bad(op, r, 8)
	}
	return MAC(r.Data[:4]), TAC(r.Data[4:]), true, nil
}
