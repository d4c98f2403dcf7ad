package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// exemplify gives each command that has no example of its own the one of the table. A command line reads the same in
// every language.
func exemplify(c *cobra.Command) {
	if lines, ok := examples(c.CommandPath()); ok && c.Example == "" {
		c.Example = "  " + strings.Join(lines, "\n  ")
	}
	for _, sub := range c.Commands() {
		exemplify(sub)
	}
}

// examples are those of commands whose use line alone says almost everything.
func examples(path string) (lines []string, ok bool) {
	switch path {
	case "tally version", "tallyd version", "tally-central version":
		return []string{path, path + " --json"}, true
	}
	lines, ok = map[string][]string{
		"tally card history":           {"tally card history", "tally card history 0571-00001234 --count 5"},
		"tally card readers":           {"tally card readers", "tally card readers --json"},
		"tally card resolve":           {"tally card resolve", "tally card resolve ACR39"},
		"tally card show":              {"tally card show", "tally card show ACR39 --json", "tally card show --profile acme-v2.toml"},
		"tally card watch":             {"tally card watch", "tally card watch --json"},
		"tally line list":              {"tally line list", "tally line list --json"},
		"tally meter ledger":           {"tally meter ledger", "tally meter ledger 00012345 --json"},
		"tally meter list":             {"tally meter list", "tally meter list --json"},
		"tally meter valve show":       {"tally meter valve show 00012345", "tally meter valve show --port /dev/ttyUSB0 --protocol cjt188 --address 00000020120218 --model generic-cjt188-gas"},
		"tally node backup":            {"tally node backup", "tally node backup --data-dir /var/lib/tally"},
		"tally node check":             {"tally node check", "tally node check --json"},
		"tally node events":            {"tally node events", "tally node events --type command_result --count 5"},
		"tally node export":            {"tally node export accounts --format csv", `tally node export tx --from 100 --to 200 --unmasked --reason "audit of November"`},
		"tally node outbox":            {"tally node outbox", "tally node outbox --json"},
		"tally node status":            {"tally node status", "tally node status --data-dir var/demo/node --json"},
		"tally sim icmeter new":        {"tally sim icmeter new flat.meter --number 00045678 --region 0571"},
		"tally sim icmeter show":       {"tally sim icmeter show flat.meter"},
		"tally sim icmeter swipe":      {"tally sim icmeter swipe flat.meter lily.card", "tally sim icmeter swipe flat.meter lily.card --cut 3"},
		"tally sim icmeter use":        {"tally sim icmeter use flat.meter 12.5"},
		"tallyd account import":        {"tallyd account import accounts.csv --config counter.toml --dry-run", "tallyd account import accounts.csv --config counter.toml"},
		"tallyd check":                 {"tallyd check --config counter.toml", "tallyd check --dir /mnt/backup/tally/20261121T060000Z-weekly"},
		"tallyd check-config":          {"tallyd check-config counter.toml", "tallyd check-config central.toml --json"},
		"tallyd demo":                  {"tallyd demo", "tallyd demo --fresh --listen 127.0.0.1:9000"},
		"tallyd operator add":          {"tallyd operator add wang --role clerk --no 1 --config counter.toml", "tallyd operator add li --role leader --no 2 --display 李丽 --password-file - --config counter.toml"},
		"tallyd restore":               {"tallyd restore /mnt/backup/tally/20261121T060000Z-weekly --config counter.toml"},
		"tallyd run":                   {"tallyd run --config counter.toml"},
		"tallyd sample-config":         {"tallyd sample-config counter"},
		"tally-central check-config":   {"tally-central check-config central.toml"},
		"tally-central run":            {"tally-central run --config central.toml"},
		"tally-central nodes":          {"tally-central nodes --config central.toml"},
		"tally-central key":            {"tally-central key centre.key", "tally-central key centre.key --show"},
		"tally-central lock":           {`tally-central lock 100003 --reason "no hose clamp" --config central.toml`},
		"tally-central unlock":         {`tally-central unlock 100003 --reason "repaired" --config central.toml`},
		"tally-central reconcile":      {"tally-central reconcile --config central.toml", "tally-central reconcile hall-01 --day 2026-11-21 --config central.toml"},
		"tally-central doubts":         {"tally-central doubts --config central.toml", "tally-central doubts --all --json --config central.toml"},
		"tally-central doubts give":    {`tally-central doubts give 01JD7Q --to "hall-02 desk 1" --because "hall-01 burnt down, no backup" --config central.toml`},
		"tally-central doubts close":   {`tally-central doubts close 01JD7Q --refunded --because "paid back at the office, receipt 88" --config central.toml`},
		"tally-central set":            {"tally-central set hall-01 max_rate=200 log_level=debug --config central.toml"},
		"tally-central command":        {"tally-central command conc-0017 read-now 00012345 --wait --config central.toml", "tally-central command conc-0017 valve 00012345 close --config central.toml"},
		"tally-central command list":   {"tally-central command list --config central.toml", "tally-central command list hall-01 --count 5 --config central.toml"},
		"tally-central command show":   {"tally-central command show 01J9ZX3K5QWERTYUIOP0001 --wait --config central.toml"},
		"tally-central publish-prices": {"tally-central publish-prices prices.toml --config central.toml"},
	}[path]
	return lines, ok
}
