package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/meter"
)

// direct is a meter on a line that this command opens by itself.
type direct struct {
	port, protocol, parity, model string
	address, kind, utcOffset      string
	baud, stopBits, unit          int
	timeout                       time.Duration
}

func (a *app) directFlags(c *cobra.Command, m *direct) {
	f := c.Flags()
	f.StringVar(&m.port, "port", "", a.t("`PORT` the line to open: /dev/ttyUSB0, COM3, tcp://host:port …", "`端口` 要打开的线路：/dev/ttyUSB0、COM3、tcp://主机:端口 等"))
	f.StringVar(&m.protocol, "protocol", "", a.t("`NAME` modbus-rtu, modbus-tcp, rtu-over-tcp, cjt188, dlt645 or mbus; Modbus by the port when not given",
		"`名称` modbus-rtu、modbus-tcp、rtu-over-tcp、cjt188、dlt645 或 mbus；缺省为与端口相应的 Modbus"))
	f.IntVar(&m.baud, "baud", 0, a.t("`N` speed of a serial line; 9600 for Modbus, 2400 for the others when not given", "`速率` 串口速率；缺省 Modbus 为 9600，其他为 2400"))
	f.StringVar(&m.parity, "parity", "", a.t("`none|even|odd` parity of a serial line; none for Modbus, even for the others when not given", "`none|even|odd` 串口校验；缺省 Modbus 为 none，其他为 even"))
	f.IntVar(&m.stopBits, "stop-bits", 1, a.t("`1|2` stop bits of a serial line", "`1|2` 串口停止位"))
	f.IntVar(&m.unit, "unit", 0, a.t("`1-247` Modbus address", "`1-247` Modbus 地址"))
	f.StringVar(&m.address, "address", "", a.t("`ADDRESS` of the other protocols, as printed on the meter; M-Bus also 0-250", "`地址` 其他协议的地址，即表上所印数字；M-Bus 也可为 0-250"))
	f.StringVar(&m.kind, "kind", "", a.t("`KIND` what a cjt188 meter measures: gas, cold-water, heat …; the model's when not given", "`类型` cjt188 表的计量对象：gas、cold-water、heat 等；缺省按型号"))
	f.StringVar(&m.model, "model", "", a.t("`NAME` meter model", "`名称` 表计型号"))
	f.StringVar(&m.utcOffset, "utc-offset", "", a.t("`+HH:MM` of the meter's clock; the node's where it has the line, else +08:00", "`+时:分` 表计时钟与 UTC 的时差；线路属节点时按节点，否则为 +08:00"))
	f.DurationVar(&m.timeout, "timeout", 0, a.t("`TIME` to wait for the answer; the model's when not given", "`时间` 等待应答的时间；缺省按型号"))
}

// directLine checks the flags by the rules of the config and makes the line they describe, with its one meter.
func (a *app) directLine(c *cobra.Command, m direct, known config.Known) (config.Line, error) {
	l, err := a.directWire(c, m)
	if err != nil {
		return l, err
	}
	one := config.Meter{Model: m.model, Timeout: m.timeout}
	switch l.Protocol {
	case config.ModbusRTU, config.ModbusTCP, config.RTUOverTCP:
		if m.unit < 1 || m.unit > 247 {
			return l, a.usage(c, "--unit is 1 to 247", "--unit 应在 1 至 247 之间")
		}
		one.Unit, one.ID = uint8(m.unit), meter.ID(fmt.Sprint(m.unit))
		if m.address != "" || m.kind != "" {
			return l, a.usage(c, "--address and --kind have no meaning with %s", "--address 和 --kind 不适用于 %s", l.Protocol)
		}
	default:
		if one.Address, one.Kind, err = a.directAddress(c, m, l.Protocol, known); err != nil {
			return l, err
		}
		one.ID = meter.ID(one.Address)
	}
	switch speaks, family := known.Speaks[m.model], strings.TrimSuffix(strings.TrimSuffix(l.Protocol, "-rtu"), "-tcp"); {
	case known.Models != nil && !slices.Contains(known.Models, m.model):
		return l, a.usage(c, "--model is one of %s", "--model 可选：%s", strings.Join(known.Models, ", "))
	case speaks != "" && speaks != family && !(speaks == "modbus" && l.Protocol == config.RTUOverTCP):
		return l, a.usage(c, "--model %s speaks %s, not %s", "--model %s 使用 %s，而非 %s", m.model, speaks, l.Protocol)
	case m.timeout != 0 && (m.timeout < 50*time.Millisecond || m.timeout > time.Minute):
		return l, a.usage(c, "--timeout is 50ms to 1m", "--timeout 应在 50ms 至 1m 之间")
	}
	if m.utcOffset != "" {
		offset, ok := config.ParseUTCOffset(m.utcOffset)
		if !ok {
			return l, a.usage(c, "--utc-offset %q is not a distance from UTC; want one as in +08:00", "--utc-offset %q 不是与 UTC 的时差；应如 +08:00", m.utcOffset)
		}
		one.Zone = time.FixedZone("", int(offset/time.Second))
	}
	l.Meters = []config.Meter{one}
	return l, nil
}

// noPort refuses what has a meaning on a line that the command opens only: a node's meters are as its config has them.
func (a *app) noPort(c *cobra.Command, m direct) error {
	if m.utcOffset == "" {
		return nil
	}
	return a.usage(c, "--utc-offset goes with --port; a node's meters are in the time of its configuration", "--utc-offset 须与 --port 同用；节点的表计按其配置的时区")
}

// directWire is the line without its meter.
func (a *app) directWire(c *cobra.Command, m direct) (config.Line, error) {
	address, tcp := strings.CutPrefix(m.port, "tcp://")
	l := config.Line{Name: "direct", Kind: config.KindTCP, Address: address, Protocol: cmp.Or(m.protocol, config.ModbusTCP)}
	protocols := config.TCPProtocols()
	if !tcp {
		l = config.Line{Name: "direct", Kind: config.KindSerial, Port: m.port, Protocol: cmp.Or(m.protocol, config.ModbusRTU), DataBits: 8, StopBits: m.stopBits}
		l.Baud, l.Parity = config.SerialDefaults(l.Protocol)
		l.Baud, l.Parity = cmp.Or(m.baud, l.Baud), cmp.Or(m.parity, l.Parity)
		protocols = config.SerialProtocols()
	}
	switch {
	case !slices.Contains(protocols, l.Protocol):
		return l, a.usage(c, "--protocol %s does not go with this port; one of %s", "--protocol %s 与该端口不符；可选：%s", l.Protocol, strings.Join(protocols, ", "))
	case tcp && !config.IsHostPort(address):
		return l, a.usage(c, "%q is not an address; want tcp://host:port", "%q 不是地址；应为 tcp://主机:端口", m.port)
	case !tcp && !slices.Contains(config.Bauds(), l.Baud):
		return l, a.usage(c, "--baud %d is not possible", "--baud 不能为 %d", m.baud)
	case !tcp && !slices.Contains([]string{config.ParityNone, config.ParityEven, config.ParityOdd}, l.Parity):
		return l, a.usage(c, "--parity is none, even or odd", "--parity 只能为 none、even 或 odd")
	case !tcp && m.stopBits != 1 && m.stopBits != 2:
		return l, a.usage(c, "--stop-bits is 1 or 2", "--stop-bits 只能为 1 或 2")
	}
	return l, nil
}

// directAddress checks what says which meter of the line is meant.
func (a *app) directAddress(c *cobra.Command, m direct, protocol string, known config.Known) (address, kind string, err error) {
	ok := m.address != ""
	if address = m.address; ok && known.Address != nil {
		address, ok = known.Address(protocol, m.address)
	}
	switch {
	case m.unit != 0:
		return "", "", a.usage(c, "--unit is for Modbus; use --address", "--unit 仅用于 Modbus；请用 --address")
	case !ok:
		return "", "", a.usage(c, "--address %q is not an address of %s", "--address %q 不是 %s 的地址", m.address, protocol)
	case protocol != config.CJT188 && m.kind != "":
		return "", "", a.usage(c, "--kind has no meaning with %s", "--kind 不适用于 %s", protocol)
	case m.kind == "" && slices.Contains(known.Kindless, m.model):
		return "", "", a.usage(c, "--model %s needs --kind", "--model %s 需要 --kind", m.model)
	case m.kind != "" && known.Kinds != nil && !slices.Contains(known.Kinds, m.kind):
		return "", "", a.usage(c, "--kind is one of %s", "--kind 可选：%s", strings.Join(known.Kinds, ", "))
	}
	return address, m.kind, nil
}
