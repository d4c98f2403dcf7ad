package cli

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
)

// Formats of an export.
const (
	formatLines = "jsonl"
	formatCSV   = "csv"
)

// nodeExportCommand is `tally node export accounts|tx|ev|rd`.
func (a *app) nodeExportCommand(deps TallyDeps) *cobra.Command {
	var d door
	var q control.ExportQuery
	format := formatLines
	c := &cobra.Command{
		Use: "export accounts|tx|ev|rd", Short: a.t("give out accounts or records", "导出客户档案或记录"), Args: a.args(1, 1),
		Long: a.t(`Write the customers, or the records of one stream, to standard output: one JSON object in a line, or CSV.

Names, addresses and phone numbers are masked. --unmasked shows them; it needs --reason, which goes on record for the
centre together with who asked. Records that hold nothing personal come out as they were stored, so that their
hashes can be verified.`, `将客户档案或某一数据流的记录写到标准输出：每行一个 JSON 对象，或 CSV。

姓名、地址和电话均遮盖。--unmasked 显示原文，但必须用 --reason 写明原因；原因与操作人将记入审计并上送中心。
不含个人信息的记录按存储原样输出，可校验其哈希。`),
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.exportQuery(c, &q, args[0], format); err != nil {
				return err
			}
			client, _ := a.client(d)
			defer client.Close()
			return a.export(c, client, q, format)
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	c.Flags().StringVar(&format, "format", format, a.t("`jsonl|csv` form of the output", "`jsonl|csv` 输出格式"))
	c.Flags().Uint64Var(&q.From, "from", 0, a.t("`NO` first record", "`序号` 起始记录"))
	c.Flags().Uint64Var(&q.To, "to", 0, a.t("`NO` last record", "`序号` 截止记录"))
	c.Flags().BoolVar(&q.Unmasked, "unmasked", false, a.t("show personal data; needs --reason", "显示个人信息；须有 --reason"))
	c.Flags().StringVar(&q.Reason, "reason", "", a.t("`TEXT` why, for the audit", "`文字` 原因，记入审计"))
	return c
}

func (a *app) exportQuery(c *cobra.Command, q *control.ExportQuery, what, format string) error {
	switch {
	case what == control.ExportAccounts && (q.From != 0 || q.To != 0):
		return a.usage(c, "--from and --to are for records", "--from 和 --to 仅用于记录")
	case what == control.ExportAccounts:
		q.What = what
	case what == "tx" || what == "ev" || what == "rd":
		q.What, q.Stream = control.ExportRecords, what
	default:
		return a.usage(c, "%q cannot be exported: accounts, tx, ev or rd", "无法导出 %q：可选 accounts、tx、ev、rd", what)
	}
	if format != formatLines && format != formatCSV {
		return a.usage(c, "--format is jsonl or csv", "--format 只能为 jsonl 或 csv")
	}
	if q.Unmasked && strings.TrimSpace(q.Reason) == "" {
		return a.usage(c, "--unmasked needs --reason", "--unmasked 须有 --reason")
	}
	if u, err := user.Current(); err == nil {
		q.By = u.Username
	}
	return nil
}

func (a *app) export(c *cobra.Command, client *control.Client, q control.ExportQuery, format string) error {
	out := bufio.NewWriter(a.env.Out)
	give := func(raw json.RawMessage) error {
		_, err := out.Write(append(raw, '\n'))
		return err
	}
	if format == formatCSV {
		sheet := newSheet(out, q.What)
		give = sheet.row
	}
	n := 0
	err := client.Export(c.Context(), q, func(raw json.RawMessage) error { n++; return a.written(give(raw)) })
	if err := errors.Join(err, a.written(out.Flush())); err != nil {
		return err
	}
	a.say("exported: %d", "已导出：%d", n)
	return nil
}

// sheet writes objects as rows. Cells that a spreadsheet would take for a formula get an apostrophe in front (OWASP, CSV
// injection).
type sheet struct {
	w    *csv.Writer
	cols []string
	head bool
}

var exportColumns = map[string][]string{
	control.ExportAccounts: {"no", "name", "address", "phone", "price_class", "card", "meter", "period_start", "bought_l", "card_seq", "locks"},
	control.ExportRecords:  {"seq", "id", "type", "at", "clock", "prev", "body"},
}

func newSheet(w io.Writer, what string) *sheet {
	return &sheet{w: csv.NewWriter(w), cols: exportColumns[what]}
}

func (s *sheet) row(raw json.RawMessage) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return fmt.Errorf("understand the node's answer: %w", err)
	}
	if !s.head {
		s.head = true
		if err := s.w.Write(s.cols); err != nil {
			return err
		}
	}
	cells := make([]string, len(s.cols))
	for i, col := range s.cols {
		cells[i] = cell(fields[col])
	}
	if err := s.w.Write(cells); err != nil {
		return err
	}
	s.w.Flush()
	return s.w.Error()
}

func cell(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return string(raw)
	}
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
