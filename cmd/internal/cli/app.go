package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"tally/cardreader/profile"
)

// app is one run of one program.
type app struct {
	env  Env
	lang string // "en" or "zh"
	name string // of the program

	tried *profile.Profile // the layout that --profile names; nil: none
}

// OSEnv is the process's own world.
func OSEnv() Env {
	return Env{Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv}
}

// Signals returns a context that ends with the first interrupt or termination signal. The second one then ends the
// process at once, as if nobody had asked for signals.
func Signals(parent context.Context) (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// execute runs the command that the arguments name and returns the exit code.
func execute(ctx context.Context, name string, env Env, build func(*app) *cobra.Command) int {
	a := &app{env: env, name: name, lang: language(env)}
	root := build(a)
	exemplify(root)
	root.SetArgs(env.Args)
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().String("lang", a.lang, a.t("`en|zh` language of messages", "`en|zh` 消息语言"))
	root.PersistentFlags().BoolP("help", "h", false, a.t("say how to use the command", "显示用法"))
	root.SetHelpCommand(a.helpCommand(root))
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { a.help(c) })
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return a.flagError(c, err) })
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		if l, err := c.Flags().GetString("lang"); err != nil || (l != "en" && l != "zh") {
			return a.usage(c, "--lang is en or zh", "--lang 只能为 en 或 zh")
		}
		return nil
	}
	return a.finish(root.ExecuteContext(ctx))
}

// language is what --lang says, else the first of LC_ALL, LC_MESSAGES and LANG that is set, else English. The flag is
// looked for before the flags are parsed, because the help is made of translated texts.
func language(env Env) string {
	for i, arg := range env.Args {
		value, attached := strings.CutPrefix(arg, "--lang=")
		switch {
		case arg == "--":
			return environment(env)
		case attached:
			return oneOfTwo(value)
		case arg == "--lang" && i+1 < len(env.Args):
			return oneOfTwo(env.Args[i+1])
		}
	}
	return environment(env)
}

func environment(env Env) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env.Getenv(name); v != "" {
			return oneOfTwo(v)
		}
	}
	return "en"
}

func oneOfTwo(s string) string {
	if strings.HasPrefix(strings.ToLower(s), "zh") {
		return "zh"
	}
	return "en"
}

// group is a command that only holds others.
func (a *app) group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return a.usage(c, "name a command", "请指定命令")
		}
		return a.usage(c, "there is no command %q", "没有命令 %q", args[0])
	}}
	c.AddCommand(subs...)
	return c
}

// args checks the number of arguments.
func (a *app) args(lo, hi int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < lo:
			return a.usage(c, "an argument is missing: %s", "缺少参数：%s", a.useLine(c))
		case len(args) > hi:
			return a.usage(c, "%q is too much: %s", "多余的参数 %q：%s", args[hi], a.useLine(c))
		}
		return nil
	}
}

// t chooses the language.
func (a *app) t(en, zh string) string {
	if a.lang == "zh" {
		return zh
	}
	return en
}

// f chooses the language and fills in.
func (a *app) f(en, zh string, args ...any) string { return fmt.Sprintf(a.t(en, zh), args...) }
