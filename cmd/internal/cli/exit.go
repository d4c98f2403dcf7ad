package cli

import "errors"

// Exit codes, the same for all three programs; `--help` lists them.
const (
	ExitOK          = 0
	ExitNotWell     = 1  // the thing asked about is not well: a node with problems, a bad frame
	ExitUsage       = 2  // wrong command line
	ExitConfig      = 3  // the config cannot be used
	ExitUnreachable = 4  // node, reader, card or meter did not answer
	ExitRefused     = 5  // asked properly, and refused
	ExitInternal    = 70 // a fault of the program or of its machine (EX_SOFTWARE of sysexits)
)

// ErrRefused marks an error of an injected function as a refusal: exit code 5, its text is shown.
var ErrRefused = errors.New("refused")
