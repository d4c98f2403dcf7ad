package web

import (
	"net/http"
	"slices"

	"tally/counter"
)

// access says who may use a route. The zero value lets nobody in.
type access struct {
	public bool
	any    bool           // any operator with a live session
	roles  []counter.Role // or one of these
}

var (
	public  = access{public: true}
	session = access{any: true}
	// seller: whoever handles customers' money. Everybody else looks on.
	seller = access{roles: []counter.Role{counter.Clerk, counter.Leader}}
	leader = access{roles: []counter.Role{counter.Leader}}
	// locker: whoever may stop sales to a customer.
	locker = access{roles: []counter.Role{counter.Leader, counter.Technician}}
)

func (a access) allows(r counter.Role) bool { return a.any || slices.Contains(a.roles, r) }

// route is one row of the table: what is asked, who may ask, and how many bytes a body may have.
type route struct {
	pattern string
	who     access
	body    int64
	answer  func(*call) error
}

const (
	noBody    = 0
	smallBody = 4 << 10
	longBody  = 8 << 10 // with a written reason, each letter of which may be escaped
)

// routes is everything that can be asked of the page. No path or query ever carries a password, a token or a name.
func (h *Handler) routes() []route {
	t := []route{
		{"GET /{$}", session, noBody, h.counterPage},
		{"GET /login", public, noBody, h.loginPage},
		{"POST /login", public, smallBody, h.loginForm},
		{"POST /logout", session, smallBody, h.logoutForm},
		{"POST /lang", public, smallBody, h.langForm},
		{"GET /static/{file}", public, noBody, h.static},
		{"GET /events", session, noBody, h.events},

		{"GET /api/v1/session", session, noBody, h.getSession},
		{"POST /api/v1/session", public, smallBody, h.postSession},
		{"DELETE /api/v1/session", session, noBody, h.deleteSession},
		{"GET /api/v1/desks", session, noBody, h.getDesks},
		{"POST /api/v1/quote", seller, smallBody, h.postQuote},
		{"POST /api/v1/sell", seller, smallBody, h.postSell},
		{"POST /api/v1/orders/{order}/retry", seller, noBody, h.postRetry},
		{"POST /api/v1/orders/{order}/void", seller, noBody, h.postVoid},
		{"POST /api/v1/orders/{order}/take", seller, noBody, h.postTake},
		{"POST /api/v1/orders/{order}/return", seller, noBody, h.postReturn},
		{"POST /api/v1/orders/{order}/decide", leader, longBody, h.postDecide},
		{"POST /api/v1/refund", seller, longBody, h.postRefund},
		{"POST /api/v1/make-up", seller, smallBody, h.postMakeUp},
		{"GET /api/v1/receipts/{order}", session, noBody, h.getReceipt},
		{"POST /api/v1/receipts/{order}/copies", seller, noBody, h.postCopy},
		{"POST /api/v1/accounts/search", session, smallBody, h.postSearch},
		{"POST /api/v1/accounts/{account}/locks", locker, longBody, h.postLock},
		{"POST /api/v1/accounts/{account}/locks/release", leader, longBody, h.postRelease},
		{"GET /api/v1/open-orders", session, noBody, h.getOpenOrders},
		{"GET /api/v1/meters", session, noBody, h.getMeters},
		{"GET /api/v1/uplink", session, noBody, h.getUplink},
	}
	t = append(t, h.cardRoutes()...)
	if h.o.Bench != nil {
		t = append(t,
			route{"GET /api/v1/bench", session, noBody, h.getBench},
			route{"POST /api/v1/bench", session, smallBody, h.postBench})
	}
	return append(t, route{"/", public, noBody, notThere})
}

func (h *Handler) mux() *http.ServeMux {
	m := http.NewServeMux()
	for _, rt := range h.routes() {
		m.Handle(rt.pattern, h.guard(rt))
	}
	return m
}

// guard is the one door: it cuts the body to size, finds the session, and compares it with the route's access before
// the route sees anything.
func (h *Handler) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, rt.body)
		c := &call{h: h, w: w, r: r, lang: h.langOf(r)}
		if !rt.who.public {
			s, err := h.sessionOf(r)
			if err == nil && !rt.who.allows(s.Role) {
				err = &counter.Refusal{Code: counter.CodeForbidden}
			}
			if err != nil {
				h.fail(w, r, c.station(), err)
				return
			}
			c.session = s
		}
		c.matter.Order, c.matter.Account = r.PathValue("order"), r.PathValue("account")
		if err := rt.answer(c); err != nil {
			h.fail(w, r, c.voice(nil), err)
		}
	})
}

// call is one request on its way through a route.
type call struct {
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	lang    lang
	session counter.Session // zero on a public route
	matter  matter          // what it is about, as far as it says so
}

func notThere(*call) error { return &counter.Refusal{Code: counter.CodeNotFound} }
