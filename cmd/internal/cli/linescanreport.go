package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"tally/meter/scan"
)

// scanReport shows what a scan does: finds as data, the rest as words. A terminal gets a line that moves, anything else
// one line a minute.
func (a *app) scanReport(asJSON bool) func(scan.Event) {
	moving := a.terminal()
	last := time.Now()
	listening := false
	return func(e scan.Event) {
		switch e.Kind {
		case scan.Found:
			if moving {
				fmt.Fprint(a.env.Err, "\r\x1b[K")
			}
			if !asJSON {
				fmt.Fprintln(a.env.Out, a.find(*e.Find))
			}
		case scan.Noisy:
			a.say("%s: never silent, left out", "%s：线路始终不静默，跳过", setting(e.Step.Setting))
		case scan.Listening:
			if !listening && !moving {
				a.say("listening first", "先侦听")
			}
			listening = true
			if moving {
				fmt.Fprintf(a.env.Err, "\r\x1b[K%s", a.f("listening at %s", "侦听 %s", setting(e.Step.Setting)))
			}
		case scan.Asking:
			if e.Asked == 0 && !moving {
				a.say("questions to ask: %d, about %s", "待询问 %d 次，约 %s", e.Left, span(e.ETA))
			}
			if moving || time.Since(last) >= time.Minute {
				a.scanProgress(e, moving)
				last = time.Now()
			}
		}
	}
}

// terminal tells whether words go to a terminal.
func (a *app) terminal() bool {
	f, ok := a.env.Err.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (a *app) scanProgress(e scan.Event, moving bool) {
	text := a.f("%s %s %s: %d asked, %d left, %s", "%s %s %s：已问 %d，剩余 %d，约 %s",
		setting(e.Step.Setting), e.Step.Protocol, e.Address, e.Asked, e.Left, span(e.ETA))
	if moving {
		fmt.Fprintf(a.env.Err, "\r\x1b[K%s", text)
		return
	}
	a.say("%s", "%s", text)
}

func setting(s scan.Setting) string {
	if s.Baud == 0 {
		return "tcp"
	}
	return s.String()
}

// find is one line about something that is there.
func (a *app) find(f scan.Find) string {
	parts := []string{fmt.Sprintf("%-12s", setting(f.Setting)), fmt.Sprintf("%-12s", f.Protocol)}
	if f.Protocol == "" {
		parts[1] = fmt.Sprintf("%-12s", "?")
	}
	who := f.Address
	if f.Protocol == scan.MBus && f.Number != "" {
		who = f.Address + " (" + f.Number + ")"
	}
	if !f.Certain() && who == "" {
		who = a.t("address ", "地址 ") + f.Asked
		if f.Asked == "" {
			who = a.t("address unknown", "地址未知")
		}
	}
	parts = append(parts, fmt.Sprintf("%-16s", plain(who)), a.evidence(f))
	for _, s := range []string{f.Maker, f.Kind, f.Edition} {
		if s != "" {
			parts = append(parts, plain(s))
		}
	}
	if f.Echo {
		parts = append(parts, a.t("(the adapter echoes)", "（适配器有回声）"))
	}
	return strings.TrimRight(strings.Join(parts, " "), " ")
}

func (a *app) evidence(f scan.Find) string {
	switch f.Evidence {
	case scan.Answered:
		return a.t("answers", "有应答")
	case scan.Refused:
		if f.Exception != 0 {
			return a.f("is there, refuses with exception %02X", "在线，以异常 %02X 拒绝", f.Exception)
		}
		return a.t("is there, refuses", "在线，拒绝应答")
	case scan.Overheard:
		return a.t("is talked to by somebody else", "正与其他主站通信")
	case scan.Damaged:
		return a.t("something is here: a damaged answer (several at once, or a bad line)", "此处有设备：应答损坏（多表同时应答或线路不良）")
	case scan.Garbage:
		return a.t("something is here: no frame of this protocol (other speed, parity or protocol, or several at once)", "此处有设备：不是该协议的报文（速率、校验或协议不同，或多表同时应答）")
	}
	return plain(string(f.Evidence))
}
