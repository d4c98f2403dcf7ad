package contract

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every type has a schema, an example, and its name in the documents.
func TestEveryTypeIsDescribed(t *testing.T) {
	docs := map[string]string{}
	for name, path := range map[string]string{"docs/contract.md": "../../docs/contract.md", "asyncapi.json": "asyncapi.json"} {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		docs[name] = string(raw)
	}
	var names []string
	for _, typ := range RecordTypes() {
		if slices.Contains(names, typ.Name) {
			t.Errorf("%s is listed twice", typ.Name)
		}
		names = append(names, typ.Name)
		if !slices.ContainsFunc(exampleRecords, func(e exampleRecord) bool { return e.typ == typ.Name && e.stream == typ.Stream }) {
			t.Errorf("%s on %s has no example", typ.Name, typ.Stream)
		}
		if _, err := Schemas.ReadFile("schema/" + typ.Schema + ".json"); err != nil {
			t.Error(err)
		}
		if !strings.Contains(docs["docs/contract.md"], "`"+typ.Name+"`") {
			t.Errorf("docs/contract.md does not name %s", typ.Name)
		}
		if !strings.Contains(docs["asyncapi.json"], "schema/"+typ.Schema+".json") {
			t.Errorf("asyncapi.json does not lead to schema/%s.json", typ.Schema)
		}
	}
	for _, e := range exampleRecords {
		if !slices.Contains(names, e.typ) {
			t.Errorf("%s is not listed", e.typ)
		}
	}
	for _, c := range []string{CommandReadNow, CommandValve, CommandSetClock, CommandResend, CommandBackup, CommandLogLevel, PartPrices, PartLocks, PartAccounts, PartSettings} {
		if !strings.Contains(docs["docs/contract.md"], "`"+c+"`") {
			t.Errorf("docs/contract.md does not name %s", c)
		}
	}
}

// byPython validates what it is given on standard input with the package jsonschema, written by other people in another
// language than ours.
const byPython = `
import json, pathlib, sys
import jsonschema
from jsonschema import Draft202012Validator, FormatChecker
docs = {p.stem: json.loads(p.read_text()) for p in pathlib.Path(sys.argv[1]).glob("*.json")}
bad = 0
for name, doc in docs.items():
    Draft202012Validator.check_schema(doc)
for case in json.load(sys.stdin):
    doc = docs[case["schema"]]
    others = jsonschema.RefResolver.from_schema(doc, store={d["$id"]: d for d in docs.values()})
    for e in Draft202012Validator(doc, resolver=others, format_checker=FormatChecker()).iter_errors(case["value"]):
        bad += 1
        print(case["name"], e.json_path, e.message)
print(len(docs), "schemas")
sys.exit(1 if bad else 0)
`

func TestExamplesByAnotherValidator(t *testing.T) {
	if testing.Short() {
		t.Skip("uses real parts; left out by -short")
	}
	if err := exec.Command("python3", "-c", "import jsonschema").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 has no jsonschema")
		}
		t.Skip("python3 has no jsonschema")
	}
	type one struct {
		Name   string          `json:"name"`
		Schema string          `json:"schema"`
		Value  json.RawMessage `json:"value"`
	}
	var cases []one
	for _, m := range messages(t) {
		cases = append(cases, one{m.example, m.schema, fromGolden(t, m.example)})
	}
	for _, e := range exampleRecords {
		body, err := json.Marshal(e.body)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, one{"body of " + e.name, bodySchema(e.typ), body})
	}
	for kind, all := range map[string]map[string]any{"args_": exampleArgs, "part_": exampleParts} {
		for name := range all {
			cases = append(cases, one{kind + name, kind + name, fromGolden(t, kind+name)})
		}
	}
	validate := func(cases []one) (string, error) {
		input, err := json.Marshal(cases)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("python3", "-W", "ignore", "-c", byPython, filepath.Join(".", "schema"))
		cmd.Stdin = strings.NewReader(string(input))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := validate(cases); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := validate([]one{{"a sale without an order", "sale", json.RawMessage(`{"volume_l":"1"}`)}}); err == nil {
		t.Errorf("it accepts anything: %s", out)
	}
}
