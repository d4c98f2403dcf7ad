package porttest

import (
	"net"
	"runtime"
	"strconv"
	"testing"
)

func TestAddrIsNeverGivenTwiceNorOneThatIsTaken(t *testing.T) {
	seen := map[string]bool{}
	var held []net.Listener
	for i := range 200 {
		addr := Addr(t)
		_, port, err := net.SplitHostPort(addr)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < lowest || n >= ephemeral || seen[addr] {
			t.Fatalf("%q, given before: %t", addr, seen[addr])
		}
		seen[addr] = true
		if i%2 == 0 {
			continue
		}
		l, err := net.Listen("tcp", addr) // nobody has it
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, l)
	}
	mu.Lock()
	last -= 200 // over the same ground again: those that are held are left out
	if last < 0 {
		last += ephemeral - lowest
	}
	mu.Unlock()
	for range 50 {
		addr := Addr(t)
		for _, l := range held {
			if l.Addr().String() == addr {
				t.Fatalf("%s is taken", addr)
			}
		}
	}
	for _, l := range held {
		l.Close()
	}
}

func TestAPortOfAnotherTestProgramIsLeftOut(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("nothing to claim a port by")
	}
	mu.Lock()
	theirs := lowest + (last+1)%(ephemeral-lowest)
	mu.Unlock()
	l, err := net.Listen("unix", claimed(theirs))
	if err != nil {
		t.Skip("somebody else has claimed it already:", err)
	}
	defer l.Close()
	if addr := Addr(t); addr == net.JoinHostPort("127.0.0.1", strconv.Itoa(theirs)) {
		t.Errorf("%s is another's, whose server is away for a moment", addr)
	}
	var mine string
	t.Run("a test", func(t *testing.T) {
		mine = Addr(t)
		_, port, _ := net.SplitHostPort(mine)
		n, _ := strconv.Atoi(port)
		if l, err := net.Listen("unix", claimed(n)); err == nil {
			l.Close()
			t.Errorf("%s is not kept from others", mine)
		}
	})
	_, port, _ := net.SplitHostPort(mine)
	n, _ := strconv.Atoi(port)
	again, err := net.Listen("unix", claimed(n))
	if err != nil {
		t.Fatalf("%s is kept after the test: %v", mine, err)
	}
	again.Close()
}

func TestProcessesSideBySideBeginApart(t *testing.T) {
	for _, pid := range []int{1, 4711, 32767, 4194303} {
		for d := 1; d < 300; d++ {
			if apart := start(pid+d) - start(pid); -50 < apart && apart < 50 {
				t.Errorf("%d and %d begin %d apart", pid, pid+d, apart)
			}
		}
	}
}
