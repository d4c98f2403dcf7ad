package storage_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"tally/storage/storagetest"
)

func TestMain(m *testing.M) {
	if name, args, ok := storagetest.Child(); ok {
		if err := scenarios[name](args); err != nil {
			fmt.Fprintln(os.Stderr, name, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
