//go:build linux || windows

package claim_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"tally/cmd/internal/claim"
)

func TestReaderIsOnes(t *testing.T) {
	name := "reader of " + t.TempDir()
	release, err := claim.Reader(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claim.Reader(name); !errors.Is(err, claim.ErrTaken) {
		t.Errorf("claimed twice: %v", err)
	}
	if other, err := claim.Reader(name + " too"); err != nil {
		t.Errorf("another reader: %v", err)
	} else {
		other()
	}
	release()
	release()
	again, err := claim.Reader(name)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	again()
}

// TestReadersOfAnotherService have the same names and are others.
func TestReadersOfAnotherService(t *testing.T) {
	name := "reader of " + t.TempDir()
	release, err := claim.Reader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	t.Setenv("PCSCLITE_CSOCK_NAME", t.TempDir())
	other, err := claim.Reader(name)
	if err != nil {
		t.Fatal(err)
	}
	other()
}

// TestClaimEndsWithItsProcess, also when that is killed. The process is this test once more.
func TestClaimEndsWithItsProcess(t *testing.T) {
	const env = "CLAIM_TEST_READER"
	if name, ok := os.LookupEnv(env); ok {
		if _, err := claim.Reader(name); err != nil {
			t.Fatal(err)
		}
		fmt.Println("claimed")
		select {} // until killed
	}
	name := "reader of " + t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestClaimEndsWithItsProcess$")
	cmd.Env = append(os.Environ(), env+"="+name)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "claimed\n" {
		t.Errorf("the other process says %q, %v", line, err)
	}
	if _, err := claim.Reader(name); !errors.Is(err, claim.ErrTaken) {
		t.Errorf("while the other process has it: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	release, err := claim.Reader(name)
	if err != nil {
		t.Fatalf("after the other process: %v", err)
	}
	release()
}
