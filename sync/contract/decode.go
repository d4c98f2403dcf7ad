package contract

import (
	"bytes"
	"encoding/json"
)

// decode reads one object strictly: one value, no line break in it, every field at the top named once and in lower
// case. encoding/json alone would take "SEQ" for seq and the last of two, and two readers might see different records.
func decode(raw []byte, into any, code string) *Invalid {
	if len(raw) == 0 || raw[0] != '{' || raw[len(raw)-1] != '}' {
		return invalid(code, "$", "not an object, or with space around it")
	}
	if bytes.ContainsAny(raw, "\r\n") {
		return invalid(code, "$", "contains a line break")
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return invalid(code, "$", "%v", plain(err))
	}
	return checkFields(raw, code)
}

// plain keeps the place of a JSON error but nothing of the content.
func plain(err error) string {
	switch e := err.(type) {
	case *json.UnmarshalTypeError:
		return "wrong type at " + e.Field
	case *json.SyntaxError:
		return "not JSON"
	}
	return "value out of range"
}

// checkFields looks at the names at the top of raw, which is known to be one sound object. A second pass through a
// json.Decoder costs a centre as much again as the first; this one counts brackets.
func checkFields(raw []byte, code string) *Invalid {
	var seen [][]byte
	for i, depth, name := 0, 0, true; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			name = depth == 1
		case '"':
			end := endOfString(raw, i)
			if depth == 1 && name {
				field := raw[i+1 : end]
				if bad := checkField(field, seen, code); bad != nil {
					return bad
				}
				seen, name = append(seen, field), false
			}
			i = end
		}
	}
	return nil
}

// endOfString returns where the string that begins at i ends.
func endOfString(raw []byte, i int) int {
	for i++; i < len(raw) && raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i
}

func checkField(field []byte, seen [][]byte, code string) *Invalid {
	if !isField(field) {
		return invalid(code, "$", "field name %.40q is not of [a-z0-9_]", field)
	}
	for _, other := range seen {
		if bytes.Equal(field, other) {
			return invalid(code, string(field), "given twice")
		}
	}
	if len(seen) == maxFields {
		return invalid(code, "$", "more than %d fields", maxFields)
	}
	return nil
}

// maxFields leaves room for later versions.
const maxFields = 64

func isField(s []byte) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_') {
			return false
		}
	}
	return true
}
