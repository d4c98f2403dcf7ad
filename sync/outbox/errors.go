package outbox

import "errors"

// ErrBeyond says that the centre acknowledged what this node never gave out: somebody else's disk, or a forged ack.
var ErrBeyond = errors.New("acknowledged beyond what was sent")

// ErrTooLarge says that a record was refused before it was committed because no envelope could carry it.
var ErrTooLarge = errors.New("record larger than an envelope may carry")
