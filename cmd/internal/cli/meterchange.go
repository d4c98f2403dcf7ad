package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tally/cmd/internal/cli/trail"
	"tally/cmd/internal/fieldwork"
	"tally/meter"
)

// writing are the flags of commands that may change a meter.
type writing struct {
	write   bool
	confirm string
	audit   string
}

func (a *app) writeFlags(c *cobra.Command, w *writing, typed bool) {
	c.Flags().BoolVar(&w.write, "write", false, a.t("really write to the meter; without it nothing is changed", "真正写入表计；不给则不作任何更改"))
	c.Flags().StringVar(&w.audit, "audit", "", a.t("`FILE` what was written is noted here (or TALLY_AUDIT)", "`文件` 写入操作记录于此（或 TALLY_AUDIT）"))
	if typed {
		c.Flags().StringVar(&w.confirm, "confirm", "", a.t("`NUMBER` the meter's number, typed for this command; asked for when not given", "`表号` 为本次操作键入的表号；不给则询问"))
	}
}

// auditFile is where writes are noted: the flag, the environment, or the user's own state folder.
func (a *app) auditFile(w writing) (string, error) {
	for _, path := range []string{w.audit, a.env.Getenv("TALLY_AUDIT")} {
		if path != "" {
			return filepath.Abs(path)
		}
	}
	var dir string
	switch home := a.env.Getenv("HOME"); {
	case runtime.GOOS == "windows":
		dir = a.env.Getenv("LocalAppData")
	case a.env.Getenv("XDG_STATE_HOME") != "":
		dir = a.env.Getenv("XDG_STATE_HOME")
	case home != "":
		dir = filepath.Join(home, ".local", "state")
	}
	if dir == "" {
		return "", &failure{ExitRefused, a.t("nobody knows where to note what is written", "不知写入操作应记录于何处"), a.t("name a file with --audit", "请用 --audit 指定文件")}
	}
	return filepath.Join(dir, "tally", "audit.jsonl"), nil
}

// change carries out an act that changes a meter: only with --write, noted in the audit file before and after, and sent
// once, whatever comes of it.
func (a *app) change(ctx context.Context, t target, act fieldwork.Act, want string, w writing, deps TallyDeps) (fieldwork.Result, error) {
	if !w.write {
		return fieldwork.Result{}, &failure{ExitRefused, a.t("nothing was written: this would change the meter", "未写入：该操作会更改表计"), a.t("add --write to do it", "加上 --write 才会执行")}
	}
	path, err := a.auditFile(w)
	if err != nil {
		return fieldwork.Result{}, err
	}
	place, node := t.Where()
	entry := trail.Entry{ID: entryID(), At: deps.now().UTC(), Who: a.who(), Host: host(), Port: place, Node: node,
		Meter: string(t.Number()), What: act.Do, Want: want, Outcome: trail.Begun}
	if err := trail.Append(path, entry); err != nil {
		return fieldwork.Result{}, fmt.Errorf("nothing was sent to the meter: %w", err)
	}
	r, err := t.Do(ctx, act)
	entry.At, entry.Before, entry.After, entry.Outcome, entry.Why = deps.now().UTC(), r.Before, r.After, string(r.Outcome), r.Message
	unsent := err != nil && notSent(err)
	switch {
	case unsent:
		entry.Outcome, entry.Why = string(fieldwork.NotSent), err.Error()
	case err != nil: // a node that broke off with the act in its hands
		r.Outcome, r.Message, r.Valve = fieldwork.Unknown, err.Error(), meter.ValveUnknown
		entry.Outcome, entry.Why = string(r.Outcome), r.Message
	}
	if noted := trail.Append(path, entry); noted != nil {
		a.say("the audit file does not have the outcome: %v", "审计文件未能记录结果：%v", noted)
	}
	if unsent {
		return r, err
	}
	return r, nil
}

func entryID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// who is the user, and behind sudo the one who called it.
func (a *app) who() string {
	if name := a.env.Getenv("SUDO_USER"); name != "" {
		return name + " (sudo)"
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

func host() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// typed asks for the meter's number unless a flag gave it.
func (a *app) typed(w writing, en, zh string) string {
	if w.confirm != "" || !w.write {
		return w.confirm
	}
	fmt.Fprintf(a.env.Err, "%s: %s: ", a.name, a.t(en, zh))
	text, err := bufio.NewReader(io.LimitReader(a.env.In, 200)).ReadString('\n')
	if in, ok := a.env.In.(*os.File); err != nil || !ok || !term.IsTerminal(int(in.Fd())) { // nobody pressed Enter on this screen
		fmt.Fprintln(a.env.Err)
	}
	return strings.TrimSpace(text)
}

// became ends a command that changed a meter: it says what became of it.
func (a *app) became(r fieldwork.Result) error {
	switch r.Outcome {
	case fieldwork.Done:
		return nil
	case fieldwork.Unknown:
		return &failure{ExitUnreachable, a.f("nobody knows whether the meter did it (%s)", "无法确定表计是否已执行（%s）", plain(r.Message)),
			a.t("read the meter; the command is not repeated", "请读取表计确认；命令不会重发")}
	case fieldwork.Refused:
		return &failure{ExitRefused, a.f("the meter refused (%s)", "表计拒绝执行（%s）", plain(r.Message)), ""}
	}
	f := a.coded(r.Code, r.Message, "")
	f.text = a.t("nothing was sent to the meter: ", "未向表计发送任何内容：") + f.text
	return f
}
