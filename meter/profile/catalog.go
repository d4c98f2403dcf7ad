package profile

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
)

//go:embed models/*.toml
var builtin embed.FS

// Catalog is a set of models by name.
type Catalog struct{ models map[string]*Profile }

// ErrUnknown says that no model has that name.
var ErrUnknown = errors.New("no such meter model")

// Builtin returns the models that come with tally.
func Builtin() (*Catalog, error) {
	sub, err := fs.Sub(builtin, "models")
	if err != nil {
		return nil, err
	}
	c := &Catalog{models: map[string]*Profile{}}
	return c, c.Extend(sub)
}

// Extend adds every *.toml in the folder dir. A model of the same name replaces the one that was there: an operator may
// correct what tally brings. All files are looked at, the error names every bad one.
func (c *Catalog) Extend(dir fs.FS) error {
	names, err := fs.Glob(dir, "*.toml")
	if err != nil {
		return fmt.Errorf("list models: %w", err)
	}
	var bad []error
	here := map[string]string{}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			bad = append(bad, fmt.Errorf("read model: %w", err))
			continue
		}
		p, err := Parse(path.Base(name), text)
		switch {
		case err != nil:
			bad = append(bad, err)
		case here[p.Model] != "":
			bad = append(bad, fmt.Errorf("%s: model %q is in %s already", name, p.Model, here[p.Model]))
		default:
			here[p.Model] = name
			c.models[p.Model] = p
		}
	}
	return errors.Join(bad...)
}

// Get returns a model by name, or an error matching ErrUnknown.
func (c *Catalog) Get(model string) (*Profile, error) {
	p, ok := c.models[model]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, model)
	}
	return p, nil
}

// Models lists all models by name.
func (c *Catalog) Models() []*Profile {
	var all []*Profile
	for _, name := range slices.Sorted(maps.Keys(c.models)) {
		all = append(all, c.models[name])
	}
	return all
}
