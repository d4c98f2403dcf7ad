package phrase

import (
	"regexp"
	"strings"
	"testing"
)

// gasWord is a word about gas, or half of one.
var gasWord = regexp.MustCompile(`气|(?i)gas`)

// What is said to a water customer's clerk never speaks of gas, and what is said of gas says so where it did before.
func TestWaterVoiceNeverSaysGas(t *testing.T) {
	gas := 0
	for _, l := range []Lang{Chinese, English} {
		v := Voice{Lang: l, Water: true}
		for _, code := range Codes() {
			message, hint := v.Text(code, nil)
			if gasWord.MatchString(message + hint) {
				t.Errorf("%s in %s speaks of gas: %s %s", code, l, message, hint)
			}
			if message, hint = Text(l, code, nil); gasWord.MatchString(message + hint) {
				gas++
			}
		}
		for kind, table := range words {
			for word := range table {
				if text := v.Word(kind, word); gasWord.MatchString(text) {
					t.Errorf("%s %s in %s speaks of gas: %s", kind, word, l, text)
				}
			}
		}
	}
	if gas < 10 {
		t.Errorf("only %d texts speak of gas: this test looks at the wrong ones", gas)
	}
}

// An argument is what a person wrote, or a figure; it is not put into other words, and neither is its name.
func TestVoiceLeavesArgumentsAlone(t *testing.T) {
	args := map[string]string{"reason": "燃气管漏气 gas", "by": "li"}
	if got, _ := (Voice{Chinese, true}).Text("locked", args); !strings.Contains(got, args["reason"]) {
		t.Errorf("the reason was changed: %s", got)
	}
	if got, _ := (Voice{Chinese, true}).Text("not_written", map[string]string{"why": "in_doubt"}); !strings.Contains(got, "售水") {
		t.Errorf("a code among the arguments speaks of gas: %s", got)
	}
	name := regexp.MustCompile(`\{[^}]*\}`)
	for _, table := range tables {
		for code, e := range table {
			for _, text := range []string{e.message.zh, e.message.en, e.hint.zh, e.hint.en} {
				if gasWord.MatchString(strings.Join(name.FindAllString(text, -1), "")) {
					t.Errorf("%s has an argument that would be renamed: %s", code, text)
				}
			}
		}
	}
}
