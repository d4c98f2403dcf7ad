package web

import (
	"slices"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/counter"
)

// maxFound limits a search: whoever finds more must say more.
const maxFound = 20

// DeskView is one desk in the API: a [counter.Desk] without card bytes and without the journal's plan.
type DeskView struct {
	Reader    string               `json:"reader"`
	Phase     counter.Phase        `json:"phase"`
	Insertion cardreader.Insertion `json:"insertion"`
	Card      *purse.State         `json:"card"`
	Account   *counter.AccountView `json:"account"`
	Problem   *Failure             `json:"problem"`
	InDoubt   *counter.Order       `json:"in_doubt"`
	Last      *counter.Order       `json:"last"`

	// Elsewhere is an order in doubt of another counter that stands against a sale.
	Elsewhere *counter.DoubtElsewhere `json:"elsewhere,omitempty"`

	Sellable bool `json:"sellable"` // this operator may ask for a quote

	Refundable bool `json:"refundable"` // as far as the page knows, Last may be refunded
	Makeable   bool `json:"makeable"`   // as far as the page knows, the card has lost Last

	Water    bool `json:"water"`     // the customer buys water, not gas
	Spare    bool `json:"spare"`     // the card is not in use: it can become a new one
	Owned    bool `json:"owned"`     // it is a customer's and can be changed or retired
	Reports  bool `json:"reports"`   // this operator may report it lost or found
	Special  bool `json:"special"`   // it sets meters up
	UsesLeft int  `json:"uses_left"` // of such a card

	Hands   hands    `json:"-"`
	Leads   bool     `json:"-"`
	Causes  []cause  `json:"-"`
	Classes []string `json:"-"` // price classes that a card for meters can carry
}

// desks takes the picture of all readers. What the page does not need of a card or an order stays behind.
func (c *call) desks() []DeskView {
	sells := seller.allows(c.session.Role)
	out := []DeskView{}
	for _, d := range c.h.o.Views.Desks() {
		v := DeskView{Reader: d.Reader, Phase: d.Phase, Insertion: d.Insertion, Account: d.Account, Water: water(d), Hands: handsOf(c.session)}
		if d.Card != nil {
			v.Card = bare(d.Card)
		}
		if d.Problem != nil {
			f := voice{c.lang, v.Water}.failure(d.Problem)
			v.Problem = &f
		}
		if d.InDoubt != nil {
			o := lean(*d.InDoubt)
			v.InDoubt = &o
		}
		if d.Last != nil {
			o := lean(*d.Last)
			v.Last = &o
		}
		v.elsewhere(d, sells)
		v.offer(sells)
		c.work(&v)
		v.Sellable = sells && d.Phase == counter.Ready && d.Account != nil && d.Problem == nil && d.InDoubt == nil
		out = append(out, v)
	}
	return out
}

// work says what could be done with the card itself.
func (c *call) work(v *DeskView) {
	if v.Card != nil && v.Card.Condition == purse.InUse && slices.Contains(kinds(), v.Card.Kind) {
		v.Special = true
		v.UsesLeft = usesLeft(v.Card)
	}
	if c.h.o.Cards == nil || !seller.allows(c.session.Role) || v.Phase != counter.Ready || v.Card == nil || v.InDoubt != nil {
		return
	}
	v.Leads, v.Causes = leader.allows(c.session.Role), c.h.causes()
	if v.Leads {
		v.Classes = c.h.o.Classes()
	}
	v.Spare = v.Card.Condition != purse.InUse
	v.Owned = !v.Spare && v.Account != nil
	v.Reports = v.Account != nil && v.Account.Card == v.Card.Card
}

// usesLeft is what a card that sets meters up may still be used: its order says how often in all, the meters count.
func usesLeft(st *purse.State) int {
	if st.Order == nil {
		return 0
	}
	n := int(st.Order.Seq)
	if st.WriteBack != nil {
		n -= int(st.WriteBack.Seq)
	}
	return max(n, 0)
}

// lean takes the card bytes out of an order: nobody who looks at it needs them.
func lean(o counter.Order) counter.Order {
	o.Plan.Before, o.Plan.After, o.Plan.Steps = nil, nil, nil
	return o
}

func (h *Handler) openOrders(c *call) ([]OpenView, error) {
	all, err := h.o.Views.OpenOrders(c.r.Context())
	if err != nil {
		return nil, err
	}
	desks := h.o.Views.Desks()
	out := make([]OpenView, 0, len(all))
	for _, o := range all {
		out = append(out, c.openView(o, desks))
	}
	return out, nil
}

func (h *Handler) getDesks(c *call) error { return c.give(c.desks(), "") }

func (h *Handler) getOpenOrders(c *call) error {
	list, err := h.openOrders(c)
	if err != nil {
		return err
	}
	return c.give(list, "")
}

func (h *Handler) getMeters(c *call) error {
	return c.give(append([]MeterView{}, h.o.Meters.Meters()...), "")
}

func (h *Handler) getUplink(c *call) error { return c.give(h.o.Uplink.Uplink(), "") }

// search is what was looked for and found. The words travel in the body: a name in an address would stay in logs.
type search struct {
	Query string `json:"query"`
}

// Found is the answer to a search.
type Found struct {
	Accounts []counter.AccountView `json:"accounts"`
	More     bool                  `json:"more"` // there are more than were returned

	// Order is the query again when it can only be the id of an order: the page then offers its receipt.
	Order string `json:"order,omitempty"`
}

func (h *Handler) postSearch(c *call) error {
	in, err := read[search](c)
	if err != nil {
		return err
	}
	list, err := h.o.Views.Search(c.r.Context(), c.session, in.Query, maxFound+1)
	if err != nil {
		return err
	}
	f := Found{Accounts: append([]counter.AccountView{}, list...)}
	if len(f.Accounts) > maxFound {
		f.Accounts, f.More = f.Accounts[:maxFound], true
	}
	if len(f.Accounts) == 0 && len(in.Query) >= 16 && len(in.Query) <= 64 && isWord(in.Query) {
		f.Order = in.Query
	}
	if wantsHTML(c.r) {
		return c.give(struct {
			Found
			Hands hands
		}{f, handsOf(c.session)}, "found")
	}
	return c.give(f, "")
}

func (h *Handler) getBench(c *call) error { return c.give(h.o.Bench.State(), "") }

func (h *Handler) postBench(c *call) error {
	a, err := read[BenchAction](c)
	if err != nil {
		return err
	}
	if err := h.o.Bench.Do(c.r.Context(), a); err != nil {
		return err
	}
	h.streams.kick()
	return c.nothing()
}
