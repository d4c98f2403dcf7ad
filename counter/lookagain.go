package counter

import (
	"context"

	"tally/cardreader"
)

// LookAgain makes a reader's desk read its card once more, resolve what the card proves, and show it: for a technician
// who wants to know now what an earlier disturbance hid. It waits until the desk has looked or ctx ends. Nothing is
// written on the card. It is refused while the desk is at work, and when there is no such reader or no card in it.
func (s *Service) LookAgain(ctx context.Context, reader string) error {
	d, err := s.desk(reader)
	if err != nil {
		return err
	}
	changed, cancel := s.Subscribe()
	defer cancel()
	ins, err := d.forget()
	if err != nil {
		return err
	}
	for {
		switch v := d.snapshot(); {
		case v.Insertion != ins:
			return refuse(cardreader.CodeCardRemoved, nil, "reader", reader)
		case v.Phase != Reading:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// forget puts the desk back to where it was when the card came.
func (d *desk) forget() (cardreader.Insertion, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.view.Phase == NoReader || d.closed:
		return 0, refuse(cardreader.CodeReaderGone, nil, "reader", d.name)
	case d.view.Insertion == 0:
		return 0, refuse(cardreader.CodeCardRemoved, nil, "reader", d.name)
	case d.busy || d.view.Phase == Writing:
		return 0, refuse(CodeBusy, nil, "reader", d.name)
	}
	d.view = Desk{Reader: d.name, Phase: Reading, Insertion: d.view.Insertion}
	d.looked = false
	d.poke()
	return d.view.Insertion, nil
}
