package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"tally/cardreader"
	"tally/meter"
)

// Error is an answer that a technician can act on.
type Error struct {
	Code    string `json:"code"` // stable, snake_case; codes of cardreader and meter are used as they are
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// Error says code and message.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// Codes of the door itself.
const (
	CodeNotFound     = "not_found"
	CodeAmbiguous    = "ambiguous"    // several readers have a card; name one
	CodeNoCard       = "card_removed" // nothing in the reader
	CodeNoCards      = "no_cards"     // this node has no card readers by its config
	CodeBadRequest   = "bad_request"
	CodeTimeout      = "timeout"
	CodeOtherVersion = "other_version" // the node does not know the question: command and node differ in version
	CodeInternal     = "internal"
	CodeNoLedger     = "no_ledger" // this node keeps no ledger
	CodeNoRoom       = "no_room"   // not enough room on the disk for what was asked
	CodeNoReason     = "no_reason" // personal data without a written reason
	CodeDeskBusy     = "desk_busy" // the counter is at work on the card
)

// ErrNoNode says that nobody answers at the socket: no node runs on this data folder.
var ErrNoNode = errors.New("no node answers at the socket")

// ErrNotAllowed says that the socket is another user's.
var ErrNotAllowed = errors.New("not allowed to use the socket")

// ErrRunning says that a live node already listens at the socket.
var ErrRunning = errors.New("another node already runs on this data folder")

// asError makes what a node returned showable. known is false when only the log may have the cause.
func asError(err error) (e *Error, known bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e, true
	}
	if ce, ok := errors.AsType[*cardreader.Error](err); ok {
		return &Error{Code: ce.Code, Message: readerMessage(ce)}, true
	}
	if code := meter.Code(err); code != "error" {
		return &Error{Code: code, Message: err.Error()}, true
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Code: CodeTimeout, Message: "no answer in time"}, true
	}
	return &Error{Code: CodeInternal, Message: "fault inside the node, see its log"}, false
}

// readerMessage names the reader and the cause; the code says the rest.
func readerMessage(e *cardreader.Error) string {
	switch {
	case e.Err == nil:
		return fmt.Sprintf("reader %q", e.Reader)
	case e.Reader == "": // it is about all of them
		return e.Err.Error()
	}
	return fmt.Sprintf("reader %q: %v", e.Reader, e.Err)
}

// status is the HTTP status of an error's code.
func (e *Error) status() int {
	switch e.Code {
	case CodeNotFound:
		return http.StatusNotFound
	case CodeBadRequest:
		return http.StatusBadRequest
	case CodeInternal:
		return http.StatusInternalServerError
	}
	return http.StatusConflict
}
