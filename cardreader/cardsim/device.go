package cardsim

import "errors"

// Device is a card in a reader's slot, as the reader drives it. A Device lies in one slot at a time. A slot calls the
// methods from one goroutine at a time.
type Device interface {
	// Insert puts the card into a slot; ErrInUse when it already lies in one.
	Insert() error
	// Remove takes it out, which cuts its power. A card that is not in a slot is left as it is.
	Remove()
	// Reset powers the card up afresh and returns its ATR, empty when it is mute.
	Reset() []byte
	// PowerOff cuts the power; what the card had granted is forgotten.
	PowerOff()
	// Exchange carries out one command and returns the whole answer, which may be as broken as the script wants. One
	// of the errors below says that no answer comes, and why; whatever else happened to the card has happened.
	Exchange(command []byte) (answer []byte, err error)
}

// Saver is a Device whose whole state can be put back, which a script needs to answer without effect.
type Saver interface {
	// Save returns a function that puts the present state back.
	Save() (restore func())
}

// Errors of a Device.
var (
	ErrInUse     = errors.New("card already lies in a reader")
	ErrPulled    = errors.New("card was pulled out of the slot")
	ErrUnplugged = errors.New("reader was unplugged")
	ErrSilent    = errors.New("card does not answer")
)
