package contract

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// The worked example of docs/contract.md is written by the code, byte for byte.
const (
	markBegin = "<!-- written by go test ./sync/contract -run Worked -update -->\n"
	markEnd   = "<!-- end of what is written -->\n"
)

func TestWorkedExampleOfTheDocument(t *testing.T) {
	const path = "../../docs/contract.md"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(raw), markBegin)
	_, tail, ok2 := strings.Cut(rest, markEnd)
	if !ok || !ok2 {
		t.Fatal("no place for the example")
	}
	want := head + markBegin + workedExample(t) + markEnd + tail
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(raw) {
		t.Error("the worked example is not what the code does; run the test with -update and look at the difference")
	}
}

func block(b *strings.Builder, text, code string) {
	fmt.Fprintf(b, "%s\n\n```text\n%s\n```\n\n", text, strings.TrimRight(wrap(code), "\n"))
}

// wrap breaks what is longer than a page; the document says so.
func wrap(s string) string {
	const width = 118
	var out []string
	for _, line := range strings.Split(s, "\n") {
		for len(line) > width {
			out = append(out, line[:width]+"\\")
			line = line[width:]
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func workedExample(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	first := mustRecord(exampleRecord{stream: Ev, typ: TypeNodeStarted, id: "boot-7", body: NodeStarted{Version: "1.0.0", Boot: "boot-7", Clean: true}}, 1, "")
	second := mustRecord(exampleRecord{stream: Ev, typ: TypeSaleLock, id: "00010002", body: SaleLock{Account: "00010002", Reason: "leak", By: "zhao", At: At(exampleTime)}}, 2, Hash(first))
	records := []json.RawMessage{first, second}
	b.WriteString("A backslash at the end of a line is not part of what is sent: the line goes on.\n\n")
	block(&b, fmt.Sprintf("**Record 1** of `ev`, the first of its epoch, %d bytes:", len(first)), string(first))
	block(&b, "Its SHA-256, which is `prev` of the next:", Hash(first))
	block(&b, fmt.Sprintf("**Record 2**, %d bytes:", len(second)), string(second))
	head := exampleHead(Ev)
	payload, err := Seal(head, records)
	if err != nil {
		t.Fatal(err)
	}
	block(&b, fmt.Sprintf("**Envelope** of both, published on `%s`. `sha256` is over record 1, LF, record 2, LF:", TopicUp("hall-1", Ev)), string(payload))
	block(&b, fmt.Sprintf("**Ack** after the commit, published retained on `%s`:", TopicAck("hall-1", Ev)), string(Marshal(Ack{Epoch: "e-20261101", Ack: 2})))
	worked(t, &b)
	compactExample(t, &b)
	return b.String()
}

func worked(t *testing.T, b *strings.Builder) {
	c := Command{
		ID: "c-0195", Node: "hall-1", Counter: 41, Issued: At(exampleTime), Expires: At(exampleTime.Add(time.Hour)), Type: CommandValve,
		Args: json.RawMessage(`{"meter":"00112233","do":"close"}`),
	}
	payload, err := Sign("example", exampleKey, c)
	if err != nil {
		t.Fatal(err)
	}
	var s Signed
	if err := json.Unmarshal(payload, &s); err != nil {
		t.Fatal(err)
	}
	pub := exampleKey.Public().(ed25519.PublicKey)
	block(b, "**Command**, signed with the Ed25519 key (RFC 8032) whose seed is 32 bytes of 07. Its public key, as a node's `centre_keys` file has it:", KeyText("example", pub))
	block(b, "What is signed:", string(signedText(KindCmd, "hall-1", s.Body)))
	block(b, "The signature in hex:", hex.EncodeToString(mustBase64(t, s.Sig)))
	block(b, fmt.Sprintf("What is published on `%s`:", TopicCmd("hall-1")), string(payload))
}

func mustBase64(t *testing.T, s string) []byte {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func compactExample(t *testing.T, b *strings.Builder) {
	var readings []json.RawMessage
	prev := ""
	for i := range 3 {
		at := At(exampleTime.Add(time.Duration(i) * 1500 * time.Millisecond))
		raw := mustRecord(exampleRecord{stream: Rd, typ: TypeReading, id: fmt.Sprintf("0011223%d", i), body: Reading{
			Meter: fmt.Sprintf("0011223%d", i), At: at, Line: "riser-2", Values: []Value{{"volume", fmt.Sprintf("%d.56", 1234+i), "m3"}},
		}}, uint64(i+1), prev)
		readings, prev = append(readings, raw), Hash(raw)
	}
	packed := packColumns(readings)
	payload, err := SealCompact(exampleHead(Rd), readings)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(payload)
	if err != nil || e.Enc != EncColumns || string(e.Records[2]) != string(readings[2]) {
		t.Fatalf("%v %+v", err, e)
	}
	block(b, "**Compact envelope** of three readings. The records:", string(readings[0])+"\n"+string(readings[1])+"\n"+string(readings[2]))
	block(b, fmt.Sprintf("Their columns in CBOR before they are deflated, %d bytes, in hex:", len(packed)), hex.EncodeToString(packed))
	block(b, fmt.Sprintf("The payload on `%s`, %d bytes, in hex. What DEFLATE makes of the columns may differ between libraries; what comes out again may not:", TopicUp("hall-1", Rd), len(payload)),
		hex.EncodeToString(payload))
}
