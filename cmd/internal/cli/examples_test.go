package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// trees are the commands of the three programs.
func trees(lang string) map[string]*cobra.Command {
	a := &app{lang: lang}
	all := map[string]*cobra.Command{"tally": a.tallyTree(TallyDeps{}), "tallyd": a.tallydTree(TallydDeps{}), "tally-central": a.centralTree(CentralDeps{})}
	for _, root := range all {
		root.PersistentFlags().String("lang", "en", "")
		exemplify(root)
	}
	return all
}

// walk calls look for every command that is no group.
func walk(c *cobra.Command, look func(*cobra.Command)) {
	for _, sub := range c.Commands() {
		walk(sub, look)
	}
	if c.Runnable() && !c.Hidden && (!c.HasSubCommands() || strings.Contains(c.Use, " ")) {
		look(c)
	}
}

// Every command says in both languages what it is for, and shows how it is called.
func TestEveryCommandHasAnExample(t *testing.T) {
	n := 0
	for _, lang := range []string{"en", "zh"} {
		for _, root := range trees(lang) {
			walk(root, func(c *cobra.Command) {
				n++
				if han := strings.ContainsFunc(c.Short, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff }); c.Short == "" || han != (lang == "zh") {
					t.Errorf("%s in %s: %q", c.CommandPath(), lang, c.Short)
				}
				if c.Example == "" {
					t.Errorf("%s has no example", c.CommandPath())
				}
			})
		}
	}
	if n < 80 {
		t.Errorf("only %d commands: this test looks at the wrong ones", n)
	}
}

// What an example shows can be typed: the command is there, takes so many words, and has these flags.
func TestExamplesCanBeTyped(t *testing.T) {
	for name := range trees("en") {
		var lines []string
		walk(trees("en")[name], func(c *cobra.Command) { lines = append(lines, strings.Split(joined(c.Example), "\n")...) })
		for _, line := range lines {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " < ")
			line, _, _ = strings.Cut(line, " > ")
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			words := shellWords(line)
			root := trees("en")[words[0]]
			if root == nil {
				t.Errorf("%q is no command of ours", line)
				continue
			}
			c, rest, err := root.Find(words[1:])
			if err == nil {
				err = c.ParseFlags(rest)
			}
			if err == nil && c.Args != nil {
				err = c.Args(c, c.Flags().Args())
			}
			if err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
	}
}

// joined puts lines together that end in a backslash.
func joined(s string) string { return strings.ReplaceAll(s, "\\\n", " ") }

// shellWords splits as a shell does, as far as quotes go.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	quote, open := rune(0), false
	for _, r := range line + " " {
		switch {
		case quote == 0 && (r == '"' || r == '\''):
			quote, open = r, true
		case r == quote:
			quote = 0
		case quote == 0 && r == ' ':
			if word.Len() > 0 || open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(r)
		}
	}
	return words
}
