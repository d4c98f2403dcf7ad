package web

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/phrase"
	"tally/meter/quantity"
)

// gasWord is a word about gas, or half of one.
var gasWord = regexp.MustCompile(`气|(?i)gas`)

// mill is a fake of what makes cards: it answers with a receipt of an operation, or refuses.
type mill struct {
	receipt counter.Receipt
	err     error
}

func (m *mill) made(op purse.Op) (counter.Receipt, error) {
	r := m.receipt
	r.Op, r.Unit, r.OnCard, r.OldCard.No, r.OldMeter, r.Cause = op, purse.UnitDeciM3, 200, "00001111", "2601000111", "lost"
	return r, m.err
}

func (m *mill) Issue(context.Context, counter.Session, counter.Issue) (counter.Receipt, error) {
	return m.made(purse.OpIssue)
}

func (m *mill) Reissue(context.Context, counter.Session, counter.Session, counter.Reissue) (counter.Receipt, error) {
	return m.made(purse.OpReissue)
}

func (m *mill) ChangeMeter(context.Context, counter.Session, counter.MeterChange) (counter.Receipt, error) {
	return m.made(purse.OpMeterChange)
}

func (m *mill) PriceCard(context.Context, counter.Session, counter.CardWork) (counter.Receipt, error) {
	return m.made(purse.OpTariff)
}

func (m *mill) Retire(context.Context, counter.Session, counter.CardWork) (counter.Receipt, error) {
	return m.made(purse.OpRetire)
}

func (m *mill) MakeTool(context.Context, counter.Session, counter.ToolCard) (counter.Receipt, error) {
	r, err := m.made(purse.OpTool)
	r.Account, r.Kind, r.Uses = counter.AccountView{}, purse.KindCheck, 3
	return r, err
}

func (m *mill) ReportLost(context.Context, counter.Session, string, bool, string) error { return m.err }
func (m *mill) Fee(string) quantity.Money                                               { return 1500 }

// medium is a site whose every customer buys gas, or water.
type medium struct {
	*site
	mill  *mill
	me    *http.Cookie
	water bool
}

func newMedium(t *testing.T, water bool) *medium {
	m := &medium{mill: &mill{}, water: water}
	m.site = newSite(t, func(o *Options) { o.Cards, o.Specials = m.mill, m.mill })
	m.f.role = counter.Leader
	m.me = m.login()
	m.f.water = water
	a := m.account()
	m.mill.receipt = counter.Receipt{No: 9, Station: "C3", Order: "01J9ZX3K5QMADE00000000001", At: start, Account: a, Card: a.Card, Meter: a.Meter}
	m.f.found = []counter.AccountView{a}
	return m
}

func (m *medium) account() counter.AccountView {
	a := wang()
	a.Water = m.water
	return a
}

// lay puts a desk and open orders on the counter, all of the medium.
func (m *medium) lay(d counter.Desk, open ...counter.Order) {
	for i := range open {
		open[i].Water = m.water
	}
	m.f.change(func() { m.f.desks, m.f.open = []counter.Desk{m.of(d)}, open })
}

// of is the same desk with a customer and a card of the medium.
func (m *medium) of(d counter.Desk) counter.Desk {
	if d.Account != nil {
		a := *d.Account
		a.Water = m.water
		d.Account = &a
	}
	if d.Card != nil {
		c := *d.Card
		c.Water = m.water
		d.Card = &c
	}
	return d
}

// asked is the answer to a question as the page gets it, without what people wrote.
func (m *medium) asked(l lang, method, path, body string) string {
	m.t.Helper()
	r := m.ask(method, path, body, cookie(m.me), html, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: langCookie, Value: string(l)}) })
	return text(m.t, r)
}

// speaks looks at an answer in both languages: the water page never speaks of gas; where the gas page does in Chinese, the
// water page speaks of water.
func (m *medium) speaks(name, method, path, body string) (spoken bool) {
	m.t.Helper()
	for _, l := range []lang{zh, en} {
		page := m.asked(l, method, path, body)
		if gas := gasWord.FindStringIndex(page); gas != nil {
			spoken = true
			if m.water {
				m.t.Errorf("%s in %s speaks of gas: …%s…", name, l, page[max(0, gas[0]-60):min(len(page), gas[1]+60)])
			}
		}
		if m.water && l == zh {
			spoken = spoken || strings.Contains(page, "水")
		}
	}
	return spoken
}

const cardBody = `{"request":"0123456789abcdef","reader":"` + reader + `","insertion":7`

// posts are the bodies of everything that is asked about a customer, by path.
func posts(order string) map[string]string {
	return map[string]string{
		"quote":                             `{"reader":"` + reader + `","insertion":7,"volume_l":20000,"money_fen":0}`,
		"sell":                              `{"request":"sell456789abcdef","ask":{"reader":"` + reader + `","insertion":7,"volume_l":20000,"money_fen":0},"volume_l":20000,"amount_fen":5830}`,
		"orders/" + order + "/retry":        "",
		"orders/" + order + "/void":         "",
		"orders/" + order + "/take":         "",
		"orders/" + order + "/return":       "",
		"orders/" + order + "/decide":       `{"decision":"written","reason":"seen"}`,
		"refund":                            cardBody + `,"order":"` + order + `","reason":"r","approver":{"name":"zhou","password":"` + goodPassword + `"}}`,
		"make-up":                           cardBody + `}`,
		"receipts/" + order + "/copies":     "",
		"accounts/0100001234/locks":         `{"reason":"r"}`,
		"accounts/0100001234/locks/release": `{"at":"2026-11-21T06:05:33Z","reason":"r"}`,
		"accounts/0100001234/card-lost":     `{"reason":"r"}`,
		"accounts/0100001234/card-found":    `{"reason":"r"}`,
		"cards/issue":                       cardBody + `,"account":"0100001234"}`,
		"cards/reissue":                     cardBody + `,"account":"0100001234","cause":"lost:1500"}`,
		"cards/meter-change":                cardBody + `,"meter":"2601000999","left":"3.5","unit":"0.1m3","reason":"r"}`,
		"cards/prices":                      cardBody + `}`,
		"cards/retire":                      cardBody + `,"reason":"r"}`,
		"cards/tool":                        cardBody + `,"card_no":"9","kind":"check","uses":"3","medium":"water","reason":"r"}`,
	}
}

// TestPostsCoverTheTable: an operation that is added to the table is added to the posts above.
func TestPostsCoverTheTable(t *testing.T) {
	mux := http.NewServeMux()
	all := posts("o")
	var got []string
	m := newMedium(t, true)
	for _, rt := range m.h.routes() {
		if method, path, _ := strings.Cut(rt.pattern, " "); method == "POST" && len(rt.who.roles) > 0 {
			mux.HandleFunc(rt.pattern, func(http.ResponseWriter, *http.Request) {})
			got = append(got, path)
		}
	}
	hit := map[string]bool{}
	for path := range all {
		r, _ := http.NewRequest("POST", "http://x/api/v1/"+path, nil)
		_, pattern := mux.Handler(r)
		hit[strings.TrimPrefix(pattern, "POST ")] = true
	}
	for _, path := range got {
		if !hit[path] {
			t.Errorf("nothing is posted to %s", path)
		}
	}
}

// TestEveryRefusalSpeaksOfTheMedium: whatever is refused at a water customer's desk is refused in words about water.
func TestEveryRefusalSpeaksOfTheMedium(t *testing.T) {
	for _, water := range []bool{false, true} {
		m := newMedium(t, water)
		d, o := unswiped(7)
		m.lay(d)
		no := &counter.Refusal{Code: counter.CodeSwiped}
		m.mill.err = no
		for _, method := range []string{"Quote", "Sell", "Retry " + o.ID, "Void " + o.ID, "Receipt", "Decide", "Lock", "Unlock", "Refund", "MakeUp", "Take"} {
			m.f.refuse[method] = no
		}
		for path, body := range posts(o.ID) {
			want := map[bool]string{false: "此笔气量", true: "此笔水量"}[water]
			if page := m.asked(zh, "POST", "/api/v1/"+path, body); !strings.Contains(page, want) {
				t.Errorf("water %t, %s: want %s: %s", water, path, want, page)
			}
			m.speaks(path, "POST", "/api/v1/"+path, body)
		}
		// The customer is not on any desk: an account is looked up, an open order knows its own.
		m.lay(counter.Desk{Reader: reader, Phase: counter.Ready, Card: &purse.State{Condition: purse.Empty}}, o)
		for _, path := range []string{"cards/issue", "cards/reissue", "accounts/0100001234/card-lost", "orders/" + o.ID + "/void"} {
			m.speaks(path+" without the desk", "POST", "/api/v1/"+path, posts(o.ID)[path])
		}
	}
}

// TestEveryPageSpeaksOfTheMedium renders every state of the page and everything that can be answered.
func TestEveryPageSpeaksOfTheMedium(t *testing.T) {
	for _, water := range []bool{false, true} {
		m := newMedium(t, water)
		said := 0
		look := func(name string) {
			if m.speaks(name, "GET", "/", "") {
				said++
			}
		}
		m.lay(counter.Desk{Reader: reader, Phase: counter.Empty})
		look("empty")
		if said > 0 && !water {
			t.Error("the station itself speaks of gas, and may sell water")
		}
		for _, p := range []counter.Phase{counter.Reading, counter.Writing} {
			d := inserted(3, true)
			d.Phase = p
			m.lay(d)
			look(string(p))
		}
		m.lay(inserted(4, true))
		look("ready")
		d, _ := unswiped(7)
		m.lay(d)
		look("not swiped")
		m.lay(lostOrder(8))
		look("lost order")
		d, o := doubted()
		m.lay(d, o)
		look("doubt")
		o.Plan.Make = purse.MakeNew
		d.InDoubt = &o
		m.lay(d, o)
		look("half made")
		d, o = quarantined("wu")
		m.lay(d, o)
		look("quarantine")
		m.lay(counter.Desk{Reader: reader, Phase: counter.Empty}, o)
		look("quarantine, card away")
		d = inserted(9, true)
		d.Account, d.Card.Kind, d.Problem = nil, purse.KindCheck, &counter.Refusal{Code: counter.CodeNotUserCard}
		m.lay(d)
		look("card for meters")
		m.refusedDesks(look)
		m.answers()
		if said < 9 {
			t.Errorf("water %t: only %d pages speak of the medium at all: this test looks at the wrong ones", water, said)
		}
	}
}

// refusedDesks shows a desk for every refusal there is, side by side.
func (m *medium) refusedDesks(look func(string)) {
	var all []counter.Desk
	for i, code := range phrase.Codes() {
		d := inserted(5, true)
		d.Reader, d.Problem = fmt.Sprint(i), &counter.Refusal{Code: code, Args: map[string]string{"volume": "20", "most": "3"}}
		all = append(all, m.of(d))
	}
	m.f.change(func() { m.f.desks = all })
	look("refused")
}

// answers looks at everything that is answered when it went well.
func (m *medium) answers() {
	m.t.Helper()
	d, o := unswiped(7)
	r := receiptOf(counter.Quote{Volume: 20000, Amount: 5830}, 30)
	r.Order, r.Account = o.ID, m.account()
	for path, body := range posts(o.ID) {
		m.lay(d)
		m.f.change(func() { m.f.receipts[o.ID] = r })
		m.speaks(path, "POST", "/api/v1/"+path, body)
	}
	m.speaks("found", "POST", "/api/v1/accounts/search", `{"query":"0100001234"}`)
}
