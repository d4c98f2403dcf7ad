package cli

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/meter"
	"tally/meter/quantity"
)

// direct is a meter on a line that this command opens by itself.
type direct struct {
	port, protocol, parity, model string
	baud, stopBits, unit          int
	timeout                       time.Duration
}

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
			"  tally meter read --port tcp://192.168.8.20:502 --unit 1 --model generic-gas-modbus --json",
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

func (a *app) directFlags(c *cobra.Command, m *direct) {
	f := c.Flags()
	f.StringVar(&m.port, "port", "", a.t("`PORT` the line to open: /dev/ttyUSB0, COM3, tcp://host:port …", "`端口` 要打开的线路：/dev/ttyUSB0、COM3、tcp://主机:端口 等"))
	f.StringVar(&m.protocol, "protocol", "", a.t("`NAME` modbus-rtu, modbus-tcp or rtu-over-tcp; by the port when not given", "`名称` modbus-rtu、modbus-tcp 或 rtu-over-tcp；缺省按端口"))
	f.IntVar(&m.baud, "baud", 9600, a.t("`N` speed of a serial line", "`速率` 串口速率"))
	f.StringVar(&m.parity, "parity", config.ParityNone, a.t("`none|even|odd` parity of a serial line", "`none|even|odd` 串口校验"))
	f.IntVar(&m.stopBits, "stop-bits", 1, a.t("`1|2` stop bits of a serial line", "`1|2` 串口停止位"))
	f.IntVar(&m.unit, "unit", 0, a.t("`1-247` Modbus address", "`1-247` Modbus 地址"))
	f.StringVar(&m.model, "model", "", a.t("`NAME` meter model", "`名称` 表计型号"))
	f.DurationVar(&m.timeout, "timeout", time.Second, a.t("`TIME` to wait for the answer", "`时间` 等待应答的时间"))
}

// readMeter chooses between the node and the line.
func (a *app) readMeter(c *cobra.Command, d door, m direct, deps TallyDeps, args []string) (meter.Reading, error) {
	switch {
	case m.port != "" && len(args) > 0:
		return meter.Reading{}, a.usage(c, "name a meter or a --port, not both", "请指定表号或 --port，不能同时指定")
	case m.port != "":
		line, err := a.directLine(c, m, deps.Known.Models)
		if err != nil {
			return meter.Reading{}, err
		}
		return deps.ReadMeter(c.Context(), line)
	case len(args) == 0:
		return meter.Reading{}, a.usage(c, "name a meter, or a line with --port", "请指定表号，或用 --port 指定线路")
	}
	client, _ := a.client(d)
	defer client.Close()
	return client.MeterRead(c.Context(), meter.ID(args[0]))
}

// directLine checks the flags by the rules of the config and makes the line they describe.
func (a *app) directLine(c *cobra.Command, m direct, models []string) (config.Line, error) {
	address, tcp := strings.CutPrefix(m.port, "tcp://")
	l := config.Line{Name: "direct", Kind: config.KindSerial, Port: m.port, Protocol: config.ModbusRTU,
		Baud: m.baud, Parity: m.parity, DataBits: 8, StopBits: m.stopBits}
	protocols := []string{config.ModbusRTU}
	if tcp {
		l = config.Line{Name: "direct", Kind: config.KindTCP, Address: address, Protocol: config.ModbusTCP}
		protocols = []string{config.ModbusTCP, config.RTUOverTCP}
	}
	if m.protocol != "" {
		l.Protocol = m.protocol
	}
	switch {
	case !slices.Contains(protocols, l.Protocol):
		return l, a.usage(c, "--protocol %s does not go with this port; one of %s", "--protocol %s 与该端口不符；可选：%s", l.Protocol, strings.Join(protocols, ", "))
	case tcp && !config.IsHostPort(address):
		return l, a.usage(c, "%q is not an address; want tcp://host:port", "%q 不是地址；应为 tcp://主机:端口", m.port)
	case !tcp && !slices.Contains(config.Bauds(), m.baud):
		return l, a.usage(c, "--baud %d is not possible", "--baud 不能为 %d", m.baud)
	case !tcp && !slices.Contains([]string{config.ParityNone, config.ParityEven, config.ParityOdd}, m.parity):
		return l, a.usage(c, "--parity is none, even or odd", "--parity 只能为 none、even 或 odd")
	case !tcp && m.stopBits != 1 && m.stopBits != 2:
		return l, a.usage(c, "--stop-bits is 1 or 2", "--stop-bits 只能为 1 或 2")
	case m.unit < 1 || m.unit > 247:
		return l, a.usage(c, "--unit is 1 to 247", "--unit 应在 1 至 247 之间")
	case models != nil && !slices.Contains(models, m.model):
		return l, a.usage(c, "--model is one of %s", "--model 可选：%s", strings.Join(models, ", "))
	case m.timeout < 50*time.Millisecond || m.timeout > time.Minute:
		return l, a.usage(c, "--timeout is 50ms to 1m", "--timeout 应在 50ms 至 1m 之间")
	}
	l.Meters = []config.Meter{{ID: meter.ID(fmt.Sprint(m.unit)), Unit: uint8(m.unit), Model: m.model, Timeout: m.timeout}}
	return l, nil
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
