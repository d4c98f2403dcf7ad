package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tally/meter/decode"
	"tally/meter/profile"
	"tally/meter/telegram"
)

// decodeFlags are what a user knows beside the frames.
type decodeFlags struct {
	protocol, model string
	from            int
	asJSON          bool
}

// decodeCommand is `tally decode [HEX…]`.
func (a *app) decodeCommand() *cobra.Command {
	var d decodeFlags
	c := &cobra.Command{
		Use: "decode [HEX…]", Short: a.t("explain a meter's frame", "解析表计报文"), Args: cobra.ArbitraryArgs,
		Long: a.t("Explain frames: which protocol, what they say, and which byte is wrong and what it should be.\n"+
			"HEX is one frame, in one or several words, or several frames in quotes. Without HEX, or with -, frames are read from\n"+
			"standard input, one a line; empty lines and what follows # are passed over.",
			"解析报文：属于何种协议、内容是什么、哪个字节有误以及应为何值。\n"+
				"HEX 为一帧（可分多段），或用引号括起的多帧。不给 HEX 或给 - 时从标准输入读取，每行一帧；空行及 # 之后的内容忽略。"),
		Example: "  tally decode 68 10 18 02 12 20 20 00 00 01 03 90 1F 00 97 16\n  tally decode --protocol mbus --json < frames.txt\n" +
			"  tally decode --profile tuf-2000f --from 0 01030400003FC0EB93",
		RunE: func(c *cobra.Command, args []string) error {
			o, err := a.decodeOptions(c, d)
			if err != nil {
				return err
			}
			return a.decodeAll(c, args, o, d)
		},
	}
	f := c.Flags()
	f.StringVar(&d.protocol, "protocol", decode.Auto, a.t("`NAME` ", "`名称` ")+strings.Join(decode.Protocols(), "|"))
	f.StringVar(&d.model, "profile", "", a.t("`NAME` meter model, or a file *.toml with one, that says what the registers are", "`名称` 表计型号或 *.toml 型号文件，说明各寄存器含义"))
	f.IntVar(&d.from, "from", -1, a.t("`0-65535` register that a Modbus answer begins with, as on the wire", "`0-65535` Modbus 应答的起始寄存器（报文中的地址）"))
	f.Lookup("from").DefValue = "" // no register is one
	a.jsonLinesFlag(c, &d.asJSON)
	return c
}

func (a *app) jsonLinesFlag(c *cobra.Command, v *bool) {
	c.Flags().BoolVar(v, "json", false, a.t("one JSON object a frame, for other programs", "每帧输出一个 JSON 对象，供程序使用"))
}

// decodeOptions checks the flags.
func (a *app) decodeOptions(c *cobra.Command, d decodeFlags) (decode.Options, error) {
	o := decode.Options{Protocol: d.protocol}
	switch {
	case !slices.Contains(decode.Protocols(), d.protocol):
		return o, a.usage(c, "--protocol is one of %s", "--protocol 可选：%s", strings.Join(decode.Protocols(), ", "))
	case c.Flags().Changed("from") && (d.from < 0 || d.from > 0xFFFF):
		return o, a.usage(c, "--from is 0 to 65535", "--from 应在 0 至 65535 之间")
	}
	if d.from >= 0 {
		o.Modbus.From, o.Modbus.HasFrom = d.from, true
	}
	if d.model == "" {
		return o, nil
	}
	p, err := a.decodeModel(c, d.model)
	if err != nil {
		return o, err
	}
	return o.With(p), nil
}

// decodeModel is a model that comes with tally, or one in a file.
func (a *app) decodeModel(c *cobra.Command, name string) (*profile.Profile, error) {
	if strings.HasSuffix(name, ".toml") {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, a.usage(c, "%s cannot be read (%v)", "无法读取 %s（%v）", name, errors.Unwrap(err))
		}
		p, err := profile.Parse(name, text)
		if err != nil {
			return nil, a.usage(c, "%v", "%v", err)
		}
		return p, nil
	}
	catalog, err := profile.Builtin()
	if err != nil {
		return nil, err
	}
	p, err := catalog.Get(name)
	if err != nil {
		var names []string
		for _, m := range catalog.Models() {
			names = append(names, m.Model)
		}
		return nil, a.usage(c, "--profile is a file *.toml or one of %s", "--profile 可为 *.toml 文件，或：%s", strings.Join(names, ", "))
	}
	return p, nil
}

// decodeAll explains the arguments, or what standard input gives.
func (a *app) decodeAll(c *cobra.Command, args []string, o decode.Options, d decodeFlags) error {
	seen, bad := 0, false
	each := func(text string) error {
		r, ok := decode.Text(text, o)
		if !ok {
			return nil
		}
		bad = bad || !r.OK()
		seen++
		o = o.After(r)
		return a.decoded(r, seen, d.asJSON)
	}
	var err error
	if len(args) == 0 || len(args) == 1 && args[0] == "-" {
		err = a.frameLines(each)
	} else {
		for _, text := range decode.Frames(args, o) {
			err = errors.Join(err, each(text))
		}
	}
	switch {
	case err != nil:
		return err
	case seen == 0:
		return a.usage(c, "no frame was given", "未给出报文")
	case bad:
		return errNotWell
	}
	return nil
}

// mostLine bounds a line of standard input; what is longer is no frame.
const mostLine = 1 << 16

// frameLines gives each line of standard input to do. A line without end cannot fill the memory.
func (a *app) frameLines(do func(string) error) error {
	in := bufio.NewReaderSize(a.env.In, mostLine)
	for {
		line, err := in.ReadSlice('\n')
		text := string(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if failed := do(text); failed != nil || err != nil {
			return failed
		}
	}
}

// decoded prints one report.
func (a *app) decoded(r telegram.Report, n int, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(a.env.Out)
		enc.SetEscapeHTML(false)
		return a.written(enc.Encode(decode.NewLine(r)))
	}
	text := a.frameText(r)
	if n > 1 {
		text = "\n" + text
	}
	_, err := io.WriteString(a.env.Out, text)
	return a.written(err)
}
