package portlist

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// roots are the folders of the system; tests have their own.
type roots struct{ sys, dev, proc string }

var system = roots{"/sys", "/dev", "/proc"}

// List returns the ports of this machine, with who holds them.
func List() ([]Port, error) { return system.list() }

// Holders returns who has the port open. A port that is not there has none.
func Holders(path string) []Process {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	return system.holders(map[string][]Process{path: nil})[path]
}

func (r roots) list() ([]Port, error) {
	entries, err := os.ReadDir(filepath.Join(r.sys, "class/tty"))
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	ids := r.byID()
	var ports []Port
	held := map[string][]Process{}
	for _, e := range entries {
		dir := filepath.Join(r.sys, "class/tty", e.Name())
		driver, err := os.Readlink(filepath.Join(dir, "device/driver"))
		if err != nil {
			continue // a console or a pseudo-terminal: no device behind it
		}
		// The kernel keeps four ttyS in reserve; type 0 is one without a UART.
		if kind, err := os.ReadFile(filepath.Join(dir, "type")); err == nil && strings.TrimSpace(string(kind)) == "0" {
			continue
		}
		p := Port{Path: filepath.Join(r.dev, e.Name()), Driver: filepath.Base(driver), Product: product(dir), Holders: []Process{}}
		p.ByID = ids[p.Path]
		ports = append(ports, p)
		held[p.Path] = nil
	}
	held = r.holders(held)
	for i := range ports {
		ports[i].Holders = append(ports[i].Holders, held[ports[i].Path]...)
	}
	return byPath(ports), nil
}

// byID maps devices to their lasting names.
func (r roots) byID() map[string]string {
	ids := map[string]string{}
	dir := filepath.Join(r.dev, "serial/by-id")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ids // no USB adapter is plugged in
	}
	for _, e := range entries {
		link := filepath.Join(dir, e.Name())
		if to, err := os.Readlink(link); err == nil {
			if !filepath.IsAbs(to) {
				to = filepath.Join(dir, to)
			}
			ids[to] = link
		}
	}
	return ids
}

// product is what the USB device above a port calls itself.
func product(dir string) string {
	at, err := filepath.EvalSymlinks(filepath.Join(dir, "device"))
	for range 4 {
		if err != nil || at == "/" {
			return ""
		}
		if name, err := os.ReadFile(filepath.Join(at, "product")); err == nil {
			return strings.TrimSpace(string(name))
		}
		at = filepath.Dir(at)
	}
	return ""
}

// holders fills in who has the paths open. Processes of other users stay hidden from everybody but root.
func (r roots) holders(paths map[string][]Process) map[string][]Process {
	locks := r.locks(paths)
	procs, err := os.ReadDir(r.proc)
	if err != nil {
		return paths
	}
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		for _, path := range r.open(pid, paths) {
			paths[path] = append(paths[path], Process{pid, r.name(pid), slices.Contains(locks[path], pid)})
		}
	}
	for path, pids := range locks { // who locks it, but may not be looked into
		for _, pid := range pids {
			if pid != os.Getpid() && !slices.ContainsFunc(paths[path], func(p Process) bool { return p.PID == pid }) {
				paths[path] = append(paths[path], Process{pid, r.name(pid), true})
			}
		}
	}
	return paths
}

// open lists which of the paths a process has open, each once.
func (r roots) open(pid int, paths map[string][]Process) []string {
	dir := filepath.Join(r.proc, strconv.Itoa(pid), "fd")
	fds, err := os.ReadDir(dir)
	if err != nil {
		return nil // another user's, or gone
	}
	var found []string
	for _, fd := range fds {
		to, err := os.Readlink(filepath.Join(dir, fd.Name()))
		if _, wanted := paths[to]; err == nil && wanted && !slices.Contains(found, to) {
			found = append(found, to)
		}
	}
	return found
}

func (r roots) name(pid int) string {
	comm, err := os.ReadFile(filepath.Join(r.proc, strconv.Itoa(pid), "comm"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(comm))
}

// locks finds the processes that hold a flock on the paths: /proc/locks names them by device and inode, for everybody to
// see.
func (r roots) locks(paths map[string][]Process) map[string][]int {
	at := map[string]string{}
	for path := range paths {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err == nil {
			at[fmt.Sprintf("%02x:%02x:%d", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)), st.Ino)] = path
		}
	}
	found := map[string][]int{}
	text, err := os.ReadFile(filepath.Join(r.proc, "locks"))
	if errors.Is(err, fs.ErrNotExist) || err != nil {
		return found
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		// "1: FLOCK  ADVISORY  WRITE 1234 00:18:5 0 EOF"
		f := strings.Fields(lines.Text())
		if len(f) < 6 || f[1] != "FLOCK" {
			continue
		}
		if pid, err := strconv.Atoi(f[4]); err == nil && pid > 0 && at[f[5]] != "" {
			found[at[f[5]]] = append(found[at[f[5]]], pid)
		}
	}
	return found
}
