package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tally/meter/decode"
	"tally/meter/telegram"
)

// problemTexts are the sentences that the decoders' sources say about frames: the field Text of a problem, and the text
// that their small helpers take. Sources of drivers speak of answers, not of frames, and are not asked.
func problemTexts(t *testing.T) map[string]string {
	t.Helper()
	helpers := map[string]int{"Wrong": 4, "wrongTime": 2, "notATime": 2, "note": 3}
	drivers := map[string]bool{"driver.go": true, "history.go": true, "ability.go": true, "parts.go": true, "valve.go": true, "stored.go": true}
	texts := map[string]string{}
	add := func(file string, e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				texts[s] = file
			}
		}
	}
	for _, room := range []string{"telegram", "cjt188", "dlt645", "mbus", "modbus/frame", "decode"} {
		files, err := filepath.Glob(filepath.Join("../../../meter", room, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", room, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") || drivers[filepath.Base(name)] {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CompositeLit:
					for _, e := range n.Elts {
						kv, ok := e.(*ast.KeyValueExpr)
						if ok && isIdent(kv.Key, "Text") && hasKey(n, "Code") {
							add(name, kv.Value)
						}
					}
				case *ast.AssignStmt:
					if sel, ok := n.Lhs[0].(*ast.SelectorExpr); ok && sel.Sel.Name == "Text" && isIdent(sel.X, "p") {
						add(name, n.Rhs[0])
					}
				case *ast.CallExpr:
					fun := ""
					switch c := n.Fun.(type) {
					case *ast.Ident:
						fun = c.Name
					case *ast.SelectorExpr:
						fun = c.Sel.Name
					}
					if at, ok := helpers[fun]; ok && len(n.Args) > at {
						add(name, n.Args[at])
					}
				}
				return true
			})
		}
	}
	return texts
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func hasKey(c *ast.CompositeLit, key string) bool {
	for _, e := range c.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && isIdent(kv.Key, key) {
			return true
		}
	}
	return false
}

// TestEveryProblemOfAFrameIsSaidInChinese: both languages say the same.
func TestEveryProblemOfAFrameIsSaidInChinese(t *testing.T) {
	a := &app{lang: "zh"}
	texts := problemTexts(t)
	if len(texts) < 50 {
		t.Fatalf("found %d sentences", len(texts))
	}
	for text, file := range texts {
		if a.frameSentence(text) == text {
			t.Errorf("%s: %q", file, text)
		}
	}
}

// TestSentencesWithAPart: what varies in a sentence is said too.
func TestSentencesWithAPart(t *testing.T) {
	zh, en := &app{lang: "zh"}, &app{lang: "en"}
	for text, want := range map[string]string{
		"unit of volume is not known": "体积的单位未知", "registers of flow hold no number": "流量的寄存器不是数值", "more follows; ask with 12": "有后续数据；用 12 读取",
		"meter refuses: no such data": "表计拒绝：无请求数据", "meter refuses to read": "表计拒绝读数据", "more than ten DIFE": "DIFE 超过十个", "something new": "something new",
	} {
		if got := zh.frameSentence(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if en.frameSentence(text) != text {
			t.Errorf("English changes %q", text)
		}
	}
}

func TestNamesOfValues(t *testing.T) {
	zh, en := &app{lang: "zh"}, &app{lang: "en"}
	for name, want := range map[string]string{"volume": "体积", "energy_import_a": "电能 正向 A相", "volume_per_input_pulse_0": "volume per input pulse 0", "temperature_supply": "供水温度"} {
		if got := zh.frameName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if got := en.frameName(name); got != strings.ReplaceAll(name, "_", " ") {
			t.Errorf("%s: %s in English", name, got)
		}
	}
}

// TestFrameTextIsSafe: a meter's text cannot command the terminal.
func TestFrameTextIsSafe(t *testing.T) {
	r := telegram.Report{Protocol: decode.MBus, Fit: telegram.FitWhole, Values: []telegram.Value{{Name: "model\x1b[2J", Text: "A\x1b[2JB", Unit: "\x1b]0;"}}}
	r.Frame.Add("id", "\x1b[31m")
	r.Fault(&telegram.Problem{Code: telegram.NotHex, Got: "\x1b", Text: "is no hexadecimal digit"})
	for _, lang := range []string{"en", "zh"} {
		if text := (&app{lang: lang}).frameText(r); strings.Contains(text, "\x1b") {
			t.Errorf("%q", text)
		}
	}
}
