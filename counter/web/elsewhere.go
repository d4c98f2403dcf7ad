package web

import (
	"tally/counter"
)

// elsewhereTexts is what the page says about an order in doubt of another counter.
var elsewhereTexts = map[string]both{
	"elsewhere.station": {"收款处", "Paid at"},
	"elsewhere.take":    {"请求在此代写", "Ask to write it here"},
	"elsewhere.again":   {"再次请求", "Ask again"},
	"elsewhere.asked":   {"已请求，等待该营业点和中心回复。", "Asked for; waiting for that counter and the centre."},
	"elsewhere.taken":   {"已请求在此代写", "Asked to write it here"},
	"elsewhere.wait":    {"该营业点同意后，此处会出现“重新写卡”。请勿收款。", "As soon as that counter agrees, \"write again\" appears here. Take no money."},

	"finish.title":    {"另一营业点的一笔订单已交由此处写卡", "An order of another counter was handed over to be written here"},
	"finish.hint":     {"已在该营业点收款，此处不收款、不退款。已重新读卡，证明订单没有写到卡上。请选择其一：", "It was paid there; take no money and give none back. The card was read again and proves that the order is not on it. Choose one:"},
	"finish.return":   {"交还该营业点", "Hand it back"},
	"finish.ask":      {"不在此写卡，交还收款的营业点？", "Not write it here, and hand it back to the counter where it was paid?"},
	"finish.returned": {"订单已交还收款的营业点", "The order was handed back to the counter where it was paid"},
	"finish.where":    {"退款请到该营业点办理。", "Money is given back there only."},
}

// elsewhere shows an order of another counter to whoever may ask for it.
func (v *DeskView) elsewhere(d counter.Desk, sells bool) {
	if v.Elsewhere = d.Elsewhere; d.Elsewhere != nil && !sells {
		e := *d.Elsewhere
		e.Takeable = false
		v.Elsewhere = &e
	}
}

// postTake asks another counter to hand its order over.
func (h *Handler) postTake(c *call) error {
	if err := h.o.Returns.Take(c.r.Context(), c.session, c.r.PathValue("order")); err != nil {
		return err
	}
	return c.done("taken", nil)
}

// postReturn hands an order of another counter back. It is a Void whose money lies elsewhere.
func (h *Handler) postReturn(c *call) error {
	if err := h.o.Sales.Void(c.r.Context(), c.session, c.r.PathValue("order")); err != nil {
		return err
	}
	return c.done("returned", nil)
}
