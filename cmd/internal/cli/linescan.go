package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/meter/line"
	"tally/meter/scan"
)

// scanFlags limit a scan.
type scanFlags struct {
	door            door
	port            string
	bauds           []int
	parities        []string
	stopBits        int
	protocols       []string
	modbus, mbus    string
	numbers         []string
	timeout, listen time.Duration
	first, anyway   bool
	state           string
	fresh, asJSON   bool
}

// lineScanCommand is `tally line scan --port PORT`.
func (a *app) lineScanCommand(deps TallyDeps) *cobra.Command {
	var s scanFlags
	c := &cobra.Command{
		Use: "scan --port PORT", Short: a.t("find out what is on an unknown line", "查找未知线路上的表计"), Args: a.args(0, 0),
		Long: a.t(`Find meters on a line of which nothing is known. First it listens whether somebody talks already, then it asks by speed,
parity, protocol and address, the likeliest first. Nothing is written to a meter. An exception or a damaged answer is a
trace: something is here. M-Bus meters are also searched by their numbers with wildcards, DL/T 645 meters by the wildcard
and shortened addresses, CJ/T 188 meters by the address that a lone meter answers; --number asks for a number that is known.

Ctrl-C stops the scan and keeps what is left in a state file; the same command goes on from there. The file goes away when
the scan is done.`, `在一无所知的线路上查找表计。先侦听是否已有通信，再按速率、校验、协议、地址依可能性从高到低逐一询问。不向表计写入任何内容。
异常应答或损坏的应答也算线索：此处有设备。M-Bus 表还按表号通配搜索，DL/T 645 表用通配地址和缩位地址，
CJ/T 188 表用单表应答的通用地址；已知表号可用 --number 指定。

Ctrl-C 停止扫描并将剩余部分存入状态文件；再次运行同一命令即可继续。扫描完成后该文件自动删除。`),
		Example: "  tally line scan --port /dev/ttyUSB0\n  tally line scan --port /dev/ttyUSB0 --protocol modbus-rtu --baud 9600,19200 --modbus 1-32\n" +
			"  tally line scan --port tcp://gateway.example:502 --modbus 1-20 --json",
		RunE: func(c *cobra.Command, _ []string) error { return a.scan(c, s, deps) },
	}
	a.doorFlags(c, &s.door, deps.Socket)
	a.scanLimits(c, &s)
	a.jsonFlag(c, &s.asJSON)
	return c
}

func (a *app) scanLimits(c *cobra.Command, s *scanFlags) {
	f := c.Flags()
	f.StringVar(&s.port, "port", "", a.t("`PORT` the line: /dev/ttyUSB0, COM3, tcp://host:port, or a line of the node", "`端口` 线路：/dev/ttyUSB0、COM3、tcp://主机:端口，或节点的线路名"))
	f.IntSliceVar(&s.bauds, "baud", nil, a.t("`N,N…` only these speeds", "`速率,…` 仅这些速率"))
	f.StringSliceVar(&s.parities, "parity", nil, a.t("`none,even,odd` only these parities", "`none,even,odd` 仅这些校验"))
	f.IntVar(&s.stopBits, "stop-bits", 1, a.t("`1|2` stop bits", "`1|2` 停止位"))
	f.StringSliceVar(&s.protocols, "protocol", nil, a.t("`NAME,…` only these: modbus-rtu, cjt188, dlt645, mbus; on TCP also modbus-tcp, rtu-over-tcp",
		"`名称,…` 仅这些协议：modbus-rtu、cjt188、dlt645、mbus；TCP 上还有 modbus-tcp、rtu-over-tcp"))
	f.StringVar(&s.modbus, "modbus", "1-247", a.t("`FROM-TO` Modbus addresses", "`起-止` Modbus 地址"))
	f.StringVar(&s.mbus, "mbus", "0-250", a.t("`FROM-TO` M-Bus primary addresses", "`起-止` M-Bus 主地址"))
	f.StringSliceVar(&s.numbers, "number", nil, a.t("`NUMBER,…` also ask meters with these numbers", "`表号,…` 另外询问这些表号"))
	f.DurationVar(&s.timeout, "timeout", 0, a.t("`TIME` to wait for each answer; by protocol when not given", "`时间` 等待每个应答的时间；缺省按协议"))
	f.DurationVar(&s.listen, "listen", 2*time.Second, a.t("`TIME` to listen at each speed before anything is asked; 0 for not at all", "`时间` 询问前在每种速率下侦听的时间；0 为不侦听"))
	f.BoolVar(&s.first, "first", false, a.t("end with the setting at which the first meter is found", "找到第一只表后，只扫完该串口设置"))
	f.BoolVar(&s.anyway, "anyway", false, a.t("ask although another master talks on the line", "即使线路上已有其他主站通信也继续"))
	f.StringVar(&s.state, "state", "", a.t("`FILE` what is left of a scan that was stopped; named by the port when not given", "`文件` 中断的扫描的剩余部分；缺省按端口命名"))
	f.BoolVar(&s.fresh, "fresh", false, a.t("begin anew although there is a state file", "忽略状态文件，重新开始"))
}

// scan runs the command.
func (a *app) scan(c *cobra.Command, s scanFlags, deps TallyDeps) error {
	o, err := a.scanOptions(c, s)
	if err != nil {
		return err
	}
	path, m, err := a.reach(c, s.door, direct{port: s.port, stopBits: 1}, deps)
	if err != nil {
		return err
	}
	defer path.client.Close()
	if path.cfg.Kind == config.KindTCP && !o.TCP { // a name of the node's line
		o.TCP = true
	}
	file := s.state
	if file == "" {
		file = "tally-scan-" + strings.Map(fileSafe, strings.TrimPrefix(m.port, "/dev/")) + ".json"
	}
	state, err := a.scanState(file, m.port, o, s.fresh, deps)
	if err != nil {
		return err
	}
	l := path.line(scan.LineOptions())
	r := scan.Runner{Line: l, Report: a.scanReport(s.asJSON), Ignore: s.anyway, Now: deps.now, Save: func(st *scan.State) error { return saveState(file, st) }}
	err = errors.Join(r.Run(c.Context(), state), l.Close())
	return a.scanned(state, file, err, s.asJSON)
}

// fileSafe makes a file's name of a port's.
func fileSafe(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
		return r
	}
	return '-'
}

// scanOptions checks the flags.
func (a *app) scanOptions(c *cobra.Command, s scanFlags) (scan.Options, error) {
	o := scan.Options{TCP: strings.HasPrefix(s.port, "tcp://"), Bauds: s.bauds, StopBits: s.stopBits, Numbers: s.numbers, Timeout: s.timeout, Listen: s.listen, First: s.first}
	if s.port == "" {
		return o, a.usage(c, "name a line with --port", "请用 --port 指定线路")
	}
	known := scan.Protocols()
	if o.TCP {
		known = []scan.Protocol{scan.ModbusTCP, scan.RTUOverTCP, scan.CJT188, scan.DLT645, scan.MBus}
	}
	for _, p := range s.protocols {
		if !slices.Contains(known, scan.Protocol(p)) {
			return o, a.usage(c, "--protocol %s is not possible here; one of %s", "此处 --protocol 不能为 %s；可选：%s", p, strings.Trim(fmt.Sprint(known), "[]"))
		}
		o.Protocols = append(o.Protocols, scan.Protocol(p))
	}
	for _, b := range s.bauds {
		if !slices.Contains(config.Bauds(), b) {
			return o, a.usage(c, "--baud %d is not possible", "--baud 不能为 %d", b)
		}
	}
	for _, p := range s.parities {
		if !slices.Contains([]string{config.ParityNone, config.ParityEven, config.ParityOdd}, p) {
			return o, a.usage(c, "--parity is none, even or odd", "--parity 只能为 none、even 或 odd")
		}
		o.Parities = append(o.Parities, line.Parity(p))
	}
	for _, n := range s.numbers {
		if n == "" || len(n) > 14 || strings.Trim(n, "0123456789") != "" {
			return o, a.usage(c, "--number %q is no number of a meter", "--number %q 不是表号", n)
		}
	}
	var ok1, ok2 bool
	o.Modbus, ok1 = addressRange(s.modbus, 0, 255)
	o.MBus, ok2 = addressRange(s.mbus, 0, 250)
	switch {
	case !ok1 || !o.TCP && (o.Modbus.From < 1 || o.Modbus.To > 247):
		return o, a.usage(c, "--modbus is a range as in 1-32", "--modbus 应为范围，如 1-32")
	case !ok2:
		return o, a.usage(c, "--mbus is a range as in 1-32", "--mbus 应为范围，如 1-32")
	case s.stopBits != 1 && s.stopBits != 2:
		return o, a.usage(c, "--stop-bits is 1 or 2", "--stop-bits 只能为 1 或 2")
	case s.timeout != 0 && (s.timeout < 20*time.Millisecond || s.timeout > time.Minute):
		return o, a.usage(c, "--timeout is 20ms to 1m", "--timeout 应在 20ms 至 1m 之间")
	case s.listen < 0 || s.listen > 10*time.Minute:
		return o, a.usage(c, "--listen is 0 to 10m", "--listen 应在 0 至 10m 之间")
	}
	return o, nil
}

// addressRange reads "1-32" or "7".
func addressRange(s string, least, most int) (scan.Range, bool) {
	lo, hi, both := strings.Cut(s, "-")
	if !both {
		hi = lo
	}
	from, err1 := strconv.Atoi(lo)
	to, err2 := strconv.Atoi(hi)
	return scan.Range{From: from, To: to}, err1 == nil && err2 == nil && from >= least && to <= most && from <= to
}

// scanState begins a scan, or goes on with one that was stopped.
func (a *app) scanState(file, port string, o scan.Options, fresh bool, deps TallyDeps) (*scan.State, error) {
	state := scan.New(port, o, deps.now())
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && fresh:
		return state, nil
	case err != nil:
		return nil, &failure{ExitRefused, a.f("cannot read the state file: %v", "无法读取状态文件：%v", err), ""}
	}
	old, err := scan.Parse(text)
	if err != nil {
		return nil, &failure{ExitRefused, a.f("%s: %v", "%s：%v", file, err), a.t("remove it, or begin anew with --fresh", "请删除该文件，或用 --fresh 重新开始")}
	}
	if old.Port != port || !reflect.DeepEqual(old.Options, state.Options) {
		return nil, &failure{ExitRefused, a.f("%s is of another scan (port %s)", "%s 属于另一次扫描（端口 %s）", file, plain(old.Port)),
			a.t("give the same flags, another --state, or --fresh", "请使用相同选项、另一 --state 文件，或 --fresh")}
	}
	a.say("going on with a scan that was stopped; questions asked: %d, found: %d", "继续先前中断的扫描：已询问 %d 次，已发现 %d 项", old.Asked, len(old.Found))
	return old, nil
}

// saveState replaces the state file as a whole.
func saveState(file string, s *scan.State) error {
	text, err := s.Bytes()
	if err != nil {
		return err
	}
	return replaceFile(file, text)
}

// replaceFile writes a file so that there is the old one or the new one, never a part.
func replaceFile(file string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), ".tally-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the one that counts
		}
	}()
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// scanned ends the command.
func (a *app) scanned(s *scan.State, file string, err error, asJSON bool) error {
	stopped := errors.Is(err, context.Canceled)
	if err != nil || len(s.Queue) > 0 {
		if saved := saveState(file, s); saved != nil {
			return errors.Join(err, saved)
		}
	} else if gone := os.Remove(file); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		return fmt.Errorf("remove state file: %w", gone)
	}
	if err != nil && !stopped && !errors.Is(err, scan.ErrInUse) {
		a.say("what is left of the scan is in %s", "剩余扫描内容保存在 %s", file)
		return err
	}
	if asJSON {
		if out := a.json(scanJSON(s)); out != nil {
			return out
		}
	}
	certain := 0
	for _, f := range s.Found {
		if f.Certain() {
			certain++
		}
	}
	a.say("questions: %d in %s; meters: %d; traces: %d", "%[2]s 内询问 %[1]d 次；表计 %[3]d 只；线索 %[4]d 条", s.Asked, s.Spent.Round(time.Second), certain, len(s.Found)-certain)
	switch {
	case errors.Is(err, scan.ErrInUse):
		return &failure{ExitRefused, a.t("somebody asks on this line already; asking as well would disturb both", "线路上已有主站在通信；同时询问会互相干扰"),
			a.t("stop the other master, use `tally line sniff`, or add --anyway", "请停止其他主站，或用 `tally line sniff` 侦听，或加 --anyway")}
	case stopped:
		return &failure{ExitInterrupted, a.f("interrupted; the same command goes on from %s", "已中断；再次运行同一命令将从 %s 继续", file), ""}
	case certain == 0:
		return errNotWell
	}
	return nil
}

// jsonScan is what a scan found.
type jsonScan struct {
	Port     string      `json:"port"`
	Complete bool        `json:"complete"`
	Asked    int         `json:"asked"`
	SpentS   int64       `json:"spent_s"`
	Found    []scan.Find `json:"found"`
}

func scanJSON(s *scan.State) jsonScan {
	return jsonScan{s.Port, len(s.Queue) == 0, s.Asked, int64(s.Spent / time.Second), s.Found}
}
