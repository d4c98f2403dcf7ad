package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tally/meter/line"
)

// State is a scan that can go on: what is left, and what was found. It is a file between two runs.
type State struct {
	Version  int           `json:"version"`
	Port     string        `json:"port"`
	Options  Options       `json:"options"`
	Began    time.Time     `json:"began"`
	Spent    time.Duration `json:"spent"` // in all runs, nanoseconds
	Asked    int           `json:"asked"` // questions
	Listened int           `json:"listened"`
	Queue    []Step        `json:"queue"`
	Found    []Find        `json:"found"`
}

const stateVersion = 1

// Bounds of a state file, beyond which it is none of ours.
const (
	mostSteps   = 20_000
	mostFinds   = 10_000
	mostNumbers = 1_000
)

// New begins a scan of a port.
func New(port string, o Options, now time.Time) *State {
	return &State{Version: stateVersion, Port: port, Options: o, Began: now.UTC(), Queue: plan(o), Found: []Find{}}
}

// Parse reads a state file strictly: an unknown field, a step that cannot be asked or a number out of range is an error.
func Parse(b []byte) (*State, error) {
	var s State
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("read scan state: %w", err)
	}
	if d.More() {
		return nil, errors.New("read scan state: something follows behind it")
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("read scan state: %w", err)
	}
	return &s, nil
}

// Bytes is the state as a file.
func (s *State) Bytes() ([]byte, error) {
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write scan state: %w", err)
	}
	return append(b, '\n'), nil
}

func (s *State) check() error {
	switch {
	case s.Version != stateVersion:
		return fmt.Errorf("version %d, this program writes %d", s.Version, stateVersion)
	case len(s.Queue) > mostSteps || len(s.Found) > mostFinds || len(s.Options.Numbers) > mostNumbers:
		return errors.New("it is longer than any that was written here")
	case s.Spent < 0 || s.Asked < 0 || s.Listened < 0 || s.Options.Timeout < 0 || s.Options.Listen < 0:
		return errors.New("a count or a time is negative")
	}
	for i, step := range s.Queue {
		if err := step.check(s.Options.TCP); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	for i, f := range s.Found {
		if !slices.Contains([]Evidence{Answered, Refused, Overheard, Damaged, Garbage}, f.Evidence) {
			return fmt.Errorf("find %d: evidence %q", i+1, f.Evidence)
		}
	}
	if s.Found == nil {
		s.Found = []Find{}
	}
	return nil
}

func (s Setting) check(tcp bool) error {
	switch {
	case tcp && s != Setting{}:
		return errors.New("a gateway has no speed")
	case tcp:
		return nil
	case s.Baud < 110 || s.Baud > 921600:
		return fmt.Errorf("%d baud", s.Baud)
	case s.Parity != line.None && s.Parity != line.Even && s.Parity != line.Odd:
		return fmt.Errorf("parity %q", s.Parity)
	case s.StopBits != 1 && s.StopBits != 2:
		return fmt.Errorf("%d stop bits", s.StopBits)
	}
	return nil
}

func (s Step) check(tcp bool) error {
	if err := s.Setting.check(tcp); err != nil {
		return err
	}
	if s.Ask == askRange && (s.From < 0 || s.To > 255 || s.From > s.To) {
		return fmt.Errorf("addresses %d–%d", s.From, s.To)
	}
	if !slices.Contains(asks[s.Protocol], s.Ask) {
		return fmt.Errorf("question %q of protocol %q", s.Ask, s.Protocol)
	}
	_, err := questionOf(s, s.From, Options{}, 0)
	return err
}

// asks lists the questions of each protocol.
var asks = map[Protocol][]string{
	CJT188:     {askAddress, askRead, askSwapped, askNumber},
	DLT645:     {askAddress, askRead, askNumber},
	MBus:       {askAll, askSelect, askRange, askNumber},
	ModbusRTU:  {askRange},
	RTUOverTCP: {askRange},
	ModbusTCP:  {askRange},
}
