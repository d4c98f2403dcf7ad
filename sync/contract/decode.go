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

func checkFields(raw []byte, code string) *Invalid {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return invalid(code, "$", "not JSON")
	}
	seen := make(map[string]bool, 16)
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return invalid(code, "$", "not JSON")
		}
		if !isField(name) {
			return invalid(code, "$", "field name %.40q is not of [a-z0-9_]", name)
		}
		if seen[name] {
			return invalid(code, name, "given twice")
		}
		seen[name] = true
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			return invalid(code, name, "not JSON")
		}
	}
	return nil
}

func isField(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_') {
			return false
		}
	}
	return true
}
