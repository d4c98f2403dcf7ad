package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/sync/central"
	"tally/sync/contract"
)

// centralCommandCommand is `tally-central command NODE TYPE ARGS…`, with `list` and `show` beneath it.
func (a *app) centralCommandCommand(deps CentralDeps) *cobra.Command {
	var file, epoch, by string
	var asJSON, wait bool
	life := time.Hour
	c := &cobra.Command{
		Use: "command NODE TYPE [ARGUMENT…]", Short: a.t("have a node do something once, and see what became of it", "让节点执行一次指令，并跟踪结果"), Args: a.args(2, 1002),
		Long: a.t("Sign a command and keep it. A running centre sends it until the node's result is here or it has expired; the node carries it out\nonce, however often it comes. Types and their arguments:\n\n", "签名并保存指令。运行中的中心会反复下发，直至收到结果或指令过期；节点无论收到几次都只执行一次。类型与参数：\n\n") + a.commandTypes(),
		RunE: func(c *cobra.Command, args []string) error {
			return a.atDesk(c, deps, file, func(desk CentralDesk) error {
				o := central.Order{Node: args[0], Type: strings.ReplaceAll(args[1], "-", "_"), Life: life, Issuer: by}
				var err error
				if o.Args, err = a.commandArgs(c, desk, o.Node, o.Type, epoch, args[2:]); err != nil {
					return err
				}
				if life <= 0 || life > contract.MaxLife {
					return a.usage(c, "--life is more than 0 and at most %s", "--life 应大于 0 且不超过 %s", contract.MaxLife)
				}
				if err := contract.CheckArgs(o.Type, o.Args); err != nil {
					return a.usage(c, "%v", "%v", err)
				}
				s, err := desk.Issue(c.Context(), o)
				if err != nil {
					return err
				}
				if o.Type == contract.CommandValve && strings.Contains(string(o.Args), `"`+contract.ValveOpen+`"`) {
					a.say("opening only arms the valve: it needs somebody at the meter", "远程开阀仅为允许开启，须有人在表前操作")
				}
				return a.track(c.Context(), deps, desk, s, wait, asJSON)
			})
		},
	}
	a.configFlag(c, &file)
	a.jsonFlag(c, &asJSON)
	a.byFlag(c, &by)
	c.Flags().DurationVar(&life, "life", life, a.t("`TIME` it is not begun later than so long from now", "`时长` 超过此时长后不再开始执行"))
	c.Flags().StringVar(&epoch, "epoch", "", a.t("`EPOCH` of the records to be sent again; the node's present one when not given", "`纪元` 要求重传的记录所属纪元；缺省为节点当前纪元"))
	c.Flags().BoolVar(&wait, "wait", false, a.t("wait for the result", "等待结果"))
	c.AddCommand(a.centralListCommand(deps), a.centralShowCommand(deps))
	return c
}

func (a *app) commandTypes() string {
	t := table{indent: "  "}
	t.row("valve METER open|close", a.t("the valve of one meter; opening only arms it", "控制一块表的阀门；开阀仅为允许开启"))
	t.row("read-now [METER…]", a.t("read meters outside the schedule, all when none is named", "立即抄表；不指定则全部"))
	t.row("set-clock [METER…]", a.t("set the clocks of meters to the node's", "将表计时钟校为节点时钟"))
	t.row("resend tx|ev|rd FROM [TO]", a.t("send records again that were acknowledged", "重传已确认的记录"))
	t.row("backup", a.t("make a backup at once", "立即备份"))
	t.row("log-level LEVEL [TIME]", a.t("log more or less for a while, an hour when not given", "临时调整日志级别，缺省一小时"))
	return strings.TrimRight(t.String(), "\n")
}

// commandArgs makes the arguments of a type of what was typed.
func (a *app) commandArgs(c *cobra.Command, desk CentralDesk, node, typ, epoch string, args []string) (json.RawMessage, error) {
	missing := func(n int) error {
		if len(args) < n {
			return a.usage(c, "an argument of %s is missing", "%s 缺少参数", strings.ReplaceAll(typ, "_", "-"))
		}
		return nil
	}
	most, need := 0, 0
	switch typ {
	case contract.CommandValve:
		most, need = 2, 2
	case contract.CommandReadNow, contract.CommandSetClock:
		most = 1000
	case contract.CommandResend:
		most, need = 3, 2
	case contract.CommandBackup:
	case contract.CommandLogLevel:
		most, need = 2, 1
	default:
		return nil, a.usage(c, "there is no type of command %q", "没有指令类型 %q", typ)
	}
	if err := missing(need); err != nil {
		return nil, err
	}
	if len(args) > most {
		return nil, a.usage(c, "%q is too much", "多余的参数 %q", args[most])
	}
	v, err := a.typedArgs(c, desk, node, typ, epoch, args)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func (a *app) typedArgs(c *cobra.Command, desk CentralDesk, node, typ, epoch string, args []string) (any, error) {
	switch typ {
	case contract.CommandValve:
		return contract.ValveArgs{Meter: args[0], Do: args[1]}, nil
	case contract.CommandReadNow:
		return contract.ReadNowArgs{Meters: args}, nil
	case contract.CommandSetClock:
		return contract.SetClockArgs{Meters: args}, nil
	case contract.CommandResend:
		return a.resendArgs(c, desk, node, epoch, args)
	case contract.CommandLogLevel:
		l := contract.LogLevelArgs{Level: args[0]}
		if len(args) > 1 {
			d, err := time.ParseDuration(args[1])
			if err != nil {
				return nil, a.usage(c, "%q is no time; write 10m or 1h30m", "%q 不是时长；请写 10m 或 1h30m", args[1])
			}
			l.ForS = int(d / time.Second)
		}
		return l, nil
	}
	return contract.BackupArgs{}, nil
}

func (a *app) resendArgs(c *cobra.Command, desk CentralDesk, node, epoch string, args []string) (any, error) {
	r := contract.ResendArgs{Stream: contract.Stream(args[0]), Epoch: epoch}
	for i, to := range []*uint64{&r.From, &r.To} {
		if i+1 < len(args) {
			n, err := strconv.ParseUint(args[i+1], 10, 53)
			if err != nil {
				return nil, a.usage(c, "%q is no number of a record", "%q 不是记录序号", args[i+1])
			}
			*to = n
		}
	}
	if r.Epoch != "" {
		return r, nil
	}
	nodes, err := desk.Nodes(c.Context())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(nodes, func(n central.NodeState) bool { return n.Node == node })
	if i < 0 {
		return nil, UnknownNode
	}
	r.Epoch = nodes[i].Epoch
	return r, nil
}

// track shows a command, after its result is here when that is waited for.
func (a *app) track(ctx context.Context, deps CentralDeps, desk CentralDesk, s central.CommandState, wait, asJSON bool) error {
	if wait && s.Finished == nil && !s.Lapsed(deps.now()) {
		a.say("%s waits for %s until %s", "%s 等待 %s，至 %s", s.ID, s.Node, localTime(s.Expires))
		poll := deps.Poll
		if poll <= 0 {
			poll = time.Second
		}
		tick := time.NewTicker(poll)
		defer tick.Stop()
		for s.Finished == nil && !s.Lapsed(deps.now()) {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
			var err error
			if s, err = desk.Command(ctx, s.ID); err != nil {
				return err
			}
		}
	}
	if err := a.showCommand(s, deps.now(), asJSON); err != nil {
		return err
	}
	switch {
	case s.Finished != nil && s.Outcome != contract.Done:
		return errNotWell
	case wait && s.Finished == nil:
		return &failure{ExitUnreachable, a.t("no result came before the command expired", "指令过期前未收到结果"), ""}
	}
	return nil
}
