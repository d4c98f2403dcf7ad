package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
	"tally/meter"
)

// meterListCommand is `tally meter list [--json]`.
func (a *app) meterListCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: a.t("meters of the node that runs here: state, last reading, next try", "本机节点的表计：状态、最近读数、下次尝试"), Args: a.args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			client, _ := a.client(d)
			defer client.Close()
			meters, err := client.Meters(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return a.json(listJSON(meters))
			}
			_, err = a.env.Out.Write([]byte(a.meterList(meters)))
			return a.written(err)
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	return c
}

func (a *app) meterList(meters []control.Meter) string {
	if len(meters) == 0 {
		return a.t("this node reads no meters\n", "本节点没有远传表\n")
	}
	var t table
	t.row(a.t("METER", "表计"), a.t("LINE", "线路"), a.t("STATE", "状态"), a.t("READING", "读数"), a.t("MEASURED", "测量时间"), a.t("NEXT", "下次抄读"), a.t("MARKS", "标记"))
	for _, m := range meters {
		reading, at := "-", "-"
		var marks []string
		if m.Last != nil {
			at = moment(m.Last.At)
			if v, ok := m.Last.Find(meter.Volume); ok {
				reading = strings.TrimSpace(v.Number.String() + " " + sign(v.Unit))
			}
			for _, q := range m.Last.Quality {
				marks = append(marks, a.quality(q))
			}
		}
		t.row(plain(string(m.ID)), plain(m.Line), a.meterState(m), reading, at, moment(m.Next), strings.Join(marks, a.t("; ", "；")))
	}
	return t.String()
}

// meterState says in a few words how a meter is.
func (a *app) meterState(m control.Meter) string {
	var state string
	switch {
	case m.Dead:
		state = a.f("dead since %s", "自 %s 失联", moment(m.Since))
	case m.Failure != nil:
		state = a.f("failed: %s", "失败：%s", plain(m.Failure.Code))
	case m.Last == nil:
		state = a.t("not read yet", "尚未抄读")
	default:
		state = a.t("answers", "正常")
	}
	if m.Valve == meter.ValveUnknown {
		state += a.t(", valve unknown until it is read", "，阀门状态待抄读确认")
	}
	return state
}

// moment is a local time, as short as it can be without being read wrongly.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// jsonMeter is the stable form of a meter of a node.
type jsonMeter struct {
	Meter   string       `json:"meter"`
	Line    string       `json:"line"`
	Model   string       `json:"model"`
	Dead    bool         `json:"dead"`
	Since   *time.Time   `json:"since"` // since when it is dead
	Next    *time.Time   `json:"next"`
	Last    *jsonReading `json:"last"`
	Failure *jsonFailure `json:"failure"`
	Valve   string       `json:"valve"`
}

func listJSON(meters []control.Meter) []jsonMeter {
	list := []jsonMeter{}
	for _, m := range meters {
		j := jsonMeter{Meter: string(m.ID), Line: m.Line, Model: m.Model, Dead: m.Dead, Since: utc(m.Since), Next: utc(m.Next), Valve: string(m.Valve)}
		if m.Last != nil {
			r := readingJSON(*m.Last)
			j.Last = &r
		}
		if f := m.Failure; f != nil {
			j.Failure = &jsonFailure{Meter: string(f.Meter), At: f.At.UTC(), Code: f.Code, Message: f.Text}
		}
		list = append(list, j)
	}
	return list
}

func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
