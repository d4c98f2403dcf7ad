package control

import "fmt"

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
	CodeNotFound   = "not_found"
	CodeAmbiguous  = "ambiguous"    // several readers have a card; name one
	CodeNoCard     = "card_removed" // nothing in the reader
	CodeNoCards    = "no_cards"     // this node has no card readers by its config
	CodeBadRequest = "bad_request"
	CodeInternal   = "internal"
)
