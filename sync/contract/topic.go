package contract

import (
	"fmt"
	"strings"
)

// root is the prefix of every topic; its last part goes up when the layout of the topics changes.
const root = "tally/v1/"

// Filters that a centre subscribes to.
const (
	FilterUp     = root + "+/up/#" // what nodes deliver
	FilterStatus = root + "+/st"   // which nodes are there
)

// CentralStatusTopic carries the retained CentralStatus, and is the centre's will.
const CentralStatusTopic = root + "central/st"

// Kind tells topics of a node apart.
type Kind string

// Kinds of topics; KindUp and KindAck are followed by a stream.
const (
	KindUp     Kind = "up"     // records, QoS 1, not retained
	KindNow    Kind = "up/now" // newest values while a backlog drains, QoS 0, never counted
	KindAck    Kind = "dn/ack" // the centre's word, QoS 1, retained
	KindCfg    Kind = "dn/cfg" // desired state, QoS 1, retained
	KindCmd    Kind = "dn/cmd" // commands, QoS 1, not retained
	KindStatus Kind = "st"     // Status, QoS 1, retained, and the node's will
)

// Topic is one topic of one node. Stream is set for KindUp and KindAck only.
type Topic struct {
	Node   string
	Kind   Kind
	Stream Stream
}

// TopicUp is where node delivers records of stream.
func TopicUp(node string, s Stream) string { return Topic{node, KindUp, s}.String() }

// TopicAck is where the centre says what of stream it has committed.
func TopicAck(node string, s Stream) string { return Topic{node, KindAck, s}.String() }

// TopicStatus is where node says that it is there.
func TopicStatus(node string) string { return Topic{Node: node, Kind: KindStatus}.String() }

// TopicNow is where node shows its newest values.
func TopicNow(node string) string { return Topic{Node: node, Kind: KindNow}.String() }

// TopicCfg is where the centre leaves the desired state of node.
func TopicCfg(node string) string { return Topic{Node: node, Kind: KindCfg}.String() }

// TopicCmd is where the centre sends commands to node.
func TopicCmd(node string) string { return Topic{Node: node, Kind: KindCmd}.String() }

// String is the topic as the broker knows it.
func (t Topic) String() string {
	s := root + t.Node + "/" + string(t.Kind)
	if t.Stream != "" {
		s += "/" + string(t.Stream)
	}
	return s
}

// CheckNode says whether name may name a node: 1 to 64 of [A-Za-z0-9_-]. "central" is taken by the centre's status.
func CheckNode(name string) error {
	if name == "central" {
		return fmt.Errorf("node name %q is the centre's own", name)
	}
	if !isName(name) {
		return fmt.Errorf("node name %.70q is not 1 to 64 of [A-Za-z0-9_-]", name)
	}
	return nil
}

func isName(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// ParseTopic reads a topic of a node. Topics of other systems on the same broker are an error.
func ParseTopic(s string) (Topic, error) {
	rest, ok := strings.CutPrefix(s, root)
	node, rest, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 {
		return Topic{}, fmt.Errorf("topic %.100q is not %s<node>/…", s, root)
	}
	if err := CheckNode(node); err != nil {
		return Topic{}, fmt.Errorf("read topic: %w", err)
	}
	switch k := Kind(rest); k {
	case KindNow, KindCfg, KindCmd, KindStatus:
		return Topic{Node: node, Kind: k}, nil
	}
	for _, k := range []Kind{KindUp, KindAck} {
		if tail, ok := strings.CutPrefix(rest, string(k)+"/"); ok && Stream(tail).Known() {
			return Topic{node, k, Stream(tail)}, nil
		}
	}
	return Topic{}, fmt.Errorf("topic %.100q is of no known kind", s)
}
