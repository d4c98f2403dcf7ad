package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tally/cmd/internal/config"
)

// minPassword is the least number of characters of a password.
const minPassword = 8

// maxPassword bounds what is read; argon2id would take its time over more.
const maxPassword = 256

// password asks for a new password: twice on the terminal, or once from a file ("-" is standard input). It is never an
// argument, because arguments are shown to every user of the machine.
func (a *app) password(c *cobra.Command, name, file string) (config.Secret, error) {
	var text string
	var err error
	switch {
	case file == "-":
		text, err = firstLine(a.env.In)
	case file != "":
		text, err = fileLine(file)
	default:
		text, err = a.askTwice(c, name)
	}
	if err != nil {
		return config.Secret{}, err
	}
	if weak(name, text) {
		return config.Secret{}, WeakPassword
	}
	return config.NewSecret(text), nil
}

// weak refuses what is guessed first.
func weak(name, password string) bool {
	n := utf8.RuneCountInString(password)
	return n < minPassword || len(password) > maxPassword || strings.EqualFold(password, name) ||
		strings.Trim(password, password[:1]) == "" || !utf8.ValidString(password)
}

func fileLine(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	defer f.Close()
	return firstLine(f)
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxPassword+3)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func (a *app) askTwice(c *cobra.Command, name string) (string, error) {
	in, ok := a.env.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", a.usage(c, "no terminal to ask for the password; use --password-file FILE, or - for standard input",
			"没有可输入口令的终端；请用 --password-file 文件，或用 - 从标准输入读取")
	}
	first, err := a.ask(in, a.f("password for %s: ", "%s 的口令：", name))
	if err != nil {
		return "", err
	}
	second, err := a.ask(in, a.t("once more: ", "请再次输入："))
	if err != nil {
		return "", err
	}
	if first != second {
		return "", &failure{ExitUsage, a.t("the two passwords differ", "两次输入的口令不一致"), ""}
	}
	return first, nil
}

// ask reads a line without showing it.
func (a *app) ask(in *os.File, prompt string) (string, error) {
	fmt.Fprint(a.env.Err, prompt)
	text, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(a.env.Err)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return string(text), nil
}
