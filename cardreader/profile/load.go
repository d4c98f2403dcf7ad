package profile

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

//go:embed *.toml
var shipped embed.FS

// Load reads and checks one profile. name is the file's name for the errors, which are of type *Error and list
// everything that is wrong at once.
func Load(name string, data []byte) (*Profile, error) {
	p := &Profile{}
	d := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, &Error{File: name, Problems: decodeProblems(err, data)}
	}
	at, err := placesOf(data)
	if err != nil {
		return nil, &Error{File: name, Problems: []Problem{{Line: 1, Msg: err.Error()}}}
	}
	c := &checker{p: p, at: at}
	c.all()
	if len(c.found) > 0 {
		sort.SliceStable(c.found, func(i, j int) bool { return c.found[i].Line < c.found[j].Line })
		return nil, &Error{File: name, Problems: slices.Compact(c.found)} // a rule may be broken by every slot
	}
	p.Name = fmt.Sprintf("%s v%d", p.Maker, p.Version)
	return p, nil
}

// Builtin is a shipped profile by its Name, "GEN4442 v1". It is shared by all who ask for it and must not be changed.
func Builtin(name string) (*Profile, error) {
	all, err := builtins()
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("card profile %q is not shipped: have %s", name, strings.Join(List(), ", "))
}

// List names the shipped profiles, sorted.
func List() []string {
	all, err := builtins()
	if err != nil {
		return nil
	}
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

// builtins reads the shipped files once.
var builtins = sync.OnceValues(loadShipped)

func loadShipped() ([]*Profile, error) {
	files, err := shipped.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list shipped profiles: %w", err)
	}
	var all []*Profile
	for _, f := range files {
		data, err := shipped.ReadFile(f.Name())
		if err != nil {
			return nil, fmt.Errorf("read shipped profile: %w", err)
		}
		p, err := Load(f.Name(), data)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// decodeProblems turns what the TOML decoder found into located problems.
func decodeProblems(err error, data []byte) []Problem {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		at, _ := placesOf(data) // the decoder has parsed it already
		var found []Problem
		for i := range strict.Errors {
			line, _ := strict.Errors[i].Position()
			key := at.named(line, strict.Errors[i].Key())
			found = append(found, Problem{line, key, "unknown key; " + knownKeys(key)})
		}
		return found
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := e.Position()
		return []Problem{{line, strings.Join(e.Key(), "."), strings.TrimPrefix(e.Error(), "toml: ")}}
	}
	return []Problem{{Line: 1, Msg: err.Error()}}
}

// knownKeys lists what may stand in the table of a key.
func knownKeys(key string) string {
	t := reflect.TypeFor[Profile]()
	path := strings.Split(key, ".")
	for _, k := range path[:len(path)-1] {
		k, _, _ = strings.Cut(k, "[")
		f, ok := keyed(t, k)
		if !ok {
			return "no such table"
		}
		t = f
	}
	var keys []string
	for i := range t.NumField() {
		if k := t.Field(i).Tag.Get("toml"); k != "-" {
			keys = append(keys, k)
		}
	}
	return "known here: " + strings.Join(keys, ", ")
}

func keyed(t reflect.Type, key string) (reflect.Type, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Tag.Get("toml") != key {
			continue
		}
		ft := f.Type
		for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice {
			ft = ft.Elem()
		}
		return ft, ft.Kind() == reflect.Struct
	}
	return nil, false
}
