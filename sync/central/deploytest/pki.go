// Package deploytest starts the brokers of deploy/ from the very files that are handed out, with certificates from the
// script that is handed out beside them. Only what a machine has of its own is put in: folders, addresses and ports.
package deploytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tally/sync/mqttlink"
)

// folder is deploy/ in the module that the test runs in.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "deploy")
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("this is no module")
		}
	}
}

// PKI is an authority and what it has signed.
type PKI struct {
	t      testing.TB
	script string
	dir    string
}

// NewPKI makes an authority with deploy/pki/tally-pki. Without openssl the test is skipped, or fails when CI=true.
func NewPKI(t testing.TB) *PKI {
	t.Helper()
	missing(t, "openssl")
	p := &PKI{t: t, script: filepath.Join(folder(t), "pki", "tally-pki"), dir: t.TempDir()}
	p.run("ca")
	return p
}

// missing ends a test that needs a program which is not there, and every test of real parts under -short.
func missing(t testing.TB, program string) {
	t.Helper()
	if testing.Short() {
		t.Skip("uses real parts; left out by -short")
	}
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", program)
		}
		t.Skipf("%s is not installed", program)
	}
}

func (p *PKI) run(args ...string) {
	p.t.Helper()
	if out, err := exec.Command(p.script, append([]string{p.dir}, args...)...).CombinedOutput(); err != nil {
		p.t.Fatalf("tally-pki %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Server makes the certificate of a broker on this machine.
func (p *PKI) Server(name string) { p.run("server", name, "127.0.0.1") }

// Client makes the certificate of a node or a centre.
func (p *PKI) Client(name string) mqttlink.TLSFiles {
	p.run("client", name)
	return mqttlink.TLSFiles{CA: p.File("ca.crt"), Cert: p.File(name + ".crt"), Key: p.File(name + ".key")}
}

// File is the path of a key or a certificate.
func (p *PKI) File(name string) string { return filepath.Join(p.dir, name) }
