package config

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// node resolves the whole configuration of tallyd.
func (d *document) node(t *table, known Known) Node {
	n := Node{
		File:    d.file,
		Name:    t.requiredName("node", `"hall-01"`),
		DataDir: d.resolve(t.required("data_dir", `"/var/lib/tally"`)),
		HTTP:    d.http(t.sub("http")),
		Log:     d.log(t.sub("log")),
	}
	n.Counter = d.counter(t.sub("counter"), n.Name)
	n.Cards = d.cards(t.sub("cards"), n.Counter.Enabled, known)
	if n.Cards.KeyFile != "" && n.Cards.MachineKey == "" {
		n.Cards.MachineKey = filepath.Join(n.DataDir, "machine.key")
	}
	if n.Counter.Enabled && n.Cards.Terminal == "" {
		n.Cards.Terminal = fmt.Sprintf("%04X%08d", n.Counter.Region, n.Counter.StationNo)
	}
	n.Meters, known = d.meters(t.sub("meters"), known)
	n.Lines = d.lines(t.subs("line", 256), known)
	n.inTimeOf(n.Meters.Rules)
	if t.has("uplink") {
		sub := t.sub("uplink")
		u := d.uplink(sub, n.Name)
		d.delivery(sub, &u)
		sub.close()
		n.Uplink = &u
	}
	n.Backup = d.backup(t.sub("backup"), n.DataDir)
	t.close()
	return n
}

// local is the listener of tally-central, which has no page and never leaves the machine.
func (d *document) local(t *table) string {
	listen := t.hostPort("listen", "127.0.0.1:8421", "127.0.0.1:8421")
	if !isLoopback(listen) {
		t.bad("listen", codeChoice, quoted(listen), `127.0.0.1:PORT, [::1]:PORT`)
	}
	t.close()
	return listen
}

func (d *document) http(t *table) HTTP {
	h := HTTP{
		Listen:   t.hostPort("listen", "127.0.0.1:8420", "127.0.0.1:8420"),
		Hosts:    t.texts("hosts", 16),
		CertFile: t.file("cert_file", false),
		KeyFile:  t.file("key_file", true),
	}
	for _, host := range h.Hosts {
		if !isHost(host) {
			t.bad("hosts", codeHost, quoted(host))
		}
	}
	t.pair("cert_file", "key_file", h.CertFile, h.KeyFile)
	if !isLoopback(h.Listen) && !t.has("cert_file") {
		t.bad("listen", codeOpen, quoted(h.Listen), "cert_file, key_file")
	}
	t.close()
	return h
}

func (d *document) log(t *table) Log {
	l := Log{Format: t.choice("format", LogAuto, LogAuto, LogText, LogJSON)}
	// Level.UnmarshalText knows more than these four; a config shall not.
	if err := l.Level.UnmarshalText([]byte(t.choice("level", "info", "debug", "info", "warn", "error"))); err != nil {
		l.Level = slog.LevelInfo
	}
	t.close()
	return l
}

func (d *document) counter(t *table, node string) Counter {
	c := Counter{
		Enabled:   t.flag("enabled", false),
		Station:   t.text("station", node),
		StationNo: uint16(t.whole("station_no", 1, 1, 0xFFFF)),
		Region:    t.region("region"),
		Lang:      t.choice("lang", "zh", "zh", "en"),
		Tariffs:   d.tariffs(t.subs("tariff", 64)),
		Rules:     t.counterRules(),
	}
	if c.Enabled {
		if !t.has("region") {
			t.bad("region", codeMissing, `region = "0571"`)
		}
		if !t.has("tariff") {
			t.bad("tariff", codeMissing, "[[counter.tariff]]")
		}
	}
	t.close()
	return c
}

// region is a utility's region: four hexadecimal digits, as on its cards.
func (t *table) region(key string) uint16 {
	s := t.text(key, "")
	if s == "" {
		return 0
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 2 {
		t.bad(key, codeHex16, quoted(s))
		return 0
	}
	return uint16(b[0])<<8 | uint16(b[1])
}

// terminal is a terminal number of JR/T 0025 (PBOC): six bytes, written as twelve hexadecimal digits.
func (t *table) terminal(key string) string {
	s := t.text(key, "")
	if b, err := hex.DecodeString(s); s != "" && (err != nil || len(b) != 6) {
		t.bad(key, codeTerminal, quoted(s))
		return ""
	}
	return strings.ToUpper(s)
}

func (d *document) cards(t *table, counter bool, known Known) Cards {
	source := CardsNone
	if counter {
		source = CardsPCSC
	}
	c := Cards{
		Source:   t.choice("source", source, CardsPCSC, CardsNone),
		Readers:  t.texts("readers", 16),
		Dialect:  t.choice("dialect", DialectAuto, DialectAuto, DialectACS, DialectOldACS, DialectOmnikey),
		Profiles: t.texts("profiles", 32),
		PSC:      t.secret("psc"),

		ProfileDir: t.abs("profile_dir"),
		PSCTable:   t.file("psc_table", true),
		Blind:      t.flag("blind", false),
		KeyFile:    t.file("key_file", true),
		KeyPass:    t.secret("key_pass"),
		MachineKey: t.abs("machine_key"),
		SAM:        t.text("sam", ""),
		Terminal:   t.terminal("terminal"),
	}
	t.ownProfiles(&c, known)
	if b, err := hex.DecodeString(c.PSC.Reveal()); c.PSC.IsSet() && (err != nil || len(b) != 3 && len(b) < minCardKey) {
		key := "psc_file"
		if t.has("psc_env") {
			key = "psc_env"
		}
		t.bad(key, codePSC)
	}
	t.close()
	return c
}

// ownProfiles checks the names of card profiles, those of the operator's own folder among them.
func (t *table) ownProfiles(c *Cards, known Known) {
	names := known.Profiles
	if c.ProfileDir != "" && known.ProfileDir != nil {
		own, err := known.ProfileDir(c.ProfileDir)
		if err != nil {
			t.bad("profile_dir", codeCardProfiles, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		names = append(slices.Clone(names), own...)
	}
	for _, p := range c.Profiles {
		t.known("profiles", p, names)
	}
}

// known reports a name that the program has nothing for.
func (t *table) known(key, name string, list []string) {
	if list == nil || slices.Contains(list, name) {
		return
	}
	if guess := nearest(name, list); guess != "" {
		t.bad(key, codeChoiceGuess, quoted(name), strconv.Quote(guess), strings.Join(list, ", "))
	} else {
		t.bad(key, codeChoice, quoted(name), strings.Join(list, ", "))
	}
}

// pair reports one of two keys that only have a meaning together.
func (t *table) pair(a, b, va, vb string) {
	switch {
	case va != "" && !t.has(b):
		t.bad(a, codeNeeds, b)
	case vb != "" && !t.has(a):
		t.bad(b, codeNeeds, a)
	}
}

// uplink reads the way to the broker; the caller closes the table.
func (d *document) uplink(t *table, id string) Uplink {
	u := Uplink{ClientID: id}
	var tls bool
	u.Broker, tls = t.broker("broker")
	u.Password = t.secret("password")
	u.Username = t.text("username", "")
	if u.Username == "" && u.Password.IsSet() {
		u.Username = id
	}
	if u.Broker != "" && !tls {
		t.unfit(fmt.Sprintf("broker = %q", u.Broker), "ca_file", "cert_file", "key_file")
	} else {
		u.CAFile = t.file("ca_file", false)
		u.CertFile = t.file("cert_file", false)
		u.KeyFile = t.file("key_file", true)
		t.pair("cert_file", "key_file", u.CertFile, u.KeyFile)
		t.tls(u)
	}
	return u
}
