package contract

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".json")
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	if *update {
		if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
		t.Errorf("%s has changed on the wire (-golden +now):\n%s", name, diff)
	}
}

// fromGolden is the file as it would come over the wire: one line, compact.
func fromGolden(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		t.Fatal(err)
	}
	return line.Bytes()
}

func TestRecordsAreAsInTheExamples(t *testing.T) {
	for _, e := range exampleRecords {
		t.Run(e.name, func(t *testing.T) {
			golden(t, "record_"+e.name, mustRecord(e, 2, Hash([]byte("before"))))

			r, err := ParseRecord(fromGolden(t, "record_"+e.name))
			if err != nil {
				t.Fatal(err)
			}
			body := reflect.New(reflect.TypeOf(e.body))
			if err := json.Unmarshal(r.Body, body.Interface()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(e.body, body.Elem().Interface()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMessagesAreAsInTheExamples(t *testing.T) {
	payload, err := Seal(exampleHead(Tx), chainOf(Tx, 2))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "envelope_tx", payload)
	golden(t, "ack", Marshal(exampleAck))
	golden(t, "status", Marshal(exampleStatus))
	golden(t, "central_status", Marshal(CentralStatus{V: Version, Online: true, At: At(exampleTime), Enc: []string{EncColumns}}))

	if _, err := Open(fromGolden(t, "envelope_tx")); err != nil {
		t.Error(err)
	}
	ack, err := OpenAck(fromGolden(t, "ack"))
	if diff := cmp.Diff(exampleAck, ack); err != nil || diff != "" {
		t.Error(err, diff)
	}
	status, err := OpenStatus(fromGolden(t, "status"))
	if diff := cmp.Diff(exampleStatus, status); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if cs, err := OpenCentralStatus(fromGolden(t, "central_status")); err != nil || !cs.Online {
		t.Error(cs, err)
	}
}
