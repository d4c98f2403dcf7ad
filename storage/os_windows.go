package storage

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// initialMap is zero because Windows grows the file itself to the size of its mapping.
const initialMap = 0

// tryLock locks one byte far behind the content, which stays readable for whoever wants to know the holder.
func tryLock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{Offset: 1 << 30})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock data folder: %w", err)
	}
	return true, nil
}

// syncDir does nothing: NTFS journals names, and a directory cannot be flushed by a plain process.
func syncDir(string) error { return nil }

// freeSpace is what this user may still write in dir.
func freeSpace(dir string) (uint64, error) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, nil, nil); err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	return free, nil
}

func isDiskFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

func isReadOnly(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }

func sinceBoot() time.Duration { return windows.DurationSinceBoot() }

func bootID() string { return "" }

// forgetMapped does nothing: Windows trims working sets by itself.
func forgetMapped(start, length uintptr) {}
