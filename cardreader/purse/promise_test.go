package purse_test

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tally/cardreader"
	"tally/cardreader/purse"
)

// TestPromise1ReadBackBeforeDone: Write says nil only after the card itself gave back every byte of the order. Here the
// chip confirms every write and stores nothing, or something else, from any one call on.
func TestPromise1ReadBackBeforeDone(t *testing.T) {
	p := gen4442(t)
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100))
	pl := plan(t, p, image, buy(2, 50))
	for at := range calls(t, p, image) {
		for _, kind := range []faultKind{faultLieNothing, faultLieFlipped} {
			c := newChip(image)
			c.fault = fault{at: at, kind: kind}
			err := purse.New(c, p).Write(ctx, pl)
			if done := bytes.Equal(c.mem[0x50:0x70], pl.After[0x50:0x70]); err == nil && !done {
				t.Errorf("call %d, fault %d: Write said done and the order is not there", at, kind)
			}
		}
	}
	two := sell(t, p, image, buy(2, 50))
	o := buy(3, 50)
	o.Operator++
	c := newChip(two)
	if err := purse.New(c, p).Write(ctx, plan(t, p, two, o)); err != nil {
		t.Fatal(err)
	}
	// Identify, unlock, compare all; then invalidate, body, commit, stamp, each with its read.
	want := []string{"read", "unlock", "read", "write", "read", "write", "read", "write", "read", "write", "read"}
	if !slices.Equal(c.log, want) {
		t.Errorf("calls %v\n want %v", c.log, want)
	}
}

// TestPromise1SwappedBeforeCommit: a swap between body and commit cannot pass for done, even when the other card's
// commit byte reads back right.
func TestPromise1SwappedBeforeCommit(t *testing.T) {
	p := gen4442(t)
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100))
	other := newChip(sell(t, p, blankImage(t, p, purse.Header{Region: 0x0571, CardNo: "00004321", Unit: purse.UnitCentiM3}), buy(8, 1), buy(9, 1)))
	before := bytes.Clone(other.mem)
	for at := range calls(t, p, image) {
		c, o := newChip(image), newChip(other.mem)
		c.fault = fault{at: at, kind: faultSwap, swap: o}
		err := purse.New(c, p).Write(ctx, plan(t, p, image, buy(2, 50)))
		// c and o have changed places: o is our card now.
		if err == nil && decode(t, p, o.mem).Order.Seq != 2 {
			t.Errorf("swapped at call %d: Write said done", at)
		}
		if !bytes.Equal(c.mem, before) {
			t.Errorf("swapped at call %d: the other customer's card was changed", at)
		}
	}
}

// TestPromise2NeverConcludedFromTheTransport: once a byte of the plan may have reached the card, no error of Write
// claims that nothing happened, whatever the last exchange claimed about itself.
func TestPromise2NeverConcludedFromTheTransport(t *testing.T) {
	p := gen4442(t)
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100), buy(2, 100))
	tried := 0
	for at := range calls(t, p, image) {
		for _, kind := range []faultKind{faultNotSent, faultNotSentGoingOn, faultUnknown, faultUnknownEffect} {
			c := newChip(image)
			c.fault = fault{at: at, kind: kind}
			err := purse.New(c, p).Write(ctx, plan(t, p, image, buy(3, 50)))
			if err == nil {
				continue
			}
			if c.reached && (errors.Is(err, cardreader.ErrNotSent) || errors.Is(err, cardreader.ErrNoCard)) {
				t.Errorf("call %d, fault %d: the card was written to and Write said that nothing was sent: %v", at, kind, err)
			}
			if c.reached && !errors.Is(err, cardreader.ErrOutcomeUnknown) {
				t.Errorf("call %d, fault %d: outcome not said to be unknown: %v", at, kind, err)
			}
			if !c.reached && !errors.Is(err, cardreader.ErrNotSent) {
				t.Errorf("call %d, fault %d: nothing was written, and Write did not say so: %v", at, kind, err)
			}
			if codeOf(err) == "" {
				t.Errorf("call %d, fault %d: no code for the clerk: %v", at, kind, err)
			}
			tried++
		}
	}
	if tried == 0 {
		t.Error("no fault led to an error")
	}
}

// TestPromise6WrongCardIsNotUnlocked: the secret code is presented to no card but the plan's.
func TestPromise6WrongCardIsNotUnlocked(t *testing.T) {
	p := gen4442(t)
	image := blankImage(t, p, blankHeader)
	pl := plan(t, p, image, buy(1, 50))
	for name, h := range map[string]purse.Header{
		"another customer's": {Region: 0x0571, CardNo: "00009999", Unit: purse.UnitCentiM3, IssueCount: 1},
		"replaced":           {Region: 0x0571, CardNo: "00001234", MeterNo: "00005678", Unit: purse.UnitCentiM3, IssueCount: 2},
	} {
		c := newChip(blankImage(t, p, h))
		before := bytes.Clone(c.mem)
		err := purse.New(c, p).Write(ctx, pl)
		if codeOf(err) != purse.CodeCardChanged || !errors.Is(err, cardreader.ErrNotSent) || errors.Is(err, cardreader.ErrOutcomeUnknown) {
			t.Errorf("%s: %v", name, err)
		}
		if slices.Contains(c.log, "unlock") || slices.Contains(c.log, "write") || !bytes.Equal(c.mem, before) {
			t.Errorf("%s: calls %v", name, c.log)
		}
	}
}

// TestPromise8NoFloats: no float type and no float literal in the rooms that count gas and money on cards.
func TestPromise8NoFloats(t *testing.T) {
	files := 0
	for _, dir := range []string{".", "../profile", "../cardsim/icmeter"} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files++
			noFloats(t, name, f)
		}
	}
	if files < 10 {
		t.Errorf("looked at %d files only", files)
	}
}

func noFloats(t *testing.T, name string, f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if n.Name == "float64" || n.Name == "float32" {
				t.Errorf("%s: %s", name, n.Name)
			}
		case *ast.BasicLit:
			if n.Kind == token.FLOAT {
				t.Errorf("%s: %s", name, n.Value)
			}
		}
		return true
	})
}
