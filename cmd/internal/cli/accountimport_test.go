package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tally/cmd/internal/cli/accountcsv"
	"tally/cmd/internal/config"
)

// importing is a config with a counter, a file of that content, and what tallyd says to importing it.
func importing(t *testing.T, csv string, deps TallydDeps) (code int, said string) {
	t.Helper()
	dir := t.TempDir()
	toml := "node = \"n\"\ndata_dir = \"data\"\n[counter]\nenabled = true\nregion = \"0571\"\n[[counter.tariff]]\nclass = \"residential\"\nfrom = 2020-01-01\ntiers = [{ price = \"2.65\" }]\n"
	conf, file := filepath.Join(dir, "n.toml"), filepath.Join(dir, "a.csv")
	if err := errors.Join(os.WriteFile(conf, []byte(toml), 0o600), os.WriteFile(file, []byte(csv), 0o600)); err != nil {
		t.Fatal(err)
	}
	env, out, errs := world("account", "import", file, "--config", conf)
	code = Tallyd(t.Context(), env, deps)
	return code, strings.ReplaceAll(out.String()+errs.String(), file, "a.csv")
}

func eightDigits(config.Cards) (int, error) { return 8, nil }

// TestImportSaysWhatItCannotShow: a hopeless file does not flood the terminal, and no problem is dropped in silence.
func TestImportSaysWhatItCannotShow(t *testing.T) {
	csv := "no,name,price_class\n" + strings.Repeat("x,,residential\n", shownProblems/2+3)
	code, said := importing(t, csv, TallydDeps{CardDigits: eightDigits})
	total := 2*(shownProblems/2+3) - 1 // each name is empty, each number but the first is taken
	want := fmt.Sprintf("tallyd: problems not shown: %d\ntallyd: problems in a.csv: %d; nothing was stored\n", total-shownProblems, total)
	if code != ExitRefused || !strings.HasSuffix(said, want) || strings.Count(said, "\n") != shownProblems+2 {
		t.Errorf("%d %s", code, said)
	}
}

// TestImportPassesFailuresOn: what is no problem of the file keeps its own exit code, with the clock of this machine.
func TestImportPassesFailuresOn(t *testing.T) {
	const csv = "no,name,price_class\n1,a,residential\n"
	broken := TallydDeps{CardDigits: eightDigits, ImportAccounts: func(context.Context, config.Node, accountcsv.Sheet, bool) (Imported, error) {
		return Imported{}, errors.New("open ledger: input/output error")
	}}
	if code, said := importing(t, csv, broken); code != ExitInternal || said != "tallyd: open ledger: input/output error\n" {
		t.Errorf("%d %s", code, said)
	}
	broken.CardDigits = func(config.Cards) (int, error) { return 0, errors.New("no such profile") }
	if code, said := importing(t, csv, broken); code != ExitInternal || said != "tallyd: no such profile\n" {
		t.Errorf("%d %s", code, said)
	}
}
