package cli

import (
	"github.com/spf13/cobra"

	"tally/cmd/internal/fieldwork"
	"tally/meter"
)

// meterValveCommand is `tally meter valve show|close|arm`.
func (a *app) meterValveCommand(deps TallyDeps) *cobra.Command {
	return a.group("valve", a.t("a meter's valve", "表计阀门"), a.valveShowCommand(deps),
		a.valveMoveCommand(deps, "close", fieldwork.CloseValve, meter.ValveClosed, a.t("close the valve", "关阀"), "meter's number, to close its valve", "键入表号以关阀",
			a.t("Close the valve and read back where it stands. The command is sent once and never repeated: one that timed out is\nunknown until the meter is read.",
				"关闭阀门并回读其位置。命令只发送一次，绝不重发：超时的命令结果未知，须再读表计。")),
		a.valveMoveCommand(deps, "arm", fieldwork.ArmValve, meter.ValveOpen, a.t("allow the valve to be opened at the meter", "允许在表端开阀"), "meter's number, to allow its valve to be opened", "键入表号以允许开阀",
			a.t("Allow the customer to open the valve at the meter, and read back. Nothing opens a valve from afar by itself.\nThe command is sent once and never repeated.",
				"允许用户在表端开阀，并回读。不会远程直接开阀。命令只发送一次，绝不重发。")))
}

func (a *app) valveShowCommand(deps TallyDeps) *cobra.Command {
	var w which
	var asJSON bool
	c := &cobra.Command{
		Use: "show [ID]", Short: a.t("where the valve stands", "阀门位置"), Args: a.args(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withMeter(c, w, deps, args, func(t target) error {
				r, err := t.Do(c.Context(), fieldwork.Act{Do: fieldwork.ReadValve})
				if err != nil {
					return err
				}
				return a.valve(t, r, asJSON)
			})
		},
	}
	a.whichFlags(c, &w, deps)
	a.jsonFlag(c, &asJSON)
	return c
}

// valveMoveCommand is one way to move a valve.
func (a *app) valveMoveCommand(deps TallyDeps, use, act string, want meter.ValveState, short, ask, askZH, long string) *cobra.Command {
	var w which
	var wr writing
	var asJSON bool
	c := &cobra.Command{
		Use: use + " [ID]", Short: short, Long: long, Args: a.args(0, 1),
		Example: "  tally meter valve " + use + " 00012345 --write --confirm 00012345\n" +
			"  tally meter valve " + use + " --port /dev/ttyUSB0 --protocol cjt188 --address 00000020120218 --model generic-cjt188-gas --write",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withMeter(c, w, deps, args, func(t target) error {
				r, err := a.change(c.Context(), t, fieldwork.Act{Do: act, Typed: a.typed(wr, ask, askZH)}, string(want), wr, deps)
				if err != nil {
					return err
				}
				if err := a.valve(t, r, asJSON); err != nil {
					return err
				}
				return a.became(r)
			})
		},
	}
	a.whichFlags(c, &w, deps)
	a.writeFlags(c, &wr, true)
	a.jsonFlag(c, &asJSON)
	return c
}

// valve shows where the valve stands and what became of a command.
func (a *app) valve(t target, r fieldwork.Result, asJSON bool) error {
	if asJSON {
		return a.json(struct {
			Meter   meter.ID          `json:"meter"`
			Valve   meter.ValveState  `json:"valve"`
			Before  string            `json:"before,omitempty"`
			Outcome fieldwork.Outcome `json:"outcome,omitempty"`
			Code    string            `json:"code,omitempty"`
			Message string            `json:"message,omitempty"`
		}{t.Number(), r.Valve, r.Before, r.Outcome, r.Code, r.Message})
	}
	if r.Outcome == fieldwork.NotSent {
		return nil // the message says everything
	}
	var out table
	out.row(a.t("meter", "表计"), plain(string(t.Number())))
	if r.Before != "" {
		out.row(a.t("before", "操作前"), a.valveState(meter.ValveState(r.Before)))
	}
	out.row(a.t("valve", "阀门"), a.valveState(r.Valve))
	_, err := a.env.Out.Write([]byte(out.String()))
	return a.written(err)
}

func (a *app) valveState(s meter.ValveState) string {
	switch s {
	case meter.ValveOpen:
		return a.t("open", "开")
	case meter.ValveClosed:
		return a.t("closed", "关")
	case meter.ValveFault:
		return a.t("fault", "故障")
	case meter.ValveUnknown, "":
		return a.t("unknown", "未知")
	}
	return plain(string(s))
}
