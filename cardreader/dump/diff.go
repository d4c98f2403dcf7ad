package dump

import (
	"encoding/hex"

	"tally/cardreader/profile"
)

// Change is one place where two images of a card are not the same.
type Change struct {
	Addr  int    `json:"addr"`
	Len   int    `json:"len"`
	Block string `json:"block"` // empty for bytes that no field of the profile covers
	Slot  string `json:"slot"`
	Name  string `json:"name"`
	Means string `json:"means"`
	Old   string `json:"old"` // value as text where there is one, hex otherwise; empty where the image ends before
	New   string `json:"new"`
	OldIs string `json:"old_hex"`
	NewIs string `json:"new_hex"`
}

// Diff lists what differs between two images, field by field where the profile knows the bytes, and as runs of bytes
// elsewhere (checksums, commit bytes, reserved room). A nil profile compares bytes only.
func Diff(p *profile.Profile, before, after []byte) []Change {
	changes := []Change{}
	n := max(len(before), len(after))
	told := make([]bool, n)
	if p != nil {
		was, is := Explain(p, before), Explain(p, after)
		for i, f := range is {
			if i >= len(was) || was[i].Addr != f.Addr || was[i].Name != f.Name {
				break // one of the images ends early: the rest is told as bytes
			}
			if c, differs := changed(was[i], f); differs {
				mark(told, f.Addr, f.Len)
				changes = append(changes, c)
			}
		}
	}
	for at := 0; at < n; {
		run := at
		for run < n && !told[run] && at8(before, run) != at8(after, run) {
			run++
		}
		if run == at {
			at++
			continue
		}
		old, now := part(before, at, run), part(after, at, run)
		changes = append(changes, Change{Addr: at, Len: run - at, Old: old, New: now, OldIs: old, NewIs: now})
		at = run
	}
	return changes
}

func changed(was, is Field) (Change, bool) {
	old, now := was.shown(), is.shown()
	if old == now {
		return Change{}, false
	}
	return Change{is.Addr, is.Len, is.Block, is.Slot, is.Name, is.Means, old, now, was.Hex, is.Hex}, true
}

// shown is the value, or the bytes where there is no value.
func (f Field) shown() string {
	if f.Text == "" {
		return f.Hex
	}
	return f.Text
}

func mark(told []bool, at, n int) {
	for i := max(at, 0); i < at+n && i < len(told); i++ {
		told[i] = true
	}
}

// at8 is a byte, or a value that no byte has.
func at8(b []byte, i int) int {
	if i < len(b) {
		return int(b[i])
	}
	return -1
}

func part(b []byte, from, to int) string {
	if from >= len(b) {
		return ""
	}
	return hex.EncodeToString(b[from:min(to, len(b))])
}
