package counter

import (
	"context"
	"errors"
	"time"

	"tally/cardreader"
	"tally/cardreader/purse"
)

// writing is one card write with its money, on the worker of its desk. It answers exactly once.
type writing struct {
	desk   *desk
	ins    cardreader.Insertion
	sess   Session
	answer func(Receipt, error)

	task task      // of a new order
	id   string    // of a new order
	at   time.Time // of its intent
}

// intent stores, within a transaction, what is about to be written. It may run more than once.
type intent func(tx Tx, p Purse, st purse.State) (Order, error)

// errJudge says that the card must be judged before anything else: it says something else than when it was shown.
var errJudge = errors.New("the card must be judged first")

// run carries out one write: room, fresh reading, intent on disk, card, result on disk. Nothing is written to the card
// before the intent is stored, and nobody hears "done" before the result is.
func (w *writing) run(ctx context.Context, intend intent) {
	d, s := w.desk, w.desk.s
	d.phase(w.ins, Writing)
	p, st, release, err := w.open(ctx)
	if err != nil {
		d.relook(w.ins)
		w.reply(Receipt{}, err)
		return
	}
	defer release()
	defer func() { _ = p.Close() }() // every write was read back or is in doubt by now
	o, err := w.store(ctx, p, st, intend)
	if err != nil {
		w.refused(ctx, o, st, err)
		return
	}
	if o.Plan.Make != "" && o.Card != st.Card { // nobody judges the new card on another reader meanwhile
		if held, _ := s.claim(o.Card); held != nil {
			defer held()
		}
	}
	if err := p.Write(ctx, o.Plan); err != nil {
		_ = p.Close() // dead
		s.log.Warn("card write without proof", append(orderAttrs(o), "err", err)...)
		w.reply(w.prove(ctx, o, err))
		return
	}
	w.reply(w.done(ctx, o, "")) // the customer waits; looking at the card once more can wait
	if st, err = p.Read(ctx); err != nil {
		d.relook(w.ins) // unreadable, or taken out of use
		return
	}
	d.present(ctx, w.ins, st)
}

// reply answers, and lets the desk take the next job.
func (w *writing) reply(r Receipt, err error) {
	w.desk.idle()
	w.answer(r, err)
}

// open makes sure that there is room on the disk, opens the card, and that it is the one that was shown.
func (w *writing) open(ctx context.Context) (Purse, purse.State, func(), error) {
	d, s := w.desk, w.desk.s
	s.mu.Lock()
	recovered := s.recovered
	s.mu.Unlock()
	if !recovered {
		return nil, purse.State{}, nil, refuse(CodeStore, nil)
	}
	if err := s.o.Store.Room(ctx); err != nil {
		return nil, purse.State{}, nil, storeRefusal(err)
	}
	shown := d.snapshot()
	p, st, err := d.open(ctx, w.ins)
	if err != nil {
		return nil, st, nil, cardRefusal(err)
	}
	if shown.Insertion != w.ins || shown.Card == nil || shown.Card.Card != st.Card || shown.Card.Condition != st.Condition {
		_ = p.Close() // it was only read
		return nil, st, nil, refuse(CodeCardChanged, nil)
	}
	release, _ := s.claimAny(st)
	if release == nil {
		_ = p.Close() // it was only read
		return nil, st, nil, refuse(CodeBusy, nil, "reader", d.name)
	}
	return p, st, release, nil
}

// store commits the intent.
func (w *writing) store(ctx context.Context, p Purse, st purse.State, intend intent) (o Order, err error) {
	s := w.desk.s
	w.at = s.o.Now()
	if w.id, err = s.ids.next(w.at); err != nil {
		return o, refuse(CodeInternal, err)
	}
	err = s.o.Store.Update(ctx, func(tx Tx) (err error) {
		o, err = intend(tx, p, st)
		return err
	})
	if errors.Is(err, errJudge) {
		return o, err
	}
	return o, storeRefusal(err)
}

// refused ends a write whose intent was not stored: the card is as it was.
func (w *writing) refused(ctx context.Context, o Order, st purse.State, err error) {
	w.desk.present(ctx, w.ins, st)
	if errors.Is(err, errJudge) {
		w.reply(w.desk.s.stands(ctx, o.ID))
		return
	}
	w.reply(Receipt{}, err)
}

// done commits the result of a write that was read back, and makes the receipt.
func (w *writing) done(ctx context.Context, o Order, why string) (Receipt, error) {
	s := w.desk.s
	ended, err := s.endOrKeep(ctx, o.ID, ending{state: Done, why: why})
	if err != nil {
		s.log.Error("result of a card write cannot be stored yet", append(orderAttrs(o), "err", err)...)
		return Receipt{}, refuse(CodeNotStored, err, "order", o.ID)
	}
	return s.receipt(ctx, ended)
}

// prove finds out how a write ended that did not say so: the same insertion is opened anew and read. Only the card's
// own word ends the order; without it the order is in doubt. A card proven unwritten ends a sale that nobody was told
// of as void, with the money back.
func (w *writing) prove(ctx context.Context, o Order, cause error) (Receipt, error) {
	d, s := w.desk, w.desk.s
	verdict := purse.OtherCard
	p, st, err := d.open(ctx, w.ins)
	if err != nil {
		defer d.relook(w.ins)
	} else {
		_ = p.Close() // it was only read
		verdict = s.o.Resolve(o.Plan, st)
		defer d.present(ctx, w.ins, st)
	}
	if verdict == purse.OtherCard && o.Plan.Make != "" && !o.Doubted && refusedToWrite(cause) {
		verdict = purse.NotDone
	}
	return w.judged(ctx, o, cause, verdict)
}

// refusedToWrite: the bytes on the card were not those of the plan, and none was written. The reading that a card is made by
// may itself have come with a wrong byte, where the layout has no check over it: then no card would ever prove that plan
// unwritten.
func refusedToWrite(cause error) bool {
	e, ok := errors.AsType[*cardreader.Error](cause)
	return ok && e.Class == cardreader.Permanent && e.Code == purse.CodeCardChanged
}

// judged ends an order as the card says.
func (w *writing) judged(ctx context.Context, o Order, cause error, verdict purse.Verdict) (Receipt, error) {
	s := w.desk.s
	e := ending{state: InDoubt, why: cardRefusal(cause).Code}
	switch verdict {
	case purse.Done:
		return w.done(ctx, o, e.why)
	case purse.NotDone:
		if !o.Doubted {
			e.state = Void
		}
	case purse.Begun: // the clerk finishes it
	case purse.Unclear:
		e.state = unclear(o).state
	}
	ended, err := s.end(ctx, o.ID, e)
	if err != nil {
		s.log.Error("outcome of a card write cannot be stored yet", append(orderAttrs(o), "err", err)...)
		s.keep(o.ID, ending{state: InDoubt, why: e.why})
		return Receipt{}, refuse(CodeWriteUnknown, errors.Join(cause, err), "order", o.ID)
	}
	r := s.outcome(ended)
	switch {
	case verdict != purse.NotDone:
	case ended.State == Void:
		r = refuse(CodeNotWritten, nil, "order", o.ID, "why", e.why)
	case errors.Is(cause, cardreader.ErrNotSent):
		r = cardRefusal(cause) // what must be done before it can be written again
	default:
		r = refuse(CodeInDoubt, nil, "order", o.ID)
	}
	r.Cause = cause
	return Receipt{}, r
}

// phase changes what the desk says it is doing.
func (d *desk) phase(ins cardreader.Insertion, p Phase) { d.show(ins, func(v *Desk) { v.Phase = p }) }

// relook makes the worker read the card anew as soon as the job is over.
func (d *desk) relook(ins cardreader.Insertion) {
	d.mu.Lock()
	if d.view.Insertion == ins {
		d.view.Phase = Reading
		d.looked = false
		d.poke()
	}
	d.mu.Unlock()
	d.s.watch.changed()
}
