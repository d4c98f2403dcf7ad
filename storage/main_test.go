package storage_test

import (
	"flag"
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
	if err := flag.Set("rapid.checks", "20"); err != nil { // the command line may say otherwise
		panic(err)
	}
	useMemoryDisk()
	goleak.VerifyTestMain(m)
}

// useMemoryDisk spares a slow disk the thousands of syncs of these tests, none of which cuts the power. Benchmarks, which
// measure the disk, and whoever sets TMPDIR get what they ask for.
func useMemoryDisk() {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() != "" || os.Getenv("TMPDIR") != "" {
		return
	}
	if info, err := os.Stat("/dev/shm"); err != nil || !info.IsDir() {
		return
	}
	if err := os.Setenv("TMPDIR", "/dev/shm"); err != nil {
		panic(err)
	}
}
