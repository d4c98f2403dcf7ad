package outbox

import (
	"fmt"

	"tally/sync/contract"
)

// Alarm is something in the delivery that a person should know.
type Alarm struct {
	Stream contract.Stream
	Code   AlarmCode
	Seq    uint64 // the record concerned, 0 when it is none
	Text   string
}

// AlarmCode is stable; pages and reports translate it.
type AlarmCode string

// Codes of alarms.
const (
	AlarmBeyond AlarmCode = "ack_beyond" // the centre acknowledged what this node has not sent; nothing was done
	AlarmNacked AlarmCode = "nacked"     // the centre has put a record in quarantine; a copy stays here
	AlarmRead   AlarmCode = "queue_read" // the queue cannot be read; tried again
	AlarmStore  AlarmCode = "ack_store"  // an acknowledgement cannot be made durable; tried again
)

// String is one line for a log.
func (a Alarm) String() string {
	return fmt.Sprintf("%s stream %s seq %d: %s", a.Code, a.Stream, a.Seq, a.Text)
}
