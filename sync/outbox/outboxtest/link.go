package outboxtest

import (
	"context"
	"sync"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// Link is an outbox.Link whose broker and centre are played by the test.
type Link struct {
	// Take decides what becomes of a publish; it is called in order. Nil takes everything.
	Take func(s contract.Stream, payload []byte) Fate

	events chan outbox.Event
	mu     sync.Mutex
	sent   []Sent
}

// Sent is one publish.
type Sent struct {
	Stream  contract.Stream
	Payload []byte
}

// Fate of a publish: what the publisher is told.
type Fate struct {
	Err    error
	Silent bool // no answer at all
}

// NewLink makes a link that is not connected.
func NewLink() *Link { return &Link{events: make(chan outbox.Event, 1000)} }

// Publish notes the payload and asks Take.
func (l *Link) Publish(_ context.Context, s contract.Stream, payload []byte) <-chan error {
	l.mu.Lock()
	l.sent = append(l.sent, Sent{s, payload})
	l.mu.Unlock()
	fate := Fate{}
	if l.Take != nil {
		fate = l.Take(s, payload)
	}
	done := make(chan error, 1)
	if !fate.Silent {
		done <- fate.Err
	}
	return done
}

// Events of the link.
func (l *Link) Events() <-chan outbox.Event { return l.events }

// Tell puts an event before the outbox.
func (l *Link) Tell(e outbox.Event) { l.events <- e }

// Up connects, with the centre there.
func (l *Link) Up() {
	l.Tell(outbox.Event{Kind: outbox.Connected})
	l.Tell(outbox.Event{Kind: outbox.CentralOnline})
}

// Ack tells that the centre has committed.
func (l *Link) Ack(s contract.Stream, a contract.Ack) {
	l.Tell(outbox.Event{Kind: outbox.Acked, Stream: s, Ack: a})
}

// Sent returns what was published so far.
func (l *Link) Sent() []Sent {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Sent{}, l.sent...)
}
