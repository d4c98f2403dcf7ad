package contract

import (
	"reflect"
	"strings"
	"testing"
)

func TestOpenAckRefuses(t *testing.T) {
	for name, payload := range map[string]string{
		"empty":        ``,
		"no epoch":     `{"ack":1}`,
		"negative":     `{"epoch":"e","ack":-1}`,
		"too high":     `{"epoch":"e","ack":18446744073709551615}`,
		"gap below":    `{"epoch":"e","ack":5,"gaps":[[5,6]]}`,
		"gap reversed": `{"epoch":"e","ack":5,"gaps":[[9,7]]}`,
		"nack zero":    `{"epoch":"e","ack":5,"nacks":[{"seq":0,"code":"x"}]}`,
		"nack no code": `{"epoch":"e","ack":5,"nacks":[{"seq":1}]}`,
		"too long":     `{"epoch":"e","ack":5,"x":"` + strings.Repeat("x", maxAck) + `"}`,
	} {
		if a, err := OpenAck([]byte(payload)); err == nil {
			t.Errorf("%s: accepted as %+v", name, a)
		}
	}
	if _, err := OpenAck([]byte(`{"epoch":"e","ack":5,"later":true}`)); err != nil {
		t.Errorf("unknown fields must be ignored: %v", err)
	}
}

func TestStatusOfAnotherVersionIsRefused(t *testing.T) {
	if _, err := OpenCentralStatus([]byte(`{"v":2,"online":true,"at":"2026-11-21T06:00:00Z"}`)); codeOf(err) != CodeBadVersion {
		t.Error(err)
	}
	if _, err := OpenStatus([]byte(`{"v":2,"online":true,"at":"2026-11-21T06:00:00Z"}`)); codeOf(err) != CodeBadVersion {
		t.Error(err)
	}
}

func FuzzOpenAck(f *testing.F) {
	f.Add(Marshal(exampleAck))
	f.Add([]byte(`{"epoch":"e","ack":5,"gaps":[[6,6]]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		a, err := OpenAck(payload)
		if err != nil {
			return
		}
		back, err := OpenAck(Marshal(a))
		if err != nil || back.Ack != a.Ack || !reflect.DeepEqual(len(back.Nacks), len(a.Nacks)) {
			t.Fatalf("%+v %+v %v", a, back, err)
		}
	})
}

func FuzzOpenStatus(f *testing.F) {
	f.Add(Marshal(exampleStatus))
	f.Add([]byte(`{"v":1,"online":false}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		_, _ = OpenCentralStatus(payload)
		s, err := OpenStatus(payload)
		if err != nil {
			return
		}
		if back, err := OpenStatus(Marshal(s)); len(Marshal(s)) <= maxHead && (err != nil || back.Online != s.Online) {
			t.Fatalf("%+v %+v %v", s, back, err)
		}
	})
}
