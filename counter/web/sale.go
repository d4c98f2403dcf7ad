package web

import "tally/counter"

// postQuote answers with a quote. Whoever shows it makes the request id under which it may be confirmed.
func (h *Handler) postQuote(c *call) error {
	ask, err := read[counter.Ask](c)
	if err != nil {
		return err
	}
	q, err := h.o.Sales.Quote(c.r.Context(), c.session, ask)
	if err != nil {
		return err
	}
	return c.give(q, "quote")
}

func (h *Handler) postSell(c *call) error {
	in, err := read[counter.Sell](c)
	if err != nil {
		return err
	}
	if !requestID(in.Request) {
		return &counter.Refusal{Code: codeBadRequest}
	}
	return c.receipt(h.o.Sales.Sell(c.r.Context(), c.session, in))
}

func (h *Handler) postRetry(c *call) error {
	return c.receipt(h.o.Sales.Retry(c.r.Context(), c.session, c.r.PathValue("order")))
}

func (h *Handler) postVoid(c *call) error {
	if err := h.o.Sales.Void(c.r.Context(), c.session, c.r.PathValue("order")); err != nil {
		return err
	}
	if wantsHTML(c.r) {
		return c.give(nil, "voided")
	}
	return c.nothing()
}

func (h *Handler) getReceipt(c *call) error {
	return c.receipt(h.o.Sales.Receipt(c.r.Context(), c.session, c.r.PathValue("order"), false))
}

// postCopy counts a reprint; the receipt says which one it is.
func (h *Handler) postCopy(c *call) error {
	return c.receipt(h.o.Sales.Receipt(c.r.Context(), c.session, c.r.PathValue("order"), true))
}

func (c *call) receipt(r counter.Receipt, err error) error {
	if err != nil {
		return err
	}
	return c.give(r, "receipt")
}

// requestID checks the form of a request id: 16–64 of [A-Za-z0-9_-].
func requestID(s string) bool { return len(s) >= 16 && len(s) <= 64 && isWord(s) }

func isWord(s string) bool {
	for _, b := range []byte(s) {
		switch {
		case b >= '0' && b <= '9', b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '_', b == '-':
		default:
			return false
		}
	}
	return s != ""
}
