package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tally/meter"
)

// taken is the error of a second listener at one address, as the system gives it.
func taken(t *testing.T) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	second, err := net.Listen("tcp", l.Addr().String())
	if err == nil {
		second.Close()
		t.Fatal("two listeners at one address")
	}
	return err
}

// What the machine refuses is said in both languages: what, where, and what to do.
func TestMachineErrorsSayWhatToDo(t *testing.T) {
	_, none := os.Open(filepath.Join(t.TempDir(), "none"))
	denied := &fs.PathError{Op: "open", Path: "/var/lib/tally/lock", Err: syscall.EACCES}
	port := &fs.PathError{Op: "open", Path: "/dev/ttyUSB0", Err: syscall.EACCES}
	for name, c := range map[string]struct {
		err            error
		code           int
		en, zh, where  string
		hintEn, hintZh string
	}{
		"address taken": {fmt.Errorf("open the page: %w: %w", ErrConfig, taken(t)), ExitConfig, "the address is taken", "地址已被占用", "127.0.0.1:", "--listen", "--listen"},
		"not allowed":   {fmt.Errorf("open lock: %w", denied), ExitRefused, "may not use", "无权使用", "/var/lib/tally/lock", "user of tallyd", "tallyd 的用户"},
		"disk full":     {fmt.Errorf("write page: %w", &fs.PathError{Op: "write", Path: "/data/ledger.db", Err: syscall.ENOSPC}), ExitInternal, "disk is full", "磁盘已满", "/data/ledger.db", "make room", "清理磁盘"},
		"no such file":  {none, ExitRefused, "no such file", "不存在", "none", "", ""},
		"port":          {fmt.Errorf("open line direct: %w: %w", meter.ErrLine, port), ExitUnreachable, "line cannot be used", "线路不可用", "/dev/ttyUSB0", "dialout", "dialout"},
	} {
		for lang, want := range map[string][2]string{"en": {c.en, c.hintEn}, "zh": {c.zh, c.hintZh}} {
			f := (&app{lang: lang}).explain(c.err)
			if f.code != c.code || !strings.Contains(f.text, want[0]) || !strings.Contains(f.text, c.where) || !strings.Contains(f.hint, want[1]) {
				t.Errorf("%s in %s: %d %q, hint %q", name, lang, f.code, f.text, f.hint)
			}
		}
	}
	if f := (&app{lang: "en"}).explain(errors.New("something else")); f.code != ExitInternal {
		t.Errorf("an unknown error became %d", f.code)
	}
}
