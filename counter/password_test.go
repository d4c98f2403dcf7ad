package counter

import (
	"errors"
	"strings"
	"testing"
)

var testCost = PasswordCost{Memory: 64, Time: 1, Threads: 1}

func TestHashPassword(t *testing.T) {
	s, err := HashPassword("小明 secret")
	if err != nil || !strings.HasPrefix(s, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%q %v", s, err)
	}
	p, err := parsePHC(s)
	if err != nil || !p.matches("小明 secret") || p.matches("小明 Secret") || p.matches("") {
		t.Fatalf("%+v %v", p, err)
	}
	again, err := HashPassword("小明 secret")
	if err != nil || again == s {
		t.Error("two hashes of a password are equal: no salt")
	}
	for _, bad := range []string{"", strings.Repeat("x", MaxPassword+1)} {
		if _, err := HashPassword(bad); !errors.Is(err, ErrPassword) {
			t.Errorf("password of %d bytes: %v", len(bad), err)
		}
	}
}

func TestTooLongAPasswordNeverMatchesItsBeginning(t *testing.T) {
	full := strings.Repeat("x", MaxPassword)
	s, err := testCost.Hash(full)
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsePHC(s)
	if err != nil || !p.matches(full) || p.matches(full+"x") {
		t.Errorf("%v", err)
	}
}

// The reference implementation's test vector (phc-winner-argon2, test.c: argon2id, version 0x13, t=2, m=2^16, p=1,
// password "password", salt "somesalt").
func TestPHCVector(t *testing.T) {
	p, err := parsePHC("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if err != nil {
		t.Fatal(err)
	}
	if !p.matches("password") || p.matches("differentpassword") {
		t.Error("the reference vector does not match")
	}
}

func TestParsePHCIsStrict(t *testing.T) {
	good, err := testCost.Hash("x")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"", "x", "$", "$$$$$", good + "$", good + "=", " " + good, good[1:],
		strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=64", "m=064", 1), strings.Replace(good, "m=64", "m=-64", 1),
		strings.Replace(good, "m=64", "m=4294967295", 1), strings.Replace(good, "t=1", "t=0", 1),
		strings.Replace(good, "t=1", "t=1000000", 1), strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=1,x=1", 1), "$argon2id$v=19$m=64,t=1,p=1$YQ$YQ",
	} {
		_, err := parsePHC(s)
		if !errors.Is(err, errHash) {
			t.Errorf("%q: %v", s, err)
		} else if s != "" && len(s) > 20 && strings.Contains(err.Error(), s[20:]) {
			t.Errorf("the error holds the hash: %v", err)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	good, _ := testCost.Hash("x")
	f.Add(good)
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := parsePHC(s); err == nil && p.String() != s {
			t.Errorf("%q reads as %q", s, p)
		}
	})
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"王小明": "王**", "欧阳修": "欧**", "李": "李**", "": "", "  张三": "张**", "John Smith": "J**", "𠮷田": "𠮷**", "\xff\xfe": "�**",
	} {
		if got := MaskName(in); got != want {
			t.Errorf("name %q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"13812345678": "138****5678", "0571-88881234": "057****1234", "88881234": "****34", "110": "****", "": "", " ": "",
		"1381234567": "****67",
	} {
		if got := MaskPhone(in); got != want {
			t.Errorf("phone %q: %q, want %q", in, got, want)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("王小明", "13812345678")
	f.Fuzz(func(t *testing.T, name, phone string) {
		if n := []rune(MaskName(name)); len(n) > 3 {
			t.Errorf("%q shows %q", name, string(n))
		}
		shown := 0
		for _, r := range MaskPhone(phone) {
			if r != '*' {
				shown++
			}
		}
		if shown > 7 && !strings.Contains(phone, "*") {
			t.Errorf("%q shows %d digits", phone, shown)
		}
	})
}
