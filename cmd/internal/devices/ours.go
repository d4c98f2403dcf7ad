package devices

import (
	"context"
	"sync"

	"tally/cardreader"
)

// ours is a Source whose readers no other tally on this machine uses meanwhile: two programs that open the same card
// present its code twice in one insertion, and each powers it down under the other's hands.
type ours struct {
	cardreader.Source
	claim func(reader string) (release func(), err error)

	mu   sync.Mutex
	held map[string]func() // by reader; nil while Run does not run
}

// Run claims each reader for as long as it is there.
func (o *ours) Run(ctx context.Context, emit func(cardreader.Event)) error {
	o.mu.Lock()
	o.held = map[string]func(){}
	o.mu.Unlock()
	defer o.giveUp()
	return o.Source.Run(ctx, func(e cardreader.Event) {
		switch e.Kind {
		case cardreader.ReaderArrived:
			_ = o.take(e.Reader) // who is refused now asks again when a card is opened
		case cardreader.ReaderGone:
			o.give(e.Reader)
		}
		emit(e)
	})
}

// Open is refused, with nothing sent, while another process has the reader.
func (o *ours) Open(ctx context.Context, reader string, ins cardreader.Insertion) (cardreader.Card, error) {
	if err := o.take(reader); err != nil {
		return nil, &cardreader.Error{Class: cardreader.Retry, Code: cardreader.CodeCardBusy, Op: "open", Reader: reader, Err: err}
	}
	return o.Source.Open(ctx, reader, ins)
}

func (o *ours) take(reader string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held == nil || o.held[reader] != nil {
		return nil
	}
	release, err := o.claim(reader)
	if err == nil {
		o.held[reader] = release
	}
	return err
}

func (o *ours) give(reader string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if release := o.held[reader]; release != nil {
		release()
		delete(o.held, reader)
	}
}

func (o *ours) giveUp() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, release := range o.held {
		release()
	}
	o.held = nil
}
