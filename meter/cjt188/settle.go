package cjt188

import (
	"context"
	"errors"
	"fmt"

	"tally/meter"
	"tally/meter/line"
)

// peer names one item of this meter among all that is asked on the line; empty where the serial number tells old answers
// from new ones.
func (m *Meter) peer(item Item) string {
	if !m.opts.Unserial {
		return ""
	}
	return "188 " + m.address.String() + " " + item.String()
}

// settle makes sure that no old answer about the item can be taken for the one to come, where the meter does not give the
// serial number back: after a missing answer another item goes first. Meters answer in order, so once its answer is
// there the old ones are past.
func (m *Meter) settle(ctx context.Context, lease *line.Lease, item Item) error {
	if !m.opts.Unserial || !lease.Owes(m.peer(item)) {
		return nil
	}
	others := []Item{SettlementDay, Current, History1}
	for _, other := range others {
		if other == item || lease.Owes(m.peer(other)) {
			continue
		}
		_, _, err := m.exchange(ctx, lease, m.opts.Control, other)
		switch {
		case err == nil:
			lease.Settle(m.peer(item))
			return nil
		case !errors.Is(err, meter.ErrException): // a refusal does not say what it is about: it proves nothing
			return fmt.Errorf("meter owes an answer, settle that first: %w", err)
		}
	}
	// It answers nothing else. Several silent spells of the line have passed since, or it is still at the old question.
	for _, other := range append(others, item) {
		lease.Settle(m.peer(other))
	}
	return fmt.Errorf("meter owes an answer about item %s and answers nothing else: %w", item, meter.ErrForeign)
}
