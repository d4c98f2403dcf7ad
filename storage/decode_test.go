package storage

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"tally/meter"
	"tally/meter/quantity"
	"tally/sync/contract"
)

// FuzzInspectAgreesWithBbolt: what inspect lets pass, bbolt can open, map and read without a fault; a file that bbolt
// made always passes.
func FuzzInspectAgreesWithBbolt(f *testing.F) {
	good := freshFile(f)
	f.Add(good, uint16(0), byte(0), uint16(0))
	f.Add(good, uint16(metaPgidAt), byte(0xff), uint16(0))
	f.Add(good, uint16(pageSize+metaSumAt), byte(1), uint16(3))
	f.Add([]byte("short"), uint16(0), byte(1), uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, at uint16, flip byte, cut uint16) {
		data = append([]byte{}, data...)
		if int(at) < len(data) {
			data[at] ^= flip
		}
		data = data[:len(data)-min(int(cut), len(data))]
		path := filepath.Join(t.TempDir(), "x.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := inspect(path, true); err != nil {
			if !errors.Is(err, ErrDamaged) || string(data) == string(good) {
				t.Errorf("inspect: %v", err)
			}
			return
		}
		b, err := openBolt(path, Hooks{}, true)
		if err != nil {
			return // refused in words
		}
		defer b.close()
		b.view(func(tx *bbolt.Tx) error { return touch(tx) }) // must come back, whatever it says
	})
}

func freshFile(f *testing.F) []byte {
	f.Helper()
	path := filepath.Join(f.TempDir(), "fresh.db")
	if err := makeBolt(path, Hooks{}, createBuckets(ledgerTree)); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return data[:20*pageSize]
}

// FuzzDecimalComesBack: what a decimal prints is read as the same decimal.
func FuzzDecimalComesBack(f *testing.F) {
	f.Add(int64(55667700), uint8(2))
	f.Add(int64(-5), uint8(2))
	f.Add(int64(0), uint8(18))
	f.Add(int64(-1<<63), uint8(0))
	f.Fuzz(func(t *testing.T, n int64, scale uint8) {
		want := quantity.Decimal{Unscaled: n, Scale: scale % 19}
		if diff := cmp.Diff(want, decimalOf(want.String())); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzRecordsOnDisk: whatever lies where a record should be, the readers say so and do not panic.
func FuzzRecordsOnDisk(f *testing.F) {
	f.Add([]byte(`{"seq":1,"id":"a","type":"reading","at":"2026-11-21T12:00:00.000Z","body":{"meter":"m","values":[{"value":"1.x"}],"raw":"zz"}}`))
	f.Add([]byte(`{"seq":1,"type":"reading_failed","body":7}`))
	f.Add([]byte(`{`))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) == 0 {
			return
		}
		r := readings{latest: make(map[meter.ID]Latest)}
		var rec contract.Record
		if err := r.seeRecord(raw); err == nil && json.Unmarshal(raw, &rec) != nil {
			t.Error("a record that is none was taken")
		}
		if err := sound(raw, 1); err == nil && raw[0] != '{' {
			t.Error("sound is what does not begin as an object")
		}
	})
}

// FuzzManifest: a backup's own words never lead outside of it.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"v":1,"files":{"ledger.db":{"size":1,"sha256":"00"}}}`))
	f.Add([]byte(`{"v":1,"files":{"ledger.db":{},"../../etc/passwd":{}}}`))
	f.Add([]byte(`{"v":1,"files":{"ledger.db":{},"/x":{}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, manifestName), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := ReadManifest(dir)
		for name := range m.Files {
			if err == nil && !filepath.IsLocal(filepath.FromSlash(name)) {
				t.Errorf("%q leads outside", name)
			}
		}
	})
}
