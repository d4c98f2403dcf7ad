package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tally/cardreader/purse"
	"tally/cmd/internal/cli"
	"tally/cmd/internal/cli/accountcsv"
	"tally/cmd/internal/config"
	"tally/counter"
	"tally/meter/quantity"
	"tally/storage"
)

const m3 = quantity.CubicMetre

func stopped(t *testing.T) config.Node {
	return config.Node{Name: "node", DataDir: filepath.Join(t.TempDir(), "data")}
}

func sheet(t *testing.T, text string) accountcsv.Sheet {
	t.Helper()
	s, err := accountcsv.Parse("a.csv", []byte(text), accountcsv.Rules{Region: rigRegion, CardDigits: 8, Tariffs: rigTables, Today: "2026-11-21"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ledger runs f on the ledger of a stopped node and proves that the ledger is whole.
func ledger(t *testing.T, c config.Node, f func(counter.Tx) error) {
	t.Helper()
	err := withLedger(c, func(s *storage.Store) error {
		if err := s.Update(t.Context(), f); err != nil {
			return err
		}
		_, err := s.Check(t.Context())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func accountsOf(t *testing.T, c config.Node) (all []counter.Account) {
	t.Helper()
	ledger(t, c, func(tx counter.Tx) error {
		all = nil
		return tx.EachAccount(func(a counter.Account) bool { all = append(all, a); return true })
	})
	return all
}

const two = "no,name,price_class,card,bought_m3,address,max_purchase_m3\n" +
	"1001,王秀兰,residential,00001001,12.5,文三路 1 号,500\n1002,李建国,residential,,,,\n"

func wang() counter.Account {
	return counter.Account{
		No: "1001", Name: "王秀兰", Address: "文三路 1 号", PriceClass: "residential", Card: rigCard, PeriodStart: "2026-01-01",
		Bought: 12500, MaxPurchase: 500 * m3,
	}
}

func TestImportAccounts(t *testing.T) {
	c := stopped(t)
	for i, want := range []cli.Imported{{Added: 2}, {Same: 2}} {
		if got, err := ImportAccounts(t.Context(), c, sheet(t, two), false); err != nil || got != want {
			t.Fatalf("import %d: %+v %v", i+1, got, err)
		}
	}
	li := counter.Account{No: "1002", Name: "李建国", PriceClass: "residential", PeriodStart: "2026-01-01"}
	if diff := cmp.Diff([]counter.Account{wang(), li}, accountsOf(t, c)); diff != "" {
		t.Error(diff)
	}
}

// TestImportLeavesSalesAlone: of an account that exists only what a clerk could have mistyped is changed, and only by
// columns that the file has.
func TestImportLeavesSalesAlone(t *testing.T) {
	c := stopped(t)
	old := wang()
	old.Phone, old.Hoard, old.MaxPeriod, old.CardSeq, old.PeriodStart, old.Bought = "13800010001", 600*m3, 900*m3, 7, "2025-01-01", 99*m3
	old.Locks = []counter.Lock{{Reason: "欠费", By: "leader"}}
	ledger(t, c, func(tx counter.Tx) error { return tx.PutAccount(old) })

	s := sheet(t, "no,name,price_class,region,card,bought_m3,period_start,address,max_purchase_m3,meter\n"+
		"1001,王秀英,residential,0571,00001001,1,2026-01-01,,400,20010002\n")
	if got, err := ImportAccounts(t.Context(), c, s, false); err != nil || got != (cli.Imported{Changed: 1}) {
		t.Fatalf("%+v %v", got, err)
	}
	want := old
	want.Name, want.Address, want.MaxPurchase, want.Meter = "王秀英", "", 400*m3, "20010002"
	if diff := cmp.Diff([]counter.Account{want}, accountsOf(t, c)); diff != "" {
		t.Error(diff)
	}
	keep := sheet(t, "no,name,price_class,card\n1001,王秀英,residential,\n")
	if got, err := ImportAccounts(t.Context(), c, keep, false); err != nil || got != (cli.Imported{Same: 1}) {
		t.Errorf("an empty card cell: %+v %v", got, err)
	}
}

// TestImportIsAllOrNothing: every row that the ledger speaks against is named, and none is stored.
func TestImportIsAllOrNothing(t *testing.T) {
	c := stopped(t)
	if _, err := ImportAccounts(t.Context(), c, sheet(t, two), false); err != nil {
		t.Fatal(err)
	}
	before := accountsOf(t, c)
	s := sheet(t, "no,name,price_class,card\n0999,a,residential,00000999\n1001,b,residential,00001009\n1002,c,residential,00001002\n"+
		"1003,d,residential,00001001\n1004,e,residential,00001004\n")
	got, err := ImportAccounts(t.Context(), c, s, false)
	problems, ok := errors.AsType[accountcsv.Problems](err)
	if !ok || got != (cli.Imported{}) {
		t.Fatalf("%+v %v", got, err)
	}
	const changed = "is not the card that this account has in the ledger, and an import changes no cards; correct it or leave the cell empty"
	want := "a.csv:3: card: " + changed + "\na.csv:4: card: " + changed + "\n" +
		"a.csv:5: card: this card belongs to account 1001 in the ledger; correct the card number"
	if diff := cmp.Diff(want, problems.Text("en")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, accountsOf(t, c)); diff != "" {
		t.Error(diff)
	}
}

// TestDryRunStoresNothing: it counts, and does not even make a ledger.
func TestDryRunStoresNothing(t *testing.T) {
	c := stopped(t)
	if got, err := ImportAccounts(t.Context(), c, sheet(t, two), true); err != nil || got != (cli.Imported{Added: 2}) {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := os.Stat(c.DataDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a dry run made %s: %v", c.DataDir, err)
	}
	ledger(t, c, func(tx counter.Tx) error { return tx.PutAccount(wang()) })
	s := sheet(t, strings.Replace(two, "王秀兰", "王秀英", 1))
	if got, err := ImportAccounts(t.Context(), c, s, true); err != nil || got != (cli.Imported{Added: 1, Changed: 1}) {
		t.Errorf("%+v %v", got, err)
	}
	if diff := cmp.Diff([]counter.Account{wang()}, accountsOf(t, c)); diff != "" {
		t.Error(diff)
	}
}

// TestImportBesideARunningNode is refused, dry or not.
func TestImportBesideARunningNode(t *testing.T) {
	c := stopped(t)
	err := withLedger(c, func(*storage.Store) error {
		for _, dry := range []bool{false, true} {
			if _, err := ImportAccounts(t.Context(), c, sheet(t, two), dry); !errors.Is(err, cli.NodeRunning) || !errors.Is(err, cli.ErrRefused) {
				t.Errorf("dry %t: %v", dry, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := accountsOf(t, c); len(got) != 0 {
		t.Errorf("%d accounts", len(got))
	}
}

// TestImportedCardIsFound: the counter finds the customer by the card that was imported.
func TestImportedCardIsFound(t *testing.T) {
	c := stopped(t)
	if _, err := ImportAccounts(t.Context(), c, sheet(t, two), false); err != nil {
		t.Fatal(err)
	}
	ledger(t, c, func(tx counter.Tx) error {
		a, err := tx.AccountOfCard(purse.CardID{Region: rigRegion, No: "00001001"})
		if a.No != "1001" {
			t.Errorf("card belongs to %q", a.No)
		}
		return err
	})
}

func TestCardDigits(t *testing.T) {
	for profiles, want := range map[string]int{"": 8, "GEN4442 v1": 8, "ADD4442 v1": 10, "INC4442 v1": 12, "REP4442 v1": 8} {
		var c config.Cards
		if profiles != "" {
			c.Profiles = []string{profiles}
		}
		if got, err := CardDigits(c); err != nil || got != want {
			t.Errorf("%q: %d %v, want %d", profiles, got, err, want)
		}
	}
	if _, err := CardDigits(config.Cards{Profiles: []string{"none v1"}}); err == nil {
		t.Error("a profile that is not there has digits")
	}
}
