package profile

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong in a profile file.
type Problem struct {
	Line int    // from 1; 0 when the place is not known
	Key  string // "order.fields[3].at"
	Msg  string // what is wrong and what would be right
}

// Error is all that is wrong in one profile file, in the order of its lines.
type Error struct {
	File     string
	Problems []Problem
}

// Error gives one line for each problem: "file:line: key: message".
func (e *Error) Error() string {
	var s strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			s.WriteByte('\n')
		}
		fmt.Fprintf(&s, "%s:%d: ", e.File, p.Line)
		if p.Key != "" {
			s.WriteString(p.Key + ": ")
		}
		s.WriteString(p.Msg)
	}
	return s.String()
}
