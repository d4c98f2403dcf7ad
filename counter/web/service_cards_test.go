package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/keyed"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
	"tally/counter"
	"tally/counter/countertest"
	"tally/counter/tariff"
	"tally/counter/web/webtest"
	"tally/meter/quantity"
)

var (
	_ Cards    = (*counter.Service)(nil)
	_ Specials = (*counter.Service)(nil)
)

// chipHall is the page over the real service with real purses and drivers on simulated chips.
type chipHall struct {
	*window
	src   *cardsim.Source
	store *countertest.Store
	lies  *cardsim.SLE4442
}

const chipReader = "ACS ACR39U 0"

var chipPSC = sle4442.PSC{0x4A, 0x5B, 0x6C}

func newChipHall(t *testing.T, b *webtest.Browser, who string, water bool) *chipHall {
	h := &chipHall{src: cardsim.NewSource(chipReader), store: countertest.NewStore(nil)}
	cost := counter.PasswordCost{Memory: 64, Time: 1, Threads: 1}
	hash, err := cost.Hash(goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	err = h.store.Update(t.Context(), func(tx counter.Tx) error {
		return errors.Join(
			tx.PutAccount(counter.Account{No: "100001", Name: "王小明", Address: "文一路 1 号", Phone: "13812345678", PriceClass: "residential", Meter: "10000001", Water: water}),
			tx.PutOperator(counter.Operator{Name: "chen", Display: "陈静", No: 7, Role: counter.Clerk, Password: hash}),
			tx.PutOperator(counter.Operator{Name: "zhou", Display: "周敏", No: 8, Role: counter.Leader, Password: hash}))
	})
	if err != nil {
		t.Fatal(err)
	}
	prof, err := profile.Builtin("GEN4442 v1")
	if err != nil {
		t.Fatal(err)
	}
	var guards sle4442.Guards
	open := func(ctx context.Context, reader string, ins cardreader.Insertion) (counter.Purse, error) {
		card, err := h.src.Open(ctx, reader, ins)
		if err != nil {
			return nil, err
		}
		chip, err := sle4442.Open(ctx, card, sle4442.ACS, guards.For(reader, ins), sle4442.Secret{Issued: true})
		if err != nil {
			return nil, errors.Join(err, card.Close())
		}
		return purse.New(keyed.New(chip, keyed.Fixed(chipPSC)), prof).At(0x0571), nil
	}
	svc, err := counter.New(counter.Options{
		Store: h.store, Open: open, Resolve: purse.Resolve, Station: "C3", StationNo: 3, Region: 0x0571, Password: cost,
		Tables: []tariff.Table{{Class: "residential", Version: 1, From: "2026-01-01", PeriodMonths: 12, Tiers: []tariff.Tier{
			{UpTo: 100 * quantity.CubicMetre, Price: 26500}, {Price: 31800}}}},
		ReissueFees: map[string]quantity.Money{counter.CauseLost: 1500}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- svc.Run(ctx, h.src) }()
	f := newFake()
	page, err := New(Options{Sales: svc, Decisions: svc, Returns: svc, Cards: svc, Specials: svc, Logins: svc, Views: svc, Meters: f, Uplink: f, Station: "C3",
		Classes: func() []string { return []string{"commercial", "industrial", "residential"} }})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(page)
	t.Cleanup(func() {
		page.EndStreams()
		srv.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	h.window = &window{Page: b.Open(t, srv.URL), t: t, f: f, url: srv.URL}
	h.enterAs(who)
	return h
}

// enterAs logs in by keys.
func (h *chipHall) enterAs(who string) {
	h.Wait(`document.activeElement.id == "name"`)
	h.Press(who + webtest.Tab + goodPassword + webtest.Enter)
	h.Wait(`document.getElementById("amount")`)
}

// put puts a chip into the reader, nil for none.
func (h *chipHall) put(c *cardsim.SLE4442) {
	h.t.Helper()
	if h.lies != nil {
		if err := h.src.Remove(chipReader); err != nil {
			h.t.Fatal(err)
		}
		h.WaitText("#desks", "请将用户卡插入读卡器")
	}
	h.lies = c
	if c == nil {
		return
	}
	if err := h.src.Insert(chipReader, cardsim.ACS(c)); err != nil {
		h.t.Fatal(err)
	}
	h.Wait(`document.querySelector(".desk.ready")`)
}

// deed opens an entry of the menu by a part of its name.
func (h *chipHall) deed(name string) {
	h.t.Helper()
	h.Wait(`document.querySelector(".desk.ready")`)
	h.Press("m")
	h.Wait(`document.querySelector("#deed[open] .menu")`)
	n := webtest.Eval[string](h.Page, `[...document.querySelectorAll("#deed .menu li button:enabled")].filter((b) => b.textContent.includes("`+name+`")).map((b) => b.querySelector("kbd").textContent)[0] || ""`)
	if n == "" {
		h.t.Fatalf("the menu has no %s: %s", name, h.Text("#deed"))
	}
	h.Press(n)
	h.Wait(`document.querySelector("#deed[open] form")`)
}

// slip waits for a receipt that says something and puts it away.
func (h *chipHall) slip(want ...string) {
	h.t.Helper()
	for _, w := range want {
		h.WaitText("#receipt", w)
	}
	h.Press(webtest.Escape)
}

func (h *chipHall) sellTo(m3 string) {
	h.t.Helper()
	h.Wait(`!document.getElementById("amount").readOnly`)
	h.Press(m3)
	h.Press(webtest.Enter)
	h.Wait(`document.querySelector(".quote")`)
	h.Press(webtest.Enter)
	h.Wait(`document.querySelector(".receipt")`)
	h.Press(webtest.Escape)
}

func (h *chipHall) issue(c *cardsim.SLE4442) {
	h.t.Helper()
	h.put(c)
	h.deed("发卡")
	h.Press("100001" + webtest.Enter)
	h.slip("发卡小票", "00100001", "不收款")
}

// TestBrowserCards: every operation on cards by keys, on the service as it is and on chips.
func TestBrowserCards(t *testing.T) {
	b := webtest.Start(t)
	for name, part := range map[string]func(*testing.T, *webtest.Browser){
		"life of a card": cardLife, "sale, refund, lock, decide": serviceDeeds, "card for meters": cardForMeters, "water": waterWords,
		"prices on a card for meters": parameterCard,
		"pictures of cards":           cardPictures,
	} {
		t.Run(name, func(t *testing.T) { part(t, b) })
	}
}

// cardLife: issued, sold to, replaced, made anew for another meter, given prices, retired.
func cardLife(t *testing.T, b *webtest.Browser) {
	h := newChipHall(t, b, "chen", false)
	m, err := icmeter.New("10000001", 0x0571, icmeter.CentiM3)
	if err != nil {
		t.Fatal(err)
	}
	first, second := cardsim.NewSLE4442(cardsim.Options{}), cardsim.NewSLE4442(cardsim.Options{})
	h.issue(first)
	if !first.HasPSC(chipPSC) {
		t.Error("the card has not its own code")
	}
	h.put(nil)
	h.put(first)
	h.sellTo("10")
	h.put(nil)
	if r := m.Swipe(first); r.Credited != 1000 {
		t.Fatalf("%+v", r)
	}
	h.put(first) // the counter sees that the meter took it
	h.WaitText("#desks", "已刷表")
	h.deed("挂失")
	h.Press("钱包丢了" + webtest.Enter)
	h.WaitText("#standing", "已挂失")
	h.put(second)
	h.deed("补卡")
	h.Press("100001" + webtest.Tab + webtest.Tab + " ")
	h.Click(`#deed textarea`)
	h.Press("用户丢失" + webtest.Enter)
	h.slip("补卡小票", "15.00", "壹拾伍元整")
	h.put(first)
	h.WaitText("#standing", "旧卡")
	h.put(second)
	h.WaitText("#desks", "已刷表")
	h.deed("换表")
	h.Press("20000001" + webtest.Tab + "4.5")
	h.Click(`#deed textarea`)
	h.Press("表坏" + webtest.Enter)
	h.slip("换表补气小票", "20000001", "10000001", "4.50 m³")
	h.put(nil)
	after, err := icmeter.New("20000001", 0x0571, icmeter.CentiM3)
	if err != nil {
		t.Fatal(err)
	}
	if r := after.Swipe(second); r.Credited != 450 {
		t.Fatalf("%+v", r)
	}
	h.put(second)
	h.deed("价格写卡")
	h.Press(webtest.Enter)
	h.WaitText("#note", "卡内已是当前价格")
	h.Press(webtest.Escape)
	h.deed("注销卡")
	h.Press("销户" + webtest.Enter)
	h.slip("注销小票")
	h.WaitText("#desks", "未在使用的卡")
	if first.Tries() != 3 || second.Tries() != 3 {
		t.Errorf("%d and %d tries", first.Tries(), second.Tries())
	}
}

// serviceDeeds: what leaders and clerks do about a sale, on the service as it is.
func serviceDeeds(t *testing.T, b *webtest.Browser) {
	h := newChipHall(t, b, "chen", false)
	card := cardsim.NewSLE4442(cardsim.Options{})
	h.issue(card)
	h.put(nil)
	h.put(card)
	h.sellTo("10")
	h.put(nil)
	h.put(card)
	h.deed("退气")
	h.Press("买错了" + webtest.Tab)
	h.approve("zhou", goodPassword)
	h.slip("退气小票", "-26.50")
	h.put(nil)
	h.put(card)
	h.WaitText("#desks", "王**")
	h.Click("#logout")
	h.enterAs("zhou")
	h.deed("设置停售")
	h.Press("安检不合格" + webtest.Enter)
	h.WaitText("#standing", "安检不合格")
	orders := h.store.Orders()
	if last := orders[len(orders)-1]; last.Op != purse.OpRefund || last.State != counter.Done || last.ApprovedBy != "zhou" {
		t.Errorf("order %+v", last)
	}
	// An order that fits nothing: a leader who did not sell it decides.
	err := h.store.Update(t.Context(), func(tx counter.Tx) error {
		o := orders[1]
		o.ID, o.Request, o.State, o.Operator, o.RefundedBy = "f"+o.ID[1:], "another-request-001", counter.Quarantined, "chen", ""
		return tx.PutOrder(o)
	})
	if err != nil {
		t.Fatal(err)
	}
	h.put(nil)
	h.put(card)
	h.WaitText("#open", "已隔离")
	h.Press("q")
	h.Wait(deedOpen)
	h.Click("#deed [value=not_written]")
	h.Click("#deed textarea")
	h.Press("表上没有" + webtest.Enter)
	h.Wait(`document.getElementById("ask").open`)
	h.Press(webtest.Enter)
	h.WaitText("#note", "款项退还用户")
	h.WaitText("#open", "没有未结订单")
}

func cardForMeters(t *testing.T, b *webtest.Browser) {
	h := newChipHall(t, b, "zhou", false)
	card := cardsim.NewSLE4442(cardsim.Options{})
	h.put(card)
	h.deed("制作")
	tool := func(no string) {
		h.Press(no + webtest.Tab + " ")
		h.Click(`#deed [name=uses]`)
		h.Press("2")
		h.Click(`#deed textarea`)
		h.Press("外勤用" + webtest.Enter)
		h.slip("检查卡", no)
	}
	tool("90000001")
	h.put(nil)
	h.put(card)
	h.WaitText("#desks", "剩余使用次数")
	h.WaitText("#desks", "zhou")
	h.put(nil)
	h.put(cardsim.NewSLE4442(cardsim.Options{}))
	h.deed("制作")
	h.Click(`#deed [name=medium]`)
	h.Click(`#deed [name=card_no]`)
	tool("90000002")
	orders := h.store.Orders()
	if len(orders) != 2 || orders[0].Op != purse.OpTool || orders[0].Water || !orders[1].Water {
		t.Errorf("orders %+v", orders)
	}
}

// parameterCard is a leader's card with prices for meters, made with the keyboard alone: the class is chosen among those that
// exist, is asked for on a parameter card only, and is not sent along with another kind.
func parameterCard(t *testing.T, b *webtest.Browser) {
	h := newChipHall(t, b, "zhou", false)
	const classes = `getComputedStyle(document.querySelector("#deed .for-parameter")).display != "none"`
	param, check := cardsim.NewSLE4442(cardsim.Options{}), cardsim.NewSLE4442(cardsim.Options{})
	h.put(param)
	h.deed("制作")
	h.Press("90000003" + webtest.Tab + " ")
	h.Wait(`document.querySelector("#deed [name=kind]:checked").value == "check" && !(` + classes + `)`)
	h.Press(webtest.Right + webtest.Right)
	h.Wait(`document.querySelector("#deed [name=kind]:checked").value == "parameter" && ` + classes)
	if got := webtest.Eval[string](h.Page, `[...document.querySelectorAll("#deed [name=class]")].map((c) => c.value + "=" + c.parentNode.innerText.trim()).join()`); got != "=不写价格,commercial=商业,industrial=工业,residential=居民" {
		t.Errorf("to choose from: %s", got)
	}
	h.Press(webtest.Tab + webtest.Tab + webtest.Tab + webtest.Right + webtest.Right)
	h.Wait(`document.activeElement.name == "class" && document.querySelector("#deed [name=class]:checked").value == "industrial"`)
	h.Press(webtest.Tab + "外勤用" + webtest.Enter)
	h.Wait(`document.querySelector("#deed .trouble [data-code=no_tariff]")`) // this hall sells to no industry
	h.Back()
	h.Press(webtest.Right)
	h.Wait(`document.querySelector("#deed [name=class]:checked").value == "residential"`)
	h.Press(webtest.Enter)
	h.slip("参数卡", "90000003")
	h.put(nil)
	h.put(check)
	h.deed("制作")
	h.Press("90000004" + webtest.Tab + " " + webtest.Right + webtest.Right)
	h.Click(`#deed [name=class][value=residential]`)
	h.Click(`#deed [name=kind][value=check]`)
	h.Click(`#deed textarea`)
	h.Press("外勤用" + webtest.Enter)
	h.slip("检查卡", "90000004")
	prof, err := profile.Builtin("GEN4442 v1")
	if err != nil {
		t.Fatal(err)
	}
	for chip, want := range map[*cardsim.SLE4442]profile.Validity{param: profile.Valid, check: profile.Empty} {
		if got := prof.Verify(prof.Tariff, chip.ReadMem(), 0); got != want {
			t.Errorf("prices on the card: %v, want %v", got, want)
		}
	}
}

// waterWords: a water customer's page does not speak of gas.
func waterWords(t *testing.T, b *webtest.Browser) {
	h := newChipHall(t, b, "chen", true)
	card := cardsim.NewSLE4442(cardsim.Options{})
	h.issue(card)
	h.put(nil)
	h.put(card)
	h.sellTo("10")
	h.WaitText("#standing", "水")
	for _, at := range []string{"#desks", "#standing"} {
		if text := h.Text(at); strings.Contains(text, "气") {
			t.Errorf("%s speaks of gas: %s", at, text)
		}
	}
}

// cardPictures shows the forms in both languages.
func cardPictures(t *testing.T, b *webtest.Browser) {
	h := newChipHall(t, b, "zhou", false)
	h.Size(1366, 768)
	card, blank := cardsim.NewSLE4442(cardsim.Options{}), cardsim.NewSLE4442(cardsim.Options{})
	h.issue(card)
	h.put(nil)
	for _, l := range []string{"zh", "en"} {
		if l == "en" {
			h.Press("l")
			h.Wait(`document.documentElement.lang == "en" && document.getElementById("amount")`)
		}
		h.shoot(l+"-blank", blank, "issue", "reissue", "tool")
		h.shoot(l+"-owned", card, "change", "prices", "retire", "lost")
	}
}

func (h *chipHall) shoot(name string, c *cardsim.SLE4442, deeds ...string) {
	if h.lies != nil {
		if err := h.src.Remove(chipReader); err != nil {
			h.t.Fatal(err)
		}
		h.Wait(`document.querySelector(".desk.empty")`)
		h.lies = nil
	}
	h.put(c)
	h.shot(name)
	h.Press("m")
	h.Wait(`document.querySelector("#deed[open] .menu")`)
	h.shot(name + "-menu")
	for _, d := range deeds {
		h.Click(`#deed .menu [data-deed^="` + d + ` "]`)
		h.Wait(`document.querySelector("#deed[open] form")`)
		h.shot(name + "-" + d)
		if d == "tool" {
			h.Click(`#deed [name=kind][value=parameter]`)
			h.Click(`#deed [name=class][value=residential]`)
			h.shot(name + "-" + d + "-parameter")
		}
		h.Press(webtest.Escape)
		h.Wait(`!` + deedOpen)
		h.Press("m")
		h.Wait(`document.querySelector("#deed[open] .menu")`)
	}
	h.Press(webtest.Escape)
	h.Wait(`!` + deedOpen)
}
