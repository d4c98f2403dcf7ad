package counter

import (
	"context"

	"tally/cardreader/purse"
)

// notice keeps what a customer's card said when it was last read: what a replacement is worked out from when the card is
// not there any more. It costs a commit only when there is news.
func (s *Service) notice(ctx context.Context, known Account, st purse.State) {
	if known.No == "" || st.Condition != purse.InUse {
		return
	}
	if _, news := s.noticed(known, st); !news {
		return
	}
	err := s.o.Store.Update(context.WithoutCancel(ctx), func(tx Tx) error {
		a, journal, err := s.customer(tx, st)
		if err != nil || sequence(a, st, journal) != nil || damaged(st) {
			return nil // what it says is no word to go by
		}
		after, news := s.noticed(a, st)
		if !news {
			return nil
		}
		return tx.PutAccount(after)
	})
	if err != nil {
		s.log.Error("what a card says cannot be kept", "card", st.Card.String(), "err", err)
	}
}

// noticed is an account after its card was read.
func (s *Service) noticed(a Account, st purse.State) (Account, bool) {
	news := false
	if a.CardIssue == 0 && st.IssueCount != 0 {
		a.CardIssue, a.LastIssue, news = st.IssueCount, max(a.LastIssue, st.IssueCount), true
	}
	if a.CardUnit != st.Unit && st.Unit != "" {
		a.CardUnit, news = st.Unit, true
	}
	if o := st.Order; o != nil && a.Last == nil && o.Seq == a.CardSeq {
		a.Last, news = &LastOrder{Seq: o.Seq, Tag: o.Tag, Qty: o.Qty, Cumulative: o.Cumulative}, true
	}
	swiped := st.Order != nil && st.Swiped
	now := Seen{Seq: a.CardSeq, Swiped: swiped, At: s.o.Now()}
	if w := st.WriteBack; w != nil {
		now.Accepted, now.Remaining = w.Accepted, w.Remaining
		if !swiped {
			now.Seq = w.Seq
		}
		if a.Meter == "" && w.MeterNo != "" {
			a.Meter, news = w.MeterNo, true // the card has bound it
		}
	} else if !swiped {
		return a, news
	}
	if old := a.Seen; old == nil || old.Seq != now.Seq || old.Accepted != now.Accepted || old.Remaining != now.Remaining || old.Swiped != now.Swiped {
		a.Seen, news = &now, true
	}
	return a, news
}
