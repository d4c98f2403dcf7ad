package profile

import "testing"

func TestGEN4442(t *testing.T) {
	p, err := Builtin("GEN4442 v1")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(p.Name, List())
}
