package counter

import (
	"context"
	"encoding/hex"
	"errors"

	"tally/cardreader/purse"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// TypeCardMismatch is the type of an event record: a card was read that does not agree with the ledger. Its body is a
// CardMismatch.
const TypeCardMismatch = "card_mismatch"

// CardMismatch is the evidence: what the ledger expected and what the card says, with every byte of it.
type CardMismatch struct {
	Account   string `json:"account"`
	Region    uint16 `json:"region"`
	Card      string `json:"card"`
	Code      string `json:"code"` // card_behind, card_ahead, card_damaged, other_meter, card_replaced
	LedgerSeq uint16 `json:"ledger_seq"`
	CardSeq   uint16 `json:"card_seq"`
	CardIssue uint8  `json:"card_issue"`
	CardTag   string `json:"card_tag"`
	CardCum   int64  `json:"card_cum"`
	MeterSeq  uint16 `json:"meter_seq"` // as written back
	MeterCum  int64  `json:"meter_cum"`
	CardUnit  string `json:"card_unit"`
	CardMeter string `json:"card_meter"`
	Image     string `json:"image"` // hex
}

// evidence tells one mismatch from another, so that a card that is put in ten times is one event.
type evidence struct {
	card      purse.CardID
	code      string
	ledgerSeq uint16
	cardSeq   uint16
	issue     uint8
	tag       purse.Tag
}

const maxEvidence = 4096 // mismatches remembered; beyond it they may be told twice

// mismatch tells the centre of a card that does not agree with the ledger, once for each state of it.
func (s *Service) mismatch(ctx context.Context, a Account, st purse.State, refusal error) {
	r, ok := errors.AsType[*Refusal](refusal)
	if !ok || a.No == "" {
		return
	}
	switch r.Code {
	case CodeCardBehind, CodeCardAhead, CodeDamaged, CodeOtherMeter, CodeCardReplaced:
	default:
		return
	}
	m := CardMismatch{
		Account: a.No, Region: st.Card.Region, Card: st.Card.No, Code: r.Code, LedgerSeq: a.CardSeq,
		CardIssue: st.IssueCount, CardUnit: string(st.Unit), CardMeter: st.Meter, Image: hex.EncodeToString(st.Image),
	}
	key := evidence{card: st.Card, code: r.Code, ledgerSeq: a.CardSeq, issue: st.IssueCount}
	if o := st.Order; o != nil {
		m.CardSeq, m.CardTag, m.CardCum = o.Seq, hex.EncodeToString(o.Tag[:]), int64(o.Cumulative)
		key.cardSeq, key.tag = o.Seq, o.Tag
	}
	if w := st.WriteBack; w != nil {
		m.MeterSeq, m.MeterCum = w.Seq, int64(w.Accepted)
	}
	if !s.isNews(key) {
		return
	}
	s.log.Warn("card does not agree with the ledger", "card", st.Card.String(), "account", a.No, "code", r.Code,
		"ledger_seq", a.CardSeq, "card_seq", m.CardSeq, "meter_seq", m.MeterSeq)
	err := s.o.Store.Update(context.WithoutCancel(ctx), func(tx Tx) error {
		return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: TypeCardMismatch, ID: st.Card.String(), Body: m})
	})
	if err != nil {
		s.log.Error("mismatch of a card cannot be stored", "card", st.Card.String(), "err", err)
		s.forgetNews(key)
	}
}

func (s *Service) isNews(key evidence) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told[key] {
		return false
	}
	if len(s.told) >= maxEvidence {
		clear(s.told)
	}
	s.told[key] = true
	return true
}

func (s *Service) forgetNews(key evidence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.told, key)
}
