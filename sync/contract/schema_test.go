package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	files, err := Schemas.ReadDir("schema")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := Schemas.ReadFile("schema/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", f.Name(), err)
		}
		if err := c.AddResource("https://tally.invalid/schema/v1/"+f.Name(), doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("https://tally.invalid/schema/v1/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, raw []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// messages are all examples with the schema of each and the Go type behind it.
func messages(t *testing.T) []message {
	out := []message{
		{"envelope_tx", "envelope", Envelope{}, func(b []byte) error { _, err := Open(b); return err }},
		{"ack", "ack", Ack{}, func(b []byte) error { _, err := OpenAck(b); return err }},
		{"status", "status", Status{}, nil},
		{"central_status", "central_status", CentralStatus{}, nil},
		{"command", "signed", Signed{}, nil},
		{"desired", "signed", Signed{}, nil},
	}
	for _, e := range exampleRecords {
		out = append(out, message{"record_" + e.name, "record", Record{}, func(b []byte) error { _, err := ParseRecord(b); return err }})
	}
	return out
}

type message struct {
	example, schema string
	typ             any
	open            func([]byte) error // nil where the code is more lenient than the schema
}

func TestExamplesKeepTheSchemas(t *testing.T) {
	for _, m := range messages(t) {
		if err := validate(t, schema(t, m.schema), fromGolden(t, m.example)); err != nil {
			t.Errorf("%s: %v", m.example, err)
		}
	}
	for _, e := range exampleRecords {
		body, err := json.Marshal(e.body)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, schema(t, bodySchema(e.typ)), body); err != nil {
			t.Errorf("body of %s: %v", e.name, err)
		}
	}
}

func bodySchema(typ string) string {
	for _, t := range recordTypes {
		if t.Name == typ {
			return t.Schema
		}
	}
	return "no schema of " + typ
}

// A field that is missing or of another type is refused by the schema and by the code alike.
func TestSchemaAndCodeRefuseTheSame(t *testing.T) {
	for _, m := range messages(t) {
		if m.open == nil {
			continue
		}
		s := schema(t, m.schema)
		var doc map[string]any
		if err := json.Unmarshal(fromGolden(t, m.example), &doc); err != nil {
			t.Fatal(err)
		}
		for field := range doc {
			for name, value := range map[string]any{"missing": nil, "a list of lists": []any{[]any{}}, "true": true} {
				changed := map[string]any{}
				for k, v := range doc {
					changed[k] = v
				}
				if changed[field] = value; value == nil {
					delete(changed, field)
				}
				raw, err := json.Marshal(changed)
				if err != nil {
					t.Fatal(err)
				}
				bySchema, byCode := validate(t, s, raw) == nil, m.open(raw) == nil
				if bySchema != byCode && !lenient(m.schema, field, name) {
					t.Errorf("%s with %s %s: schema accepts %v, code accepts %v", m.example, field, name, bySchema, byCode)
				}
			}
		}
	}
}

// lenient are the places where the code accepts more than it would write: a number that is not there is zero.
func lenient(schema, field, change string) bool {
	return change == "missing" && (field == "mono" || field == "ack")
}

func TestSchemasNameTheFieldsOfTheCode(t *testing.T) {
	all := map[string]any{"record": Record{}, "envelope": Envelope{}, "ack": Ack{}, "status": Status{}, "central_status": CentralStatus{},
		"signed": Signed{}, "command": Command{}, "desired": Desired{}, "command_result": CommandResult{}}
	for _, e := range exampleRecords {
		all[bodySchema(e.typ)] = e.body
	}
	for name, v := range exampleArgs {
		all["args_"+name] = v
	}
	for name, v := range exampleParts {
		all["part_"+name] = v
	}
	for name, typ := range all {
		var doc struct {
			Properties map[string]any `json:"properties"`
			Required   []string       `json:"required"`
		}
		raw, err := Schemas.ReadFile("schema/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		var fields, required, props []string
		for i := range reflect.TypeOf(typ).NumField() {
			field, opts, _ := strings.Cut(reflect.TypeOf(typ).Field(i).Tag.Get("json"), ",")
			fields = append(fields, field)
			if opts == "" {
				required = append(required, field)
			}
		}
		for p := range doc.Properties {
			props = append(props, p)
		}
		for _, s := range [][]string{fields, required, props, doc.Required} {
			slices.Sort(s)
		}
		if !slices.Equal(fields, props) || !slices.Equal(required, doc.Required) {
			t.Errorf("%s:\ncode   %v, required %v\nschema %v, required %v", name, fields, required, props, doc.Required)
		}
	}
}

func TestAsyncAPINamesTheTopicsOfTheCode(t *testing.T) {
	raw, err := Schemas.ReadFile("asyncapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		AsyncAPI string `json:"asyncapi"`
		Channels map[string]struct {
			Address string `json:"address"`
		} `json:"channels"`
		Operations map[string]struct {
			Channel map[string]string `json:"channel"`
		} `json:"operations"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("{node}", "hall-1", "{stream}", "tx")
	want := map[string]string{
		"up": TopicUp("hall-1", Tx), "status": TopicStatus("hall-1"), "ack": TopicAck("hall-1", Tx), "centralStatus": CentralStatusTopic,
		"desired": TopicCfg("hall-1"), "command": TopicCmd("hall-1"),
	}
	for name, c := range doc.Channels {
		if got := fill.Replace(c.Address); got != want[name] {
			t.Errorf("%s: %s, want %s", name, got, want[name])
		}
	}
	if len(doc.Channels) != len(want) || len(doc.Operations) != len(want) {
		t.Errorf("%d channels, %d operations", len(doc.Channels), len(doc.Operations))
	}
	for _, part := range strings.Split(string(raw), `"$ref": "`)[1:] {
		ref, _, _ := strings.Cut(part, `"`)
		if err := resolves(raw, ref); err != nil {
			t.Error(err)
		}
	}
}

// resolves says whether a reference leads to something.
func resolves(doc []byte, ref string) error {
	if !strings.HasPrefix(ref, "#/") {
		_, err := Schemas.ReadFile(path.Clean(ref))
		return err
	}
	var at any
	if err := json.Unmarshal(doc, &at); err != nil {
		return err
	}
	for _, step := range strings.Split(ref[2:], "/") {
		m, ok := at.(map[string]any)
		if at = m[step]; !ok || at == nil {
			return fmt.Errorf("%s leads nowhere", ref)
		}
	}
	return nil
}
