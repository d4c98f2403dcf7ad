package config

import (
	"log/slog"
	"path/filepath"
	"time"

	"tally/counter/tariff"
	"tally/meter"
)

// Node is the configuration of tallyd, checked and complete. Paths are absolute.
type Node struct {
	File    string // the file it was read from; empty when it was made in the program
	Name    string // [A-Za-z0-9_-]{1,64}: node name in topics, MQTT user name, certificate CN
	DataDir string // absolute; everything the node keeps lies in it
	HTTP    HTTP
	Log     Log
	Counter Counter
	Cards   Cards
	Meters  Meters
	Lines   []Line
	Uplink  *Uplink // nil when the node has no central system
	Backup  Backup
}

// Socket is where the node listens for the technician's command, inside the data folder.
func (n Node) Socket() string { return filepath.Join(n.DataDir, SocketName) }

// SocketName is the file name of the control socket in a data folder.
const SocketName = "tallyd.sock"

// HTTP is the local web server. Without a certificate it listens on loopback addresses only.
type HTTP struct {
	Listen   string   // host:port
	Hosts    []string // names allowed in the Host header besides loopback names and the listen address
	CertFile string   // TLS; both or none
	KeyFile  string
}

// Log says what is logged and how.
type Log struct {
	Level  slog.Level
	Format string // LogAuto, LogText, LogJSON
}

// Formats of the log.
const (
	LogAuto = "auto" // text on a terminal, JSON otherwise
	LogText = "text"
	LogJSON = "json"
)

// Counter is the service-hall part of a node (营业厅).
type Counter struct {
	Enabled   bool
	Station   string // name on receipts, and of the stock of receipt numbers
	StationNo uint16 // as in the card's write stamp
	Region    uint16 // utility region; cards of another are refused
	Lang      string // "zh" or "en": language of the page before somebody switches it
	Tariffs   []tariff.Table
	Rules     CounterRules
}

// Cards says where IC cards are read.
type Cards struct {
	Source   string   // CardsPCSC or CardsNone
	Readers  []string // a reader is used when its name contains one of these, ignoring case; empty for all
	Dialect  string   // DialectAuto, DialectACS, DialectOldACS, DialectOmnikey
	Profiles []string // names of card profiles, e.g. "GEN4442 v1"
	PSC      Secret   // six hex digits, or the key (32 or more) that each card's code is derived from; unset when cards are only read

	ProfileDir string `json:",omitzero"` // folder of the operator's own card profiles, absolute; empty for none
	PSCTable   string `json:",omitzero"` // file with the secret code of each card, for profiles that say so
	Blind      bool   `json:",omitzero"` // present secret codes through readers that cannot show how many tries are left
	KeyFile    string `json:",omitzero"` // sealed file with the keys of CPU cards, AT88SC102 and Mifare; empty for none
	KeyPass    Secret `json:",omitzero"` // what opens it; unset: the machine key does
	MachineKey string `json:",omitzero"` // file of the machine key; empty: machine.key in the data folder
	SAM        string `json:",omitzero"` // a reader whose name contains this holds the security module; empty: one that says SAM
	Terminal   string `json:",omitzero"` // twelve hex digits: what this counter calls itself when it loads the purse of a CPU card
}

// minCardKey is the least number of bytes of a key that cards' codes are derived from.
const minCardKey = 16

// Sources of cards.
const (
	CardsPCSC = "pcsc"
	CardsNone = "none"
)

// Dialects of memory-card readers.
const (
	DialectAuto    = "auto" // by the reader's name
	DialectACS     = "acs"
	DialectOldACS  = "acs-old" // ACR38 before CCID
	DialectOmnikey = "omnikey"
)

// Meters is what holds for all meters of a node.
type Meters struct {
	ModelDir string // folder of the operator's own meter models, absolute; empty for none
	Rules    Rules
}

// Line is one serial or TCP line with the meters on it.
type Line struct {
	Name      string
	Kind      string        // KindSerial or KindTCP
	Port      string        // serial: device path or name ("/dev/serial/by-id/…", "COM3")
	Address   string        // tcp: host:port
	Protocol  string        // ModbusRTU … MBus
	Baud      int           // serial: 300–921600
	Parity    string        // serial: ParityNone, ParityEven, ParityOdd
	DataBits  int           // serial: 8
	StopBits  int           // serial: 1 or 2
	Direction string        // serial: DirectionAuto, DirectionRTS, DirectionRTSInverted
	Echo      string        // EchoAuto, EchoNone, EchoAlways
	Gap       time.Duration // silence between frames beyond what the protocol needs; 0 for the protocol's own
	Meters    []Meter
}

// Kinds of lines.
const (
	KindSerial = "serial"
	KindTCP    = "tcp"
)

// Protocols of lines. All but ModbusRTU and RTUOverTCP, which are one, may be behind a transparent gateway.
const (
	ModbusRTU  = "modbus-rtu"
	ModbusTCP  = "modbus-tcp"
	RTUOverTCP = "rtu-over-tcp"
	CJT188     = "cjt188"
	DLT645     = "dlt645"
	MBus       = "mbus"
)

// How an RS-485 adapter learns when to send.
const (
	DirectionAuto        = "auto"
	DirectionRTS         = "rts"
	DirectionRTSInverted = "rts-inverted"
)

// Whether an adapter hands back what is sent through it.
const (
	EchoAuto   = "auto"
	EchoNone   = "none"
	EchoAlways = "always"
)

// Parities of serial lines.
const (
	ParityNone = "none"
	ParityEven = "even"
	ParityOdd  = "odd"
)

// Meter is one meter on a line.
type Meter struct {
	ID       meter.ID
	Unit     uint8  // Modbus address, 1–247
	Address  string // of the other protocols, as their meters print it
	Kind     string // CJ/T 188: what is metered, "gas", "cold-water" …; empty for the model's
	Model    string
	Every    time.Duration  // 1 s – 24 h
	Timeout  time.Duration  // 50 ms – 60 s, for one answer; 0 for the model's
	Baud     int            // serial: 0 for the line's
	Parity   string         // serial: empty for the line's
	StopBits int            // serial: 0 for the line's
	Zone     *time.Location `json:"-"` // of its clock and days; nil: UTC+8
	Watched  Watched
}

// Uplink is the connection to the broker.
type Uplink struct {
	Broker   string // tcp://host:port or ssl://host:port
	ClientID string // the node's name, or the centre's id
	Username string // the node's name when not set and a password is
	Password Secret
	CAFile   string // broker's authority; empty for the system's
	CertFile string // client certificate; both or none
	KeyFile  string
	Delivery Delivery // of a node; zero for the centre
}
