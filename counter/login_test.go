package counter_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tally/counter"
)

func TestLoginNeverSaysWhatWasWrong(t *testing.T) {
	w := newWorld(t)
	w.put(func(tx counter.Tx) error {
		o := operator("wu", 12, counter.Clerk)
		o.Disabled = true
		broken := operator("xu", 13, counter.Clerk)
		broken.Password = "plain text is no hash"
		if err := tx.PutOperator(broken); err != nil {
			return err
		}
		return tx.PutOperator(o)
	})
	for _, c := range [][2]string{
		{"chen", "wrong"}, {"nobody", password}, {"wu", password}, {"xu", "plain text is no hash"}, {"", ""},
		{strings.Repeat("n", 10_000), password}, {"chen", password + strings.Repeat("x", 10_000)},
	} {
		_, err := w.svc.Login(bg, c[0], c[1])
		if r := counter.AsRefusal(err); r == nil || r.Code != counter.CodeLogin || len(r.Args) != 0 || r.Cause != nil {
			t.Errorf("%.20q: %+v", c[0], r)
		}
	}
	s, err := w.svc.Login(bg, "chen", password)
	if err != nil || len(s.Token) < 43 || s.Role != counter.Clerk || s.Display != "Display chen" {
		t.Errorf("%+v %v", s, err)
	}
}

func TestLoginIsPausedLongerEachTime(t *testing.T) {
	for _, name := range []string{"chen", "nobody"} { // an unknown name behaves as a known one
		w := newWorld(t)
		wrong := func() string {
			_, err := w.svc.Login(bg, name, "wrong")
			return code(err)
		}
		for i := range 5 {
			if got := wrong(); got != counter.CodeLogin {
				t.Fatalf("%s: wrong login %d: %s", name, i+1, got)
			}
		}
		for _, pause := range []time.Duration{30, 60, 120, 240, 480, 900, 900, 900} {
			w.turn(pause*time.Second - time.Millisecond)
			_, err := w.svc.Login(bg, name, password)
			w.wantCode(err, counter.CodeLoginPaused)
			if got := counter.AsRefusal(err).Args["seconds"]; got != "1" {
				t.Errorf("%s after a pause of %d s: %q left", name, pause, got)
			}
			w.turn(time.Millisecond)
			if got := wrong(); got != counter.CodeLogin {
				t.Fatalf("%s after the pause: %s", name, got)
			}
		}
		w.turn(time.Hour)
		if name == "chen" {
			w.login(name)
			if got := wrong(); got != counter.CodeLogin { // a good login makes an end of it
				t.Errorf("after a good login: %s", got)
			}
			w.login(name)
		}
	}
}

// Guesses sent all at once do not get round the pause.
func TestLoginGuessesInParallelArePaused(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	got := make([]string, 60)
	for i := range got {
		all.Go(func() {
			_, err := w.svc.Login(bg, "chen", fmt.Sprint("guess ", i))
			got[i] = code(err)
		})
	}
	all.Wait()
	tried := 0
	for _, c := range got {
		if c == counter.CodeLogin {
			tried++
		}
	}
	if tried < 5 || tried > 6 { // two hashes run at once
		t.Errorf("%d guesses were tried", tried)
	}
}

func TestManyNamesAtTheDoor(t *testing.T) {
	w := newWorld(t)
	for i := range 1500 {
		_, err := w.svc.Login(bg, fmt.Sprint("name ", i), "x")
		w.wantCode(err, counter.CodeLogin)
	}
	w.login("chen")
}

func TestSearch(t *testing.T) {
	w := newWorld(t)
	for query, want := range map[string]string{
		"100001": "100001", "00005678": "100002", "10000002": "100002", "小明": "100001", "文一": "100001",
		"文": "100001 100002", "1000": "100001 100002", "  100002 ": "100002", "": "", "赵": "",
	} {
		found, err := w.svc.Search(bg, w.clerk, query, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range found {
			got = append(got, a.No)
			if strings.Contains(fmt.Sprintf("%+v", a), "小明") || strings.Contains(a.Phone, "1234567") {
				t.Errorf("not masked: %+v", a)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
	for n, want := range map[int]int{-1: 0, 0: 0, 1: 1, 1 << 30: 2} {
		if found, err := w.svc.Search(bg, w.clerk, "文", n); err != nil || len(found) != want {
			t.Errorf("at most %d: %d found, %v", n, len(found), err)
		}
	}
}

func TestSearchPutsTheExactNumberFirst(t *testing.T) {
	w := newWorld(t)
	w.put(func(tx counter.Tx) error {
		for i := range 30 {
			if err := tx.PutAccount(counter.Account{No: fmt.Sprintf("0%03d", i), Name: "某", Address: "999 号"}); err != nil {
				return err
			}
		}
		return tx.PutAccount(counter.Account{No: "999", Name: "某"})
	})
	found, err := w.svc.Search(bg, w.clerk, "999", 3)
	if err != nil || len(found) != 3 || found[0].No != "999" {
		t.Errorf("%+v %v", found, err)
	}
}

func TestReprintsAreCounted(t *testing.T) {
	w := newWorld(t)
	r, err := w.sell(w.insert(wang), request1, m3)
	if err != nil || r.Copy != 0 {
		t.Fatalf("%+v %v", r, err)
	}
	for i, s := range []counter.Session{w.clerk, w.leader} {
		again, err := w.svc.Receipt(bg, s, r.Order, true)
		if err != nil || again.Copy != i+1 || again.No != r.No || again.Amount != r.Amount || !again.At.Equal(r.At) {
			t.Errorf("copy %d: %+v %v", i+1, again, err)
		}
	}
	looked, err := w.svc.Receipt(bg, w.login("qian"), r.Order, false)
	if err != nil || looked.Copy != 2 || looked.Operator != "Display chen" {
		t.Errorf("%+v %v", looked, err)
	}
}
