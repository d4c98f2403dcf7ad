package daemon

import (
	"errors"
	"testing"

	"tally/cardreader"
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
