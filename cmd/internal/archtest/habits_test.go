package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the module's folder, seen from this one.
const root = "../../.."

// file is one parsed source file with its path from the root.
type file struct {
	path string
	ast  *ast.File
	set  *token.FileSet
}

func (f file) at(n ast.Node) string {
	return f.path + ":" + strings.TrimPrefix(f.set.Position(n.Pos()).String(), f.set.Position(n.Pos()).Filename+":")
}

func sources(t *testing.T) []file {
	t.Helper()
	var files []file
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "var" || d.Name() == "bin" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		parsed, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		rel, _ := filepath.Rel(root, path)
		files = append(files, file{filepath.ToSlash(rel), parsed, set})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// calls visits every pkg.Name selector of a file.
func calls(f file, visit func(n ast.Node, selector string)) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				visit(n, x.Name+"."+sel.Sel.Name)
			}
		}
		return true
	})
}

// noQuantity are functions whose floats are no quantity: bbolt wants the fill of a page as one.
var noQuantity = map[string]bool{"storage/layout.go fillOf": true}

// TestPromise8NoFloats: money and volume are integers with units; no float touches them.
func TestPromise8NoFloats(t *testing.T) {
	for _, f := range sources(t) {
		if strings.HasSuffix(f.path, "_test.go") ||
			!(in(f.path, "counter") || in(f.path, "cardreader") || in(f.path, "storage") || in(f.path, "meter/quantity")) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				return !noQuantity[f.path+" "+n.Name.Name]
			case *ast.Ident:
				if n.Name == "float32" || n.Name == "float64" {
					t.Errorf("%s: %s where money and volume live", f.at(n), n.Name)
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT {
					t.Errorf("%s: float %s where money and volume live", f.at(n), n.Value)
				}
			}
			return true
		})
	}
}

// TestNoSleepInTests: a test waits for the event or turns the clock. Inside a testing/synctest bubble time.Sleep turns
// the clock, so files that use one may call it.
func TestNoSleepInTests(t *testing.T) {
	for _, f := range sources(t) {
		if !strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		bubble := false
		calls(f, func(_ ast.Node, s string) { bubble = bubble || s == "synctest.Test" || s == "synctest.Wait" })
		calls(f, func(n ast.Node, s string) {
			if s == "time.Sleep" && !bubble {
				t.Errorf("%s: sleeps", f.at(n))
			}
		})
	}
}

// TestNoExitFromLibraries: only main decides when the process ends, and nothing registers itself.
func TestNoExitFromLibraries(t *testing.T) {
	for _, f := range sources(t) {
		if strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: registers itself with init", f.at(fn))
			}
		}
		if f.ast.Name.Name == "main" {
			continue
		}
		calls(f, func(n ast.Node, s string) {
			if s == "os.Exit" || s == "log.Fatal" || s == "log.Fatalf" {
				t.Errorf("%s: %s", f.at(n), s)
			}
		})
	}
}

// TestEveryPackageIsDocumented asks for a package comment.
func TestEveryPackageIsDocumented(t *testing.T) {
	for _, p := range list(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// TestLayout: mains are small, and the folders whose names are no Go package names hold no Go files.
func TestLayout(t *testing.T) {
	for _, dir := range []string{"sync", "firmware-tools"} {
		found, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil || len(found) > 0 {
			t.Errorf("%s holds Go files: %v %v", dir, found, err)
		}
	}
	for _, name := range []string{"tallyd", "tally", "tally-central"} {
		text, err := os.ReadFile(filepath.Join(root, "cmd", name, "main.go"))
		if err != nil {
			t.Error(err)
		}
		if lines := strings.Count(string(text), "\n"); lines > 40 {
			t.Errorf("cmd/%s/main.go has %d lines; mains have at most 40", name, lines)
		}
	}
}
