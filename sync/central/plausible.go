package central

import (
	"tally/sync/contract"
)

// Bounds of what the centre's own tables take. A node that is mistaken, or somebody else's, must not be able to bring in
// what makes sums run over or what an index refuses: one such record would hold up the records of all.
const (
	maxKey    = 1024              // bytes of a number or name that tables are sorted by; storage's own bound
	maxPeriod = 64                // bytes of the name of a tier period
	maxFigure = 1_000_000_000_000 // litres or fen of one record
)

// implausible says what of a body is beyond the bounds; nil when nothing is.
func implausible(body any) *contract.Invalid {
	switch f := body.(type) {
	case *contract.Sale:
		return firstOf(long("account", f.Account, maxKey), long("card", f.Card, maxKey), long("period_start", f.Period, maxPeriod),
			large("volume_l", f.VolumeL), large("amount_fen", f.AmountFen))
	case *contract.CardOperation:
		return firstOf(long("account", f.Account, maxKey), long("card", f.Card, maxKey), long("old_card", f.OldCard, maxKey))
	case *contract.OrderInDoubt:
		return firstOf(long("order", f.Order, maxKey), long("account", f.Account, maxKey), long("card", f.Card, maxKey), large("volume_l", f.VolumeL))
	case *contract.OrderWitnessed:
		return firstOf(long("order", f.Order, maxKey), long("account", f.Account, maxKey), long("card", f.Card, maxKey))
	case *contract.HandOver:
		return firstOf(long("order", f.Order, maxKey), long("account", f.Account, maxKey), long("want", f.Want, maxKey))
	case *contract.OrderRuled:
		return firstOf(long("order", f.Order, maxKey), long("account", f.Account, maxKey), long("want", f.Want, maxKey))
	case *contract.CardReport:
		return firstOf(long("account", f.Account, maxKey), long("card", f.Card, maxKey))
	case *contract.SaleLock:
		return long("account", f.Account, maxKey)
	}
	return nil
}

func firstOf(all ...*contract.Invalid) *contract.Invalid {
	for _, bad := range all {
		if bad != nil {
			return bad
		}
	}
	return nil
}

func long(field, s string, most int) *contract.Invalid {
	if len(s) <= most {
		return nil
	}
	return &contract.Invalid{Code: contract.CodeBadRecord, Where: "body." + field, Why: "longer than any number or name"}
}

func large(field string, n int64) *contract.Invalid {
	if n >= -maxFigure && n <= maxFigure {
		return nil
	}
	return &contract.Invalid{Code: contract.CodeBadRecord, Where: "body." + field, Why: "beyond what one record can be about"}
}
