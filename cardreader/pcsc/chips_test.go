//go:build !nopcsc && linux && cgo

package pcsc_test

import (
	"bytes"
	"testing"

	"tally/cardreader"
	"tally/cardreader/at88sc102"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/cpucard"
	"tally/cardreader/guard"
	"tally/cardreader/mifare"
	"tally/cardreader/pcsc"
	"tally/cardreader/sle4442"
)

// insertAndOpen puts a card into the bench's reader and opens it.
func insertAndOpen(t *testing.T, b bench, w *cardtest.Watcher, d cardsim.Device) cardreader.Card {
	t.Helper()
	insert(t, b, d)
	return mustOpen(t, b, w.Await(cardreader.CardInserted, b.name).Insertion)
}

// TestEveryChipThroughPCSCD writes and reads back one of each kind and dialect through the real service.
func TestEveryChipThroughPCSCD(t *testing.T) {
	t.Parallel() // beside TestConformance
	p := cardtest.StartPCSCD(t)
	b := newBench(t, p, pcsc.Options{})
	w := cardtest.Watch(t, b.src)
	for _, c := range []struct {
		name string
		dev  cardsim.Device
		sell func(t *testing.T, card cardreader.Card) (wrote, read []byte)
	}{
		{"old ACS", cardsim.OldACS(newChip()), sell4442(sle4442.OldACS)},
		{"OMNIKEY", cardsim.OMNIKEY(newChip()), sell4442(sle4442.OMNIKEY)},
		{"AT88SC102", cardsim.ACS102(cardsim.NewAT88SC102(cardsim.AT88SC102Options{Code: [2]byte{1, 2}})), sell102},
		{"CPU card", cardsim.NewCOS(cardsim.COSOptions{
			AID: []byte("GAS"), Vend: cpucard.TripleDES.Diversify(cpucard.Key{1}, cpucard.Serial{}), Line: cpucard.TripleDES.Diversify(cpucard.Key{2}, cpucard.Serial{}),
		}), sellCPU},
		{"Mifare Classic", cardsim.NewMifare(cardsim.MifareOptions{A: [6]byte{1}, B: [6]byte{2}}), sellMifare},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.With(t)
			card := insertAndOpen(t, b, w, c.dev)
			if wrote, read := c.sell(t, card); len(wrote) == 0 || !bytes.Equal(wrote, read) {
				t.Errorf("wrote % X, read % X", wrote, read)
			}
			card.Close()
			if err := b.Remove(); err != nil {
				t.Error(err)
			}
			w.Await(cardreader.CardRemoved, b.name)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sell4442(d sle4442.Dialect) func(*testing.T, cardreader.Card) ([]byte, []byte) {
	return func(t *testing.T, card cardreader.Card) ([]byte, []byte) {
		s := secret
		s.Blind = true
		m, err := sle4442.Open(t.Context(), card, d, new(guard.Guard), s)
		must(t, err)
		must(t, m.Unlock(t.Context()))
		data := bytes.Repeat([]byte{0xA5}, 200)
		must(t, m.Write(t.Context(), 0x30, data))
		got, err := m.Read(t.Context(), 0x30, len(data))
		must(t, err)
		return data, got
	}
}

func sell102(t *testing.T, card cardreader.Card) ([]byte, []byte) {
	m, err := at88sc102.Open(t.Context(), card, new(guard.Guard), at88sc102.Secret{Code: at88sc102.Code{1, 2}, Issued: true})
	must(t, err)
	must(t, m.Unlock(t.Context()))
	must(t, m.Erase(t.Context(), at88sc102.Zone1))
	data := bytes.Repeat([]byte{0xA5}, 60)
	must(t, m.Write(t.Context(), at88sc102.Zone1.Addr()+2, data))
	got, err := m.Read(t.Context(), at88sc102.Zone1.Addr()+2, len(data))
	must(t, err)
	return data, got
}

func sellCPU(t *testing.T, card cardreader.Card) ([]byte, []byte) {
	m, err := cpucard.Open(t.Context(), card, new(guard.Guard), cpucard.SoftKeys{Vend: cpucard.Key{1}, Line: cpucard.Key{2}}, cpucard.App{AID: []byte("GAS")})
	must(t, err)
	must(t, m.Unlock(t.Context()))
	data := bytes.Repeat([]byte{0xA5}, 48)
	must(t, m.UpdateRecord(t.Context(), 1, 3, data))
	got, err := m.ReadRecord(t.Context(), 1, 3, len(data))
	must(t, err)
	return data, got
}

func sellMifare(t *testing.T, card cardreader.Card) ([]byte, []byte) {
	m, err := mifare.Open(t.Context(), card, new(guard.Guard), mifare.Secret{A: mifare.Key{1}, B: mifare.Key{2}, Issued: true})
	must(t, err)
	data := bytes.Repeat([]byte{0xA5}, mifare.BlockSize)
	must(t, m.WriteBlock(t.Context(), 5, data))
	must(t, m.StoreValue(t.Context(), 6, -7))
	must(t, m.Increment(t.Context(), 6, 10))
	if v, err := m.ReadValue(t.Context(), 6); err != nil || v != 3 {
		t.Errorf("value %d, %v", v, err)
	}
	got, err := m.ReadBlock(t.Context(), 5)
	must(t, err)
	return data, got
}
