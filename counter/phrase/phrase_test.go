package phrase

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// codesIn finds every constant named Code… and every Code field set to a literal in the sources under dir; simulated
// and testing rooms are left out.
func codesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() {
			if name == "testdata" || name == "cardsim" || name == "cardtest" || name == "countertest" || name == "web" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			name, value := "", ast.Expr(nil)
			switch n := n.(type) {
			case *ast.ValueSpec:
				if len(n.Values) == 1 {
					name, value = n.Names[0].Name, n.Values[0]
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
					name, value = key.Name, n.Value
				}
			}
			lit, ok := value.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING || !strings.HasPrefix(name, "Code") && !strings.HasPrefix(name, "Why") {
				return true
			}
			code, err := strconv.Unquote(lit.Value)
			if err == nil {
				found[code] = path
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEveryCodeHasAPhraseInEachLanguage(t *testing.T) {
	codes := codesIn(t, "..")
	for code, path := range codesIn(t, "../../cardreader") {
		codes[code] = path
	}
	if len(codes) < 60 {
		t.Fatalf("only %d codes found in the sources: the search is broken", len(codes))
	}
	for code, path := range codes {
		if !Known(code) {
			t.Errorf("code %q of %s has no phrase", code, path)
			continue
		}
		for _, l := range []Lang{Chinese, English} {
			message, hint := Text(l, code, nil)
			checkText(t, l, code, message)
			checkText(t, l, code, hint)
		}
	}
	for _, code := range Codes() {
		if _, ok := codes[code]; !ok {
			t.Errorf("phrase for %q, which no source has", code)
		}
	}
}

func checkText(t *testing.T, l Lang, code, text string) {
	t.Helper()
	if text == "" || strings.ContainsAny(text, "{}[]") {
		t.Errorf("%s in %s: %q", code, l, text)
	}
	han := strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	if han != (l == Chinese) {
		t.Errorf("%s in %s is in the other language: %q", code, l, text)
	}
}

func TestNoCodeTwice(t *testing.T) {
	for code := range cardTexts {
		if _, ok := counterTexts[code]; ok {
			t.Errorf("%q is in both tables", code)
		}
	}
}

func TestEveryWordHasBothLanguages(t *testing.T) {
	for kind, table := range words {
		for word := range table {
			checkText(t, Chinese, kind+" "+word, Word(Chinese, kind, word))
			checkText(t, English, kind+" "+word, Word(English, kind, word))
		}
	}
	if got := Word(English, "state", "brand_new"); got != "brand_new" {
		t.Errorf("unknown word became %q", got)
	}
}

func TestTextArguments(t *testing.T) {
	for _, c := range []struct {
		lang Lang
		code string
		args map[string]string
		want string
	}{
		{English, "not_swiped", map[string]string{"volume": "12.3"}, "The meter has not taken the last purchase of 12.3 m³ yet."},
		{English, "not_swiped", nil, "The meter has not taken the last purchase yet."},
		{Chinese, "locked", map[string]string{"reason": "拒绝整改"}, "此用户已停售：拒绝整改。"},
		{Chinese, "locked", map[string]string{"reason": "[{by}]", "by": "x", "at": "y"}, "此用户已停售：[{by}]（x，y）。"},
		{English, "not_written", map[string]string{"why": "psc_last_try"}, "The card was read and proves that nothing was written (One try of the code is left; it was not used, so that the card is not locked for ever)."},
		{Chinese, "card_damaged", map[string]string{"damaged": "slot_a_crc slots_conflict"}, "卡上的数据已损坏（订单区 A 校验错、两个订单区矛盾）。"},
		{English, "no_such_code", nil, "The system refused this (no_such_code)."},
		{"", "busy", nil, "读卡器正在办理另一项操作。"},
	} {
		if got, _ := Text(c.lang, c.code, c.args); got != c.want {
			t.Errorf("%s %s %v:\n got %q\nwant %q", c.lang, c.code, c.args, got, c.want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("locked", "reason", "[{by}]")
	f.Add("{", "why", "]{")
	f.Fuzz(func(t *testing.T, code, key, value string) {
		Text(Chinese, code, map[string]string{key: value})
		Text(English, code, map[string]string{key: value})
	})
}
