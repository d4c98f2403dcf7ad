package daemon

import (
	"bytes"
	"encoding/json"

	"tally/counter"
)

// masked hides personal data in a JSON text: the values of keys that name a person, a phone or an address. A text without
// such a key comes back byte by byte.
func masked(raw json.RawMessage) json.RawMessage {
	if !bytes.Contains(raw, []byte(`"name"`)) && !bytes.Contains(raw, []byte(`"phone"`)) && !bytes.Contains(raw, []byte(`"address"`)) {
		return raw
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return json.RawMessage(`null`) // what cannot be read cannot be masked
	}
	hide(v)
	out, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage(`null`)
	}
	return out
}

func hide(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			hide(x)
		}
	case map[string]any:
		for key, x := range v {
			s, isText := x.(string)
			switch {
			case isText && key == "phone":
				v[key] = counter.MaskPhone(s)
			case isText && key == "name" && !isQuantity(v):
				v[key] = counter.MaskName(s)
			case isText && key == "address":
				v[key] = maskAddress(s)
			default:
				hide(x)
			}
		}
	}
}

// isQuantity: values of readings have a name too, which is no person's.
func isQuantity(v map[string]any) bool {
	_, value := v["value"]
	_, unit := v["unit"]
	return value && unit
}

// maskAddress keeps the beginning, which is the street or the district.
func maskAddress(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return ""
	}
	return string(r[:min(len(r), 3)]) + "**"
}
