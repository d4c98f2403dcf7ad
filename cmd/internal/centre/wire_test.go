package centre_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tally/cmd/internal/control"
	"tally/counter"
	"tally/sync/contract"
)

// What nodes emit and what the contract describes are written in different rooms. They must not part.
func TestTheContractDescribesWhatNodesEmit(t *testing.T) {
	for _, pair := range [][2]any{
		{counter.CardOperation{}, contract.CardOperation{}}, {counter.CardMismatch{}, contract.CardMismatch{}}, {counter.SaleLock{}, contract.SaleLock{}},
		{counter.AccountDelta{}, contract.AccountDelta{}}, {counter.CardReport{}, contract.CardReport{}},
		{control.ExportQuery{}, contract.Export{}},
	} {
		emitted, described := shape(reflect.TypeOf(pair[0])), shape(reflect.TypeOf(pair[1]))
		if !slices.Equal(emitted, described) {
			t.Errorf("%T\nemitted   %v\ndescribed %v", pair[1], emitted, described)
		}
	}
}

// shape is how a type looks in JSON: names with kinds, in order.
func shape(t reflect.Type) (out []string) {
	switch {
	case t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[contract.Time]():
		return []string{"time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return []string{"any"}
	}
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if tag := f.Tag.Get("json"); tag != "" && tag != "-" {
				out = append(out, tag+fmt.Sprint(shape(f.Type)))
			}
		}
		slices.Sort(out)
		return out
	case reflect.Pointer, reflect.Slice:
		return shape(t.Elem())
	case reflect.Map:
		return append([]string{"map"}, shape(t.Elem())...)
	}
	return []string{t.Kind().String()}
}

// Every constant Type… of a package that emits is a type that the contract lists.
func TestEveryEmittedTypeIsListed(t *testing.T) {
	var known []string
	for _, typ := range contract.RecordTypes() {
		known = append(known, typ.Name)
	}
	found := 0
	for _, dir := range []string{"../../../counter", "../../../storage", "../daemon"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for name, value := range typeConstants(t, file) {
				if found++; !slices.Contains(known, value) {
					t.Errorf("%s: %s = %q is not in contract.RecordTypes", file, name, value)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d types found", found)
	}
}

func typeConstants(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			if !strings.HasPrefix(name.Name, "Type") || i >= len(spec.Values) {
				continue
			}
			if lit, ok := spec.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				out[name.Name], _ = strconv.Unquote(lit.Value)
			}
		}
		return true
	})
	return out
}
