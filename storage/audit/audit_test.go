package audit_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"maps"
	"testing"

	"tally/storage/audit"
	"tally/sync/contract"
)

const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func signed(t *testing.T) (ed25519.PublicKey, audit.Heads) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h, err := audit.Sign(key, "n1", "e1", map[contract.Stream]audit.Head{contract.Tx: {Seq: 7, Hash: hash}, contract.Ev: {}})
	if err != nil {
		t.Fatal(err)
	}
	return pub, h
}

func TestASignatureHoldsForItsNodeEpochAndHeadsOnly(t *testing.T) {
	pub, h := signed(t)
	if err := audit.Verify(pub, "n1", "e1", h); err != nil {
		t.Fatal(err)
	}
	other, _ := signed(t)
	change := func(f func(*audit.Heads)) audit.Heads {
		c := h
		c.Heads = maps.Clone(h.Heads)
		f(&c)
		return c
	}
	for name, err := range map[string]error{
		"key":       audit.Verify(other, "n1", "e1", h),
		"no key":    audit.Verify(nil, "n1", "e1", h),
		"node":      audit.Verify(pub, "n2", "e1", h),
		"epoch":     audit.Verify(pub, "n1", "e2", h),
		"border":    audit.Verify(pub, "n1\"\n\"e1", "", h),
		"seq":       audit.Verify(pub, "n1", "e1", change(func(c *audit.Heads) { c.Heads[contract.Tx] = audit.Head{Seq: 8, Hash: hash} })),
		"stream":    audit.Verify(pub, "n1", "e1", change(func(c *audit.Heads) { c.Heads["xx"] = audit.Head{} })),
		"signature": audit.Verify(pub, "n1", "e1", change(func(c *audit.Heads) { c.Sig = "zz" })),
	} {
		if !errors.Is(err, audit.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyEd25519Signs(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Sign(key, "n1", "e1", nil); err == nil {
		t.Error("another kind of key signed")
	}
}

func TestCodeIsShortAndPlain(t *testing.T) {
	for h, want := range map[audit.Head]string{{Seq: 1, Hash: hash}: "KY3D10C8", {}: "", {Seq: 1, Hash: "zz"}: ""} {
		if got := h.Code(); got != want {
			t.Errorf("code of %q is %q, want %q", h.Hash, got, want)
		}
	}
}
