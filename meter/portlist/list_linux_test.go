package portlist

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// machine makes the folders of a machine.
func machine(t *testing.T) roots {
	dir := t.TempDir()
	r := roots{filepath.Join(dir, "sys"), filepath.Join(dir, "dev"), filepath.Join(dir, "proc")}
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(path, to string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []struct{ name, driver, kind string }{{"ttyUSB10", "ftdi_sio", ""}, {"ttyUSB2", "ch341-uart", ""}, {"ttyS0", "serial8250", "4"}, {"ttyS1", "serial8250", "0"}} {
		device := filepath.Join(r.sys, "devices", p.name+"-device")
		link(filepath.Join(r.sys, "class/tty", p.name, "device"), device)
		link(filepath.Join(device, "driver"), "../drivers/"+p.driver)
		if p.kind != "" {
			write(filepath.Join(r.sys, "class/tty", p.name, "type"), p.kind+"\n")
		}
		write(filepath.Join(r.dev, p.name), "")
	}
	write(filepath.Join(r.sys, "devices/ttyUSB2-device/product"), "USB Serial\n")
	write(filepath.Join(r.sys, "class/tty/console/active"), "tty0\n")
	link(filepath.Join(r.dev, "serial/by-id/usb-1a86_USB_Serial-if00-port0"), "../../ttyUSB2")
	write(filepath.Join(r.proc, "4711/comm"), "minicom\n")
	link(filepath.Join(r.proc, "4711/fd/3"), filepath.Join(r.dev, "ttyUSB2"))
	link(filepath.Join(r.proc, "4711/fd/4"), filepath.Join(r.dev, "ttyUSB2"))
	link(filepath.Join(r.proc, "4711/fd/5"), "/etc/passwd")
	write(filepath.Join(r.proc, "4712/comm"), "tallyd\n") // its descriptors are not for us to see
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(r.dev, "ttyS0"), &st); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(r.proc, "locks"), fmt.Sprintf("1: POSIX  ADVISORY  WRITE 9 00:18:5 0 EOF\n2: FLOCK  ADVISORY  WRITE 4712 %02x:%02x:%d 0 EOF\nshort\n",
		unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)), st.Ino))
	return r
}

func TestList(t *testing.T) {
	r := machine(t)
	got, err := r.list()
	if err != nil {
		t.Fatal(err)
	}
	want := []Port{
		{Path: r.dev + "/ttyS0", Driver: "serial8250", Holders: []Process{{4712, "tallyd", true}}},
		{Path: r.dev + "/ttyUSB2", ByID: r.dev + "/serial/by-id/usb-1a86_USB_Serial-if00-port0", Driver: "ch341-uart", Product: "USB Serial",
			Holders: []Process{{4711, "minicom", false}}},
		{Path: r.dev + "/ttyUSB10", Driver: "ftdi_sio", Holders: []Process{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoSuchFolder(t *testing.T) {
	if _, err := (roots{"/nowhere", "/nowhere", "/nowhere"}).list(); err == nil {
		t.Error("no error")
	}
	if Holders("/nowhere/ttyUSB0") != nil {
		t.Error("somebody holds a port that is not there")
	}
}

// TestHoldersOfThisMachine: another process that has a file open and locked is named.
func TestHoldersOfThisMachine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "port")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	flock, err := exec.LookPath("flock")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	cmd := exec.Command(flock, "-x", path, "sh", "-c", "echo locked; read x")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = cmd.Wait() }()
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	if held := Holders(path); !slices.ContainsFunc(held, func(p Process) bool { return p.PID == cmd.Process.Pid && p.Name == "flock" }) {
		t.Errorf("got %+v, want process %d", held, cmd.Process.Pid)
	}
}
