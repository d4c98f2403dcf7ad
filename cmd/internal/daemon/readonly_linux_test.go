package daemon

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"tally/cardreader/cardsim"
	"tally/counter"
	"tally/meter"
	"tally/storage"
	"tally/storage/storagetest"
)

// TestFaultTheDiskBecomesReadOnly: the kernel finds an error on the disk under a running counter and lets nothing be
// written any more. Sales are refused, with the card as it was and with the word what to do; readings are refused and
// never said to be kept. After the disk was checked and the node started anew, everything that was told is there and the
// same request sells.
func TestFaultTheDiskBecomesReadOnly(t *testing.T) {
	disk := storagetest.NewDisk(t)
	prepare(t, disk.Dir)
	cards := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	start := func() (*rig, *cardsim.SLE4442, counter.Desk) {
		t.Helper()
		chip, err := rigChip(cards)
		if err != nil {
			t.Fatal(err)
		}
		src := cardsim.NewSource(rigReader)
		r, err := openRig(disk.Dir, src, storage.Hooks{}, func(s counter.Store) counter.Store { return s })
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.login(ctx), src.Insert(rigReader, cardsim.ACS(chip))); err != nil {
			t.Fatal(err)
		}
		d, err := r.wait(ctx, settled)
		if err != nil {
			t.Fatal(err)
		}
		return r, chip, d
	}
	value := func(n int) meter.Reading { return meter.Reading{Meter: "m1", At: time.Unix(int64(n), 0), Line: "l"} }

	r, chip, d := start()
	for n := range 3 {
		if err := r.store.Keep(ctx, value(n)); err != nil {
			t.Fatal(err)
		}
	}
	before := bytes.Clone(chip.ReadMem())
	disk.BecomeReadOnly()
	for range 3 {
		_, err := r.sell(ctx, d, "request-0000000001", killVol)
		if no, ok := errors.AsType[*counter.Refusal](err); !ok || no.Code != counter.CodeStore || !errors.Is(err, storage.ErrReadOnly) {
			t.Errorf("sale: %v", err)
		}
		if err := r.store.Room(ctx); !errors.Is(err, storage.ErrReadOnly) || !errors.Is(err, counter.ErrStore) {
			t.Errorf("room: %v", err)
		}
		if err := r.store.Keep(ctx, value(9)); !errors.Is(err, counter.ErrStore) {
			t.Errorf("reading: %v", err)
		}
		if d, err = r.wait(ctx, settled); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(before, chip.ReadMem()) {
		t.Error("the card was written although nothing could be stored")
	}
	if err := r.stop(); err == nil {
		t.Error("the end of a run that could not be noted was called in order")
	}

	disk.Repair()
	r, chip, d = start()
	defer func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}()
	if got := r.store.Queue("rd").State().Next - 1; got != 3 {
		t.Errorf("%d readings, told were 3", got)
	}
	if _, err := r.sell(ctx, d, "request-0000000001", killVol); err != nil {
		t.Errorf("sale after the repair: %v", err)
	}
	if err := r.store.Keep(ctx, value(10)); err != nil {
		t.Error(err)
	}
	law(t, ctx, r, chip, 0)
}
