package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"tally/storage"
)

// sector is what a disk writes whole or not at all.
const sector = 512

// Recorder notes what is done to the disk, and makes folders as a power cut at any point would leave them. The folder
// must be empty when the recording begins, or be adopted. Nothing is synced for real: the images say what a sync is for.
type Recorder struct {
	dir     string
	through func(o storage.Op, note func() error) error

	mu  sync.Mutex
	ops []storage.Op
}

// NewRecorder records what happens below dir.
func NewRecorder(dir string) *Recorder { return &Recorder{dir: dir} }

// Adopt takes the files that lie in the folder before the recording begins, as durable as they are.
func (r *Recorder) Adopt() error {
	dirs := map[string]bool{}
	err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dirs[filepath.Dir(path)] = true
		return errors.Join(r.note(storage.Op{Kind: storage.OpWrite, Path: path, Data: data}), r.note(storage.Op{Kind: storage.OpSync, Path: path}))
	})
	if err != nil {
		return fmt.Errorf("adopt folder: %w", err)
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		_ = r.note(storage.Op{Kind: storage.OpSyncDir, Path: dir}) // noting never fails
	}
	return nil
}

// Through hands every operation to f, which calls note when it is to reach the disk, or returns the error that it ends
// in. It is set before the store is opened.
func (r *Recorder) Through(f func(o storage.Op, note func() error) error) { r.through = f }

// Hooks goes into storage.Options.
func (r *Recorder) Hooks() storage.Hooks {
	return storage.Hooks{Op: r.op, Opened: r.opened}
}

func (r *Recorder) op(o storage.Op) error {
	if r.through == nil {
		return r.note(o)
	}
	return r.through(o, func() error { return r.note(o) })
}

// opened notes what bbolt wrote and synced before it could be watched: the first pages of a new file.
func (r *Recorder) opened(path string, db any) error {
	if strings.HasSuffix(path, ".new") {
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("record new file: %w", err)
		}
		r.note(storage.Op{Kind: storage.OpWrite, Path: path, Data: b})
		r.note(storage.Op{Kind: storage.OpSync, Path: path})
	}
	return instrument(path, db, r.op, false)
}

func (r *Recorder) note(o storage.Op) error {
	if rel, err := filepath.Rel(r.dir, o.Path); err != nil || !filepath.IsLocal(rel) {
		return nil // somebody else's
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	o.Data = bytes.Clone(o.Data)
	r.ops = append(r.ops, o)
	return nil
}

// Len is how many operations were recorded so far.
func (r *Recorder) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ops)
}

// Survival says what of the unsynced a power cut leaves.
type Survival string

// Kinds of survival.
const (
	Nothing    Survival = "nothing"    // only what was synced
	Everything Survival = "everything" // every write that was begun
	Some       Survival = "some"       // any of the writes in any order, the last one torn; names up to some point
)

// Unsynced is how many writes and changes of names a power cut after the first n operations may leave out.
func (r *Recorder) Unsynced(n int) int {
	d := r.after(n)
	left := len(d.names)
	for _, f := range d.files {
		left += len(f.writes)
	}
	return left
}

// after is the disk after the first n operations.
func (r *Recorder) after(n int) simulated {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := simulated{files: make(map[string]*inode), durable: make(map[string]*inode)}
	for _, o := range r.ops[:n] {
		d.do(o)
	}
	return d
}

// Image makes in to what is left of the folder when the power is cut after the first n operations.
func (r *Recorder) Image(to string, n int, left Survival, rnd *rand.Rand) error {
	d := r.after(n)
	for path, data := range d.cut(left, rnd) {
		rel, err := filepath.Rel(r.dir, path)
		if err != nil {
			return fmt.Errorf("make image: %w", err)
		}
		target := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return fmt.Errorf("make image: %w", err)
		}
		if err := os.WriteFile(target, data, 0o600); err != nil {
			return fmt.Errorf("make image: %w", err)
		}
	}
	return nil
}

// simulated is a disk behind a cache: names and contents become durable by a sync of their own.
type simulated struct {
	files   map[string]*inode // by name, as a process sees them
	durable map[string]*inode // by name, as they are on the disk
	names   []storage.Op      // changes of names that are not durable yet
}

type inode struct {
	data   []byte       // synced
	writes []storage.Op // not synced
}

func (d *simulated) do(o storage.Op) {
	switch o.Kind {
	case storage.OpWrite:
		if d.files[o.Path] == nil {
			d.files[o.Path] = &inode{}
			d.names = append(d.names, storage.Op{Kind: opCreate, Path: o.Path})
		}
		d.files[o.Path].writes = append(d.files[o.Path].writes, o)
	case storage.OpSync:
		if f := d.files[o.Path]; f != nil {
			for _, w := range f.writes {
				f.data = apply(f.data, w.Off, w.Data)
			}
			f.writes = nil
		}
	case storage.OpSyncDir:
		d.settle(len(d.names), d.durable)
		d.names = nil
	default:
		if !slices.ContainsFunc(slices.Collect(maps.Keys(d.files)), func(name string) bool { return moved(name, o) != name }) {
			return
		}
		d.names = append(d.names, o)
		rename(d.files, o)
	}
}

const opCreate storage.OpKind = "create"

// settle makes the first n changes of names in to. The inodes are those that the process sees under the last name.
func (d *simulated) settle(n int, to map[string]*inode) {
	for i, o := range d.names[:n] {
		if o.Kind == opCreate {
			to[o.Path] = d.follow(o.Path, d.names[i+1:])
			continue
		}
		rename(to, o)
	}
	maps.DeleteFunc(to, func(_ string, f *inode) bool { return f == nil })
}

// follow finds the file that was created under a name and may have got others since.
func (d *simulated) follow(name string, later []storage.Op) *inode {
	for _, o := range later {
		if o.Kind == opCreate {
			continue
		}
		if name = moved(name, o); name == "" {
			return nil
		}
	}
	return d.files[name]
}

// moved is the name that a file has after a rename, its own or that of a folder above it, or a removal: then it is empty.
func moved(name string, o storage.Op) string {
	below, in := strings.CutPrefix(name, o.Path+string(filepath.Separator))
	switch {
	case name == o.Path && o.Kind == storage.OpRemove:
		return ""
	case name == o.Path && o.Kind == storage.OpRename:
		return o.To
	case in && o.Kind == storage.OpRename:
		return filepath.Join(o.To, below)
	}
	return name
}

// rename changes all names at once.
func rename(names map[string]*inode, o storage.Op) {
	for _, name := range slices.Collect(maps.Keys(names)) {
		to := moved(name, o)
		if to == name {
			continue
		}
		if to != "" {
			names[to] = names[name]
		}
		delete(names, name)
	}
}

// cut returns the files that a power cut leaves.
func (d *simulated) cut(left Survival, rnd *rand.Rand) map[string][]byte {
	names := maps.Clone(d.durable)
	switch left {
	case Everything:
		d.settle(len(d.names), names)
	case Some:
		d.settle(rnd.IntN(len(d.names)+1), names)
	}
	found := make(map[string][]byte)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		found[name] = names[name].cut(left, rnd)
	}
	return found
}

func (f *inode) cut(left Survival, rnd *rand.Rand) []byte {
	data := bytes.Clone(f.data)
	if left == Nothing {
		return data
	}
	writes := slices.Clone(f.writes)
	if left == Some {
		rnd.Shuffle(len(writes), func(i, j int) { writes[i], writes[j] = writes[j], writes[i] })
		writes = writes[:rnd.IntN(len(writes)+1)]
	}
	for i, w := range writes {
		part := w.Data
		if left == Some && i == len(writes)-1 {
			part = part[:rnd.IntN(len(part)/sector+1)*sector]
		}
		data = apply(data, w.Off, part)
	}
	return data
}

func apply(data []byte, off int64, part []byte) []byte {
	if end := off + int64(len(part)); end > int64(len(data)) {
		data = append(data, make([]byte, end-int64(len(data)))...)
	}
	copy(data[off:], part)
	return data
}
