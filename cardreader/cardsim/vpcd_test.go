package cardsim_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"

	"tally/cardreader/cardsim"
)

// driver plays vpcd's side of the connection.
type driver struct {
	t    *testing.T
	conn net.Conn
	done chan error
	stop context.CancelFunc
	addr string
}

func plug(t *testing.T, d cardsim.Device) *driver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	v := &driver{t: t, done: make(chan error, 1), stop: cancel, addr: l.Addr().String()}
	go func() { v.done <- cardsim.PlugVPCD(ctx, v.addr, d) }()
	if v.conn, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); v.conn.Close() })
	return v
}

func (v *driver) send(body ...byte) {
	v.t.Helper()
	if _, err := v.conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)); err != nil {
		v.t.Fatal(err)
	}
}

func (v *driver) recv() []byte {
	v.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(v.conn, head[:]); err != nil {
		v.t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(head[:]))
	if _, err := io.ReadFull(v.conn, body); err != nil {
		v.t.Fatal(err)
	}
	return body
}

func (v *driver) ask(want []byte, body ...byte) {
	v.t.Helper()
	v.send(body...)
	if got := v.recv(); !bytes.Equal(got, want) {
		v.t.Fatalf("% X answered % X, want % X", body, got, want)
	}
}

var atr = []byte{0x3B, 0x04, 0xA2, 0x13, 0x10, 0x91}

func TestVPCDTalk(t *testing.T) {
	chip := cardsim.NewSLE4442(cardsim.Options{PSC: []byte{1, 2, 3}})
	v := plug(t, cardsim.ACS(chip))
	v.ask(atr, 0x04)
	v.send(0x01)
	v.ask([]byte{0x90, 0}, 0xFF, 0xA4, 0, 0, 1, 6)
	v.ask([]byte{0x90, 7}, 0xFF, 0x20, 0, 0, 3, 1, 2, 3)
	v.ask(atr, 0x04) // the driver looks whether the card is there, which must not power it down
	if !chip.Unlocked() {
		t.Error("asking for the ATR reset the chip")
	}
	v.send(0x02)
	v.ask(atr, 0x04) // an answer, so the reset has been done
	if chip.Unlocked() {
		t.Error("unlocked after a reset")
	}
	v.stop()
	if err := <-v.done; err != nil {
		t.Errorf("plug: %v", err)
	}
	if err := chip.WriteMem(0x20, []byte{1}); err != nil {
		t.Errorf("the card is still in the slot: %v", err)
	}
}

func TestVPCDFaults(t *testing.T) {
	for _, kind := range []cardsim.FaultKind{cardsim.PulledBefore, cardsim.EmptyAnswer, cardsim.Unplugged} {
		v := plug(t, cardsim.Script(cardsim.ACS(cardsim.NewSLE4442(cardsim.Options{})), cardsim.Fault{At: 1, Kind: kind}))
		v.send(0xFF, 0xA4, 0, 0, 1, 6)
		if _, err := v.conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%v: the driver reads %v, want a closed connection", kind, err)
		}
		if err := <-v.done; err != nil {
			t.Errorf("%v: plug: %v", kind, err)
		}
	}
}

func TestVPCDDriverGoesAway(t *testing.T) {
	v := plug(t, cardsim.ACS(cardsim.NewSLE4442(cardsim.Options{})))
	v.ask(atr, 0x04)
	v.conn.Close()
	if err := <-v.done; err == nil {
		t.Error("nil when the driver went away")
	}
	if err := cardsim.PlugVPCD(t.Context(), v.addr, cardsim.ACS(cardsim.NewSLE4442(cardsim.Options{}))); err == nil {
		t.Error("plugged into a driver that is not there")
	}
}

func TestVPCDCardInUse(t *testing.T) {
	d := cardsim.ACS(cardsim.NewSLE4442(cardsim.Options{}))
	if err := d.Insert(); err != nil {
		t.Fatal(err)
	}
	if err := <-plug(t, d).done; !errors.Is(err, cardsim.ErrInUse) {
		t.Errorf("plug: %v", err)
	}
}
