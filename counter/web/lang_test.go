package web

import (
	"net/http"
	"strings"
	"testing"
)

// TestFirstLanguageIsTheConfigured: until somebody switches; the switch wins.
func TestFirstLanguageIsTheConfigured(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Lang = "en" })
	if p := text(t, s.ask("GET", "/login", "", html)); !strings.Contains(p, `lang="en"`) {
		t.Error("the configured language is not the first")
	}
	chosen := cookie(&http.Cookie{Name: langCookie, Value: "zh"})
	if p := text(t, s.ask("GET", "/login", "", html, chosen)); !strings.Contains(p, `lang="zh-CN"`) {
		t.Error("the switch does not win")
	}
}

func TestUnknownFirstLanguageIsRefused(t *testing.T) {
	f := newFake()
	_, err := New(Options{Sales: f, Decisions: f, Returns: f, Logins: f, Views: f, Meters: f, Uplink: f, Station: "C3", Lang: "fr"})
	if err == nil || !strings.Contains(err.Error(), `"fr"`) {
		t.Error(err)
	}
}
