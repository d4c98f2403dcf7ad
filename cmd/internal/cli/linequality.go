package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
	"tally/meter"
	"tally/meter/line"
	"tally/meter/survey"
)

// lineQualityCommand is `tally line quality [ID] --polls N`.
func (a *app) lineQualityCommand(deps TallyDeps) *cobra.Command {
	var w which
	var asJSON bool
	var polls int
	var every time.Duration
	c := &cobra.Command{
		Use: "quality [ID]", Short: a.t("judge a line by many polls of one meter", "通过多次询问一只表计评价线路质量"), Args: a.args(0, 1),
		Long: a.t("Ask one meter many times, count what comes back, and say what that tells of the wire. Nothing is written.\nCtrl-C ends it early with the verdict so far.",
			"多次询问一只表计，统计应答并判断线路状况。不写入任何内容。按 Ctrl-C 可提前结束并给出当前结论。"),
		Example: "  tally line quality 00012345 --polls 200\n  tally line quality --port /dev/ttyUSB0 --protocol cjt188 --address 00000020120218 --model generic-cjt188-gas",
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case polls < 1 || polls > 100_000:
				return a.usage(c, "--polls is 1 to 100000", "--polls 应在 1 至 100000 之间")
			case every < 0 || every > time.Hour:
				return a.usage(c, "--every is 0 to 1h", "--every 应在 0 至 1h 之间")
			}
			if len(args) == 1 && w.direct.port == "" {
				m, err := a.asDirect(c.Context(), w, meter.ID(args[0]))
				if err != nil {
					return err
				}
				w.direct, args = m, nil
			}
			return a.withMeter(c, w, deps, args, func(t target) error { return a.survey(c.Context(), t, polls, every, asJSON) })
		},
	}
	a.whichFlags(c, &w, deps)
	c.Flags().IntVar(&polls, "polls", 50, a.t("`N` how often to ask", "`次数` 询问次数"))
	c.Flags().DurationVar(&every, "every", 0, a.t("`TIME` from one poll to the next; at once when not given", "`时间` 询问间隔；缺省连续询问"))
	a.jsonFlag(c, &asJSON)
	return c
}

// asDirect is a meter of the node as flags would name it: the line is borrowed, so that latencies are the line's.
func (a *app) asDirect(ctx context.Context, w which, id meter.ID) (direct, error) {
	client, _ := a.client(w.door)
	defer client.Close()
	lines, err := client.Lines(ctx)
	if err != nil {
		return w.direct, err
	}
	for _, l := range lines {
		for _, m := range l.Meters {
			if m.ID == id {
				d := w.direct
				d.port, d.unit, d.address, d.kind, d.model = l.Name, int(m.Unit), m.Address, m.Kind, m.Model
				return d, nil
			}
		}
	}
	return w.direct, &control.Error{Code: control.CodeNotFound, Message: fmt.Sprintf("no meter %q on this node", id)}
}

// survey polls a meter and prints the verdict.
func (a *app) survey(ctx context.Context, t target, polls int, every time.Duration, asJSON bool) error {
	l, ok := t.(lineMeter)
	if !ok {
		return errors.New("survey of a meter without its line")
	}
	var s survey.Survey
	s.Timeout = l.meter.Patience
	for n := range polls {
		began := time.Now()
		var pace line.Pace
		err := poll(line.WithPace(ctx, &pace), l.meter.Driver)
		if ctx.Err() != nil {
			break
		}
		if err != nil && n == 0 && errors.Is(err, meter.ErrLine) {
			return err // there is no line to judge
		}
		if err != nil && meter.Code(err) == "error" {
			return err
		}
		after := pace.Took
		if after == 0 { // a refusal: it is an answer too, but nobody stopped its time
			after = time.Since(began)
		}
		s.Add(survey.Poll{Err: err, After: after})
		if !sleep(ctx, every-time.Since(began)) {
			break
		}
	}
	st := l.line.Stats()
	s.Overheard(int(st.Echo), int(st.Stale))
	r := s.Result()
	if r.Verdict == survey.Nothing {
		return context.Cause(ctx)
	}
	if err := a.judged(t, r, asJSON); err != nil {
		return err
	}
	if r.Verdict == survey.Good || r.Verdict == survey.Fair {
		return nil
	}
	if r.Verdict == survey.Dead {
		return &failure{ExitUnreachable, a.t("the meter never answered", "表计从未应答"), ""}
	}
	return errNotWell
}

// poll asks the shortest question that the driver has.
func poll(ctx context.Context, m meter.Meter) error {
	ctx = line.WithPriority(ctx, line.Interactive)
	if p, ok := m.(meter.Prober); ok {
		return p.Probe(ctx)
	}
	_, err := m.Read(ctx)
	return err
}

// sleep waits, and tells whether ctx has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// jsonSurvey is a verdict for other programs; latencies in milliseconds.
type jsonSurvey struct {
	Meter string `json:"meter"`
	Line  string `json:"line"`
	survey.Result
	MinMS    float64 `json:"min_ms"`
	MedianMS float64 `json:"median_ms"`
	P95MS    float64 `json:"p95_ms"`
	MaxMS    float64 `json:"max_ms"`
}

func (a *app) judged(t target, r survey.Result, asJSON bool) error {
	where, _ := t.Where()
	if asJSON {
		ms := func(d time.Duration) float64 {
			return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
		}
		return a.json(jsonSurvey{string(t.Number()), where, r, ms(r.Min), ms(r.Median), ms(r.P95), ms(r.Max)})
	}
	var out table
	out.row(a.t("meter", "表计"), plain(string(t.Number())))
	out.row(a.t("line", "线路"), plain(where))
	for _, n := range []struct {
		en, zh string
		n      int
	}{
		{"sent", "已发送", r.Sent}, {"ok", "正常", r.OK}, {"timeout", "超时", r.Timeout}, {"checksum", "校验错", r.Checksum}, {"foreign", "他表应答", r.Foreign},
		{"malformed", "不符", r.Malformed}, {"exception", "异常", r.Exception}, {"lost", "端口丢失", r.Lost}, {"echo", "回声", r.Echo}, {"stale bytes", "多余字节", r.Stale},
	} {
		out.row(a.t(n.en, n.zh), fmt.Sprintf("%d", n.n))
	}
	if r.Max > 0 {
		out.row(a.t("latency", "延时"), a.f("min %s, median %s, 95%% %s, max %s", "最小 %s，中位 %s，95%% %s，最大 %s", short(r.Min), short(r.Median), short(r.P95), short(r.Max)))
	}
	out.row(a.t("verdict", "结论"), a.verdict(r.Verdict))
	for _, v := range r.Advice {
		out.row(a.t("check", "检查"), a.advice(v))
	}
	_, err := a.env.Out.Write([]byte(out.String()))
	return a.written(err)
}

func short(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
