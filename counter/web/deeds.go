package web

import (
	"net/url"
	"slices"
	"time"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/counter"
)

// decision is how a leader ends an order in quarantine.
type decision struct {
	Decision counter.Decision `json:"decision"`
	Reason   string           `json:"reason"`
}

func (h *Handler) postDecide(c *call) error {
	in, err := read[decision](c)
	if err != nil {
		return err
	}
	order := c.r.PathValue("order")
	if err := h.o.Decisions.Decide(c.r.Context(), c.session, order, in.Decision, in.Reason); err != nil {
		return err
	}
	return c.done("decided", struct {
		Order    string
		Decision counter.Decision
	}{order, in.Decision})
}

// lock stops sales.
type lock struct {
	Reason string `json:"reason"`
}

func (h *Handler) postLock(c *call) error {
	in, err := read[lock](c)
	if err != nil {
		return err
	}
	if err := h.o.Decisions.Lock(c.r.Context(), c.session, c.r.PathValue("account"), in.Reason); err != nil {
		return err
	}
	return c.done("locked", nil)
}

// release lifts the lock that was set at a time.
type release struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

func (h *Handler) postRelease(c *call) error {
	in, err := read[release](c)
	if err != nil {
		return err
	}
	if err := h.o.Decisions.Unlock(c.r.Context(), c.session, c.r.PathValue("account"), in.At, in.Reason); err != nil {
		return err
	}
	return c.done("released", nil)
}

// refund is a [counter.Refund] with the second person, who types name and password where the first one stands.
type refund struct {
	Request   string               `json:"request"`
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"`
	Order     string               `json:"order"`
	Reason    string               `json:"reason"`
	Approver  credentials          `json:"approver"`
}

func (h *Handler) postRefund(c *call) error {
	in, err := readSecret[refund](c)
	if err != nil {
		return err
	}
	if !requestID(in.Request) {
		return &counter.Refusal{Code: codeBadRequest}
	}
	approver, err := c.approver(in.Approver)
	if err != nil {
		return err
	}
	defer h.o.Logins.Logout(approver.Token)
	if !leader.allows(approver.Role) {
		return &counter.Refusal{Code: codeApproverRole} // the service's word for it would be about the clerk
	}
	return c.receipt(h.o.Returns.Refund(c.r.Context(), c.session, approver, counter.Refund{
		Request: in.Request, Reader: in.Reader, Insertion: in.Insertion, Order: in.Order, Reason: in.Reason,
	}))
}

// approver opens a session for one approval; the caller closes it. A wrong password counts like at the door, but is not
// answered like there: the session of whoever asks goes on.
func (c *call) approver(who credentials) (counter.Session, error) {
	s, err := c.h.o.Logins.Login(c.r.Context(), who.Name, who.Password)
	if err != nil && asRefusal(err).Code == counter.CodeLogin {
		err = &counter.Refusal{Code: codeApprover}
	}
	return s, err
}

func (h *Handler) postMakeUp(c *call) error {
	in, err := read[counter.MakeUp](c)
	if err != nil {
		return err
	}
	if !requestID(in.Request) {
		return &counter.Refusal{Code: codeBadRequest}
	}
	return c.receipt(h.o.Returns.MakeUp(c.r.Context(), c.session, in))
}

// done answers that something was done: with a piece for the page, with nothing for a program.
func (c *call) done(piece string, v any) error {
	if wantsHTML(c.r) {
		return c.give(v, piece)
	}
	return c.nothing()
}

// hands is what the operator may do, as far as the page offers it. The service judges.
type hands struct {
	Operator string
	Sells    bool
	Leads    bool // decides and lifts locks
	Locks    bool
}

func handsOf(s counter.Session) hands {
	return hands{s.Operator, seller.allows(s.Role), leader.allows(s.Role), locker.allows(s.Role)}
}

// OpenView is one open order in the API, without card bytes.
type OpenView struct {
	counter.Order
	OnCard    *purse.State `json:"on_card"`   // of an order in quarantine whose card lies on a reader: what it carries
	Decidable bool         `json:"decidable"` // this operator may decide it
}

func (c *call) openView(o counter.Order, desks []counter.Desk) OpenView {
	v := OpenView{Order: lean(o)}
	if o.State != counter.Quarantined {
		return v
	}
	v.Decidable = leader.allows(c.session.Role) && o.Operator != c.session.Operator
	at := slices.IndexFunc(desks, func(d counter.Desk) bool { return d.Card != nil && d.Card.Card == o.Card })
	if at >= 0 {
		v.OnCard = bare(desks[at].Card)
	}
	return v
}

// bare is a card without its bytes.
func bare(st *purse.State) *purse.State {
	card := *st
	card.Image = nil
	return &card
}

// offer says whether the last order of a desk's card looks as if it could be refunded or made up. The card is read again
// before either.
func (v *DeskView) offer(sells bool) {
	if !sells || v.Phase != counter.Ready || v.Card == nil || v.Card.Order == nil || v.Last == nil || v.InDoubt != nil {
		return
	}
	if v.Problem != nil && v.Problem.Code == counter.CodeQuarantine {
		return
	}
	there := v.Card.Order.Seq == v.Last.Plan.Seq
	v.Refundable = there && v.Last.Op == purse.OpBuy && v.Last.RefundedBy == "" && !v.Card.Swiped
	v.Makeable = !there && v.Last.Op != purse.OpRefund && v.Last.Plan.Make == ""
}

// apiPath names an address of the API for the page's script.
func apiPath(parts ...string) string {
	out := ""
	for i, p := range parts {
		if i > 0 {
			out += "/"
		}
		out += url.PathEscape(p)
	}
	return out
}

// accountView is a customer with what this operator may do about the locks.
type accountView struct {
	counter.AccountView
	Hands hands
}

func withHands(h hands, a counter.AccountView) accountView { return accountView{a, h} }

// stamp prints an instant so that it names a lock exactly.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
