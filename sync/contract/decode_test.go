package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestFieldsAreFoundAtTheTopOnly(t *testing.T) {
	for raw, ok := range map[string]bool{
		`{}`:                               true,
		`{"a":1,"b":{"a":1,"B":2},"c":[]}`: true,
		`{"a":"x,\"b\":1,","b":[{"A":1},"A",{"A":2}]}`: true,
		`{ "a" : "{" , "b" : "\\" }`:                   true,
		`{"a":1,"a":2}`:                                false,
		`{"a":{"x":1},"a":2}`:                          false,
		`{"a":["x","y"],"A":2}`:                        false,
		`{"a\u0061":1}`:                                false,
		`{"":1}`:                                       false,
		`{"a":"\"","b":1,"b":2}`:                       false,
	} {
		if !json.Valid([]byte(raw)) {
			t.Fatalf("%s is not JSON", raw)
		}
		if bad := checkFields([]byte(raw), CodeBadRecord); (bad == nil) != ok {
			t.Errorf("%s: %v", raw, bad)
		}
	}
	var many strings.Builder
	for i := range maxFields + 1 {
		fmt.Fprintf(&many, `,"f%d":1`, i)
	}
	if checkFields([]byte("{"+many.String()[1:]+"}"), CodeBadRecord) == nil {
		t.Error("too many fields were accepted")
	}
}

// FuzzFields compares the bracket counter with encoding/json.
func FuzzFields(f *testing.F) {
	f.Add(`{"a":1,"b":{"a":[1,"]"]},"c":"\\\""}`)
	f.Add(`{"a":1,"a":2}`)
	f.Fuzz(func(t *testing.T, raw string) {
		var m map[string]json.RawMessage
		if len(raw) == 0 || raw[0] != '{' || json.Unmarshal([]byte(raw), &m) != nil {
			return
		}
		var names []string
		d := json.NewDecoder(strings.NewReader(raw))
		d.Token()
		for d.More() {
			name, _ := d.Token()
			names = append(names, name.(string))
			var skip json.RawMessage
			if err := d.Decode(&skip); err != nil {
				return
			}
		}
		want := len(names) == len(m) && len(names) <= maxFields
		for _, n := range names {
			want = want && isField([]byte(n)) && bytes.Contains([]byte(raw), []byte(`"`+n+`"`))
		}
		bad := checkFields([]byte(raw), CodeBadRecord)
		if want && bad != nil || !want && bad == nil {
			t.Fatalf("%q: names %q, %v", raw, names, bad)
		}
	})
}
