package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
	"tally/meter/decode"
	"tally/meter/line"
	"tally/meter/sniff"
	"tally/meter/telegram"
)

// sniffFlags say how to listen.
type sniffFlags struct {
	door     door
	direct   direct
	gap      time.Duration
	duration time.Duration
	count    int
	pcap     string
	asJSON   bool
}

// lineSniffCommand is `tally line sniff --port PORT`.
func (a *app) lineSniffCommand(deps TallyDeps) *cobra.Command {
	var s sniffFlags
	c := &cobra.Command{
		Use: "sniff --port PORT", Short: a.t("listen on a line and explain what is said", "侦听线路并解析报文"), Args: a.args(0, 0),
		Long: a.t(`Listen on a line, explain each frame and show the silence before it. Nothing is sent. Where a node owns the line, what the
node says and hears is shown, with > for the node and < for the meters; on a port of one's own both look alike.

--pcap writes a capture of link type 250 (RTAC Serial) that Wireshark opens; choose the protocol there with "Decode As".
Ctrl-C or --duration end it.`, `侦听线路，解析每帧报文并显示其前的静默时间。不发送任何内容。若线路由节点占用，则显示节点的收发：> 为节点，< 为表计；
自行打开的端口无法区分方向。

--pcap 写入链路类型为 250（RTAC Serial）的抓包文件，可用 Wireshark 打开，并以 “Decode As” 选择协议。按 Ctrl-C 或到 --duration 结束。`),
		Example: "  tally line sniff --port /dev/ttyUSB0 --baud 2400 --parity even\n  tally line sniff --port riser-1 --duration 10m --pcap riser-1.pcap",
		RunE:    func(c *cobra.Command, _ []string) error { return a.sniff(c, s, deps) },
	}
	a.doorFlags(c, &s.door, deps.Socket)
	f := c.Flags()
	f.StringVar(&s.direct.port, "port", "", a.t("`PORT` the line: /dev/ttyUSB0, COM3, tcp://host:port, or a line of the node", "`端口` 线路：/dev/ttyUSB0、COM3、tcp://主机:端口，或节点的线路名"))
	f.StringVar(&s.direct.protocol, "protocol", "", a.t("`NAME` the line's protocol; recognised when not given", "`名称` 线路协议；缺省自动识别"))
	f.IntVar(&s.direct.baud, "baud", 0, a.t("`N` speed of a serial line (default 9600, other protocols than Modbus 2400)", "`速率` 串口速率（缺省 9600，非 Modbus 协议 2400）"))
	f.StringVar(&s.direct.parity, "parity", "", a.t("`none|even|odd` parity of a serial line", "`none|even|odd` 串口校验"))
	f.IntVar(&s.direct.stopBits, "stop-bits", 1, a.t("`1|2` stop bits of a serial line", "`1|2` 串口停止位"))
	f.DurationVar(&s.gap, "gap", 0, a.t("`TIME` silence that ends a burst; 3.5 characters and at least 20ms when not given", "`时间` 判定一段结束的静默；缺省 3.5 个字符且不少于 20ms"))
	f.DurationVar(&s.duration, "duration", 0, a.t("`TIME` to listen; until Ctrl-C when not given", "`时间` 侦听时长；缺省直至 Ctrl-C"))
	f.IntVar(&s.count, "count", 0, a.t("`N` frames, then end", "`帧数` 达到后结束"))
	f.StringVar(&s.pcap, "pcap", "", a.t("`FILE` also write a capture", "`文件` 同时写入抓包文件"))
	f.BoolVar(&s.asJSON, "json", false, a.t("one JSON object a frame, for other programs", "每帧输出一个 JSON 对象，供程序使用"))
	return c
}

// ear collects what is heard and shows it.
type ear struct {
	app    *app
	flags  sniffFlags
	split  sniff.Splitter
	file   *os.File
	pcap   *sniff.Capture
	frames int
	bad    int
	junk   int // bytes that are no frame
	lost   int // pieces
}

// errEnough ends listening after --count frames.
var errEnough = errors.New("enough frames")

func (a *app) sniff(c *cobra.Command, s sniffFlags, deps TallyDeps) (err error) {
	switch {
	case s.direct.port == "":
		return a.usage(c, "name a line with --port", "请用 --port 指定线路")
	case s.duration < 0 || s.gap < 0 || s.count < 0:
		return a.usage(c, "--duration, --gap and --count are not negative", "--duration、--gap 和 --count 不能为负")
	}
	path, m, err := a.reach(c, s.door, s.direct, deps)
	if err != nil {
		return err
	}
	defer path.client.Close()
	s.direct = m
	e := &ear{app: a, flags: s}
	char := line.Mode{Baud: path.cfg.Baud, Parity: line.Parity(path.cfg.Parity), DataBits: 8, StopBits: path.cfg.StopBits}.Char()
	if path.cfg.Baud == 0 {
		char = 0
	}
	e.split = sniff.Splitter{Gap: sniff.DefaultGap(char), Char: char}
	if s.gap > 0 {
		e.split.Gap = s.gap
	}
	if err := e.create(); err != nil {
		return err
	}
	ctx := c.Context()
	if s.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.duration)
		defer cancel()
	}
	a.say("listening on %s; Ctrl-C ends it", "正在侦听 %s；按 Ctrl-C 结束", plain(path.where()))
	if path.node != "" {
		err = e.throughNode(ctx, path)
	} else {
		err = e.onPort(ctx, path)
	}
	if ctx.Err() != nil || errors.Is(err, errEnough) || errors.Is(err, context.DeadlineExceeded) { // that is how it ends
		err = nil
	}
	if err == nil {
		err = e.show(e.split.Flush())
		if errors.Is(err, errEnough) {
			err = nil
		}
	}
	return e.finish(err)
}

// create opens the capture under a name of its own until it is complete.
func (e *ear) create() (err error) {
	if e.flags.pcap == "" {
		return nil
	}
	if e.file, err = os.CreateTemp(filepath.Dir(e.flags.pcap), ".tally-*"); err != nil {
		return &failure{ExitRefused, e.app.f("cannot write the capture: %v", "无法写入抓包文件：%v", err), ""}
	}
	e.pcap, err = sniff.NewCapture(e.file)
	return err
}

// finish gives the capture its name and says what was heard.
func (e *ear) finish(err error) error {
	if e.file != nil {
		cerr := errors.Join(e.file.Sync(), e.file.Close())
		if err == nil && cerr == nil {
			cerr = errors.Join(os.Chmod(e.file.Name(), 0o644), os.Rename(e.file.Name(), e.flags.pcap))
		}
		if err != nil || cerr != nil {
			_ = os.Remove(e.file.Name()) // the first error is the one that counts
		}
		err = errors.Join(err, cerr)
	}
	if err != nil {
		return err
	}
	e.app.say("frames: %d, damaged: %d; bytes that are no frame: %d", "报文 %d 帧，损坏 %d 帧；不成帧 %d 字节", e.frames, e.bad, e.junk)
	if e.lost > 0 {
		e.app.say("pieces missed because this machine was too slow: %d", "因本机处理过慢遗漏 %d 段", e.lost)
	}
	return nil
}

// idle is how often is looked whether a burst is over.
const idle = 10 * time.Millisecond

// throughNode listens to what the node says and hears.
func (e *ear) throughNode(ctx context.Context, path way) error {
	heard := make(chan control.Heard, 64)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- path.client.Overhear(ctx, path.node, func(h control.Heard) error {
			select {
			case heard <- h:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}()
	tick := time.NewTicker(idle)
	defer tick.Stop()
	var shown error
	for shown == nil {
		select {
		case h := <-heard:
			from := sniff.Meter
			if h.Sent {
				from = sniff.Master
			}
			e.lost += h.Lost
			shown = e.show(e.split.Take(sniff.Chunk{At: h.At, From: from, Bytes: h.Bytes}))
		case now := <-tick.C:
			shown = e.show(e.split.Idle(now))
		case err := <-ended:
			if err == nil {
				err = errors.New("the node ended the listening")
			}
			return err
		}
	}
	cancel()
	<-ended
	return shown
}

// onPort listens on a port that the command opens itself.
func (e *ear) onPort(ctx context.Context, path way) (err error) {
	l := path.line(path.bench.Options(path.cfg))
	defer func() { err = errors.Join(err, l.Close()) }()
	lease, err := l.Lease(ctx, line.Interactive)
	if err != nil {
		return err
	}
	defer lease.Release()
	raw, err := lease.Raw(ctx)
	if err != nil {
		return err
	}
	defer raw.Close() // nothing was written: nothing can be lost
	var b [512]byte
	for {
		if err := raw.SetReadDeadline(time.Now().Add(idle)); err != nil {
			return err
		}
		n, err := raw.Read(b[:])
		now := time.Now()
		if shown := e.show(e.split.Take(sniff.Chunk{At: now, Bytes: slices.Clone(b[:n])})); shown != nil {
			return shown
		}
		if shown := e.show(e.split.Idle(now)); shown != nil {
			return shown
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
}

// show explains pieces, and keeps them in the capture.
func (e *ear) show(pieces []sniff.Piece) error {
	for _, p := range pieces {
		if e.flags.count > 0 && e.frames >= e.flags.count {
			return errEnough
		}
		if e.pcap != nil {
			if err := e.pcap.Write(p); err != nil {
				return err
			}
		}
		if err := e.piece(p); err != nil {
			return err
		}
		if e.flags.count > 0 && e.frames >= e.flags.count {
			return errEnough
		}
	}
	return nil
}

// jsonPiece is one frame in `line sniff --json`.
type jsonPiece struct {
	At       time.Time    `json:"at"`
	GapMS    float64      `json:"gap_ms"` // silence before it; 0 for the first and within a burst
	From     sniff.Side   `json:"from"`   // master, meter, or empty when nobody can tell
	Protocol string       `json:"protocol"`
	OK       bool         `json:"ok"`
	Hex      string       `json:"hex"`
	Decoded  *decode.Line `json:"decoded"` // null for bytes that are no frame
}

func (e *ear) piece(p sniff.Piece) error {
	var r telegram.Report
	known := p.Protocol != sniff.Unknown
	if known {
		e.frames++
		r = decode.Frame(p.Bytes, decode.Options{Protocol: string(p.Protocol)})
	} else {
		e.junk += len(p.Bytes)
	}
	if known && p.Damaged {
		e.bad++
	}
	if e.flags.asJSON {
		j := jsonPiece{At: p.At.UTC(), GapMS: float64(p.Gap.Round(100*time.Microsecond)) / float64(time.Millisecond), From: p.From,
			Protocol: string(p.Protocol), OK: known && !p.Damaged, Hex: fmt.Sprintf("%X", p.Bytes)}
		if known {
			l := decode.NewLine(r)
			j.Decoded = &l
		}
		return e.app.jsonLine(j)
	}
	return e.text(p, r, known)
}

// text prints a piece in lines: time, silence, who, what, the bytes, and below what they mean.
func (e *ear) text(p sniff.Piece, r telegram.Report, known bool) error {
	a := e.app
	gap := "        "
	if p.First && p.Gap > 0 {
		gap = fmt.Sprintf("%7s ", "+"+gapText(p.Gap))
	}
	who := map[sniff.Side]string{sniff.Master: ">", sniff.Meter: "<"}[p.From]
	what := string(p.Protocol)
	if !known {
		what = a.t("no frame", "非报文")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s%-1s %-10s  %s\n", p.At.Local().Format("15:04:05.000"), gap, who, what, spaced(fmt.Sprintf("%x", p.Bytes)))
	var parts []string
	for _, f := range r.Frame {
		parts = append(parts, fmt.Sprintf("%s %s", a.frameField(f.Name), plain(a.framePart(f.Value))))
	}
	for _, v := range r.Values {
		parts = append(parts, fmt.Sprintf("%s %s", a.valueName(v), a.valueText(v)))
	}
	if len(parts) > 0 {
		fmt.Fprintf(&b, "    %s\n", strings.Join(parts, "; "))
	}
	for _, problem := range r.Problems {
		if !problem.Note {
			fmt.Fprintf(&b, "    ! %s\n", a.frameProblem(problem))
		}
	}
	_, err := a.env.Out.Write([]byte(b.String()))
	return a.written(err)
}

// gapText writes a silence in at most six characters.
func gapText(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Hour:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return ">1h"
}
