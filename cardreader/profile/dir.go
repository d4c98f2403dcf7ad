package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// LoadDir reads an operator's own profiles: every .toml file of a folder. A profile that has the name of a shipped one, or
// of another in the folder, is an error: two layouts under one name would be two meanings of one plan in the journal.
func LoadDir(dir string) ([]*Profile, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read card profiles: %w", err)
	}
	var all []*Profile
	var bad []error
	for _, f := range files {
		if f.IsDir() || !strings.EqualFold(filepath.Ext(f.Name()), ".toml") {
			continue
		}
		p, err := loadFile(filepath.Join(dir, f.Name()))
		if err == nil && (slices.Contains(List(), p.Name) || slices.ContainsFunc(all, func(q *Profile) bool { return q.Name == p.Name })) {
			err = &Error{File: f.Name(), Problems: []Problem{{Line: 1, Key: "name", Msg: fmt.Sprintf("there is another profile %q: want another name or version", p.Name)}}}
		}
		if err != nil {
			bad = append(bad, err)
			continue
		}
		all = append(all, p)
	}
	return all, errors.Join(bad...)
}

// maxProfile is more than any layout needs.
const maxProfile = 256 << 10

func loadFile(path string) (*Profile, error) {
	if fi, err := os.Stat(path); err != nil || !fi.Mode().IsRegular() || fi.Size() > maxProfile {
		return nil, errors.Join(err, fmt.Errorf("%s is no profile: want a file of at most %d bytes", filepath.Base(path), maxProfile))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read card profile: %w", err)
	}
	return Load(filepath.Base(path), data)
}
