package counter

import (
	"context"
	"strings"
)

const maxFound = 200 // however many are asked for

// Search finds accounts by number, card, meter, or a part of name or address: at most n, masked, exact numbers first.
func (s *Service) Search(ctx context.Context, sess Session, query string, n int) ([]AccountView, error) {
	if _, err := s.allow(sess, Clerk, Leader, Finance, Technician, Admin); err != nil {
		return nil, err
	}
	query = strings.ToLower(strings.TrimSpace(query))
	n = min(n, maxFound)
	if query == "" || n <= 0 {
		return nil, nil
	}
	var exact, partly []AccountView
	err := s.view(ctx, func(tx Tx) error {
		exact, partly = nil, nil
		return tx.EachAccount(func(a Account) bool {
			switch match(a, query) {
			case exactly:
				exact = append(exact, viewOf(a))
			case inPart:
				if len(partly) < n {
					partly = append(partly, viewOf(a))
				}
			}
			return len(exact) < n && ctx.Err() == nil
		})
	})
	if err == nil && ctx.Err() != nil {
		err = refuse(CodeInternal, ctx.Err())
	}
	found := append(exact, partly...)
	return found[:min(n, len(found))], err
}

type matching int

const (
	notAtAll matching = iota
	inPart
	exactly
)

func match(a Account, query string) matching {
	for _, number := range []string{a.No, a.Card.No, a.Meter} {
		if number != "" && strings.ToLower(number) == query {
			return exactly
		}
	}
	for _, text := range []string{a.No, a.Card.No, a.Meter, a.Name, a.Address} {
		if strings.Contains(strings.ToLower(text), query) {
			return inPart
		}
	}
	return notAtAll
}
