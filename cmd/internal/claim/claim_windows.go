package claim

import (
	"errors"
	"sync"

	"golang.org/x/sys/windows"
)

// take makes a named mutex that all sessions see; whose it is does not matter, only that it is there.
func take(name string) (func(), error) {
	text, err := windows.UTF16PtrFromString(`Global\` + name)
	if err != nil {
		return func() {}, nil
	}
	h, err := windows.CreateMutex(nil, false, text)
	switch {
	case errors.Is(err, windows.ERROR_ALREADY_EXISTS):
		_ = windows.CloseHandle(h) // another's
		return nil, ErrTaken
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return nil, ErrTaken // another user's
	case err != nil:
		return func() {}, nil
	}
	return sync.OnceFunc(func() { _ = windows.CloseHandle(h) }), nil
}
