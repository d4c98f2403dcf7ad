package counter_test

import (
	"encoding/json"
	"testing"
	"time"

	"tally/counter"
)

func TestLockStopsSalesAndIsShownAtOnce(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	if d.Problem != nil {
		t.Fatalf("desk %+v", d.Problem)
	}
	if err := w.svc.Lock(bg, w.login("sun"), "100001", "拒绝整改"); err != nil {
		t.Fatal(err)
	}
	d = w.desk(reader, func(d counter.Desk) bool { return d.Problem != nil && d.Account.Locked })
	if d.Problem.Code != counter.CodeLocked || d.Problem.Args["reason"] != "拒绝整改" || d.Problem.Args["by"] != "sun" ||
		d.Problem.Args["at"] != "2026-11-21 14:00" {
		t.Errorf("problem %+v", d.Problem)
	}
	if l := d.Account.Locks; len(l) != 1 || l[0].Reason != "拒绝整改" || l[0].By != "sun" {
		t.Errorf("shown locks %+v", l)
	}
	if err := w.svc.Lock(bg, w.leader, "100001", "卡挂失"); err != nil { // in the same millisecond
		t.Fatal(err)
	}
	locks := w.account("100001").Locks
	if len(locks) != 2 || locks[0].At.Equal(locks[1].At) {
		t.Fatalf("locks %+v", locks)
	}
	if err := w.svc.Unlock(bg, w.leader, "100001", locks[0].At, "整改完成"); err != nil {
		t.Fatal(err)
	}
	_, err := w.sell(w.insert(wang), request1, m3)
	w.wantCode(err, counter.CodeLocked) // the other one is left

	w.put(func(tx counter.Tx) error { return tx.PutOperator(operator("zheng", 20, counter.Leader)) })
	if err := w.svc.Unlock(bg, w.login("zheng"), "100001", locks[1].At, "卡已找到"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.sell(w.insert(wang), request1, m3); err != nil {
		t.Error(err)
	}
	w.law()
	var told []counter.SaleLock
	for _, r := range w.store.Records() {
		if r.Type == counter.TypeSaleLock || r.Type == counter.TypeSaleUnlock {
			var l counter.SaleLock
			if err := json.Unmarshal(r.Body, &l); err != nil {
				t.Fatal(err)
			}
			told = append(told, l)
		}
	}
	if len(told) != 4 || told[2].LiftedBy != "zhou" || told[2].Why != "整改完成" || !told[2].At.Equal(locks[0].At) || told[3].By != "zhou" {
		t.Errorf("the centre hears %+v", told)
	}
}

// Promise 11: nobody unlocks without a named login, and nobody what they locked themselves.
func TestPromise11Locks(t *testing.T) {
	w := newWorld(t)
	if err := w.svc.Lock(bg, w.leader, "100001", "x"); err != nil {
		t.Fatal(err)
	}
	at := w.account("100001").Locks[0].At
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"lock, nobody":          {w.svc.Lock(bg, counter.Session{}, "100001", "x"), counter.CodeNoSession},
		"lock, clerk":           {w.svc.Lock(bg, w.clerk, "100001", "x"), counter.CodeForbidden},
		"lock, no reason":       {w.svc.Lock(bg, w.leader, "100001", " "), counter.CodeReasonNeeded},
		"lock, no such account": {w.svc.Lock(bg, w.leader, "999", "x"), counter.CodeNotFound},
		"unlock, nobody":        {w.svc.Unlock(bg, counter.Session{}, "100001", at, "x"), counter.CodeNoSession},
		"unlock, clerk":         {w.svc.Unlock(bg, w.clerk, "100001", at, "x"), counter.CodeForbidden},
		"unlock, technician":    {w.svc.Unlock(bg, w.login("sun"), "100001", at, "x"), counter.CodeForbidden},
		"unlock, their own":     {w.svc.Unlock(bg, w.leader, "100001", at, "x"), counter.CodeOwnRequest},
		"unlock, no reason":     {w.svc.Unlock(bg, w.leader, "100001", at, ""), counter.CodeReasonNeeded},
		"unlock, no such lock":  {w.svc.Unlock(bg, w.leader, "100001", at.Add(time.Second), "x"), counter.CodeNotFound},
	} {
		if code(c.err) != c.want {
			t.Errorf("%s: %v, want %s", name, c.err, c.want)
		}
	}
	if n := len(w.account("100001").Locks); n != 1 {
		t.Errorf("%d locks", n)
	}
}
