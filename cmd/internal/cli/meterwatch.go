package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/meter"
)

// meterWatchCommand is `tally meter watch [ID] [--every 5s] [--count N]`.
func (a *app) meterWatchCommand(deps TallyDeps) *cobra.Command {
	var w which
	var asJSON bool
	var every time.Duration
	var count int
	c := &cobra.Command{
		Use: "watch [ID]", Short: a.t("read a meter again and again", "持续抄读表计"), Args: a.args(0, 1),
		Long: a.t("Read a meter again and again until Ctrl-C, one line a reading. A reading that fails is a line too.",
			"持续抄读直至按 Ctrl-C，每次一行；抄读失败也占一行。"),
		Example: "  tally meter watch 00012345 --every 10s\n  tally meter watch --port /dev/ttyUSB0 --unit 1 --model generic-gas-modbus --count 3 --json",
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case every < 200*time.Millisecond || every > 24*time.Hour:
				return a.usage(c, "--every is 200ms to 24h", "--every 应在 200ms 至 24h 之间")
			case count < 0:
				return a.usage(c, "--count is not negative", "--count 不能为负")
			}
			return a.withMeter(c, w, deps, args, func(t target) error { return a.watch(c.Context(), t, every, count, asJSON) })
		},
	}
	a.whichFlags(c, &w, deps)
	c.Flags().DurationVar(&every, "every", 5*time.Second, a.t("`TIME` from one reading to the next", "`时间` 抄读间隔"))
	c.Flags().IntVar(&count, "count", 0, a.t("`N` readings, then end; without end when not given", "`次数` 抄读次数；缺省不限"))
	c.Flags().BoolVar(&asJSON, "json", false, a.t("one JSON object a reading, for other programs", "每次抄读输出一个 JSON 对象，供程序使用"))
	return c
}

// jsonFailure is a reading that failed, in a stream of readings.
type jsonFailure struct {
	Meter   string    `json:"meter"`
	At      time.Time `json:"at"`
	Code    string    `json:"code"`
	Message string    `json:"message"`
}

// watch reads until ctx ends or count readings were tried. It ends not well when none of them came.
func (a *app) watch(ctx context.Context, t target, every time.Duration, count int, asJSON bool) error {
	var last *meter.Reading
	answered := false
	for n := 1; ; n++ {
		began := time.Now()
		r, err := t.Read(ctx)
		if ctx.Err() != nil {
			break
		}
		if shown := a.watched(t, r, last, err, asJSON); shown != nil {
			return shown
		}
		if err == nil {
			answered, last = true, &r
		}
		if n == count {
			break
		}
		timer := time.NewTimer(max(every-time.Since(began), 0))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			break
		}
	}
	if !answered {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return errNotWell
	}
	return nil
}

// watched prints one line. A meter that cannot be read at all, by its number or by its line, ends the command.
func (a *app) watched(t target, r meter.Reading, last *meter.Reading, err error, asJSON bool) error {
	if err != nil {
		f := a.explain(err)
		if f.code != ExitUnreachable && f.code != ExitNotWell || errors.Is(err, meter.ErrUnable) {
			return err
		}
		if asJSON {
			code := meter.Code(err)
			return a.jsonLine(jsonFailure{string(t.Number()), time.Now().UTC(), code, err.Error()})
		}
		return a.print("%s  %s", time.Now().Format(time.TimeOnly), f.text)
	}
	if asJSON {
		return a.jsonLine(readingJSON(r))
	}
	parts := []string{r.At.Local().Format(time.TimeOnly)}
	for _, v := range r.Values {
		part := strings.TrimSpace(fmt.Sprintf("%s %s %s", a.quantity(v.Name), v.Number, sign(v.Unit)))
		if v.Name == meter.Volume && last != nil {
			part += change(v, *last)
		}
		parts = append(parts, part)
	}
	for _, q := range r.Quality {
		parts = append(parts, a.quality(q))
	}
	return a.print("%s", strings.Join(parts, "  "))
}

// change is how much a value grew since the reading before, in brackets; empty when that cannot be told.
func change(v meter.Value, last meter.Reading) string {
	old, ok := last.Find(v.Name)
	if !ok || old.Unit != v.Unit || old.Number.Scale != v.Number.Scale {
		return ""
	}
	d := v.Number
	d.Unscaled -= old.Number.Unscaled
	plus := "+"
	if d.Unscaled < 0 {
		plus = ""
	}
	return fmt.Sprintf(" (%s%s)", plus, d)
}
