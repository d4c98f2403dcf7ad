package counter

import (
	"errors"

	"tally/cardreader"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

// refuse makes a refusal; args come in pairs.
func refuse(code string, cause error, args ...string) *Refusal {
	r := &Refusal{Code: code, Cause: cause}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
	}
	return r
}

// storeRefusal turns what a Store says into what a clerk can act on. A refusal that came through it stays.
func storeRefusal(err error) error {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r
	}
	code := CodeInternal
	switch {
	case errors.Is(err, ErrNoRoom):
		code = CodeNoRoom
	case errors.Is(err, ErrStore):
		code = CodeStore
	case errors.Is(err, ErrNotFound):
		code = CodeNotFound
	}
	return refuse(code, err)
}

// cardRefusal turns what a reader, chip or profile says into a refusal with the same code.
func cardRefusal(err error) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r
	}
	if e, ok := errors.AsType[*cardreader.Error](err); ok {
		return refuse(e.Code, err, "reader", e.Reader)
	}
	return refuse(CodeInternal, err)
}

// priceRefusal turns what a price table says into a refusal.
func priceRefusal(err error) *Refusal {
	switch {
	case errors.Is(err, tariff.ErrTable):
		return refuse(CodeNoTariff, err)
	case errors.Is(err, quantity.ErrRange):
		return refuse(CodeBadAmount, err)
	}
	return refuse(CodeInternal, err)
}

// planRefusal turns what a purse says about an order that it cannot put on the card: too large for its fields is the
// clerk's to change, all else is not.
func planRefusal(err error) error {
	if errors.Is(err, quantity.ErrRange) {
		return refuse(CodeBadAmount, err)
	}
	return cardRefusal(err)
}
