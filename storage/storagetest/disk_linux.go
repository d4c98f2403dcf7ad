package storagetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Disk is a small file system of its own, which a test may break as a real one breaks.
type Disk struct {
	Dir string // where it is mounted

	t     testing.TB
	image string
}

// NewDisk makes and mounts an ext4 file system in a file, until t ends. It skips t where that is not allowed.
func NewDisk(t testing.TB) *Disk {
	t.Helper()
	d := &Disk{Dir: t.TempDir(), t: t, image: filepath.Join(t.TempDir(), "disk")}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 64<<20); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"mkfs.ext4", "-q", "-F", d.image}, d.mount()} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			if os.Getenv("CI") == "true" && os.Geteuid() == 0 {
				t.Fatalf("%s: %v\n%s", args[0], err, out)
			}
			t.Skipf("a disk that breaks needs mkfs.ext4 and the right to mount: %v\n%s", err, out)
		}
	}
	t.Cleanup(func() { d.run("umount", "--lazy", d.Dir) }) // whatever is still open
	return d
}

func (d *Disk) mount() []string {
	return []string{"mount", "-o", "loop,errors=remount-ro", d.image, d.Dir}
}

// BecomeReadOnly does what the kernel does when it finds an error on the disk, see ext4(5), abort: whoever has files open
// keeps them, every write fails with EROFS.
func (d *Disk) BecomeReadOnly() {
	d.t.Helper()
	d.run("mount", "-o", "remount,abort", d.Dir)
}

// Repair takes the file system out of use, checks it and mounts it again. Nobody may have files open on it.
func (d *Disk) Repair() {
	d.t.Helper()
	d.run("umount", d.Dir)
	// 1 says that errors were corrected, see e2fsck(8).
	if out, err := exec.Command("e2fsck", "-f", "-p", d.image).CombinedOutput(); err != nil && exitCode(err) != 1 {
		d.t.Fatalf("e2fsck: %v\n%s", err, out)
	}
	d.run(d.mount()...)
}

func exitCode(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return -1
}

func (d *Disk) run(args ...string) {
	d.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		d.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}
