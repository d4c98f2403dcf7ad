package storage

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Layout of bbolt pages (bbolt 1.5.0, internal/common/page.go): a header of id, flags, count and overflow, then elements
// of 16 bytes, which point to their key and value relative to themselves.
const (
	headerSize   = 16
	elementSize  = 16
	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10
	bucketLeaf   = 0x01
	noFreelist   = ^uint64(0)
)

// tree verifies that the pages of a bbolt file form a tree. bbolt follows page numbers without looking back: one flipped
// bit in a branch page can send it round for ever.
type tree struct {
	file io.ReaderAt
	end  uint64              // number of pages
	seen map[uint64]struct{} // pages in use
	full bool                // read every leaf too; without, those of the lowest level are only counted
	idle [][]byte            // pages in memory that may be used again
}

// verify walks the tree of the newest meta page. full also compares with the list of free pages, which reads everything.
func (t *tree) verify(meta []byte) error {
	t.end = binary.LittleEndian.Uint64(meta[metaPgidAt:])
	t.seen = map[uint64]struct{}{0: {}, 1: {}}
	if err := t.bucket(binary.LittleEndian.Uint64(meta[metaRootAt:]), true); err != nil {
		return err
	}
	if free := binary.LittleEndian.Uint64(meta[metaFreeAt:]); free != noFreelist {
		return t.freelist(free)
	}
	return nil
}

// bucket walks the tree of one bucket; top is the one that holds all others.
func (t *tree) bucket(root uint64, top bool) error {
	level := []uint64{root}
	for len(level) > 0 {
		var below []uint64
		leaves := false
		for i, id := range level {
			if leaves && !t.full && !top {
				if err := t.take(id, 0); err != nil { // its neighbour is a leaf, so it has nothing below
					return err
				}
				continue
			}
			p, err := t.page(id)
			if err != nil {
				return err
			}
			if i > 0 && leaves != p.is(flagLeaf) {
				return fmt.Errorf("page %d is on the wrong level: %w", id, ErrDamaged)
			}
			if leaves = p.is(flagLeaf); leaves {
				err = t.leaf(p)
			} else {
				below, err = p.children(below)
			}
			if err != nil {
				return err
			}
			t.done(p)
		}
		level = below
	}
	return nil
}

// leaf walks the buckets that a leaf page holds.
func (t *tree) leaf(p page) error {
	for i := range p.count {
		e := p.element(i)
		at, ksize, vsize := e.u32(4), e.u32(8), e.u32(12)
		if uint64(e.at)+uint64(at)+uint64(ksize)+uint64(vsize) > uint64(len(p.data)) {
			return fmt.Errorf("page %d points outside itself: %w", p.id, ErrDamaged)
		}
		if e.u32(0)&bucketLeaf == 0 {
			continue
		}
		value := p.data[e.at+int(at)+int(ksize):][:vsize]
		if len(value) < headerSize {
			return fmt.Errorf("page %d has half a bucket: %w", p.id, ErrDamaged)
		}
		root := binary.LittleEndian.Uint64(value)
		if root == 0 {
			if err := inline(value[headerSize:]); err != nil {
				return err
			}
			continue
		}
		if err := t.bucket(root, false); err != nil {
			return err
		}
	}
	return nil
}

// inline checks a small bucket that lies within its parent's value. It cannot hold another one.
func inline(data []byte) error {
	p, err := parsePage(data)
	if err != nil || !p.is(flagLeaf) {
		return fmt.Errorf("a bucket within a page is no leaf: %w", ErrDamaged)
	}
	for i := range p.count {
		e := p.element(i)
		if uint64(e.at)+uint64(e.u32(4))+uint64(e.u32(8))+uint64(e.u32(12)) > uint64(len(data)) || e.u32(0)&bucketLeaf != 0 {
			return fmt.Errorf("a bucket within a page points outside itself: %w", ErrDamaged)
		}
	}
	return nil
}

// freelist verifies that no page is free and in use.
func (t *tree) freelist(id uint64) error {
	p, err := t.page(id)
	if err != nil {
		return err
	}
	ids := p.data[headerSize:]
	n := uint64(p.count)
	if n == 0xFFFF { // then the first entry is the count
		n, ids = binary.LittleEndian.Uint64(ids), ids[8:]
	}
	if !p.is(flagFreelist) || n > uint64(len(ids))/8 {
		return fmt.Errorf("page %d is no list of free pages: %w", id, ErrDamaged)
	}
	for i := range n {
		free := binary.LittleEndian.Uint64(ids[8*i:])
		_, used := t.seen[free]
		if free >= t.end || (used && t.full) {
			return fmt.Errorf("page %d is free and in use: %w", free, ErrDamaged)
		}
	}
	return nil
}

// take notes that a page and those it flows over into are used, once.
func (t *tree) take(id uint64, overflow uint32) error {
	if id >= t.end || uint64(overflow) >= t.end-id {
		return fmt.Errorf("page %d is outside the file: %w", id, ErrDamaged)
	}
	for i := id; i <= id+uint64(overflow); i++ {
		if _, again := t.seen[i]; again {
			return fmt.Errorf("page %d is used twice: %w", i, ErrDamaged)
		}
		t.seen[i] = struct{}{}
	}
	return nil
}

// memory is that of a page that is done with, or new.
func (t *tree) memory() []byte {
	if n := len(t.idle); n > 0 {
		data := t.idle[n-1]
		t.idle = t.idle[:n-1]
		return data
	}
	return make([]byte, pageSize)
}

// done gives the memory of a page back: a start walks tens of thousands.
func (t *tree) done(p page) {
	if len(p.data) == pageSize {
		t.idle = append(t.idle, p.data)
	}
}

// page reads a page that has not been met before.
func (t *tree) page(id uint64) (page, error) {
	if id >= t.end {
		return page{}, fmt.Errorf("page %d is outside the file: %w", id, ErrDamaged)
	}
	data := t.memory()
	if _, err := t.file.ReadAt(data, int64(id)*pageSize); err != nil {
		return page{}, fmt.Errorf("read page %d: %w", id, err)
	}
	p := page{overflow: binary.LittleEndian.Uint32(data[12:])}
	if err := t.take(id, p.overflow); err != nil {
		return page{}, err
	}
	if p.overflow > 0 {
		data = make([]byte, (int64(p.overflow)+1)*pageSize)
		if _, err := t.file.ReadAt(data, int64(id)*pageSize); err != nil {
			return page{}, fmt.Errorf("read page %d: %w", id, err)
		}
	}
	p, err := parsePage(data)
	if err == nil && p.id != id {
		err = fmt.Errorf("page %d says that it is page %d: %w", id, p.id, ErrDamaged)
	}
	return p, err
}
