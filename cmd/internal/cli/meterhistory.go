package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/fieldwork"
	"tally/meter"
)

// meterHistoryCommand is `tally meter history [ID]`.
func (a *app) meterHistoryCommand(deps TallyDeps) *cobra.Command {
	var w which
	var asJSON bool
	var from, to string
	c := &cobra.Command{
		Use: "history [ID]", Short: a.t("what a meter remembers", "表计历史数据"), Args: a.args(0, 1),
		Long: a.t("Read what the meter froze: its settlement days or midnights. What a meter gives without a date is shown by how many\nperiods it counts back.",
			"读取表计冻结数据：结算日或零点数据。表计未给出日期的，以其回数的周期表示。"),
		Example: "  tally meter history 00012345\n  tally meter history 00012345 --from 2026-01-01 --to 2026-07-01 --json",
		RunE: func(c *cobra.Command, args []string) error {
			act := fieldwork.Act{Do: fieldwork.History, To: deps.now()}
			act.From = act.To.AddDate(-1, 0, 0)
			for _, b := range []struct {
				text string
				at   *time.Time
				name string
			}{{from, &act.From, "from"}, {to, &act.To, "to"}} {
				if b.text == "" {
					continue
				}
				day, err := time.ParseInLocation(time.DateOnly, b.text, time.Local)
				if err != nil {
					return a.usage(c, "--%s is a day as in 2026-01-31", "--%s 应为日期，如 2026-01-31", b.name)
				}
				*b.at = day
			}
			if !act.From.Before(act.To) {
				return a.usage(c, "--from must be before --to", "--from 须早于 --to")
			}
			return a.withMeter(c, w, deps, args, func(t target) error {
				r, err := t.Do(c.Context(), act)
				if err != nil {
					return err
				}
				return a.memories(t, r.Memories, asJSON)
			})
		},
	}
	a.whichFlags(c, &w, deps)
	c.Flags().StringVar(&from, "from", "", a.t("`DAY` first day; a year ago when not given", "`日期` 起始日；缺省为一年前"))
	c.Flags().StringVar(&to, "to", "", a.t("`DAY` day before which it ends; now when not given", "`日期` 截止日（不含）；缺省为现在"))
	a.jsonFlag(c, &asJSON)
	return c
}

// memories shows what a meter remembers, the latest first.
func (a *app) memories(t target, all []meter.Memory, asJSON bool) error {
	if asJSON {
		type memory struct {
			Back   int         `json:"back"`
			At     string      `json:"at"` // empty when the meter does not say
			Values []jsonValue `json:"values"`
		}
		j := struct {
			Meter    string   `json:"meter"`
			Memories []memory `json:"memories"`
		}{string(t.Number()), []memory{}}
		for _, m := range all {
			one := memory{Back: m.Back, Values: readingJSON(m.Reading).Values}
			if !m.Reading.At.IsZero() {
				one.At = m.Reading.At.Format(time.RFC3339)
			}
			j.Memories = append(j.Memories, one)
		}
		return a.json(j)
	}
	if len(all) == 0 {
		a.say("the meter remembers nothing of that time", "表计无该时段数据")
		return nil
	}
	var out table
	for _, m := range all {
		when := m.Reading.At.Local().Format("2006-01-02 15:04")
		if m.Reading.At.IsZero() {
			when = a.f("%d back", "前 %d 期", m.Back)
		}
		row := []string{when}
		for _, v := range m.Reading.Values {
			row = append(row, fmt.Sprintf("%s %s %s", a.quantity(v.Name), v.Number, sign(v.Unit)))
		}
		out.row(row...)
	}
	_, err := a.env.Out.Write([]byte(out.String()))
	return a.written(err)
}
