package cli

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/meter/metersim"
)

// simLine is what `tally sim meter` was asked for.
type simLine struct {
	protocol, listen, parity string
	baud, count              int
	turnaround               time.Duration
	pty, fast, asJSON        bool
	faults                   []string
}

// simMeterCommand is `tally sim meter`.
func (a *app) simMeterCommand() *cobra.Command {
	var s simLine
	c := &cobra.Command{
		Use: "meter", Short: a.t("a line with simulated remote-reading meters", "带有模拟远传表计的线路"), Args: a.args(0, 0),
		Long: a.t("Meters on a pseudo-terminal (Linux) or behind a TCP port, as slow as real ones, whose counters run. Faults: "+strings.Join(metersim.Ills(), ", ")+
			". NAME=PERCENT says how many of the answers (of the meters, for dead) have it. Ends on Ctrl-C.",
			"位于伪终端（Linux）或 TCP 端口之后的表计，速度与真实表计相同，计数不断增加。故障："+strings.Join(metersim.Ills(), "、")+
				"。名称=百分比 表示出现故障的应答比例（dead 为表计比例）。按 Ctrl-C 结束。"),
		Example: "  tally sim meter --protocol cjt188 --count 20 --fault late --fault dead=10\n  tally sim meter --protocol modbus-tcp --listen 127.0.0.1:1502 --json",
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.simRecipe(c, s)
			if err != nil {
				return err
			}
			p, err := metersim.Populate(r)
			if err != nil {
				return a.usage(c, "%v", "%v", err)
			}
			return a.simServe(c.Context(), p, s)
		},
	}
	f := c.Flags()
	f.StringVar(&s.protocol, "protocol", "", a.t("`NAME` "+strings.Join(metersim.Protocols(), ", "), "`名称` "+strings.Join(metersim.Protocols(), "、")))
	f.BoolVar(&s.pty, "pty", false, a.t("on a pseudo-terminal; so it is when --listen is not given", "使用伪终端；未给出 --listen 时即如此"))
	f.StringVar(&s.listen, "listen", "", a.t("`HOST:PORT` on a TCP port, port 0 for any", "`主机:端口` 使用 TCP 端口，0 为任意端口"))
	f.IntVar(&s.count, "count", 5, a.t("`N` meters", "`数量` 表计数量"))
	f.IntVar(&s.baud, "baud", 0, a.t("`N` speed; 9600 for Modbus, 2400 for the others when not given", "`速率` 缺省 Modbus 为 9600，其他为 2400"))
	f.StringVar(&s.parity, "parity", "", a.t("`none|even|odd` parity; none for Modbus, even for the others when not given", "`none|even|odd` 校验；缺省 Modbus 为 none，其他为 even"))
	f.DurationVar(&s.turnaround, "turnaround", 50*time.Millisecond, a.t("`TIME` a meter thinks", "`时间` 表计应答前的时间"))
	f.BoolVar(&s.fast, "fast", false, a.t("as fast as it goes, without the times of a line", "不模拟线路速度，尽快应答"))
	f.StringArrayVar(&s.faults, "fault", nil, a.t("`NAME[=PERCENT]` what goes wrong; may be given several times", "`名称[=百分比]` 故障；可多次给出"))
	a.jsonFlag(c, &s.asJSON)
	return c
}

// simRecipe checks the flags.
func (a *app) simRecipe(c *cobra.Command, s simLine) (metersim.Recipe, error) {
	baud, parity := config.SerialDefaults(s.protocol)
	if s.baud != 0 {
		baud = s.baud
	}
	if s.parity != "" {
		parity = s.parity
	}
	r := metersim.Recipe{Protocol: s.protocol, Count: s.count, Pacing: metersim.Pacing{Baud: baud, CharBits: 11, Turnaround: s.turnaround}}
	if parity == config.ParityNone {
		r.Pacing.CharBits = 10
	}
	if s.fast {
		r.Pacing = metersim.Pacing{}
	}
	for _, f := range s.faults {
		if err := r.ParseFault(f); err != nil {
			return r, a.usage(c, "%v", "%v", err)
		}
	}
	switch {
	case !slices.Contains(metersim.Protocols(), s.protocol):
		return r, a.usage(c, "--protocol is one of %s", "--protocol 可选：%s", strings.Join(metersim.Protocols(), ", "))
	case !slices.Contains(config.Bauds(), baud):
		return r, a.usage(c, "--baud %d is not possible", "--baud 不能为 %d", baud)
	case !slices.Contains([]string{config.ParityNone, config.ParityEven, config.ParityOdd}, parity):
		return r, a.usage(c, "--parity is none, even or odd", "--parity 只能为 none、even 或 odd")
	case s.turnaround < 0 || s.turnaround > time.Minute:
		return r, a.usage(c, "--turnaround is 0s to 1m", "--turnaround 应在 0s 至 1m 之间")
	case s.pty && s.listen != "":
		return r, a.usage(c, "--pty or --listen, not both", "--pty 与 --listen 只能选其一")
	case s.listen != "" && !config.IsHostPort(s.listen):
		return r, a.usage(c, "%q is not an address; want host:port", "%q 不是地址；应为 主机:端口", s.listen)
	case s.listen == "" && s.protocol == metersim.ProtocolTCP:
		return r, a.usage(c, "--protocol modbus-tcp needs --listen", "--protocol modbus-tcp 需要 --listen")
	}
	return r, nil
}

// simServe opens the line, says where it is, and serves until ctx ends.
func (a *app) simServe(ctx context.Context, p *metersim.Population, s simLine) error {
	if s.listen != "" {
		ln, err := net.Listen("tcp", s.listen)
		if err != nil {
			return &failure{ExitUnreachable, a.f("cannot listen on %s: %v", "无法监听 %s：%v", s.listen, plain(err.Error())), ""}
		}
		return p.Serve(ctx, func(ctx context.Context) error {
			if err := a.simSay(p, s, "tcp://"+ln.Addr().String()); err != nil {
				ln.Close()
				return err
			}
			return p.Listen(ctx, ln)
		})
	}
	pty, err := metersim.OpenPTY()
	if errors.Is(err, metersim.ErrNoPTY) {
		return &failure{ExitRefused, a.t("this system has no pseudo-terminals; use --listen", "本系统没有伪终端；请用 --listen"), ""}
	}
	if err != nil {
		return err
	}
	defer pty.Close()
	return p.Serve(ctx, func(ctx context.Context) error {
		if err := a.simSay(p, s, pty.Path); err != nil {
			return err
		}
		return p.Bus.Serve(ctx, pty.Wire)
	})
}

// simJSON is the stable form of what is on the line.
type simJSON struct {
	Port     string      `json:"port"` // as --port of the other commands takes it
	Protocol string      `json:"protocol"`
	Meters   []simMember `json:"meters"`
}

type simMember struct {
	Address string `json:"address"`
	Model   string `json:"model"`
	Number  string `json:"number,omitempty"`
	Dead    bool   `json:"dead,omitempty"`
}

// simSay prints where the line is and what is on it.
func (a *app) simSay(p *metersim.Population, s simLine, port string) error {
	if s.asJSON {
		j := simJSON{Port: port, Protocol: s.protocol}
		for _, r := range p.Residents {
			j.Meters = append(j.Meters, simMember{r.Address, r.Model, r.Number, r.Dead})
		}
		return a.json(j)
	}
	var t table
	t.row(a.t("port", "端口"), port)
	t.row(a.t("protocol", "协议"), s.protocol)
	for _, r := range p.Residents {
		state := ""
		if r.Dead {
			state = a.t("  (never answers)", "  （不应答）")
		}
		t.row(a.t("meter", "表计"), r.Address+"  "+r.Model+state)
	}
	_, err := a.env.Out.Write([]byte(t.String() + a.t("Ctrl-C ends it.", "按 Ctrl-C 结束。") + "\n"))
	return a.written(err)
}
