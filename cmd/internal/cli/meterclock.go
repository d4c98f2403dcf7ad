package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/fieldwork"
)

// meterClockCommand is `tally meter clock [ID] [--set --write]`.
func (a *app) meterClockCommand(deps TallyDeps) *cobra.Command {
	var w which
	var wr writing
	var asJSON, set bool
	c := &cobra.Command{
		Use: "clock [ID]", Short: a.t("read a meter's clock, or set it", "读取或设置表计时钟"), Args: a.args(0, 1),
		Long: a.t("Show what the meter's clock says and how far it is off. With --set and --write it is set to the clock of this machine,\nor of the node, and read back. A meter's clock knows no zone: with --port it is taken to be in that of --utc-offset.",
			"显示表计时钟及其偏差。给出 --set 和 --write 时，按本机（或节点）时钟设置并回读。\n表计时钟不含时区：使用 --port 时按 --utc-offset 解释。"),
		Example: "  tally meter clock 00012345\n  tally meter clock 00012345 --set --write\n  tally meter clock --port COM3 --protocol cjt188 --address 2020120218 --model generic-cjt188-gas --utc-offset +05:30",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withMeter(c, w, deps, args, func(t target) error {
				if !set {
					r, err := t.Do(c.Context(), fieldwork.Act{Do: fieldwork.ReadClock})
					if err != nil {
						return err
					}
					return a.clock(t, r, asJSON)
				}
				r, err := a.change(c.Context(), t, fieldwork.Act{Do: fieldwork.SetClock}, "now", wr, deps)
				if err != nil {
					return err
				}
				if err := a.clock(t, r, asJSON); err != nil {
					return err
				}
				return a.became(r)
			})
		},
	}
	a.whichFlags(c, &w, deps)
	c.Flags().BoolVar(&set, "set", false, a.t("set the clock to the time of this machine or node", "将时钟设为本机或节点时间"))
	a.writeFlags(c, &wr, false)
	a.jsonFlag(c, &asJSON)
	return c
}

// clock shows a meter's clock.
func (a *app) clock(t target, r fieldwork.Result, asJSON bool) error {
	ahead := r.Shows.Round(0).Sub(r.At.Round(0)).Round(time.Second)
	if asJSON {
		j := struct {
			Meter   string            `json:"meter"`
			Shows   time.Time         `json:"shows,omitzero"`
			At      time.Time         `json:"at,omitzero"`
			Ahead   int64             `json:"ahead_s"`
			Before  string            `json:"before,omitempty"`
			Outcome fieldwork.Outcome `json:"outcome,omitempty"`
			Code    string            `json:"code,omitempty"`
			Message string            `json:"message,omitempty"`
		}{string(t.Number()), r.Shows, r.At.UTC(), 0, r.Before, r.Outcome, r.Code, r.Message}
		if !r.Shows.IsZero() {
			j.Ahead = int64(ahead / time.Second)
		}
		return a.json(j)
	}
	if r.Shows.IsZero() {
		return nil // the message says everything
	}
	var out table
	out.row(a.t("meter", "表计"), plain(string(t.Number())))
	if r.Before != "" {
		out.row(a.t("before", "操作前"), plain(r.Before))
	}
	out.row(a.t("shows", "显示"), r.Shows.Format("2006-01-02 15:04:05 -07:00"))
	out.row(a.t("asked", "询问时间"), r.At.In(r.Shows.Location()).Format("2006-01-02 15:04:05 -07:00"))
	out.row(a.t("drift", "偏差"), a.drift(ahead))
	_, err := a.env.Out.Write([]byte(out.String()))
	return a.written(err)
}

// drift says how far a clock is off.
func (a *app) drift(ahead time.Duration) string {
	switch {
	case ahead == 0:
		return a.t("none", "无")
	case ahead < 0:
		return a.f("%s behind", "慢 %s", span(-ahead))
	}
	return a.f("%s ahead", "快 %s", span(ahead))
}

// span writes a duration with days, as 2d3h, 5m2s or 40s.
func span(d time.Duration) string {
	if days := d / (24 * time.Hour); days > 0 {
		return fmt.Sprintf("%dd%dh", days, (d%(24*time.Hour))/time.Hour)
	}
	return d.Round(time.Second).String()
}
