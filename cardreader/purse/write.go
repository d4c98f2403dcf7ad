package purse

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"tally/cardreader"
	"tally/cardreader/profile"
)

// writing is one run of a plan.
type writing struct {
	*MemoryPurse
	plan    Plan
	image   []byte // what the card holds if every step so far was carried out
	touched bool   // a byte of the plan may have reached a card
	proven  bool   // the order was read back, committed
}

func (w *writing) run(ctx context.Context) error {
	if err := w.identify(ctx); err != nil {
		return err
	}
	for _, s := range w.plan.Steps {
		if s.Name == string(profile.WriteStamp) && w.proven {
			_ = w.step(ctx, s) // diagnostic only: the order is on the card whatever becomes of the stamp
			continue
		}
		if err := w.step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// identify makes sure that this is the plan's card with the plan's bytes. The header is compared before the secret code
// is presented, because a wrong code costs another customer's card a try; everything after it, because the card may
// have been swapped in between and no swapped card is open for writing.
func (w *writing) identify(ctx context.Context) error {
	h := w.profile.Header
	before := h.Of(w.plan.Before, 0)
	if err := w.expect(ctx, h.Slots[0].At, before, cardreader.Permanent, CodeCardChanged); err != nil {
		return err
	}
	if err := w.unlock(ctx); err != nil {
		return err
	}
	for _, r := range told(w.profile) {
		if err := w.expect(ctx, r.at, w.plan.Before[r.at:r.end], cardreader.Permanent, CodeCardChanged); err != nil {
			return err
		}
	}
	w.image = bytes.Clone(w.plan.Before)
	return nil
}

// unlock presents the code of the plan's card, where cards have one each.
func (w *writing) unlock(ctx context.Context) error {
	if keys, ok := w.mem.(Keys); ok {
		return keys.UnlockAs(ctx, w.plan.Card, OwnCode)
	}
	return w.mem.Unlock(ctx)
}

// step writes what differs and reads it back. A memory cell wears with every write, so bytes that are right already
// are left alone.
func (w *writing) step(ctx context.Context, s Step) error {
	old := w.image[s.Addr : s.Addr+len(s.Data)]
	if bytes.Equal(old, s.Data) {
		return nil
	}
	err := w.mem.Write(ctx, s.Addr, s.Data)
	if err == nil || !errors.Is(err, cardreader.ErrNotSent) || errors.Is(err, cardreader.ErrOutcomeUnknown) {
		w.touched = true
	}
	if err != nil {
		return err
	}
	copy(old, s.Data) // what the card should hold now
	if w.committed() {
		return w.prove(ctx)
	}
	return w.expect(ctx, s.Addr, s.Data, cardreader.Unknown, CodeReadback)
}

// committed reports whether all that makes the order valid has been written.
func (w *writing) committed() bool {
	for _, r := range w.proof() {
		if !bytes.Equal(w.image[r.at:r.end], w.plan.After[r.at:r.end]) {
			return false
		}
	}
	return !w.proven
}

// prove reads the last step back together with header and order. The bytes of one step can be on another customer's card
// by chance (a commit byte always is); all of them together are on one card only.
func (w *writing) prove(ctx context.Context) error {
	for _, r := range w.proof() {
		if err := w.expect(ctx, r.at, w.plan.After[r.at:r.end], cardreader.Unknown, CodeReadback); err != nil {
			return err
		}
	}
	w.proven = true
	return nil
}

// proof is what has to be read to prove the order: the header, the order's slot, and its backup copy. A record whose check
// covers the header says itself whose it is.
func (w *writing) proof() []stretch {
	p, slot := w.profile, max(slotIndex(w.profile, w.plan.Slot), 0)
	all := []stretch{blockAt(p.Order, slot)}
	itself := slices.ContainsFunc(p.Order.Check.Over, func(s profile.Span) bool { return s.In == profile.SpanHeader })
	if !itself || p.OrderArea(slot).Unit() == 1 {
		all = append(all, blockAt(p.Header, 0))
	}
	if p.Rules.Copies == profile.CopiesBackup {
		all = append(all, blockAt(p.Order, 1))
	}
	return joined(p, all)
}

// outcome gives an error of the run the meaning it has for the whole plan.
func (w *writing) outcome(err error) error {
	e := &cardreader.Error{Class: cardreader.Unknown, Op: "write order", Code: "write", Err: err}
	if cause, ok := errors.AsType[*cardreader.Error](err); ok {
		e.Reader, e.Code = cause.Reader, cause.Code
		if !w.touched {
			e.Class = cause.Class
		}
	}
	if !w.touched && e.Class == cardreader.Unknown {
		e.Class = cardreader.Retry // the exchange is unclear, but none of the plan's bytes was in it
	}
	if w.touched {
		e.Err = masked{err}
	}
	return e
}

// masked hides what an error proves about its own exchange: after earlier bytes of a plan were written, "nothing was
// sent" is true of the last command only.
type masked struct{ err error }

func (m masked) Error() string {
	if m.err == nil {
		return "the order was not proven"
	}
	return m.err.Error()
}

// Is matches everything that the cause does, but not that nothing was sent.
func (m masked) Is(target error) bool {
	return target != cardreader.ErrNotSent && target != cardreader.ErrNoCard && errors.Is(m.err, target)
}
