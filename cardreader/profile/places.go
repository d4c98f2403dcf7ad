package profile

import (
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// places finds the line of every key in a file, also inside arrays and inline tables: "order.fields[3].at" → 57.
type places struct {
	p      unstable.Parser
	line   map[string]int
	counts map[string]int // elements seen of each [[array]]
}

func placesOf(data []byte) (*places, error) {
	s := &places{line: map[string]int{}, counts: map[string]int{}}
	s.p.Reset(data)
	at := ""
	for s.p.NextExpression() {
		n := s.p.Expression()
		switch n.Kind {
		case unstable.Table:
			at = s.key("", n)
		case unstable.ArrayTable:
			at = s.key("", n)
			s.counts[at]++
			at = fmt.Sprintf("%s[%d]", at, s.counts[at]-1)
			s.line[at] = s.line[strings.TrimSuffix(at, at[strings.LastIndexByte(at, '['):])]
		case unstable.KeyValue:
			s.value(s.key(at, n), n.Value())
		}
	}
	return s, s.p.Error()
}

// key joins the parts of a node's key to the path of its table and notes the line.
func (s *places) key(at string, n *unstable.Node) string {
	line := 0
	for it := n.Key(); it.Next(); {
		if at != "" {
			at += "."
		}
		at += string(it.Node().Data)
		line = s.p.Shape(it.Node().Raw).Start.Line
	}
	s.line[at] = line
	return at
}

func (s *places) value(at string, v *unstable.Node) {
	switch v.Kind {
	case unstable.Array:
		i := 0
		for it := v.Children(); it.Next(); i++ {
			s.value(fmt.Sprintf("%s[%d]", at, i), it.Node())
		}
	case unstable.InlineTable:
		s.line[at] = s.p.Shape(v.Raw).Start.Line
		for it := v.Children(); it.Next(); {
			s.value(s.key(at, it.Node()), it.Node().Value())
		}
	}
}

// has reports whether the file says a key.
func (s *places) has(key string) bool { return s.line[key] > 0 }

// of is the line of a key, or of the nearest table around it.
func (s *places) of(key string) int {
	for key != "" {
		if l := s.line[key]; l > 0 {
			return l
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return 1
}

// named finds the full path of a key that the decoder names without its array indices. The lowest of several on one
// line is taken, so that the answer is the same every time.
func (s *places) named(line int, key []string) string {
	plain, found := strings.Join(key, "."), ""
	for path, l := range s.line {
		if l == line && strings.HasSuffix("."+path, "."+key[len(key)-1]) && (found == "" || path < found) {
			found = path
		}
	}
	if found == "" {
		return plain
	}
	return found
}
