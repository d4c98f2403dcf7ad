package purse

import (
	"context"
	"fmt"

	"tally/cardreader/profile"
	"tally/cardreader/space"
)

// Receipter is a Memory whose card keeps a receipt of the load that brought its counter to seq: the proof of a load that
// was cut before its answer. Empty: the card has none of that load any more.
type Receipter interface {
	Receipt(ctx context.Context, seq uint16) ([]byte, error)
}

// receipted adds the receipt of the last load, on a card that loads.
func (m *MemoryPurse) receipted(ctx context.Context, st State, err error) (State, error) {
	keeper, ok := m.mem.(Receipter)
	if err != nil || !ok || !loads(m.profile) || st.Order == nil || st.Order.Seq == 0 {
		return st, err
	}
	var receipt []byte
	err = m.mem.Do(ctx, func() (err error) {
		receipt, err = keeper.Receipt(ctx, st.Order.Seq)
		return err
	})
	if err != nil {
		return State{}, fmt.Errorf("read receipt: %w", err)
	}
	st.Receipt = receipt
	return st, nil
}

// loads reports whether the order is the card's own purse.
func loads(p *profile.Profile) bool { return p.OrderArea(0).Kind == space.Purse }
