package cli

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/meter"
	"tally/meter/quantity"
)

// meterReadCommand is `tally meter read ID`, or `tally meter read --port …` without a node.
func (a *app) meterReadCommand(deps TallyDeps) *cobra.Command {
	var d door
	var m direct
	var asJSON bool
	c := &cobra.Command{
		Use: "read [ID]", Short: a.t("read a meter now", "立即抄表"), Args: a.args(0, 1),
		Long: a.t("Read the meter with the number ID through the node that runs here, or, with --port, a meter on a line that no node uses.",
			"通过本机节点读取表号为 ID 的表计；或用 --port 直接读取未被节点占用的线路上的表计。"),
		Example: "  tally meter read 00012345\n  tally meter read --port /dev/ttyUSB0 --baud 9600 --unit 1 --model generic-gas-modbus\n" +
			"  tally meter read --port tcp://gateway.example:502 --unit 1 --model generic-gas-modbus --json\n" +
			"  tally meter read --port /dev/ttyUSB0 --protocol cjt188 --address 00000020120218 --model generic-cjt188-gas\n" +
			"  tally meter read --port tcp://gateway.example:4001 --protocol mbus --address 12345678 --model generic-mbus",
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.readMeter(c, d, m, deps, args)
			if err != nil {
				return err
			}
			if asJSON {
				return a.json(readingJSON(r))
			}
			_, err = a.env.Out.Write([]byte(a.reading(r)))
			return a.written(err)
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	a.directFlags(c, &m)
	return c
}

// readMeter chooses between the node and the line.
func (a *app) readMeter(c *cobra.Command, d door, m direct, deps TallyDeps, args []string) (meter.Reading, error) {
	switch {
	case m.port != "" && len(args) > 0:
		return meter.Reading{}, a.usage(c, "name a meter or a --port, not both", "请指定表号或 --port，不能同时指定")
	case m.port != "":
		return a.readOnLine(c, d, m, deps)
	case len(args) == 0:
		return meter.Reading{}, a.usage(c, "name a meter, or a line with --port", "请指定表号，或用 --port 指定线路")
	}
	if err := a.noPort(c, m); err != nil {
		return meter.Reading{}, err
	}
	client, _ := a.client(d)
	defer client.Close()
	return client.MeterRead(c.Context(), meter.ID(args[0]))
}

// readOnLine reads a meter on a line: through the node where that owns the line.
func (a *app) readOnLine(c *cobra.Command, d door, m direct, deps TallyDeps) (r meter.Reading, err error) {
	err = a.withMeter(c, which{d, m}, deps, nil, func(t target) error {
		r, err = t.Read(c.Context())
		return err
	})
	return r, err
}

// reading is a meter's answer in lines.
func (a *app) reading(r meter.Reading) string {
	var t table
	t.row(a.t("meter", "表计"), plain(string(r.Meter)))
	t.row(a.t("measured", "测量时间"), r.At.Local().Format("2006-01-02 15:04:05 -07:00"))
	for _, v := range r.Values {
		t.row(a.quantity(v.Name), strings.TrimSpace(v.Number.String()+" "+sign(v.Unit)))
	}
	for _, q := range r.Quality {
		t.row(a.t("doubtful", "存疑"), a.quality(q))
	}
	return t.String()
}

// sign is how people write a unit.
func sign(u quantity.Unit) string {
	switch u {
	case quantity.UnitCubicMetre:
		return "m³"
	case quantity.UnitCubicMPerH:
		return "m³/h"
	case quantity.UnitCelsius:
		return "°C"
	}
	return plain(string(u))
}

func (a *app) quantity(name string) string {
	zh := map[string]string{"volume": "体积", "volume_settlement": "结算日体积", "flow": "流量", "temperature_supply": "供水温度", "temperature_return": "回水温度",
		"battery": "电池", "valve": "阀门", "energy": "能量", "power": "功率", "operating_time": "工作时间", "pressure": "压力", "status": "状态"}[name]
	if a.lang == "zh" && zh != "" {
		return zh
	}
	return plain(strings.ReplaceAll(name, "_", " "))
}

func (a *app) quality(mark string) string {
	switch mark {
	case meter.Backwards:
		return a.t("less than the reading before", "小于上次读数")
	case meter.Jump:
		return a.t("more than the meter's maximum flow allows", "超过表计最大流量")
	case meter.Rollover:
		return a.t("the register passed its end", "计数器翻转")
	case meter.BadClock:
		return a.t("the meter's clock is wrong", "表计时钟错误")
	case meter.Replaced:
		return a.t("another meter answers, or its register began again", "疑为换表或计数器复位")
	case meter.WrongUnit:
		return a.t("not the unit of a counter, or another than before", "单位不是计量单位，或与上次不同")
	case meter.Stuck:
		return a.t("the counter stands although the meter reports a flow", "表计报告有流量，计数器却停滞")
	case meter.ClockDrift:
		return a.t("the meter's clock is off", "表计时钟偏差过大")
	case meter.ClockUnsure:
		return a.t("the node's clock was not set, or was set meanwhile", "本机时钟未校准，或期间被调整")
	case meter.Remembered:
		return a.t("from the meter's memory", "取自表内历史")
	}
	return plain(mark)
}

// jsonReading is the stable form of a reading: decimals as text, so that nobody's float rounds them.
type jsonReading struct {
	Meter   string      `json:"meter"`
	At      time.Time   `json:"at"`
	Line    string      `json:"line"`
	Values  []jsonValue `json:"values"`
	Quality []string    `json:"quality"`
	Raw     string      `json:"raw"` // hex
}

type jsonValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Unit  string `json:"unit"`
}

func readingJSON(r meter.Reading) jsonReading {
	j := jsonReading{Meter: string(r.Meter), At: r.At.UTC(), Line: r.Line, Values: []jsonValue{}, Quality: append([]string{}, r.Quality...), Raw: hex.EncodeToString(r.Raw)}
	for _, v := range r.Values {
		j.Values = append(j.Values, jsonValue{v.Name, v.Number.String(), string(v.Unit)})
	}
	return j
}
