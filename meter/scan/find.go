package scan

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// Evidence is why something is believed to be there.
type Evidence string

// Kinds of evidence, the strongest first.
const (
	Answered  Evidence = "answer"    // a whole answer
	Refused   Evidence = "refusal"   // a whole answer that says no: the meter is there
	Overheard Evidence = "overheard" // a frame that was not an answer to us: somebody else asks here
	Damaged   Evidence = "damaged"   // the form of a frame with a wrong checksum: two answer at once, or a bad line
	Garbage   Evidence = "garbage"   // bytes that are no frame: another speed, parity or protocol, or a collision
)

// Raw is bytes, in JSON as hex.
type Raw []byte

// MarshalJSON writes hex.
func (r Raw) MarshalJSON() ([]byte, error) { return json.Marshal(hex.EncodeToString(r)) }

// UnmarshalJSON reads hex.
func (r *Raw) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	raw, err := hex.DecodeString(s)
	*r = raw
	return err
}

// Find is something that is there.
type Find struct {
	Setting
	Protocol  Protocol  `json:"protocol"`
	Address   string    `json:"address,omitempty"` // as it is written in a config; empty when nobody can tell
	Number    string    `json:"number,omitempty"`  // printed on the meter, as far as the answer says
	Kind      string    `json:"kind,omitempty"`    // cold water, gas …
	Maker     string    `json:"maker,omitempty"`   // three letters of M-Bus
	Edition   string    `json:"edition,omitempty"` // of DL/T 645
	Evidence  Evidence  `json:"evidence"`
	Exception int       `json:"exception,omitempty"` // code of a Modbus refusal
	Asked     string    `json:"asked,omitempty"`     // pattern or address that was asked, when nothing was found out
	Echo      bool      `json:"echo,omitempty"`      // the adapter hands back what is sent
	Raw       Raw       `json:"raw"`                 // what came
	At        time.Time `json:"at"`

	Refused bool `json:"-"`
	gateway bool // a gateway says that nobody is there
}

// Certain tells whether a meter was found and not only a trace of one.
func (f Find) Certain() bool { return f.Evidence == Answered || f.Evidence == Refused }

// same tells whether two finds are one thing.
func (f Find) same(o Find) bool {
	if f.Setting != o.Setting || f.Protocol != o.Protocol || f.Certain() != o.Certain() {
		return false
	}
	if !f.Certain() {
		return f.Evidence == o.Evidence && f.Address == o.Address && f.Asked == o.Asked
	}
	if f.Number != "" && o.Number != "" {
		return f.Number == o.Number
	}
	return f.Address == o.Address
}

// add puts a find into the list and tells whether it is new. What is found again under its primary address completes
// what was found by its number.
func add(all []Find, f Find) ([]Find, bool) {
	i := slices.IndexFunc(all, f.same)
	if i < 0 {
		return append(all, f), true
	}
	if old := &all[i]; old.Address == "" {
		old.Address = f.Address
	}
	return all, false
}
