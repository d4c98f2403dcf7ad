package cli_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/keyfile"
	"tally/cardreader/pcsc"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/cmd/internal/devices"
)

var updateCards = flag.Bool("update-cards", false, "write the expected texts of testdata/cards anew")

// The utility's keys, as a trainer's card gets them and as the counter has them. Nothing that is printed may hold one.
const trainingPSC = "5ec4e7"

var trainingKeys = map[string]string{
	"vend": strings.Repeat("a1", 16), "line": strings.Repeat("b2", 16), "load": strings.Repeat("c3", 16),
	"code": "d4d5", "erase_1": "e6e7e8e9eaeb", "erase_2": "f1f2f3f4", "block_a": "a7a8a9aaabac", "block_b": "b7b8b9babbbc",
}

// trainer is a folder with the utility's secrets, in which the technician's command is run.
type trainer struct {
	t     *testing.T
	dir   string
	cards config.Cards
	said  bytes.Buffer // everything that any command has printed
}

func newTrainer(t *testing.T) *trainer {
	t.Helper()
	d := &trainer{t: t, dir: t.TempDir()}
	t.Setenv("TZ", "UTC")
	k, err := keyfile.Parse(trainingKeys)
	if err != nil {
		t.Fatal(err)
	}
	o, err := keyfile.MachineKey(d.file("machine.key"))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := keyfile.Seal(k, o)
	if err != nil {
		t.Fatal(err)
	}
	var plain []string
	for name, key := range trainingKeys {
		plain = append(plain, `"`+name+`":"`+key+`"`)
	}
	d.write("sealed.keys", string(sealed))
	d.write("plain.keys", "{"+strings.Join(plain, ",")+"}")
	d.write("psc", trainingPSC)
	d.cards = config.Cards{KeyFile: d.file("sealed.keys"), MachineKey: d.file("machine.key"), PSC: config.NewSecret(trainingPSC), Profiles: profile.List()}
	return d
}

func (d *trainer) file(name string) string { return filepath.Join(d.dir, name) }

func (d *trainer) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(d.file(name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// tally runs the command in this process, on the readers of the service that the test started, and with no node.
func (d *trainer) tally(ctx context.Context, want int, args ...string) string {
	d.t.Helper()
	var out, err bytes.Buffer
	env := cli.Env{Args: args, In: strings.NewReader(""), Out: &out, Err: &err, Getenv: func(string) string { return "" }}
	code := cli.Tally(ctx, env, cli.TallyDeps{
		Cards: devices.Cards, Known: devices.Known(), Bench: devices.Bench{}, Socket: d.file("none.sock"), Now: func() time.Time { return at },
	})
	d.said.Write(out.Bytes())
	d.said.Write(err.Bytes())
	if code != want {
		d.t.Errorf("tally %q ended with %d, want %d:\n%s%s", args, code, want, out.String(), err.String())
	}
	return out.String()
}

// made makes a card file of a layout, as a trainer does on a machine without a virtual reader.
func (d *trainer) made(p *profile.Profile) (file, meterNo string) {
	d.t.Helper()
	file = d.file(strings.ReplaceAll(p.Name, " ", "-") + ".card")
	digits := func(m profile.Meaning, no string) string {
		f := p.Header.Field(m)
		if f == nil {
			return ""
		}
		return strings.Repeat("0", 2*f.Len-len(no)) + no
	}
	meterNo = digits(profile.MeterNo, "45678")
	args := []string{"sim", "card", "--vpcd", "127.0.0.1:1", "--file", file, "--profile", p.Name, "--card", "0571-" + digits(profile.CardNo, "1234"),
		"--psc-file", d.file("psc"), "--key-file", d.file("plain.keys")}
	if meterNo != "" {
		args = append(args, "--meter", meterNo)
	}
	d.tally(d.t.Context(), cli.ExitUnreachable, args...)
	return file, meterNo
}

// sell writes an order on the card in a file, as the counter does.
func (d *trainer) sell(file string, op purse.Op) {
	d.t.Helper()
	card, err := cardsim.OpenKept(file, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	src := cardsim.NewSource(cardtest.DefaultReader)
	if err := src.Insert(cardtest.DefaultReader, card); err != nil {
		d.t.Fatal(err)
	}
	chips, err := devices.NewChips(d.cards, src)
	if err != nil {
		d.t.Fatal(err)
	}
	chips.At(0x0571)
	p, err := chips.Open(d.t.Context(), cardtest.DefaultReader, 1)
	if err != nil {
		d.t.Fatal(err)
	}
	defer p.Close()
	st, err := p.Read(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	pl, err := p.Plan(st, purse.Order{Tag: purse.Tag{1, 2, 3}, Op: op, Qty: 1250, Price: 26500, Tier: 1, At: at})
	if err == nil {
		err = p.Write(d.t.Context(), pl)
	}
	if err != nil {
		d.t.Fatalf("%s: %v", st.Profile, err)
	}
}

// TestEveryLayoutInTraining: cards of every shipped layout lie in files; the counter sells to them, the simulated meter
// credits exactly that, once.
func TestEveryLayoutInTraining(t *testing.T) {
	d := newTrainer(t)
	for _, name := range profile.List() {
		p, err := profile.Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		file, meterNo := d.made(p)
		if meterNo == "" {
			meterNo = "00045678"
		}
		d.sell(file, purse.OpBuy)
		meter := strings.TrimSuffix(file, ".card") + ".meter"
		d.tally(t.Context(), 0, "sim", "icmeter", "new", meter, "--number", meterNo, "--layout", strings.TrimSuffix(name, " v1"))
		if out := d.tally(t.Context(), 0, "sim", "icmeter", "swipe", meter, file, "--json"); !strings.Contains(out, `"credited": 1250`) {
			t.Errorf("%s: the meter says %s", name, out)
		}
		if out := d.tally(t.Context(), 1, "sim", "icmeter", "swipe", meter, file, "--json"); !strings.Contains(out, `"credited": 0`) {
			t.Errorf("%s: a second time the meter says %s", name, out)
		}
	}
	d.noSecret()
}

// noSecret looks for every key in all that was printed.
func (d *trainer) noSecret() {
	d.t.Helper()
	secrets := []string{trainingPSC}
	for _, k := range trainingKeys {
		secrets = append(secrets, k)
	}
	said := strings.ToLower(strings.ReplaceAll(d.said.String(), " ", ""))
	for _, s := range secrets {
		if strings.Contains(said, s) {
			d.t.Errorf("a secret was printed: %d hex digits", len(s))
		}
	}
	if len(said) == 0 {
		d.t.Error("nothing was printed at all")
	}
}

// reader is a virtual reader of a real service into which `tally sim card` puts cards.
type reader struct {
	cardtest.VirtualReader
	watch *cardtest.Watcher
	pull  context.CancelFunc
	out   sync.WaitGroup
}

func newReader(t *testing.T) *reader {
	v := cardtest.StartPCSCD(t).Readers[0]
	return &reader{VirtualReader: v, watch: cardtest.Watch(t, pcsc.New(pcsc.Options{}))}
}

func (r *reader) put(d *trainer, args ...string) {
	ctx, cancel := context.WithCancel(context.Background())
	r.pull = cancel
	r.out.Go(func() { d.quiet(ctx, append([]string{"sim", "card", "--vpcd", r.Addr}, args...)) })
	r.watch.Await(cardreader.CardInserted, r.Name)
}

func (r *reader) take() {
	r.pull()
	r.out.Wait()
	r.watch.Await(cardreader.CardRemoved, r.Name)
}

// quiet runs a command whose words nobody reads.
func (d *trainer) quiet(ctx context.Context, args []string) {
	env := cli.Env{Args: args, In: strings.NewReader(""), Out: new(bytes.Buffer), Err: new(bytes.Buffer), Getenv: func(string) string { return "" }}
	if code := cli.Tally(ctx, env, cli.TallyDeps{Known: devices.Known()}); code != 0 {
		d.t.Errorf("tally %q ended with %d: %v", args, code, env.Err)
	}
}

// TestEveryCardThroughPCSCD is what a technician does with cards of every layout in a real reader where no node runs: each
// is recognised among all, shown and dumped in both languages, compared with itself, read by its profile.
func TestEveryCardThroughPCSCD(t *testing.T) {
	r := newReader(t)
	d := newTrainer(t)
	for _, name := range profile.List() {
		p, err := profile.Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		file, _ := d.made(p)
		d.sell(file, purse.OpBuy)
		r.put(d, "--file", file)
		d.look(p)
		r.take()
	}
	d.noSecret()
}

func (d *trainer) look(p *profile.Profile) {
	d.t.Helper()
	ctx := d.t.Context()
	var text strings.Builder
	for _, lang := range []string{"en", "zh"} {
		for _, verb := range []string{"show", "dump"} {
			text.WriteString("$ tally card " + verb + " --lang " + lang + "\n" + d.tally(ctx, 0, "card", verb, "--lang", lang))
		}
	}
	text.WriteString("$ tally card show --json\n" + d.tally(ctx, 0, "card", "show", "--json"))
	d.expect(filepath.Join("testdata", "cards", strings.ReplaceAll(strings.ToLower(p.Name), " ", "")+".txt"), text.String())

	d.tally(ctx, 0, "card", "dump", "--json", "-o", d.file("a.json"))
	d.tally(ctx, 0, "card", "dump", "--hex", "-o", d.file("b.hex"))
	d.tally(ctx, 0, "card", "diff", d.file("a.json"), d.file("b.hex"))
	if out := d.tally(ctx, 0, "card", "verify-profile", p.Name, "--dump", d.file("a.json")); !strings.Contains(out, "12") || !strings.Contains(out, "no: the meter has not taken") {
		d.t.Errorf("%s: by its profile the dump says\n%s", p.Name, out)
	}
	if out := d.tally(ctx, 0, "card", "watch", "--count", "4"); !strings.Contains(out, "1234") {
		d.t.Errorf("%s: watched\n%s", p.Name, out)
	}
	if out := d.tally(ctx, 0, "card", "readers"); !strings.Contains(out, "yes") {
		d.t.Errorf("%s: readers\n%s", p.Name, out)
	}
	for _, verb := range []string{"history", "resolve"} { // which are questions to a node
		d.tally(ctx, cli.ExitUnreachable, "card", verb)
	}
}

// expect compares with a file, but for the secrets that nobody knows beforehand: a card's own receipt.
func (d *trainer) expect(file, got string) {
	d.t.Helper()
	if *updateCards {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			d.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		d.t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestChipsOfNobodyThroughPCSCD: blank chips and those without a layout are identified as far as they can be, and refused
// with the reason, in both languages.
func TestChipsOfNobodyThroughPCSCD(t *testing.T) {
	r := newReader(t)
	d := newTrainer(t)
	for _, c := range []struct{ chip, en, zh string }{
		{"sle4442", "This card is blank; it was never issued\n", "空白卡，还没有发行\n"},
		{"at88sc102", "This card is blank; it was never issued\n", "空白卡，还没有发行\n"},
		{"cpu", "status 6A82: file or record not found", "status 6A82: file or record not found"},
		{"mifare", "a Mifare Classic", "a Mifare Classic"},
	} {
		r.put(d, "--chip", c.chip, "--file", d.file(c.chip+".card"), "--key-file", d.file("plain.keys"))
		for lang, want := range map[string]string{"en": c.en, "zh": c.zh} {
			for _, verb := range []string{"show", "dump"} {
				d.said.Reset()
				d.tally(t.Context(), cli.ExitRefused, "card", verb, "--lang", lang)
				if !strings.Contains(d.said.String(), want) {
					t.Errorf("%s, card %s: %s", c.chip, verb, d.said.String())
				}
				d.noSecret()
			}
		}
		r.take()
	}
}
