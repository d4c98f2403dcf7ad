package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/counter/phrase"
	"tally/meter"
)

// failure is an error with its exit code and what to do about it, already in the user's language.
type failure struct {
	code int
	text string
	hint string
}

func (f *failure) Error() string { return f.text }

// errNotWell ends a command that has said everything already.
var errNotWell = errors.New("not well")

// hinted is an error that explains itself, and what to do about it in the user's language.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// errBadConfig is errNotWell of a config whose problems were said as data.
var errBadConfig = errors.New("bad config")

// usage is a wrong command line.
func (a *app) usage(c *cobra.Command, en, zh string, args ...any) error {
	return &failure{ExitUsage, a.f(en, zh, args...), a.f("see %s --help", "见 %s --help", c.CommandPath())}
}

// flagError translates what pflag finds wrong.
func (a *app) flagError(c *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		dashes := "--"
		if e.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return a.usage(c, "there is no flag %s%s", "没有选项 %s%s", dashes, e.GetSpecifiedName())
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return a.usage(c, "--%s needs a value", "--%s 需要一个值", e.GetFlag().Name)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return a.usage(c, "--%s cannot be %q", "--%s 不能为 %q", e.GetFlag().Name, e.GetValue())
	}
	return a.usage(c, "%v", "%v", err)
}

// finish says what went wrong and gives the exit code.
func (a *app) finish(err error) int {
	if err == nil {
		return ExitOK
	}
	if errors.Is(err, errNotWell) {
		return ExitNotWell
	}
	if errors.Is(err, errBadConfig) {
		return ExitConfig
	}
	if problems, ok := errors.AsType[config.Problems](err); ok {
		fmt.Fprintln(a.env.Err, problems.Text(a.lang))
		if h, ok := errors.AsType[*hinted](err); ok {
			a.hint(h.hint)
		}
		return ExitConfig
	}
	if bad, ok := errors.AsType[*profile.Error](err); ok {
		fmt.Fprint(a.env.Err, a.badLayout(bad))
		return ExitConfig
	}
	f := a.explain(err)
	a.say("%s", "%s", f.text)
	a.hint(f.hint)
	return f.code
}

// explain turns any error into one for people.
func (a *app) explain(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if r, ok := errors.AsType[Refusal](err); ok {
		return a.refusal(r)
	}
	if e, ok := errors.AsType[*control.Error](err); ok {
		return a.coded(e.Code, e.Message, e.Hint)
	}
	if e, ok := errors.AsType[*cardreader.Error](err); ok {
		return a.coded(e.Code, cause(e), "")
	}
	if code := meter.Code(err); code != "error" {
		return a.coded(code, err.Error(), a.linePort(err))
	}
	if f := a.machine(err); f != nil && !errors.Is(err, control.ErrNoNode) && !errors.Is(err, control.ErrNotAllowed) {
		return f
	}
	switch {
	case errors.Is(err, control.ErrNoNode):
		return &failure{ExitUnreachable, a.f("no node runs here (%v)", "本机没有运行节点（%v）", err),
			a.t("start tallyd, or name its data folder with --data-dir", "请启动 tallyd，或用 --data-dir 指明其数据目录")}
	case errors.Is(err, control.ErrNotAllowed):
		return &failure{ExitUnreachable, a.f("the node's socket belongs to another user (%v)", "节点的套接字属于其他用户（%v）", err),
			a.t("run the command as the user of tallyd, or with sudo", "请以 tallyd 的用户身份或用 sudo 运行")}
	case errors.Is(err, ErrConfig):
		return &failure{ExitConfig, err.Error(), ""}
	case errors.Is(err, ErrRefused):
		return &failure{ExitRefused, err.Error(), ""}
	case errors.Is(err, context.Canceled):
		return &failure{ExitInterrupted, a.t("interrupted", "已中断"), ""}
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{ExitUnreachable, a.t("no answer in time", "超时无应答"), ""}
	}
	return &failure{ExitInternal, err.Error(), ""}
}

func (a *app) refusal(r Refusal) *failure {
	switch r {
	case NameTaken:
		return &failure{ExitRefused, a.t("there is an operator of this name already", "该操作员已存在"), ""}
	case WeakPassword:
		return &failure{ExitRefused, a.t("the password is too weak", "口令过弱"),
			a.t("at least 8 characters, not the name, not one character repeated", "至少 8 个字符，不得与名称相同，不得为同一字符重复")}
	case NodeRunning:
		return &failure{ExitRefused, a.t("a node runs on this data folder", "该数据目录正由运行中的节点使用"),
			a.t("stop tallyd first", "请先停止 tallyd")}
	}
	if f := a.centralRefusal(r); f != nil {
		return f
	}
	return &failure{ExitRefused, string(r), ""}
}

// cause is why a reader failed, beyond the code.
func cause(e *cardreader.Error) string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// coded says what a code of a reader, a meter or the node means. The technical message stands behind it in brackets.
func (a *app) coded(code, message, hint string) *failure {
	s, known := sentences[code]
	if !known && phrase.Known(code) {
		text, help := phrase.Text(phrase.Lang(a.lang), code, nil)
		text = strings.TrimRight(text, ".。")
		if message != "" {
			text += " (" + plain(message) + ")"
		}
		return &failure{ExitRefused, text, help}
	}
	if !known {
		return &failure{ExitInternal, plain(message), plain(hint)}
	}
	text := a.t(s.en, s.zh)
	if message != "" && !s.whole {
		text += " (" + plain(message) + ")"
	}
	return &failure{s.exit, text, plain(hint)}
}
