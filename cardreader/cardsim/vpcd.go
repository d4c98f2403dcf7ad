package cardsim

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// Control bytes of vsmartcard's virtual reader driver (vpcd): a frame of one byte. Every frame, both ways, is a 16-bit
// big-endian length and the body; any longer body is an APDU.
const (
	vpcdOff   = 0x00
	vpcdOn    = 0x01
	vpcdReset = 0x02
	vpcdATR   = 0x04 // the only control that is answered; the driver also uses it to see whether a card is there
)

// PlugVPCD inserts the card into the virtual PC/SC reader whose driver listens at addr, and plays it until ctx ends or
// a script pulls it, both of which return nil with the card out of the slot. It returns an error when the driver cannot
// be reached or goes away. A fault that unplugs the reader is a pull here, as the virtual reader cannot leave, and so is
// an empty answer: the driver has no way to pass one on, and a pull is what makes PC/SC return one.
func PlugVPCD(ctx context.Context, addr string, d Device) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil // pulled before the driver, which lets one wait at a time, had taken it
	case err != nil:
		return fmt.Errorf("plug card into virtual reader: %w", err)
	}
	defer conn.Close()
	if err := d.Insert(); err != nil {
		return fmt.Errorf("plug card into virtual reader: %w", err)
	}
	defer d.Remove()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	v := vpcdCard{dev: d, atr: d.Reset()}
	d.PowerOff()
	err = v.serve(conn)
	switch {
	case ctx.Err() != nil, errors.Is(err, ErrPulled), errors.Is(err, ErrUnplugged):
		return nil
	}
	return fmt.Errorf("serve virtual reader: %w", err)
}

type vpcdCard struct {
	dev Device
	atr []byte // asked for many times a second, and must not reset the card
}

func (v *vpcdCard) serve(conn net.Conn) error {
	r := bufio.NewReader(conn)
	for {
		quickAck(conn)
		frame, err := readFrame(r)
		if err != nil {
			return err
		}
		answer, reply, err := v.handle(frame)
		if err != nil {
			return err
		}
		if !reply {
			continue
		}
		if err := writeFrame(conn, answer); err != nil {
			return err
		}
	}
}

func (v *vpcdCard) handle(frame []byte) (answer []byte, reply bool, err error) {
	if len(frame) != 1 {
		answer, err := v.dev.Exchange(frame)
		if errors.Is(err, ErrSilent) {
			return nil, false, nil
		}
		if err == nil && len(answer) == 0 {
			err = ErrPulled
		}
		return answer, true, err
	}
	switch frame[0] {
	case vpcdOff:
		v.dev.PowerOff()
	case vpcdOn, vpcdReset:
		v.dev.Reset()
	case vpcdATR:
		return v.atr, true, nil
	}
	return nil, false, nil
}

func readFrame(r io.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint16(head[:]))
	_, err := io.ReadFull(r, body)
	return body, err
}

func writeFrame(w io.Writer, body []byte) error {
	if len(body) > 0xFFFF {
		return fmt.Errorf("write frame of %d bytes: too long", len(body))
	}
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...))
	return err
}
