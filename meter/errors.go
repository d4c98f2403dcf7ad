package meter

import "errors"

// Why a meter could not be read. Drivers wrap these; test with errors.Is.
var (
	ErrSilent      = errors.New("meter did not answer")                  // nothing came before the deadline
	ErrChecksum    = errors.New("answer is damaged")                     // CRC, checksum, parity or framing
	ErrForeign     = errors.New("answer is from another meter")          // address or function is not ours
	ErrMalformed   = errors.New("answer does not fit the question")      // length, count or content
	ErrException   = errors.New("meter refused the question")            // Modbus exception other than busy
	ErrBusy        = errors.New("meter is busy")                         // Modbus exceptions 05 and 06
	ErrLine        = errors.New("line cannot be used")                   // port lost, not opened, connection refused
	ErrImplausible = errors.New("value is not a number or out of range") // NaN, a BCD nibble above 9
	ErrUnable      = errors.New("meter or its model cannot do that")     // nothing was sent
)

// Code gives the stable word for an error, for records and pages; "error" for one that is none of this package.
func Code(err error) string {
	for _, c := range []struct {
		err  error
		code string
	}{
		{ErrLine, "line"}, {ErrChecksum, "checksum"}, {ErrForeign, "foreign"}, {ErrMalformed, "malformed"},
		{ErrException, "exception"}, {ErrBusy, "busy"}, {ErrImplausible, "implausible"}, {ErrSilent, "silent"}, {ErrUnable, "unable"},
	} {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return "error"
}
