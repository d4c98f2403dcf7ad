package porttest

import (
	"net"
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

func TestProcessesSideBySideBeginApart(t *testing.T) {
	for _, pid := range []int{1, 4711, 32767, 4194303} {
		for d := 1; d < 300; d++ {
			if apart := start(pid+d) - start(pid); -50 < apart && apart < 50 {
				t.Errorf("%d and %d begin %d apart", pid, pid+d, apart)
			}
		}
	}
}
