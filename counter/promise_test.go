package counter_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/counter"
)

// Promise 8: money and volume are integers with units; no float touches them.
func TestPromise8NoFloat(t *testing.T) {
	for _, dir := range []string{".", "../cardreader", "../storage", "../meter/quantity"} {
		files := 0
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			for _, at := range floats(f) {
				t.Errorf("%s: a float", set.Position(at))
			}
			return nil
		})
		if err != nil || files == 0 {
			t.Errorf("%s: %d files, %v", dir, files, err)
		}
	}
}

// floats finds float types, literals, and what makes them.
func floats(f *ast.File) []token.Pos {
	var found []token.Pos
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			return n.Name.Name != "fillOf" // how full bbolt packs its pages; its FillPercent is a float
		case *ast.Ident:
			switch n.Name {
			case "float32", "float64", "complex64", "complex128", "ParseFloat", "FormatFloat", "Float", "Rat", "Float64":
				found = append(found, n.Pos())
			}
		case *ast.BasicLit:
			if n.Kind == token.FLOAT || n.Kind == token.IMAG {
				found = append(found, n.Pos())
			}
		}
		return true
	})
	return found
}

func TestFloatsAreFound(t *testing.T) {
	for src, want := range map[string]int{
		"package a; var x float64": 1, "package a; var x = 1.5": 1, "package a; var x = int(2e3)": 1, "package a; var x = 15": 0,
		`package a; import "strconv"; var x, _ = strconv.ParseFloat("1", 64)`: 1,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "a.go", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(floats(f)); got != want {
			t.Errorf("%s: %d floats found, want %d", src, got, want)
		}
	}
}

// Promise 9: a sale that could not be stored is refused before anything is written.
func TestPromise9NoRoomIsRefusedBeforeAnything(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	r, err := w.ask(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	w.power.CutAt(0, false)
	w.store.SetNoRoom(true)
	_, err = w.svc.Sell(bg, w.clerk, r)
	w.wantCode(err, counter.CodeNoRoom)
	if got := w.power.Steps(); len(got) != 0 && got[0] != "card open" { // it may look again; it has written nothing
		t.Errorf("steps %q", got)
	}
	for _, s := range w.power.Steps() {
		if s != "card open" && s != "card read" {
			t.Errorf("step %q", s)
		}
	}
	if len(w.store.Orders()) != 0 {
		t.Error("an order was stored")
	}
	w.store.SetNoRoom(false)
	w.desk(reader, settled)
	if _, err := w.svc.Sell(bg, w.clerk, r); err != nil {
		t.Errorf("with room again: %v", err)
	}
	w.law()

	// An order in doubt needs room too.
	w.cards[wang].Swipe()
	w.remove(reader)
	o := w.doubtOf(request2)
	w.store.SetNoRoom(true)
	w.insert(wang)
	_, err = w.svc.Retry(bg, w.clerk, o.ID)
	w.wantCode(err, counter.CodeNoRoom)
}

// Promise 10: no secret appears in a log or an error text, and names and phone numbers are masked. newWorld checks the
// log of every test of this package; here is one that says much.
func TestPromise10NothingSecretIsLogged(t *testing.T) {
	w := newWorld(t)
	var said strings.Builder
	for code, provoke := range refusals {
		inner := newWorld(t)
		err := provoke(inner)
		if err == nil {
			t.Errorf("%s: no refusal", code)
			continue
		}
		said.WriteString(err.Error() + "\n" + inner.logs.String())
	}
	if _, err := w.svc.Login(bg, password, password); err == nil { // the password typed into the name field
		t.Error("logged in with a password for a name")
	}
	said.WriteString(w.logs.String())
	w.noSecretIn(said.String())
	if !strings.Contains(said.String(), "card write without proof") {
		t.Error("the log says too little to prove anything")
	}
}

// noSecretIn fails when a text holds what must not leave the ledger.
func (w *world) noSecretIn(text string) {
	w.t.Helper()
	secrets := []string{"王小明", "李华", "13812345678", "13987654321", password, "argon2id"}
	for _, s := range []counter.Session{w.clerk, w.leader} {
		if s.Token != "" {
			secrets = append(secrets, s.Token)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			w.t.Errorf("%q is in a text that must not hold it", secret)
		}
	}
}

// Promise 11: nobody sells or gives money back without a named login, and not with a role that may not.
func TestPromise11NobodyActsWithoutALogin(t *testing.T) {
	w := newWorld(t)
	o := w.doubt()
	d := w.insert(wang)
	acts := map[string]func(s counter.Session) error{
		"quote": func(s counter.Session) error {
			_, err := w.svc.Quote(bg, s, counter.Ask{Reader: reader, Insertion: d.Insertion, Volume: m3})
			return err
		},
		"sell": func(s counter.Session) error {
			_, err := w.svc.Sell(bg, s, counter.Sell{Request: request2, Ask: counter.Ask{Reader: reader, Insertion: d.Insertion, Volume: m3}, Volume: m3, Amount: 265})
			return err
		},
		"retry": func(s counter.Session) error { _, err := w.svc.Retry(bg, s, o.ID); return err },
		"void":  func(s counter.Session) error { return w.svc.Void(bg, s, o.ID) },
		"receipt again": func(s counter.Session) error {
			_, err := w.svc.Receipt(bg, s, o.ID, true)
			return err
		},
		"receipt": func(s counter.Session) error { _, err := w.svc.Receipt(bg, s, o.ID, false); return err },
		"search":  func(s counter.Session) error { _, err := w.svc.Search(bg, s, "1", 5); return err },
	}
	gone := w.login("chen")
	w.svc.Logout(gone.Token)
	strangers := map[string]counter.Session{
		"nobody": {}, "made up": {Token: "x", Operator: "chen", Role: counter.Clerk}, "logged out": gone,
	}
	for act, do := range acts {
		for who, s := range strangers {
			if got := code(do(s)); got != counter.CodeNoSession {
				t.Errorf("%s may %s: %q", who, act, got)
			}
		}
		for _, role := range []string{"qian", "sun", "admin"} {
			s := w.login(role)
			s.Role = counter.Leader // what the caller says of itself counts for nothing
			look := act == "search" || act == "receipt" && role != "sun"
			if got := code(do(s)); (got == counter.CodeForbidden) == look {
				t.Errorf("%s may %s: %q", role, act, got)
			}
		}
	}
	if got := w.store.Orders(); len(got) != 1 || got[0].State != counter.InDoubt {
		t.Errorf("orders %+v", got)
	}
}

// A session outlives neither its operator nor its role.
func TestPromise11DisabledOperatorSellsNoMore(t *testing.T) {
	for name, edit := range map[string]func(*counter.Operator){
		"disabled": func(o *counter.Operator) { o.Disabled = true },
		"degraded": func(o *counter.Operator) { o.Role = counter.Finance },
	} {
		w := newWorld(t)
		d := w.insert(wang)
		w.put(func(tx counter.Tx) error {
			o, err := tx.Operator("chen")
			edit(&o)
			if err == nil {
				err = tx.PutOperator(o)
			}
			return err
		})
		_, err := w.sell(d, request1, m3)
		if code(err) != counter.CodeForbidden {
			t.Errorf("%s: %v", name, err)
		}
		w.law()
	}
}

// What is on record names who did it.
func TestPromise11OrdersNameTheirOperators(t *testing.T) {
	w := newWorld(t)
	o := w.doubt()
	w.insert(wang)
	if err := w.svc.Void(bg, w.leader, o.ID); err != nil {
		t.Fatal(err)
	}
	if o = w.order(o.ID); o.Operator != "chen" || o.ClosedBy != "zhou" {
		t.Errorf("order of %q, closed by %q", o.Operator, o.ClosedBy)
	}
}

func TestSessionsEnd(t *testing.T) {
	w := newWorld(t)
	s := w.login("chen")
	w.turn(29 * time.Minute)
	if _, err := w.svc.Session(s.Token); err != nil {
		t.Fatal(err)
	}
	w.turn(29 * time.Minute) // prolonged by its use
	if _, err := w.svc.Session(s.Token); err != nil {
		t.Fatal(err)
	}
	w.turn(30 * time.Minute)
	_, err := w.svc.Session(s.Token)
	w.wantCode(err, counter.CodeNoSession)

	s = w.login("chen")
	for range 35 { // used all the time, it ends with the limit
		w.turn(20 * time.Minute)
		if _, err := w.svc.Session(s.Token); err != nil {
			t.Fatal(err)
		}
	}
	w.turn(20 * time.Minute)
	_, err = w.svc.Session(s.Token)
	w.wantCode(err, counter.CodeNoSession)
	w.svc.Logout("nobody")
}
