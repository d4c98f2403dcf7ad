package web

import (
	"net/http"
	"strings"
	"testing"

	"tally/cardreader/purse"
	"tally/counter"
)

const refundBody = `{"request":"` + reqID + `","reader":"r","insertion":5,"order":"O1","reason":"用户搬家","approver":{"name":"zhou","password":"` + goodPassword + `"}}`

func (s *site) as(role counter.Role) func(*http.Request) {
	s.f.role = role
	return cookie(s.login())
}

// Only a leader decides and releases; a technician may stop sales as well. Everybody else is kept from the service.
func TestWhoMayDecideLockAndRelease(t *testing.T) {
	const decide, lock, release = "/api/v1/orders/O1/decide", "/api/v1/accounts/0100001234/locks", "/api/v1/accounts/0100001234/locks/release"
	bodies := map[string]string{
		decide: `{"decision":"written","reason":"x"}`, lock: `{"reason":"x"}`, release: `{"at":"2026-11-21T06:05:33.001Z","reason":"x"}`,
	}
	may := map[counter.Role][]string{
		counter.Leader: {decide, lock, release}, counter.Technician: {lock}, counter.Clerk: nil, counter.Finance: nil, counter.Admin: nil, "": nil,
	}
	for role, allowed := range may {
		s := newSite(t)
		me := s.as(role)
		for path, body := range bodies {
			r := s.ask("POST", path, body, me)
			if strings.Contains(strings.Join(allowed, " ")+" ", path+" ") {
				if r.StatusCode != http.StatusNoContent {
					t.Errorf("%s %s: status %d", role, path, r.StatusCode)
				}
				continue
			}
			wantFailure(t, r, http.StatusForbidden, counter.CodeForbidden)
		}
		if got := s.f.done(); len(got) != len(allowed) {
			t.Errorf("%s did %q", role, got)
		}
	}
}

func TestDeedsReachTheServiceAsAsked(t *testing.T) {
	s := newSite(t)
	me := s.as(counter.Leader)
	for _, c := range []struct{ path, body, piece, want string }{
		{"orders/O1/decide", `{"decision":"not_written","reason":"空卡"}`, "款项退还用户", "Decide chen O1 not_written 空卡"},
		{"accounts/0100001234/locks", `{"reason":"欠费"}`, "已停售", "Lock chen 0100001234 欠费"},
		{"accounts/0100001234/locks/release", `{"at":"2026-11-21T14:05:33.001+08:00","reason":"已缴"}`, "停售已解除", "Unlock chen 0100001234 2026-11-21T14:05:33.001+08:00 已缴"},
		{"orders/O1/take", ``, "已请求在此代写", "Take chen O1"},
		{"make-up", `{"request":"` + reqID + `","reader":"r","insertion":6}`, "掉气补气小票", "MakeUp chen r 6"},
	} {
		if p := text(t, s.ask("POST", "/api/v1/"+c.path, c.body, me, html)); !strings.Contains(p, c.piece) {
			t.Errorf("%s says %s", c.path, p)
		}
		if got := s.f.done(); got[len(got)-1] != c.want {
			t.Errorf("%s: did %q", c.path, got)
		}
	}
	for _, path := range []string{"orders/O1/decide", "accounts/1/locks", "accounts/1/locks/release"} {
		wantFailure(t, s.ask("POST", "/api/v1/"+path, `{}`, me), http.StatusUnprocessableEntity, counter.CodeReasonNeeded)
	}
}

// Promise 11: nobody approves their own request, or without a name and a password; the approver is inside for this one
// approval only, and whoever asked stays logged in.
func TestPromise11RefundIsApprovedByTheSecondPerson(t *testing.T) {
	s := newSite(t)
	me := s.as(counter.Leader)
	for name, c := range map[string]struct {
		who, password string
		status        int
		code          string
	}{
		"wrong password": {"zhou", "guess", http.StatusForbidden, codeApprover},
		"unknown name":   {"nobody", goodPassword, http.StatusForbidden, codeApprover},
		"no password":    {"zhou", "", http.StatusForbidden, codeApprover},
		"a clerk":        {"wu", goodPassword, http.StatusForbidden, codeApproverRole},
		"the same":       {"chen", goodPassword, http.StatusConflict, counter.CodeOwnRequest},
	} {
		body := strings.NewReplacer(`"zhou"`, `"`+c.who+`"`, goodPassword, c.password).Replace(refundBody)
		logins := s.f.count("Login")
		r := s.ask("POST", "/api/v1/refund", body, me)
		wantFailure(t, r, c.status, c.code)
		if s.f.count("Login") != logins+1 {
			t.Errorf("%s: %d tries at the door", name, s.f.count("Login")-logins)
		}
	}
	if got := s.f.done(); len(got) != 0 {
		t.Fatalf("refunded: %q", got)
	}
	got := s.ask("POST", "/api/v1/refund", refundBody, me)
	if len(got.Cookies()) != 0 {
		t.Error("the approver's session was handed to the browser")
	}
	r := decode[counter.Receipt](t, got)
	again := decode[counter.Receipt](t, s.ask("POST", "/api/v1/refund", refundBody, me))
	if r.Op != purse.OpRefund || r.Amount != -5830 || again.Order != r.Order {
		t.Errorf("receipt %+v, again %+v", r, again)
	}
	if did := s.f.done(); len(did) != 1 || did[0] != "Refund chen zhou r 5 O1 用户搬家" {
		t.Errorf("did %q", did)
	}
	if len(s.f.sessions) != 1 {
		t.Errorf("%d sessions are open, want the one that asked", len(s.f.sessions))
	}
	if a := s.ask("GET", "/api/v1/session", "", me); a.StatusCode != http.StatusOK {
		t.Error("whoever asked was logged out")
	}
}

// A pause of the approver's name is told as one, and the cause of a refusal never quotes what was typed.
func TestApproverAtTheDoor(t *testing.T) {
	s := newSite(t)
	me := s.as(counter.Clerk)
	s.f.refuse["Login"] = &counter.Refusal{Code: counter.CodeLoginPaused, Args: map[string]string{"seconds": "30"}}
	wantFailure(t, s.ask("POST", "/api/v1/refund", refundBody, me), http.StatusTooManyRequests, counter.CodeLoginPaused)
	for _, path := range []string{"refund", "session"} {
		for _, body := range []string{`{"` + goodPassword + `":1}`, strings.Replace(refundBody, `"reader"`, `"`+goodPassword+`":1,"reader"`, 1)} {
			wantFailure(t, s.ask("POST", "/api/v1/"+path, body, me), http.StatusBadRequest, codeBadRequest)
		}
	}
	if strings.Contains(s.log.String(), goodPassword) {
		t.Errorf("log %s", s.log)
	}
}

func TestDeedsWantStrictBodies(t *testing.T) {
	s := newSite(t)
	me := s.as(counter.Leader)
	tries := s.f.count("Login")
	for _, path := range []string{"orders/O1/decide", "accounts/1/locks", "accounts/1/locks/release", "refund", "make-up"} {
		for _, body := range []string{"", "reason=x", `[]`, `{"reason":"x","more":1}`, `{"reason":5}`, `{"reason":"x"}{}`, `{"insertion":-1}`, `{"at":"yesterday"}`} {
			wantFailure(t, s.ask("POST", "/api/v1/"+path, body, me, header("Content-Type", "application/json")), http.StatusBadRequest, codeBadRequest)
		}
		wantFailure(t, s.ask("POST", "/api/v1/"+path, `{"reason":"`+strings.Repeat("x", longBody)+`"}`, me), http.StatusRequestEntityTooLarge, codeTooLarge)
	}
	for _, path := range []string{"refund", "make-up"} {
		wantFailure(t, s.ask("POST", "/api/v1/"+path, `{"request":"short"}`, me), http.StatusBadRequest, codeBadRequest)
	}
	if len(s.f.done()) != 0 || s.f.count("Login") != tries {
		t.Errorf("did %q, %d logins", s.f.done(), s.f.count("Login")-tries)
	}
}

// A reason of the greatest length fits, however a program escapes its letters.
func TestLongestReasonFits(t *testing.T) {
	s := newSite(t)
	long := `{"reason":"` + strings.Repeat(`\u4e00`, counter.MaxReason) + `"}`
	if r := s.ask("POST", "/api/v1/accounts/1/locks", long, s.as(counter.Leader)); r.StatusCode != http.StatusNoContent {
		t.Errorf("status %d", r.StatusCode)
	}
}

func TestOpenOrdersTellWhatIsKnown(t *testing.T) {
	for _, c := range []struct {
		role   counter.Role
		seller string
		want   bool
	}{{counter.Leader, "wu", true}, {counter.Leader, "chen", false}, {counter.Clerk, "wu", false}} {
		s := newSite(t)
		d, o := quarantined(c.seller)
		s.f.desks, s.f.open = []counter.Desk{d}, []counter.Order{o}
		list := decode[[]OpenView](t, s.ask("GET", "/api/v1/open-orders", "", s.as(c.role)))
		if len(list) != 1 || list[0].Decidable != c.want || list[0].ID != o.ID || list[0].Plan.Seq != 8 {
			t.Fatalf("%s about %s: %+v", c.role, c.seller, list)
		}
		if on := list[0].OnCard; on == nil || on.Order.Seq != 7 || on.Image != nil {
			t.Errorf("on the card: %+v", on)
		}
	}
}

func TestWhatTheDeskOffers(t *testing.T) {
	plain, _ := unswiped(1)
	swiped, _ := unswiped(1)
	swiped.Card.Swiped = true
	refunded, o := unswiped(1)
	o.RefundedBy = "O2"
	refunded.Last = &o
	held, _ := unswiped(1)
	held.Problem = &counter.Refusal{Code: counter.CodeQuarantine}
	for name, c := range map[string]struct {
		d              counter.Desk
		role           counter.Role
		refund, makeUp bool
	}{
		"unswiped":    {plain, counter.Clerk, true, false},
		"swiped":      {swiped, counter.Clerk, false, false},
		"refunded":    {refunded, counter.Clerk, false, false},
		"quarantined": {held, counter.Leader, false, false},
		"lost":        {lostOrder(1), counter.Leader, false, true},
		"nothing":     {inserted(1, true), counter.Clerk, false, false},
		"technician":  {plain, counter.Technician, false, false},
	} {
		s := newSite(t)
		s.f.desks = []counter.Desk{c.d}
		v := decode[[]DeskView](t, s.ask("GET", "/api/v1/desks", "", s.as(c.role)))[0]
		if v.Refundable != c.refund || v.Makeable != c.makeUp {
			t.Errorf("%s: refund %v, make-up %v", name, v.Refundable, v.Makeable)
		}
		if v.Last != nil && v.Last.Plan.Before != nil {
			t.Errorf("%s: card bytes leave the house", name)
		}
	}
}
