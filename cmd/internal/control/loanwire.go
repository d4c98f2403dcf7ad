package control

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tally/meter/line"
)

// A loan is an HTTP connection that was upgraded to messages: a letter, a length of two bytes, and the content.
const (
	msgWrite = 'W' // borrower: bytes for the line; answered by msgDone once they have left the port
	msgMode  = 'M' // borrower: speed and parity, JSON; answered by msgDone
	msgDone  = 'D' // node: traits of the connection as they are now
	msgRead  = 'R' // node: bytes that came
	msgFail  = 'F' // node: an Error, JSON; the loan is over
)

// loanProtocol is the name in the Upgrade header.
const loanProtocol = "tally-loan"

// mostMessage is far beyond any frame.
const mostMessage = 8 << 10

func writeMessage(w io.Writer, kind byte, content []byte) error {
	if len(content) > mostMessage {
		return fmt.Errorf("message of %d bytes is too long", len(content))
	}
	m := make([]byte, 0, 3+len(content))
	m = append(m, kind)
	m = binary.BigEndian.AppendUint16(m, uint16(len(content)))
	_, err := w.Write(append(m, content...))
	return err
}

func readMessage(r io.Reader) (kind byte, content []byte, err error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint16(head[1:])
	if n > mostMessage {
		return 0, nil, fmt.Errorf("message of %d bytes is too long", n)
	}
	content = make([]byte, n)
	_, err = io.ReadFull(r, content)
	return head[0], content, err
}

// traits are line.Traits on the wire.
type traits struct {
	Char    time.Duration `json:"char"`
	Fragile bool          `json:"fragile"`
}

func encodeTraits(t line.Traits) []byte {
	b, err := json.Marshal(traits(t))
	if err != nil {
		return nil // two plain fields always encode
	}
	return b
}

func decodeTraits(b []byte) (line.Traits, error) {
	var t traits
	err := json.Unmarshal(b, &t)
	return line.Traits(t), err
}
