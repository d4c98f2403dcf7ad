package purse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cardreader/space"
)

// Making says what a plan does to a whole card; it is empty for a plan that puts an order on one.
type Making string

// Makings.
const (
	MakeNew    Making = "new"    // a blank card becomes a customer's card, or one that sets up meters
	MakeAnew   Making = "anew"   // a card in use gets another header and other orders, as after a meter change
	MakeOff    Making = "off"    // a card is taken out of use
	MakeTariff Making = "tariff" // the price table alone
)

// Steps of a making, beside "header" and "body".
const (
	stepOff    = "off"    // the switch goes off
	stepErase  = "erase"  // bits that only fall rise, all of a word or zone together
	stepMark   = "mark"   // the header's check is set right: from now on the code may be the card's own
	stepSecret = "secret" // the card gets its own secret code; it has no data, for a plan is no place for a code
	stepOn     = "on"     // the switch goes on: the card is in use
	stepTariff = "tariff"
)

// Keys is a Memory whose secret code belongs to its issuer and can be changed.
type Keys interface {
	// UnlockAs is Memory.Unlock for a card that is being made: with the factory's code, the card's own, or, when either
	// may be right, one of them, the other in the next insertion. It keeps the rules of Unlock.
	UnlockAs(ctx context.Context, c CardID, code WhoseCode) error
	// Changes says why the code cannot be changed here at all, by this reader or with these keys; nil when it can.
	Changes() error
	// ChangeCode gives the unlocked card its own code; when it has that already nothing is sent. A nil error proves as
	// much as the reader can show.
	ChangeCode(ctx context.Context, c CardID) error
}

// OldKeys is a Keys of cards that have a code each. A retired card that becomes one of another number has the code of the
// one number or of the other; UnlockOf presents the first one's as long as all tries are left and the second one's in the
// next insertion. It keeps the rules of Unlock.
type OldKeys interface {
	UnlockOf(ctx context.Context, first, second CardID) error
}

// NewCard is what a card is to be: its header, price table, and the order that it carries from the start.
type NewCard struct {
	Header Header
	Carry  *Carry // nil: no order yet
	Tag    Tag    // of the journal entry; part of the card only within Carry
}

// Carry is the order that a new card begins with. Sequence and total go on where the old card ended, so that a meter that
// took the order already credits nothing twice.
type Carry struct {
	Order      Order
	Seq        uint16
	Cumulative Amount
	// Said is what the meter is known to have written back, or would have: the order before this one, or, with this one's
	// sequence, that it has taken it. The new card says so too, for the meter's own word is on the old one. nil: nothing.
	Said *WriteBack
}

// Remake plans what turns a surveyed card into another: a blank one or one that is off into a new card, one in use into
// the same card anew. What the plan finds beside the profile's fields stays.
func Remake(p *profile.Profile, st State, c NewCard) (Plan, error) {
	st, err := Survey(p, st.Image)
	if err != nil {
		return Plan{}, err
	}
	c.Header.CardNo = padded(p.Header, profile.CardNo, c.Header.CardNo)
	c.Header.MeterNo = padded(p.Header, profile.MeterNo, c.Header.MeterNo)
	pl := Plan{
		Profile: p.Name, Make: MakeNew, Card: CardID{Region: c.Header.Region, No: c.Header.CardNo}, IssueCount: c.Header.IssueCount,
		Tag: c.Tag, Before: st.Image, Spent: true,
	}
	if p.Header.Field(profile.IssueCount) == nil {
		pl.IssueCount = 0
	}
	if p.Header.Field(profile.Region) == nil {
		pl.Card.Region = 0
	}
	if st.Condition == InUse {
		pl.Make, pl.Waiting = MakeAnew, max(st.Waiting, 0)
	}
	sw, ok := switchOf(p)
	switch {
	case !ok:
		return Plan{}, refuse("plan", notMade(p), fmt.Errorf("cards of %s cannot be made", p.Name))
	case st.Condition == InUse && !sw.isOn(st.Image[sw.at]):
		return Plan{}, refuse("plan", CodeHeaderDamaged, errNoKind)
	case loads(p) && !customers(c.Header.Kind):
		return Plan{}, refuse("plan", cardreader.CodeNotSupported, errors.New("a card with a purse has no place to count uses"))
	}
	if at := p.SerialAt(); at >= 0 {
		copy(c.Header.Serial[:], st.Image[at:])
	}
	if code, cerr := codeOf(p, st.Image); cerr == nil && code == OwnCode && st.Card != pl.Card {
		pl.Was = st.Card
	}
	if pl.After, err = Blank(p, c.Header); err != nil {
		return Plan{}, refuse("plan", CodeOutOfRange, err)
	}
	copy(pl.After[:p.Chip.Protect], st.Image)
	if err := mapped(p, st.Image, pl.After); err != nil {
		return Plan{}, err
	}
	var qty Amount
	if c.Carry != nil {
		qty, pl.Seq = c.Carry.Order.Qty, c.Carry.Seq
	}
	if err := fillPurse(p, &pl, qty); err != nil {
		return Plan{}, err
	}
	if c.Carry != nil {
		pl.Cumulative, pl.Qty = c.Carry.Cumulative, c.Carry.Order.Qty
		pl.Slot = p.Order.Slots[0].Name
		if err := fill(p, &pl, c.Carry.Order, c.Carry.Order.Qty, 0); err != nil {
			return Plan{}, refuse("plan", CodeOutOfRange, err)
		}
		pl.Tag = c.Carry.Order.Tag
		if err := foretell(p, pl.After, *c.Carry); err != nil {
			return Plan{}, refuse("plan", CodeOutOfRange, err)
		}
	}
	after, err := Decode(p, pl.After)
	if err != nil || after.Card != pl.Card || (after.Order != nil) != (c.Carry != nil) && !loads(p) {
		return Plan{}, refuse("plan", CodeOutOfRange, errors.Join(err, errors.New("the card would not be valid")))
	}
	if after.Order != nil {
		pl.Order = *after.Order
	}
	if pl.Make == MakeAnew && bytes.Equal(p.Header.Of(pl.Before, 0), p.Header.Of(pl.After, 0)) {
		// The header is what tells one from the other afterwards.
		return Plan{}, refuse("plan", cardreader.CodeNotSupported, fmt.Errorf("nothing on a card of %s would tell the new from the old", p.Name))
	}
	return pl, pl.cutMaking(p)
}

// errNoKind: the byte that takes a card out of use holds no value that a card in use has.
var errNoKind = errors.New("the kind of card is none that the layout knows")

// customers tells cards that carry gas from those that set up meters.
func customers(k Kind) bool {
	return k == "" || k == KindUser || k == KindOpen || k == KindReissue || k == KindTransfer
}

// foretell puts on a new card that the meter has taken its order, in the layout's way.
func foretell(p *profile.Profile, image []byte, c Carry) error {
	if c.Said == nil {
		return nil
	}
	if p.Rules.Swiped == profile.SwipedMark && c.Said.Seq == c.Seq {
		w := &pen{b: p.Order, raw: p.Order.Of(image, 0)}
		w.word(profile.Mark, "swiped")
		if k := p.Order.Commit; k.Taken != nil {
			w.raw[k.At] = byte(*k.Taken)
		}
		p.Seal(p.Order, image, 0)
		if p.Rules.Copies == profile.CopiesBackup {
			copy(p.Order.Of(image, 1), w.raw)
		}
		return w.err
	}
	if p.WriteBack == nil {
		return nil
	}
	slot := 0
	if z := p.OrderArea(0); z.Kind == space.Zone && c.Said.Seq != c.Seq {
		slot = len(p.WriteBack.Slots) - 1 // behind its order the meter writes once, and not on what lies there
	}
	w := &pen{b: p.WriteBack, raw: p.WriteBack.Of(image, slot)}
	clear(w.raw)
	w.int(profile.Seq, int64(c.Said.Seq))
	w.int(profile.Accepted, int64(c.Said.Accepted))
	w.int(profile.Remaining, int64(c.Said.Remaining))
	w.digits(profile.MeterNo, padded(p.WriteBack, profile.MeterNo, c.Said.MeterNo))
	w.time(profile.Time, c.Order.At)
	p.Seal(p.WriteBack, image, slot)
	if k := p.WriteBack.Commit; k != nil && k.Kind == profile.CommitByte {
		w.raw[k.At] = byte(k.Value)
	}
	return w.err
}

// padded fills a number up with zeros in front, to as many digits as its field has.
func padded(b *profile.Block, m profile.Meaning, no string) string {
	f := b.Field(m)
	if f == nil || no == "" || f.As != profile.BCD && f.As != profile.BCDLE {
		return no
	}
	return strings.Repeat("0", max(2*f.Len-len(no), 0)) + no
}

// Retire plans taking a card out of use: the switch goes off and everything but the header is wiped. The number stays
// readable, and the card can be made a new one later.
func Retire(p *profile.Profile, st State, g Tag) (Plan, error) {
	st, err := Decode(p, st.Image)
	if err != nil {
		return Plan{}, err
	}
	sw, ok := switchOf(p)
	if !ok {
		return Plan{}, refuse("plan", notMade(p), fmt.Errorf("cards of %s cannot be retired", p.Name))
	}
	if !sw.isOn(st.Image[sw.at]) {
		return Plan{}, refuse("plan", CodeHeaderDamaged, errNoKind)
	}
	pl := Plan{
		Profile: p.Name, Make: MakeOff, Card: st.Card, IssueCount: st.IssueCount, Tag: g, Before: st.Image, Base: st.Order, Spent: st.Swiped,
		After: slices.Repeat([]byte{0xFF}, p.Chip.Size),
	}
	copy(pl.After[:p.Chip.Protect], st.Image)
	copy(p.Header.Of(pl.After, 0), p.Header.Of(st.Image, 0))
	if len(p.Map) > 0 {
		pl.After = wiped(p, st.Image)
	}
	pl.After[sw.at] = switchOff
	return pl, pl.cutMaking(p)
}

// PutTariff plans a price table for a card in use; its orders stay as they are.
func PutTariff(p *profile.Profile, st State, t Tariff, g Tag) (Plan, error) {
	st, err := Decode(p, st.Image)
	if err != nil {
		return Plan{}, err
	}
	if p.Tariff == nil || !rewritable(p, blockAt(p.Tariff, 0)) {
		return Plan{}, refuse("plan", cardreader.CodeNotSupported, fmt.Errorf("cards of %s carry no prices", p.Name))
	}
	pl := Plan{
		Profile: p.Name, Make: MakeTariff, Card: st.Card, IssueCount: st.IssueCount, Tag: g, Before: st.Image, Base: st.Order,
		Spent: st.Swiped, After: bytes.Clone(st.Image),
	}
	if err := putTariff(p, pl.After, &t); err != nil {
		return Plan{}, refuse("plan", CodeOutOfRange, err)
	}
	return pl, pl.cutMaking(p)
}

// TariffOn reads the price table of a card in use; false when there is no valid one.
func TariffOn(p *profile.Profile, st State) (Tariff, bool) {
	if p.Tariff == nil || p.Verify(p.Tariff, st.Image, 0) != profile.Valid {
		return Tariff{}, false
	}
	raw := p.Tariff.Of(st.Image, 0)
	var damaged []string
	v := view{p.Tariff, raw, "tariff", &damaged}
	t := Tariff{PeriodMonths: uint8(v.int(profile.Period)), Release: uint8(v.int(profile.Release))}
	for i, m := range [...]profile.Meaning{profile.Limit1, profile.Limit2, profile.Limit3} {
		t.Limits[i] = cubic(v.int(m))
	}
	for i, m := range [...]profile.Meaning{profile.Price1, profile.Price2, profile.Price3, profile.Price4} {
		t.Prices[i] = price(v.int(m))
	}
	from, err := time.Parse("2006-01-02", firstTen(v.text(profile.Effective)))
	t.From = from
	return t, err == nil && len(damaged) == 0
}

func firstTen(s string) string { return s[:min(10, len(s))] }

// Resume plans the rest of a making that was cut: from what lies on the card now to the same end.
func Resume(p *profile.Profile, old Plan, st State) (Plan, error) {
	if old.Make == "" || len(st.Image) != p.Chip.Size || len(old.After) != p.Chip.Size {
		return Plan{}, refuse("plan", CodeBadPlan, errors.New("not a making of this profile"))
	}
	pl := old
	pl.Before, pl.Steps = st.Image, nil
	if old.Make == MakeTariff { // the meter may have written on the card since
		pl.After = bytes.Clone(st.Image)
		copy(p.Tariff.Of(pl.After, 0), p.Tariff.Of(old.After, 0))
		return pl, pl.cutMaking(p)
	}
	if st.Condition == InUse && !bytes.Equal(st.Image, old.Before) {
		return Plan{}, refuse("plan", CodeCardChanged, errors.New("the card was used since; what it is to carry may be another now"))
	}
	if at := p.SerialAt(); at >= 0 && !bytes.Equal(old.After[at:at+8], st.Image[at:at+8]) {
		return Plan{}, refuse("plan", CodeCardChanged, errors.New("the card has another serial"))
	}
	pl.After = bytes.Clone(old.After)
	copy(pl.After[:p.Chip.Protect], st.Image)
	for _, a := range p.Map {
		if a.Kind == space.Cyclic { // the meter's
			copy(pl.After[a.At:a.End()], st.Image[a.At:])
		}
	}
	return pl, pl.cutMaking(p)
}

// cutMaking cuts the way from Before to After into writes.
func (p *Plan) cutMaking(prof *profile.Profile) error {
	places := placesOf(prof)
	p.Steps, p.Places = nil, &places
	h := blockAt(prof.Header, 0)
	if p.Make == MakeTariff {
		t := blockAt(prof.Tariff, 0)
		p.step(stepTariff, t)
		return nil
	}
	sw, _ := switchOf(prof)
	code, err := p.code(prof)
	if err != nil {
		return refuse("plan", cardreader.CodeNotSupported, err)
	}
	if len(prof.Map) > 0 {
		p.cutMapped(prof, code)
		return nil
	}
	if p.Make != MakeNew && p.Before[sw.at] != switchOff {
		p.Steps = append(p.Steps, Step{Name: stepOff, Addr: sw.at, Data: Image{switchOff}})
	}
	from, end := checkAt(prof)
	if p.Make != MakeOff {
		p.header(prof, code, stretch{from, end})
	}
	for _, s := range append(spans(p.Before, p.After, prof.Chip.Protect, h.at, bridged), spans(p.Before, p.After, h.end, prof.Chip.Size, bridged)...) {
		p.step("body", s)
	}
	if code == FactoryCode && from < end {
		p.step(stepMark, stretch{from, end})
	}
	if p.Make != MakeOff && (code != OwnCode || !p.Was.IsZero()) {
		p.Steps = append(p.Steps, Step{Name: stepSecret})
	}
	if p.Make != MakeOff {
		p.Steps = append(p.Steps, Step{Name: stepOn, Addr: sw.at, Data: Image{sw.on[0]}})
	}
	return nil
}

// code is whose secret code the card has when the plan begins. One that was in use has its issuer's, whatever a cut left
// of its switch.
func (p *Plan) code(prof *profile.Profile) (WhoseCode, error) {
	code, err := codeOf(prof, p.Before)
	if err == nil && (p.Make == MakeAnew || p.Make == MakeOff) {
		code = OwnCode
	}
	return code, err
}

// header writes the header around the switch, which is not touched, so that no interrupted write can erase it; on a card
// with the factory's code the check goes there inverted.
func (p *Plan) header(prof *profile.Profile, code WhoseCode, check stretch) {
	image := bytes.Clone(p.After)
	if code == FactoryCode {
		invert(prof, image)
	}
	h, at := blockAt(prof.Header, 0), p.Places.Switch
	if p.Make == MakeAnew { // what does not change is not touched: it tells whose card this is
		for _, s := range append(spans(p.Before, image, h.at, at, 1), spans(p.Before, image, at+1, h.end, 1)...) {
			p.Steps = append(p.Steps, Step{Name: "header", Addr: s.at, Data: bytes.Clone(image[s.at:s.end])})
		}
		return
	}
	if code == FactoryCode && p.Before[at] != 0xFF {
		p.Steps = append(p.Steps, Step{Name: "header", Addr: at, Data: Image{0xFF}}) // a card that came with zeros
	}
	for _, s := range []stretch{{h.at, at}, {at + 1, h.end}} {
		if s.at < s.end {
			p.Steps = append(p.Steps, Step{Name: "header", Addr: s.at, Data: bytes.Clone(image[s.at:s.end])})
		}
	}
}

func (p *Plan) step(name string, s stretch) {
	p.Steps = append(p.Steps, Step{Name: name, Addr: s.at, Data: bytes.Clone(p.After[s.at:s.end])})
}
