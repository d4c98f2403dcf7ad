//go:build unix

// Package pgtest starts a PostgreSQL cluster of its own for a test.
package pgtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"tally/sync/porttest"
)

// Cluster is a running server.
type Cluster struct {
	t    testing.TB
	port string
	dir  string
	cmd  *exec.Cmd
	bin  string
	args []string
	n    int
}

// Careless does without syncs, for tests of what a database answers and not of what it keeps: much faster. A crash of the
// server loses nothing either way; a power cut would.
var Careless = []string{"-c", "fsync=off", "-c", "full_page_writes=off"}

// Start makes a cluster in a temporary directory on a free local port and stops it when the test ends. Without
// PostgreSQL on the machine the test is skipped, or fails when CI=true. args go to the server.
func Start(t testing.TB, args ...string) *Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("uses real parts; left out by -short")
	}
	c := &Cluster{t: t, bin: binaries(), args: args}
	if c.bin == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("postgresql is not installed")
		}
		t.Skip("postgresql is not installed")
	}
	dir, err := os.MkdirTemp("", "pgtest") // not t.TempDir: its parents may be closed to the server's user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c.dir = filepath.Join(dir, "data")
	c.own(dir)
	initdb := c.command("initdb", "-D", c.dir, "-U", "tally", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	_, c.port, _ = net.SplitHostPort(porttest.Addr(t))
	c.Up()
	t.Cleanup(c.Kill)
	return c
}

// binaries finds the newest server where Debian puts it.
func binaries() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found))
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

// unprivileged is who runs the server, which refuses root; nil when we are somebody else already.
func unprivileged() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32)
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}

func (c *Cluster) own(dir string) {
	if cred := unprivileged(); cred != nil {
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = filepath.Dir(c.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: unprivileged()}
	return cmd
}

// Up starts the server, again after Kill, and returns when it answers.
func (c *Cluster) Up() {
	c.t.Helper()
	c.cmd = c.command("postgres", append([]string{"-D", c.dir, "-h", "127.0.0.1", "-p", c.port, "-k", "", "-c", "logging_collector=off"}, c.args...)...)
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 3000 {
		if c.command("pg_isready", "-q", "-h", "127.0.0.1", "-p", c.port).Run() == nil {
			return
		}
		<-tick.C
	}
	c.t.Fatal("postgres does not answer")
}

// Kill ends the server at once. It may be called twice.
func (c *Cluster) Kill() {
	if c.cmd == nil {
		return
	}
	c.cmd.Process.Signal(syscall.SIGQUIT) // immediate shutdown: as a crash, but its children end too
	c.cmd.Wait()
	c.cmd = nil
}

// Database makes an empty database and returns its address.
func (c *Cluster) Database() string {
	c.t.Helper()
	c.n++
	name := fmt.Sprintf("t%d", c.n)
	if out, err := c.command("createdb", "-h", "127.0.0.1", "-p", c.port, "-U", "tally", name).CombinedOutput(); err != nil {
		c.t.Fatalf("createdb: %v\n%s", err, out)
	}
	return fmt.Sprintf("host=127.0.0.1 port=%s user=tally dbname=%s sslmode=disable", c.port, name)
}
