package contract

import "slices"

// RecordType is one type of record of this version.
type RecordType struct {
	Name   string
	Stream Stream
	Schema string // schema/<Schema>.json describes its body
}

// RecordTypes lists every type of record that this version knows. A centre stores those that it does not know, too.
func RecordTypes() []RecordType { return slices.Clone(recordTypes) }

var recordTypes = []RecordType{
	{TypeSale, Tx, "sale"}, {TypeSaleVoid, Tx, "sale"},
	{TypeRefund, Tx, "sale"}, {TypeRefundVoid, Tx, "sale"},
	{TypeMakeUp, Tx, "sale"}, {TypeMakeUpVoid, Tx, "sale"},
	{TypeCardIssue, Tx, "card_operation"}, {TypeCardIssueVoid, Tx, "card_operation"},
	{TypeCardReissue, Tx, "card_operation"}, {TypeCardReissueVoid, Tx, "card_operation"},
	{TypeMeterChange, Tx, "card_operation"}, {TypeMeterChangeVoid, Tx, "card_operation"},
	{TypeCardTariff, Tx, "card_operation"}, {TypeCardTariffVoid, Tx, "card_operation"},
	{TypeCardRetired, Tx, "card_operation"}, {TypeCardRetiredVoid, Tx, "card_operation"},
	{TypeCardTool, Tx, "card_operation"}, {TypeCardToolVoid, Tx, "card_operation"},
	{TypeOrderInDoubt, Tx, "order_in_doubt"}, {TypeOrderWitnessed, Tx, "order_witnessed"},
	{TypeOrderWanted, Tx, "hand_over"}, {TypeOrderGiven, Tx, "hand_over"}, {TypeOrderReturned, Tx, "hand_over"}, {TypeOrderRuled, Tx, "order_ruled"},

	{TypeCardInDoubt, Ev, "card_in_doubt"}, {TypeQuarantine, Ev, "card_in_doubt"}, {TypeCardMismatch, Ev, "card_mismatch"},
	{TypeSaleLock, Ev, "sale_lock"}, {TypeSaleUnlock, Ev, "sale_lock"},
	{TypeCardLost, Ev, "card_report"}, {TypeCardFound, Ev, "card_report"},
	{TypeNodeStarted, Ev, "node_started"}, {TypeStatement, Ev, "statement"}, {TypeAuditHeads, Ev, "audit_heads"},
	{TypeReadingsLost, Ev, "readings_lost"}, {TypeCommandResult, Ev, "command_result"}, {TypeDesiredApplied, Ev, "desired_applied"},
	{TypeSettingsTrial, Ev, "settings_note"}, {TypeSettingsConfirmed, Ev, "settings_note"}, {TypeSettingsRolledBack, Ev, "settings_note"},
	{TypeBackupMade, Ev, "backup_note"}, {TypeBackupFailed, Ev, "backup_note"}, {TypeLedgerRestored, Ev, "ledger_restored"},
	{TypeRecordRefused, Ev, "record_refused"}, {TypeCertificateExpiring, Ev, "certificate_expiring"}, {TypeExport, Ev, "export"},
	{TypeMeterEvent, Ev, "meter_event"}, {TypeLineEvent, Ev, "line_event"}, {TypeMeterDay, Ev, "meter_day"},

	{TypeReading, Rd, "reading"}, {TypeReadingFailed, Rd, "reading_failed"},
}
