package contract

import "encoding/json"

// Types of records on ev about the node itself.
const (
	TypeDesiredApplied      = "desired_applied"      // what became of a desired state
	TypeSettingsTrial       = "settings_trial"       // settings of the centre hold for now
	TypeSettingsConfirmed   = "settings_confirmed"   // the centre was reached with them
	TypeSettingsRolledBack  = "settings_rolled_back" // it was not, and the earlier ones hold again
	TypeBackupMade          = "backup_made"
	TypeBackupFailed        = "backup_failed"
	TypeLedgerRestored      = "ledger_restored"      // the first record after a restore, in a new epoch
	TypeRecordRefused       = "record_refused"       // a record that the centre has put into quarantine, word by word
	TypeCertificateExpiring = "certificate_expiring" // of the node at the broker
	TypeExport              = "export"               // somebody took records or accounts out of the node
)

// DesiredApplied is the body of desired_applied.
type DesiredApplied struct {
	Version uint64            `json:"version"`
	Parts   map[string]string `json:"parts"` // by name: applied, trial (settings), or why it was refused
}

// SettingsNote is the body of the records about settings.
type SettingsNote struct {
	Version uint64 `json:"version"` // of the desired state that they came with
	Why     string `json:"why,omitempty"`
}

// BackupNote is the body of backup_made and backup_failed.
type BackupNote struct {
	Why   string `json:"why"`            // weekly, command, hand, or the type of the record that it follows
	Name  string `json:"name,omitempty"` // of its folder
	Bytes int64  `json:"bytes,omitempty"`
	Text  string `json:"text,omitempty"` // why it was not made
}

// LedgerRestored is the body of ledger_restored.
type LedgerRestored struct {
	OldEpoch string                `json:"old_epoch"`
	BackupAt Time                  `json:"backup_at"`
	Streams  map[Stream]Renumbered `json:"streams"`
	Receipts map[string]uint64     `json:"receipts"` // by station: numbers up to this one may have been used
}

// Renumbered says which records of the old epoch came again in the new one, under which numbers.
type Renumbered struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	As   uint64 `json:"as"` // new number of From
}

// RecordRefused is the body of record_refused.
type RecordRefused struct {
	Stream Stream          `json:"stream"`
	Seq    uint64          `json:"seq"`
	Code   string          `json:"code"`
	Text   string          `json:"text"`
	Record json.RawMessage `json:"record,omitempty"` // not there when it was no longer kept
}

// CertificateExpiring is the body of certificate_expiring.
type CertificateExpiring struct {
	NotAfter Time `json:"not_after"`
	DaysLeft int  `json:"days_left"` // whole days; negative when it has expired
}

// Export is the body of export.
type Export struct {
	What     string `json:"what"`             // accounts or records
	Stream   string `json:"stream,omitempty"` // of records
	From     uint64 `json:"from,omitempty"`   // first record; 0 for the oldest kept
	To       uint64 `json:"to,omitempty"`     // last record; 0 for the newest
	Unmasked bool   `json:"unmasked,omitempty"`
	Reason   string `json:"reason,omitempty"` // why unmasked
	By       string `json:"by,omitempty"`
}
