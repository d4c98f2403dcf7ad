package profile

import "encoding/hex"

// Meaning is what the software knows a field as. The list is closed for each block, so that a misspelt one is found
// when the profile is loaded.
type Meaning string

// Meanings of fields.
const (
	Reserved Meaning = "reserved"

	Magic      Meaning = "magic"
	Version    Meaning = "version"
	KindOf     Meaning = "kind"
	UnitOf     Meaning = "unit"
	Water      Meaning = "water"
	Region     Meaning = "region"
	CardNo     Meaning = "card_no"
	MeterNo    Meaning = "meter_no"
	IssueCount Meaning = "issue_count"

	Seq        Meaning = "seq"
	Qty        Meaning = "qty"
	Cumulative Meaning = "cumulative"
	Price      Meaning = "price" // 1/10 000 yuan per m³ after scale
	Tier       Meaning = "tier"
	Alarm      Meaning = "alarm"
	Hoard      Meaning = "hoard"
	Overdraft  Meaning = "overdraft"
	Time       Meaning = "time"
	OpOf       Meaning = "op"
	TagOf      Meaning = "tag"
	Mark       Meaning = "mark" // swiped mark: the words are "fresh" and "swiped"

	Accepted    Meaning = "accepted"
	Remaining   Meaning = "remaining"
	Used        Meaning = "used"
	Valve       Meaning = "valve"
	Battery     Meaning = "battery" // 0.1 V
	Status      Meaning = "status"
	LastEvent   Meaning = "last_event"
	Magnet      Meaning = "magnet"
	ValveErrors Meaning = "valve_errors"

	Effective Meaning = "effective"
	Limit1    Meaning = "limit_1" // m³
	Limit2    Meaning = "limit_2"
	Limit3    Meaning = "limit_3"
	Price1    Meaning = "price_1"
	Price2    Meaning = "price_2"
	Price3    Meaning = "price_3"
	Price4    Meaning = "price_4"
	Period    Meaning = "period_months"
	Release   Meaning = "release"

	Workstation Meaning = "workstation"
	Operator    Meaning = "operator"
)

// Profile is one maker's card layout and rules.
type Profile struct {
	Format    int     `toml:"format"` // version of this file format: 1
	Maker     string  `toml:"name"`
	Version   int     `toml:"version"`
	Title     string  `toml:"title"`
	Chip      Chip    `toml:"chip"`
	Rules     Rules   `toml:"rules"`
	Limits    Limits  `toml:"limits"`
	Header    *Block  `toml:"header"`
	Order     *Block  `toml:"order"`
	WriteBack *Block  `toml:"write_back"`
	Tariff    *Block  `toml:"tariff"`
	Stamp     *Block  `toml:"stamp"`
	Reserved  []Range `toml:"reserved"`

	// Name is what states, plans and journals call the profile: maker's name and version, "GEN4442 v1".
	Name string `toml:"-"`
}

// Chip says on which chip the layout lies.
type Chip struct {
	Type    string `toml:"type"`    // sle4442, at88sc102, cpu, mifare
	Size    int    `toml:"size"`    // user bytes
	PSC     string `toml:"psc"`     // name of the source that the secret code comes from; never the code
	Protect int    `toml:"protect"` // the first bytes that no field may use: the chip can lock them for ever
	ID      string `toml:"id"`      // hex of the maker bytes at address 0, as they come in the answer to reset
}

// Range is an unused stretch of the chip, said so that no field is put there by mistake.
type Range struct {
	At  int `toml:"at"`
	Len int `toml:"len"`
}

// Limits are the greatest values that a meter of the maker takes, in card units; 0 is what the field can hold.
type Limits struct {
	Order      int64 `toml:"order"`
	Cumulative int64 `toml:"cumulative"`
}

// Bytes are the maker bytes of the chip.
func (c Chip) Bytes() []byte {
	b, _ := hex.DecodeString(c.ID) // checked when the profile was loaded
	return b
}
