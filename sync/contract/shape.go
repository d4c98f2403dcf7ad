package contract

import "strings"

// hole stands for a leaf in a shape; it cannot occur in JSON.
const hole = "\x00"

// split takes the leaves out of a JSON text: numbers, and strings that are values. What is left, with a hole for each,
// is the text's shape. It works on any sound JSON and keeps every byte, so that join gives the text back.
func split(raw string) (shape string, leaves []string) {
	var b strings.Builder
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '"':
			end := endOfText(raw, i) + 1
			if isKey(raw, end) {
				b.WriteString(raw[i:end])
			} else {
				b.WriteString(hole)
				leaves = append(leaves, raw[i:end])
			}
			i = end
		case c == '-' || c >= '0' && c <= '9':
			end := i
			for end < len(raw) && strings.IndexByte("+-.eE0123456789", raw[end]) >= 0 {
				end++
			}
			b.WriteString(hole)
			leaves = append(leaves, raw[i:end])
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), leaves
}

func endOfText(s string, i int) int {
	for i++; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return min(i, len(s)-1)
}

// isKey says whether the string that ends before end is the name of a field.
func isKey(s string, end int) bool {
	rest := strings.TrimLeft(s[end:], " \t")
	return strings.HasPrefix(rest, ":")
}
