package cli

import (
	"github.com/spf13/cobra"

	"tally/cmd/internal/fieldwork"
)

// meterAddressCommand is `tally meter address [ID] [--set NEW --write]`.
func (a *app) meterAddressCommand(deps TallyDeps) *cobra.Command {
	var w which
	var wr writing
	var asJSON bool
	var to string
	c := &cobra.Command{
		Use: "address [ID]", Short: a.t("ask a meter for its address, or change it", "读取或更改表计地址"), Args: a.args(0, 1),
		Long: a.t("Ask for the address with the question that everybody answers: only where one meter is alone on the line.\n"+
			"With --set and --write the address is changed and read back under the new one. It is refused when another meter\nanswers there.",
			"用所有表计都会应答的命令询问地址：仅限线路上只有一只表计时。\n给出 --set 和 --write 时更改地址并在新地址下回读。若新地址已有表计应答则拒绝。"),
		Example: "  tally meter address --port /dev/ttyUSB0 --protocol cjt188 --address 00000020120218 --model generic-cjt188-gas\n" +
			"  tally meter address --port /dev/ttyUSB0 --unit 1 --model generic-gas-modbus --set 7 --write",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withMeter(c, w, deps, args, func(t target) error {
				act := fieldwork.Act{Do: fieldwork.Address}
				if to == "" {
					r, err := t.Do(c.Context(), act)
					if err != nil {
						return err
					}
					return a.address(t, r, asJSON)
				}
				act = fieldwork.Act{Do: fieldwork.SetAddress, Address: to, Typed: a.typed(wr, "meter's number, to change its address", "键入表号以更改地址")}
				r, err := a.change(c.Context(), t, act, to, wr, deps)
				if err != nil {
					return err
				}
				if err := a.address(t, r, asJSON); err != nil {
					return err
				}
				if err := a.became(r); err != nil {
					return err
				}
				if _, node := t.Where(); node {
					a.say("the node's configuration still has the old address", "节点配置中仍为旧地址")
				}
				return nil
			})
		},
	}
	a.whichFlags(c, &w, deps)
	c.Flags().StringVar(&to, "set", "", a.t("`ADDRESS` the new address, written as in a configuration", "`地址` 新地址，写法同配置"))
	a.writeFlags(c, &wr, true)
	a.jsonFlag(c, &asJSON)
	return c
}

// address shows a meter's address.
func (a *app) address(t target, r fieldwork.Result, asJSON bool) error {
	if asJSON {
		return a.json(struct {
			Meter   string            `json:"meter"`
			Address string            `json:"address"`
			Before  string            `json:"before,omitempty"`
			Outcome fieldwork.Outcome `json:"outcome,omitempty"`
			Code    string            `json:"code,omitempty"`
			Message string            `json:"message,omitempty"`
		}{string(t.Number()), r.Address, r.Before, r.Outcome, r.Code, r.Message})
	}
	if r.Outcome != "" && r.Outcome != fieldwork.Done {
		return nil // the message says everything
	}
	var out table
	if r.Before != "" {
		out.row(a.t("before", "操作前"), plain(r.Before))
	}
	out.row(a.t("address", "地址"), plain(r.Address))
	_, err := a.env.Out.Write([]byte(out.String()))
	return a.written(err)
}
