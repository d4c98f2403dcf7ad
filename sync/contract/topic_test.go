package contract

import (
	"strings"
	"testing"
)

func TestTopicsReadBack(t *testing.T) {
	for want, topic := range map[string]Topic{
		"tally/v1/hall-1/up/tx":     {"hall-1", KindUp, Tx},
		"tally/v1/hall-1/up/now":    {"hall-1", KindNow, ""},
		"tally/v1/hall-1/st":        {"hall-1", KindStatus, ""},
		"tally/v1/hall-1/dn/ack/rd": {"hall-1", KindAck, Rd},
		"tally/v1/hall-1/dn/cfg":    {"hall-1", KindCfg, ""},
		"tally/v1/hall-1/dn/cmd":    {"hall-1", KindCmd, ""},
	} {
		if topic.String() != want {
			t.Errorf("got %s, want %s", topic, want)
		}
		if back, err := ParseTopic(want); err != nil || back != topic {
			t.Errorf("%s: %+v, %v", want, back, err)
		}
	}
	same := map[string]string{
		TopicUp("n", Ev): "tally/v1/n/up/ev", TopicAck("n", Tx): "tally/v1/n/dn/ack/tx", TopicStatus("n"): "tally/v1/n/st",
		TopicNow("n"): "tally/v1/n/up/now", TopicCfg("n"): "tally/v1/n/dn/cfg", TopicCmd("n"): "tally/v1/n/dn/cmd",
	}
	for got, want := range same {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestForeignTopicsAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "tally/v1", "tally/v1/", "tally/v1/n", "tally/v2/n/st", "tally/v1//st", "tally/v1/a+b/st", "tally/v1/n/up",
		"tally/v1/n/up/zz", "tally/v1/n/up/tx/more", "tally/v1/n/dn/ack", "tally/v1/n/dn/ack/", CentralStatusTopic,
		"tally/v1/" + strings.Repeat("n", 65) + "/st", "tally/v1/n/st/tx",
	} {
		if topic, err := ParseTopic(s); err == nil {
			t.Errorf("%q was read as %+v", s, topic)
		}
	}
}

func TestNodeNames(t *testing.T) {
	for _, ok := range []string{"a", "hall_1-B", strings.Repeat("x", 64)} {
		if err := CheckNode(ok); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "a/b", "+", "#", "厅", "a b", strings.Repeat("x", 65), "central"} {
		if CheckNode(bad) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func FuzzParseTopic(f *testing.F) {
	f.Add("tally/v1/hall-1/dn/ack/rd")
	f.Add("tally/v1/hall-1/up/now")
	f.Fuzz(func(t *testing.T, s string) {
		if topic, err := ParseTopic(s); err == nil && topic.String() != s {
			t.Fatalf("%q became %q", s, topic)
		}
	})
}
