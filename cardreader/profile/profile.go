package profile

import (
	"encoding/hex"

	"tally/cardreader/space"
)

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
	SerialOf   Meaning = "serial"     // 8 bytes by which a CPU card's keys are diversified
	ValidFrom  Meaning = "valid_from" // YYYYMMDD
	ValidTo    Meaning = "valid_to"

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
	Journal    Meaning = "journal" // the journal's id of the order
	Mark       Meaning = "mark"    // swiped mark: the words are "fresh" and "swiped"

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

	Month Meaning = "month" // YYYYMM
	Total Meaning = "total"

	Workstation Meaning = "workstation"
	Operator    Meaning = "operator"
)

// Profile is one maker's card layout and rules.
type Profile struct {
	Format    int          `toml:"format"` // version of this file format: 1
	Maker     string       `toml:"name"`
	Version   int          `toml:"version"`
	Title     string       `toml:"title"`
	Test      bool         `toml:"test"` // for trials: keys that are no secret may serve
	Chip      Chip         `toml:"chip"`
	Map       []space.Area `toml:"map"` // what lies where on the chip; none: addresses are the chip's own
	Keys      *Keys        `toml:"keys"`
	Rules     Rules        `toml:"rules"`
	Limits    Limits       `toml:"limits"`
	Header    *Block       `toml:"header"`
	Order     *Block       `toml:"order"`
	WriteBack *Block       `toml:"write_back"`
	Tariff    *Block       `toml:"tariff"`
	Stamp     *Block       `toml:"stamp"`
	MonthUse  *Block       `toml:"month_use"`
	Reserved  []Range      `toml:"reserved"`

	// Name is what states, plans and journals call the profile: maker's name and version, "GEN4442 v1".
	Name string `toml:"-"`
}

// Chip says on which chip the layout lies.
type Chip struct {
	Type    string `toml:"type"`    // sle4442, at88sc102, cpu, mifare
	Size    int    `toml:"size"`    // user bytes
	PSC     string `toml:"psc"`     // name of the source that the secret code comes from; never the code
	Derive  string `toml:"derive"`  // rule by which a derived code is made of the card number; empty is hmac_sha256
	Protect int    `toml:"protect"` // the first bytes that no field may use: the chip can lock them for ever
	ID      string `toml:"id"`      // hex of the maker bytes at address 0, as they come in the answer to reset
	AID     string `toml:"aid"`     // hex of the name of the application on a CPU card
	Dialect string `toml:"dialect"` // how a reader has to be spoken to for this maker's cards; empty: by the reader
	Counted bool   `toml:"counted"` // zone 2 of an AT88SC102 has its erase counter enabled (fuse EC2EN)
}

// Keys names the keys of a card and says where they are; the keys themselves are never in a profile.
type Keys struct {
	Algorithm string `toml:"algorithm"` // 3des or sm4
	Module    string `toml:"module"`    // hex of the name of the security module's application; empty: it needs none
	Vend      *Key   `toml:"vend"`      // allows to write: external authentication, or the key of a sector
	Line      *Key   `toml:"line"`      // protects what is written on its way
	Load      *Key   `toml:"load"`      // of the card's own electronic purse
	Meter     *Key   `toml:"meter"`     // the meter's; this side never uses it
	Control   *Key   `toml:"control"`   // under which keys are written; a new card has the transport key for all others then
	Erase1    *Key   `toml:"erase_1"`   // of zone 1 of an AT88SC102
	Erase2    *Key   `toml:"erase_2"`
}

// Key is where one key lies.
type Key struct {
	ID      int  `toml:"id"`      // number on the card
	Usage   int  `toml:"usage"`   // in the security module: usage with the levels of diversification, P1 of DELIVERY KEY
	Version int  `toml:"version"` // in the security module: P2 of DELIVERY KEY
	Tries   int  `toml:"tries"`   // wrong authentications that a new card allows; 0 is 3
	Type    int  `toml:"type"`    // of WRITE KEY; 0 is the usual one of that use
	Asks    bool `toml:"asks"`    // the card tells the tries left to an authentication without data
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

// AppID is the name of the application on a CPU card.
func (c Chip) AppID() []byte {
	b, _ := hex.DecodeString(c.AID) // checked when the profile was loaded
	return b
}

// SerialAt is the address of the serial that a CPU card's keys are diversified by; -1 where the layout has none.
func (p *Profile) SerialAt() int {
	if f := p.Header.Field(SerialOf); f != nil {
		return p.Header.Slots[0].At + f.At
	}
	return -1
}

// ModuleID is the name of the security module's application.
func (k *Keys) ModuleID() []byte {
	b, _ := hex.DecodeString(k.Module) // checked when the profile was loaded
	return b
}
