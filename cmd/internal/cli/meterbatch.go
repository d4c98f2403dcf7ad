package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/cli/metercsv"
	"tally/meter"
	"tally/meter/line"
)

// batchFlags say what becomes of a batch.
type batchFlags struct {
	door          door
	report        string
	retries       int
	fresh, again  bool
	asJSON, check bool
}

// meterBatchCommand is `tally meter batch FILE.csv --report out.csv|out.json`.
func (a *app) meterBatchCommand(deps TallyDeps) *cobra.Command {
	var b batchFlags
	c := &cobra.Command{
		Use: "batch FILE.csv --report FILE", Short: a.t("read the meters of a list", "按清单批量抄表"), Args: a.args(1, 1),
		Long: a.t(`Read the meters of a CSV list one after the other and write a report. The first row names the columns: `+strings.Join(metercsv.Columns(), ", ")+`.
A row with only a meter names one of the node; a row with a port needs unit or address, and model.

The whole list is checked before anything is asked. Each result is kept in REPORT.part as it comes; after Ctrl-C or a power
cut the same command goes on there. The report is written as a whole at the end.`, `按 CSV 清单逐一抄表并生成报告。首行为列名：`+strings.Join(metercsv.Columns(), "、")+`。
只填 meter 的行为节点的表计；填写 port 的行须填 unit 或 address，以及 model。

抄表前先检查整个清单。每个结果即时存入 REPORT.part；按 Ctrl-C 或断电后，再次运行同一命令即可继续。报告在最后一次性写出。`),
		Example: "  tally meter batch flats.csv --report flats-2026-11.csv",
		RunE:    func(c *cobra.Command, args []string) error { return a.batch(c, args[0], b, deps) },
	}
	a.doorFlags(c, &b.door, deps.Socket)
	f := c.Flags()
	f.StringVar(&b.report, "report", "", a.t("`FILE` the report, .csv or .json", "`文件` 报告文件，.csv 或 .json"))
	f.IntVar(&b.retries, "retries", 1, a.t("`0-9` further tries for a meter that does not answer", "`0-9` 无应答时的重试次数"))
	f.BoolVar(&b.fresh, "fresh", false, a.t("begin anew although a batch was stopped", "忽略中断的批次，重新开始"))
	f.BoolVar(&b.again, "failed-again", false, a.t("going on, also read those again that failed", "继续时重新抄读失败的表计"))
	f.BoolVar(&b.check, "check", false, a.t("check the list and read nothing", "仅检查清单，不抄表"))
	a.jsonFlag(c, &b.asJSON)
	return c
}

// batch runs the command.
func (a *app) batch(c *cobra.Command, file string, b batchFlags, deps TallyDeps) error {
	switch ext := strings.ToLower(filepath.Ext(b.report)); {
	case b.retries < 0 || b.retries > 9:
		return a.usage(c, "--retries is 0 to 9", "--retries 应在 0 至 9 之间")
	case b.report == "" && !b.check:
		return a.usage(c, "name a report with --report", "请用 --report 指定报告文件")
	case b.report != "" && ext != ".csv" && ext != ".json":
		return a.usage(c, "--report ends with .csv or .json", "--report 应以 .csv 或 .json 结尾")
	}
	sheet, err := metercsv.ReadFile(file, func(r metercsv.Row) string { return a.checkRow(c, r, deps) })
	if problems, ok := errors.AsType[metercsv.Problems](err); ok {
		fmt.Fprintln(a.env.Err, problems[:min(len(problems), shownProblems)].Text(a.lang))
		return &failure{ExitConfig, a.f("problems in %s: %d; nothing was read", "%s 中的问题：%d 个；未抄表", file, len(problems)), ""}
	}
	if err != nil {
		return err
	}
	if b.check {
		a.say("meters in %s: %d, no problem", "%s 中的表计：%d 只，无问题", file, len(sheet.Rows))
		return nil
	}
	return a.runBatch(c, sheet, b, deps)
}

// checkRow checks a row by the rules of the flags of `meter read`.
func (a *app) checkRow(c *cobra.Command, r metercsv.Row, deps TallyDeps) string {
	if r.Port == "" {
		return ""
	}
	if _, err := a.directLine(c, rowDirect(r), deps.Known); err != nil {
		return a.explain(err).text
	}
	return ""
}

// rowDirect is a row as the flags of `meter read` would say it.
func rowDirect(r metercsv.Row) direct {
	return direct{port: r.Port, protocol: r.Protocol, parity: r.Parity, model: r.Model, address: r.Address, kind: r.Kind,
		baud: r.Baud, stopBits: max(r.StopBits, 1), unit: r.Unit, timeout: r.Timeout}
}

// runBatch reads what is not read yet.
func (a *app) runBatch(c *cobra.Command, s metercsv.Sheet, b batchFlags, deps TallyDeps) error {
	part, err := a.openPart(b.report+".part", s, b.fresh)
	if err != nil {
		return err
	}
	defer part.close()
	if n := len(part.done); n > 0 {
		a.say("going on; meters done: %d of %d", "继续；已完成表计 %d/%d 只", n, len(s.Rows))
	}
	lines := &openLines{app: a, c: c, flags: b, deps: deps, open: map[string]openLine{}}
	defer lines.close()
	for _, r := range s.Rows {
		if old, has := part.done[r.Line]; has && (old.OK || !b.again) {
			continue
		}
		result := lines.read(c.Context(), r)
		if c.Context().Err() != nil { // a reading that was broken off is none
			return &failure{ExitInterrupted, a.f("interrupted; the same command goes on from %s", "已中断；再次运行同一命令将从 %s 继续", part.path), ""}
		}
		if err := part.add(result); err != nil {
			return err
		}
		if !result.OK {
			a.say("%s: %s", "%s：%s", plain(r.Meter), result.Reason)
		}
	}
	return a.batchDone(s, part, b)
}

// batchDone writes the report and throws the parts away.
func (a *app) batchDone(s metercsv.Sheet, p *part, b batchFlags) error {
	var rows []batchRow
	failed := 0
	for _, r := range s.Rows {
		row := p.done[r.Line]
		if rows = append(rows, row); !row.OK {
			failed++
		}
	}
	text, err := report(strings.ToLower(filepath.Ext(b.report)), s.File, rows)
	if err == nil {
		err = replaceFile(b.report, text)
	}
	if err != nil {
		return err
	}
	p.close()
	if err := os.Remove(p.path); err != nil {
		return fmt.Errorf("remove what was kept of the batch: %w", err)
	}
	if b.asJSON {
		if err := a.json(map[string]any{"file": s.File, "report": b.report, "meters": len(rows), "ok": len(rows) - failed, "failed": failed}); err != nil {
			return err
		}
	}
	a.say("meters read: %d, failed: %d; report in %s", "已抄表计 %d 只，失败 %d 只；报告见 %s", len(rows)-failed, failed, b.report)
	if failed > 0 {
		return errNotWell
	}
	return nil
}

// openLines keeps the lines of a batch open from row to row.
type openLines struct {
	app   *app
	c     *cobra.Command
	flags batchFlags
	deps  TallyDeps
	open  map[string]openLine
}

// openLine is one of them.
type openLine struct {
	way  way
	line *line.Line
}

func (o *openLines) close() {
	for _, l := range o.open {
		_ = l.line.Close() // what was read is kept already
		l.way.client.Close()
	}
}

// read reads one row, again when the meter does not answer.
func (o *openLines) read(ctx context.Context, r metercsv.Row) batchRow {
	row := batchRow{Line: r.Line, Meter: r.Meter, Port: r.Port}
	var err error
	for range o.flags.retries + 1 {
		var got meter.Reading
		if got, err = o.once(ctx, r); err == nil {
			j := readingJSON(got)
			row.OK, row.Reading = true, &j
			return row
		}
		if code := codeOf(err); ctx.Err() != nil || code != "silent" && code != "checksum" && code != "busy" && code != "foreign" {
			break
		}
	}
	row.Code, row.Reason = codeOf(err), o.app.explain(err).text
	return row
}

func (o *openLines) once(ctx context.Context, r metercsv.Row) (meter.Reading, error) {
	if r.Port == "" {
		client, _ := o.app.client(o.flags.door)
		defer client.Close()
		return client.MeterRead(ctx, meter.ID(r.Meter))
	}
	m := rowDirect(r)
	key := fmt.Sprintf("%s %s %d %s %d", m.port, m.protocol, m.baud, m.parity, m.stopBits)
	l, ok := o.open[key]
	if !ok {
		// Another setting of the same port: the port is free for it only when the old one is closed.
		for k, old := range o.open {
			if strings.HasPrefix(k, m.port+" ") {
				_ = old.line.Close()
				old.way.client.Close()
				delete(o.open, k)
			}
		}
		path, _, err := o.app.reach(o.c, o.flags.door, m, o.deps)
		if err != nil {
			return meter.Reading{}, err
		}
		l = openLine{path, path.line(path.bench.Options(path.cfg))}
		o.open[key] = l
	}
	cfg, err := o.app.directLine(o.c, m, o.deps.Known)
	if err != nil {
		return meter.Reading{}, err
	}
	one := cfg.Meters[0]
	one.ID = meter.ID(r.Meter)
	if l.way.node != "" {
		one.Baud, one.Parity, one.StopBits = cfg.Baud, cfg.Parity, cfg.StopBits
	}
	driver, err := l.way.bench.Meter(l.line, l.way.cfg, one)
	if err != nil {
		return meter.Reading{}, err
	}
	return driver.Driver.Read(line.WithPriority(ctx, line.Interactive))
}
