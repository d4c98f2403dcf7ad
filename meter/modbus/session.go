package modbus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/goburrow/modbus"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/profile"
)

// session is one Read under one lease. It is the library's Transporter.
type session struct {
	ctx     context.Context
	lease   *line.Lease
	kind    Framing
	unit    byte
	timeout time.Duration

	last line.Answer
	raw  []byte
}

var _ modbus.Transporter = (*session)(nil)

// ask reads one block through the library.
func (s *session) ask(c modbus.Client, function byte, start uint16, count int) ([]byte, error) {
	read := c.ReadHoldingRegisters
	if function == modbus.FuncCodeReadInputRegisters {
		read = c.ReadInputRegisters
	}
	data, err := read(start, uint16(count))
	if err != nil {
		return nil, classify(err)
	}
	return data, nil
}

// settle makes sure that no old answer of this meter can be taken for the one to come. An RTU answer does not say which
// question it belongs to, and a meter that needed too long may still send one. So after a missing answer a question
// of another length goes first: meters answer in order, so once its answer is there the old ones are past. Until then
// the transporter drops answers of other lengths.
func (s *session) settle(c modbus.Client, b profile.Block) error {
	if s.kind == TCP || !s.lease.Owes(s.peer()) {
		return nil
	}
	odd := 1
	if b.Count == 1 {
		odd = 2
	}
	_, err := s.ask(c, b.Function, b.Start, odd)
	s.raw = nil
	switch {
	case err == nil:
		s.lease.Settle(s.peer())
		return nil
	case errors.Is(err, meter.ErrException):
		return nil // some meters refuse to be read in part; the refusal came in order too, but the debt stays for now
	}
	return fmt.Errorf("meter owes an answer, settle that first: %w", err)
}

// peer names this meter among those on the line.
func (s *session) peer() string { return strconv.Itoa(int(s.unit)) }

// Send is what the library calls with a packed request; it returns one checked answer.
func (s *session) Send(request []byte) ([]byte, error) {
	x := line.Exchange{Request: request, Timeout: s.timeout}
	if s.kind == TCP {
		return s.sendTCP(x)
	}
	j := rtu{request: request, patient: s.lease.Owes(s.peer())}
	x.Peer, x.Length, x.Expect = s.peer(), max(rtuLength(request), shortest), j.expect
	x.Mirrors = request[1] == writeSingle
	answer, err := s.lease.Exchange(s.ctx, x)
	return s.take(answer, err)
}

// sendTCP numbers the request anew: the library counts per meter, but meters share a connection.
func (s *session) sendTCP(x line.Exchange) ([]byte, error) {
	question := x.Request
	request := append([]byte(nil), question...)
	number := s.lease.Next()
	request[0], request[1] = byte(number>>8), byte(number)
	j := mbap{request: request}
	x.Request, x.Expect = request, j.expect
	answer, err := s.lease.Exchange(s.ctx, x)
	got, err := s.take(answer, err)
	if err != nil {
		return nil, err
	}
	back := append([]byte(nil), got...)
	copy(back, question[:2])
	return back, nil
}

// take keeps the evidence. A well-formed exception goes on to the library, which knows it as an error.
func (s *session) take(a line.Answer, err error) ([]byte, error) {
	if err != nil && !errors.Is(err, errRefused) {
		return nil, err
	}
	s.last = a
	s.raw = append(s.raw, a.Bytes...)
	return a.Bytes, nil
}
