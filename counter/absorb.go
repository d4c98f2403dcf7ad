package counter

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"tally/cardreader/purse"
	"tally/meter/quantity"
	"tally/sync/contract"
)

// AccountDelta is the centre's word about one account that was changed at another counter (or at the centre itself). It
// is complete in what it says: what a field means when it is left out is said with the field.
type AccountDelta struct {
	Account string `json:"account"`
	Version uint64 `json:"version"` // grows with every change of the account at the centre; an older one is ignored

	// The customer's card; all of it is left alone when Region and Card are zero and Cardless is false.
	Region    uint16 `json:"region,omitempty"`
	Card      string `json:"card,omitempty"`
	Cardless  bool   `json:"cardless,omitempty"` // the customer has no card any more
	CardIssue uint8  `json:"card_issue,omitempty"`
	CardSeq   uint16 `json:"card_seq,omitempty"`
	CardCum   int64  `json:"card_cum,omitempty"` // in the card's unit
	CardQty   int64  `json:"card_qty,omitempty"` // of the last order, in the card's unit
	CardTag   string `json:"card_tag,omitempty"` // six hex digits, of the last order
	CardUnit  string `json:"card_unit,omitempty"`
	Meter     string `json:"meter,omitempty"` // left alone when empty

	PeriodStart string `json:"period_start,omitempty"` // with BoughtL; both left alone when empty
	BoughtL     int64  `json:"bought_l,omitempty"`

	Dead       []DeadDelta `json:"dead,omitempty"` // further cards that are dead; added to those known
	Lost       *MarkDelta  `json:"lost,omitempty"` // the card is reported lost; nil: it is not, as far as the centre knows
	ArrearsFen int64       `json:"arrears_fen,omitempty"`

	// Doubts are the orders of the account that have no end yet, here or elsewhere; one that is not listed any more has.
	Doubts []contract.OpenDoubt `json:"doubts,omitempty"`

	// The customer's file, for an account that is not known here yet; left alone when PriceClass is empty.
	PriceClass string `json:"price_class,omitempty"`
	Name       string `json:"name,omitempty"`
	Address    string `json:"address,omitempty"`
	Phone      string `json:"phone,omitempty"`
	Water      bool   `json:"water,omitempty"`
}

// DeadDelta is a card that must not be used any more.
type DeadDelta struct {
	Region uint16 `json:"region"`
	Card   string `json:"card"`
	Issue  uint8  `json:"issue"` // up to this issue count
	Why    string `json:"why"`
}

// MarkDelta is who said when and why.
type MarkDelta struct {
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// absorbAtOnce is how many deltas share one transaction.
const absorbAtOnce = 256

// Absorb takes over what the centre says about accounts. It may be called with the same deltas again and in any order: a
// version that was absorbed, or an older one, changes nothing, and what this counter wrote on a card since then is never
// taken back. A delta that cannot be taken (malformed, its card belongs to another account here) is reported in the error
// after all others were taken.
func (s *Service) Absorb(ctx context.Context, deltas []AccountDelta) error {
	var problems []error
	touched := map[purse.CardID]bool{}
	for part := range slices.Chunk(deltas, absorbAtOnce) {
		var bad []error
		var cards []purse.CardID
		err := s.o.Store.Update(ctx, func(tx Tx) error {
			bad, cards = nil, nil
			for _, d := range part {
				a, changed, err := s.absorbed(tx, d)
				switch {
				case errors.Is(err, errDelta):
					bad = append(bad, err)
				case err != nil:
					return err
				case changed:
					cards = append(cards, a.Card)
					if err := tx.PutAccount(a); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return storeRefusal(err)
		}
		problems = append(problems, bad...)
		for _, c := range cards {
			touched[c] = true
		}
	}
	for c := range touched {
		s.lookAgain(c)
	}
	if len(touched) > 0 {
		s.watch.changed()
	}
	return errors.Join(problems...)
}

// errDelta marks a delta that says nothing that could be taken over.
var errDelta = errors.New("cannot absorb account")

// absorbed is the account after a delta.
func (s *Service) absorbed(tx Tx, d AccountDelta) (a Account, changed bool, err error) {
	if err := d.check(); err != nil {
		return a, false, err
	}
	a, err = tx.Account(d.Account)
	switch {
	case errors.Is(err, ErrNotFound) && d.PriceClass == "":
		return a, false, nil // known elsewhere only, and it says too little to be served here
	case errors.Is(err, ErrNotFound):
		a = Account{No: d.Account}
	case err != nil || d.Version <= a.Version:
		return a, false, err
	default:
		if err = s.hearOwn(tx, d); err == nil {
			a, err = tx.Account(d.Account)
		}
		if err != nil {
			return a, false, err
		}
	}
	a.Version = d.Version
	a.Arrears = quantity.Money(d.ArrearsFen)
	d.file(&a)
	d.tiers(&a)
	d.card(&a)
	if a.Elsewhere, err = s.hearElsewhere(tx, a, d); err != nil {
		return a, false, err
	}
	if owner, err := tx.AccountOfCard(a.Card); err == nil && owner.No != a.No {
		return a, false, fmt.Errorf("%w %q: its card belongs to account %q here", errDelta, d.Account, owner.No)
	}
	return a, true, nil
}

func (d AccountDelta) check() error {
	tag, err := hex.DecodeString(d.CardTag)
	switch {
	case d.Account == "" || d.Version == 0:
		return fmt.Errorf("%w %q: number or version is missing", errDelta, d.Account)
	case err != nil || len(tag) != 0 && len(tag) != len(purse.Tag{}):
		return fmt.Errorf("%w %q: tag of the last order is not six hex digits", errDelta, d.Account)
	case d.CardUnit != "" && !slices.Contains([]purse.Unit{purse.UnitDeciM3, purse.UnitCentiM3, purse.UnitFen}, purse.Unit(d.CardUnit)):
		return fmt.Errorf("%w %q: unit %q", errDelta, d.Account, d.CardUnit)
	case d.BoughtL < 0 || d.BoughtL > maxAbsorbed || d.CardCum < 0 || d.CardCum > maxAbsorbed:
		return fmt.Errorf("%w %q: a total is out of range", errDelta, d.Account)
	}
	return nil
}

const maxAbsorbed = 1 << 50 // of litres or card units: sums of two never overflow

func (d AccountDelta) file(a *Account) {
	if d.PriceClass != "" {
		a.PriceClass, a.Name, a.Address, a.Phone, a.Water = d.PriceClass, d.Name, d.Address, d.Phone, d.Water
	}
	if d.Meter != "" {
		a.Meter = d.Meter
	}
	if d.CardUnit != "" {
		a.CardUnit = purse.Unit(d.CardUnit)
	}
}

// tiers merges what was bought in the period. Orders follow each other on the card, so a card that is further on than
// here, on the same issue, was sold what its total grew by; a sale of ours that the centre has not heard of is in the
// difference already.
func (d AccountDelta) tiers(a *Account) {
	bought := quantity.Volume(d.BoughtL)
	switch {
	case d.PeriodStart == "" || d.PeriodStart < a.PeriodStart:
	case d.PeriodStart > a.PeriodStart:
		a.PeriodStart, a.Bought = d.PeriodStart, bought
	case d.follows(*a) && a.Last != nil && a.CardUnit.Litres() > 0 && d.CardIssue == a.CardIssue:
		a.Bought += quantity.Volume(d.CardCum-int64(a.Last.Cumulative)) * a.CardUnit.Litres()
	default:
		a.Bought = max(a.Bought, bought)
	}
}

// follows reports whether the delta's card is further on than the account's.
func (d AccountDelta) follows(a Account) bool {
	switch {
	case d.CardIssue != a.CardIssue:
		return d.CardIssue > a.CardIssue
	case a.Card.IsZero():
		return true
	}
	return int16(d.CardSeq-a.CardSeq) > 0
}

func (d AccountDelta) card(a *Account) {
	named := purse.CardID{Region: d.Region, No: d.Card}
	a.LastIssue = max(a.LastIssue, d.CardIssue)
	for _, dead := range d.Dead {
		bury(a, DeadCard{Card: purse.CardID{Region: dead.Region, No: dead.Card}, Issue: dead.Issue, Why: dead.Why})
	}
	switch {
	case d.Cardless && d.CardIssue >= a.CardIssue:
		bury(a, DeadCard{Card: a.Card, Issue: max(a.CardIssue, d.CardIssue), Why: DeadRetired})
		if d.follows(*a) {
			d.takeCard(a, purse.CardID{})
		}
		a.Card, a.CardIssue, a.Lost = purse.CardID{}, 0, nil
	case d.Card == "":
	case d.follows(*a):
		d.takeCard(a, named)
	}
	if d.Lost != nil && d.CardIssue == a.CardIssue {
		a.Lost = &Mark{Reason: d.Lost.Reason, By: d.Lost.By, At: d.Lost.At}
	}
}

func (d AccountDelta) takeCard(a *Account, named purse.CardID) {
	if a.Card != named || a.CardIssue != 0 && a.CardIssue != d.CardIssue {
		bury(a, DeadCard{Card: a.Card, Issue: a.CardIssue, Why: DeadReplaced})
		a.Lost = nil
	}
	a.Card, a.CardIssue, a.CardSeq, a.Seen = named, d.CardIssue, d.CardSeq, nil
	a.Last = nil
	if d.CardTag != "" {
		tag, _ := hex.DecodeString(d.CardTag) // checked
		a.Last = &LastOrder{Seq: d.CardSeq, Tag: purse.Tag(tag), Qty: purse.Amount(d.CardQty), Cumulative: purse.Amount(d.CardCum)}
	}
}

// Why a card is dead.
const (
	DeadReplaced = "replaced"
	DeadRetired  = "retired"
)

// bury adds a card to the dead ones, unless it is there with as high an issue count.
func bury(a *Account, d DeadCard) {
	if d.Card.IsZero() {
		return
	}
	for i, known := range a.Dead {
		if known.Card == d.Card {
			if d.Issue > known.Issue {
				a.Dead = slices.Clone(a.Dead)
				a.Dead[i] = d
			}
			return
		}
	}
	a.Dead = append(slices.Clone(a.Dead), d)
}
