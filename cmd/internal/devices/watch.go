package devices

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"tally/cardreader"
	"tally/cmd/internal/control"
)

// WatchCards implements control.CardWatcher: it reads each card that comes, without presenting a code.
func (p PCSC) WatchCards(ctx context.Context, emit func(control.CardEvent) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	events := make(chan cardreader.Event, 16)
	ended := make(chan error, 1)
	go func() {
		ended <- p.src.Run(ctx, func(e cardreader.Event) {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		})
	}()
	for {
		select {
		case e := <-events:
			if err := p.tell(ctx, e, emit); err != nil {
				stop()
				<-ended
				return err
			}
		case err := <-ended:
			return err
		}
	}
}

func (p PCSC) tell(ctx context.Context, e cardreader.Event, emit func(control.CardEvent) error) error {
	kinds := map[cardreader.Kind]string{
		cardreader.ReaderArrived: control.ReaderAdded, cardreader.ReaderGone: control.ReaderRemoved,
		cardreader.CardInserted: control.CardInserted, cardreader.CardRemoved: control.CardRemoved,
	}
	told := control.CardEvent{At: time.Now(), Kind: kinds[e.Kind], Reader: e.Reader, ATR: hex.EncodeToString(e.ATR)}
	if err := emit(told); err != nil || e.Kind != cardreader.CardInserted {
		return err
	}
	c, err := p.read(ctx, e)
	told.At, told.Kind = time.Now(), control.CardRead
	if err != nil {
		told.Kind, told.Problem = control.CardFailed, problemOf(err)
		if ctx.Err() != nil {
			return nil // the watch ended while the card was being read
		}
		return emit(told)
	}
	told.Card, told.Meter = c.State.Card.String(), c.State.Meter
	return emit(told)
}

// problemOf is the code of why a card could not be read.
func problemOf(err error) string {
	if e, ok := errors.AsType[*cardreader.Error](err); ok {
		return e.Code
	}
	return control.CodeInternal
}
