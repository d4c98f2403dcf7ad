package web

import (
	"encoding/json"

	"tally/counter"
	"tally/counter/phrase"
)

// voice is a language and what is spoken of in it: gas, or water for a customer who buys water. Whatever belongs to a
// customer (a desk, a quote, a receipt, a refusal) is said in the voice of that customer; what belongs to the station
// is worded so that it fits both.
type voice struct {
	lang
	water bool
}

// voices are all there are.
func voices() []voice { return []voice{{zh, false}, {zh, true}, {en, false}, {en, true}} }

func (v voice) phrases() phrase.Voice { return phrase.Voice{Lang: phrase.Lang(v.lang), Water: v.water} }

func (v voice) say(b both) string {
	if v.lang == zh {
		return v.phrases().Of(b.zh)
	}
	return v.phrases().Of(b.en)
}

// matter is what a request is about: a reader, an order, an account; what it does not name is empty. Whose voice the
// answer has follows from it, so that no handler has to think of it.
type matter struct {
	Reader  string `json:"reader"`
	Order   string `json:"order"`
	Account string `json:"account"`
	Ask     struct {
		Reader string `json:"reader"`
	} `json:"ask"`
}

// note takes what a body names. Whether the body is right is judged by who reads it.
func (m *matter) note(body []byte) {
	var in matter
	if json.Unmarshal(body, &in) != nil {
		return
	}
	for _, f := range []struct {
		to   *string
		from string
	}{{&m.Reader, in.Reader}, {&m.Reader, in.Ask.Reader}, {&m.Order, in.Order}, {&m.Account, in.Account}} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
}

// station is the voice of what belongs to nobody in particular.
func (c *call) station() voice { return voice{lang: c.lang} }

// voice is the one in which answer is given; nil for a refusal.
func (c *call) voice(answer any) voice {
	if r, ok := answer.(counter.Receipt); ok && r.Account.No != "" {
		return voice{c.lang, r.Account.Water}
	}
	return voice{c.lang, c.water()}
}

// water tells whether the request is about somebody who buys water: the account that it names, else the order, else
// whatever lies on the reader. Without a session nobody is asked.
func (c *call) water() bool {
	m := c.matter
	if c.session.Operator == "" || m == (matter{}) {
		return false
	}
	desks := c.h.o.Views.Desks()
	if m.Account != "" {
		return c.buysWater(m.Account, desks)
	}
	for _, d := range desks {
		if m.Order == "" && d.Reader == m.Reader || m.Order != "" && ofDesk(d, m.Order) {
			return water(d)
		}
	}
	if m.Order == "" {
		return false
	}
	open, _ := c.h.o.Views.OpenOrders(c.r.Context()) // the answer is about something else; without the list it speaks of gas
	for _, o := range open {
		if o.ID == m.Order {
			return o.Water
		}
	}
	return false
}

// buysWater looks an account up.
func (c *call) buysWater(no string, desks []counter.Desk) bool {
	for _, d := range desks {
		if d.Account != nil && d.Account.No == no {
			return d.Account.Water
		}
	}
	found, _ := c.h.o.Views.Search(c.r.Context(), c.session, no, 1) // numbers that match exactly come first
	return len(found) == 1 && found[0].No == no && found[0].Water
}

// water tells whether a desk is about water: its customer, or the card when it is nobody's.
func water(d counter.Desk) bool {
	if d.Account != nil {
		return d.Account.Water
	}
	return d.Card != nil && d.Card.Water
}

func ofDesk(d counter.Desk, order string) bool {
	return d.InDoubt != nil && d.InDoubt.ID == order || d.Last != nil && d.Last.ID == order
}
