package daemon

import (
	"errors"
	"testing"

	"tally/cardreader"
	"tally/cmd/internal/control"
)

// The page hears the code of why the service cannot be used, the status its words, and both that it is back.
func TestCardService(t *testing.T) {
	var c cardService
	if c.now() != nil || c.trouble() != nil {
		t.Error("trouble before anything was told")
	}
	denied := &cardreader.Error{Code: cardreader.CodeDenied, Op: "watch readers", Err: errors.New("access denied")}
	for err, code := range map[error]string{denied: cardreader.CodeDenied, errors.New("odd"): cardreader.CodeNoService} {
		c.told(err)
		if r := c.trouble(); r == nil || r.Code != code || r.Cause != nil || c.now() != err {
			t.Errorf("%v became %+v", err, r)
		}
	}
	c.told(nil)
	if c.now() != nil || c.trouble() != nil {
		t.Error("the service is back, the trouble stays")
	}
}

// TestTheDoorTellsOfTheCardService: who asks for readers or a card hears that the service is away, not that nothing is there.
func TestTheDoorTellsOfTheCardService(t *testing.T) {
	n, client := bookNode(t)
	codes := func() (readers, card string) {
		_, err := client.Readers(t.Context())
		if e, ok := errors.AsType[*control.Error](err); ok {
			readers = e.Code
		} else if err != nil {
			t.Fatal(err)
		}
		_, err = client.Card(t.Context(), "")
		if e, ok := errors.AsType[*control.Error](err); ok {
			card = e.Code
		} else {
			t.Fatal(err)
		}
		return readers, card
	}
	for _, c := range []struct {
		told          error
		readers, card string
	}{
		{nil, "", control.CodeNoCard},
		{&cardreader.Error{Code: cardreader.CodeNoService, Err: errors.New("no socket")}, cardreader.CodeNoService, cardreader.CodeNoService},
		{errors.New("odd"), cardreader.CodeNoService, cardreader.CodeNoService},
		{nil, "", control.CodeNoCard},
	} {
		n.cards.told(c.told)
		if readers, card := codes(); readers != c.readers || card != c.card {
			t.Errorf("told %v: readers %q, card %q", c.told, readers, card)
		}
	}
}
