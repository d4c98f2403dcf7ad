package contract

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"slices"
	"time"
)

// exampleRecords is one of every type.
var exampleRecords = slices.Concat(firstExamples, moneyExamples(), doubtExamples(), nodeExamples())

func moneyExamples() []exampleRecord {
	refund := exampleSale
	refund.Order, refund.Receipt, refund.VolumeL, refund.AmountFen, refund.CardQty = "o-01JD8", 18, -50_000, -13_850, 0
	refund.CardSeq, refund.CardCum, refund.Of, refund.Reason, refund.ApprovedBy = 13, 3620, exampleSale.Order, "customer moves away", "zhao"
	refund.Tiers = []TierLine{{Tier: 1, VolumeL: -40_000, Price: 26_000, AmountFen: -10_400}, {Tier: 2, VolumeL: -10_000, Price: 34_500, AmountFen: -3_450}}
	makeUp := exampleSale
	makeUp.Order, makeUp.Receipt, makeUp.AmountFen, makeUp.Tiers, makeUp.Of = "o-01JD9", 19, 0, []TierLine{}, exampleSale.Order
	issue := CardOperation{
		Order: "o-01JDA", Op: "issue", Account: "00010009", Region: 3301, Card: "0000112299", CardIssue: 1, Meter: "G4-7799", Operator: "wang",
		Station: "hall-1", Receipt: 20, Currency: "CNY", CardTag: "000000", CardUnit: "0.1m3", IntentAt: At(exampleTime.Add(-time.Second)),
	}
	reissue := issue
	reissue.Order, reissue.Op, reissue.CardIssue, reissue.OldRegion, reissue.OldCard, reissue.OldIssue = "o-01JDB", "reissue", 2, 3301, "0000112299", 1
	reissue.AmountFen, reissue.Cause, reissue.Swiped, reissue.CardSeq, reissue.CardCum, reissue.CardTag = 2_000, "customer", "taken", 12, 4120, "9f3a01"
	change := issue
	change.Order, change.Op, change.OldMeter, change.CardQty, change.VolumeL, change.Reason = "o-01JDC", "meter_change", "G4-7788", 120, 12_000, "stands still"
	tariff := issue
	tariff.Order, tariff.Op, tariff.Table, tariff.Receipt = "o-01JDD", "tariff", 4, 0
	retire := issue
	retire.Order, retire.Op, retire.Reason, retire.ApprovedBy = "o-01JDE", "retire", "account closed", "zhao"
	tool := CardOperation{
		Order: "o-01JDF", Op: "tool", Region: 3301, Card: "0000000001", Operator: "li", Station: "hall-1", Currency: "CNY", CardTag: "000000", Kind: "open_valve", Uses: 5,
		Reason: "for the field", IntentAt: At(exampleTime),
	}
	var out []exampleRecord
	for _, e := range []struct {
		typ, id string
		body    any
	}{
		{TypeRefund, "o-01JD8", refund}, {TypeRefundVoid, "o-01JD8", refund}, {TypeMakeUp, "o-01JD9", makeUp}, {TypeMakeUpVoid, "o-01JD9", makeUp},
		{TypeCardIssue, "o-01JDA", issue}, {TypeCardIssueVoid, "o-01JDA", issue}, {TypeCardReissue, "o-01JDB", reissue}, {TypeCardReissueVoid, "o-01JDB", reissue},
		{TypeMeterChange, "o-01JDC", change}, {TypeMeterChangeVoid, "o-01JDC", change}, {TypeCardTariff, "o-01JDD", tariff}, {TypeCardTariffVoid, "o-01JDD", tariff},
		{TypeCardRetired, "o-01JDE", retire}, {TypeCardRetiredVoid, "o-01JDE", retire}, {TypeCardTool, "o-01JDF", tool}, {TypeCardToolVoid, "o-01JDF", tool},
	} {
		out = append(out, exampleRecord{e.typ, Tx, e.typ, e.id, e.body})
	}
	return out
}

func nodeExamples() []exampleRecord {
	lock := SaleLock{Account: "00010002", Reason: "leak found, not repaired", By: "zhao", At: At(exampleTime.Add(-time.Hour))}
	unlock := lock
	unlock.LiftedBy, unlock.Why = "li", "repaired and checked"
	note := SettingsNote{Version: 1795240800250, Why: "the centre was not reached within 10m0s"}
	report := CardReport{Account: "00010001", Region: 3301, Card: "0000112233", CardIssue: 2, Reason: "left on the bus", By: "wang", At: At(exampleTime)}
	return []exampleRecord{
		{TypeCardLost, Ev, TypeCardLost, "00010001", report}, {TypeCardFound, Ev, TypeCardFound, "00010001", report},
		{TypeCardMismatch, Ev, TypeCardMismatch, "3301-0000112233", CardMismatch{
			Account: "00010001", Region: 3301, Card: "0000112233", Code: "card_ahead", LedgerSeq: 12, CardSeq: 13, CardIssue: 2, CardTag: "77c0aa", CardCum: 4620,
			MeterSeq: 12, MeterCum: 4120, CardUnit: "0.1m3", CardMeter: "G4-7788", Image: "a2131091",
		}},
		{TypeSaleLock, Ev, TypeSaleLock, "00010002", lock}, {TypeSaleUnlock, Ev, TypeSaleUnlock, "00010002", unlock},
		{TypeAuditHeads, Ev, TypeAuditHeads, "heads/311", exampleHeads()},
		{TypeDesiredApplied, Ev, TypeDesiredApplied, "desired/1795240800250", DesiredApplied{Version: 1795240800250, Parts: map[string]string{"locks": "applied", "settings": "trial"}}},
		{TypeSettingsTrial, Ev, TypeSettingsTrial, "settings/1795240800250", SettingsNote{Version: 1795240800250}},
		{TypeSettingsConfirmed, Ev, TypeSettingsConfirmed, "settings/1795240800250", SettingsNote{Version: 1795240800250}},
		{TypeSettingsRolledBack, Ev, TypeSettingsRolledBack, "settings/1795240800250", note},
		{TypeBackupMade, Ev, TypeBackupMade, "backup/20261121-060000", BackupNote{Why: "weekly", Name: "20261121-060000", Bytes: 1_310_720}},
		{TypeBackupFailed, Ev, TypeBackupFailed, "backup/", BackupNote{Why: "command", Text: "no space left on device"}},
		{TypeLedgerRestored, Ev, TypeLedgerRestored, "e-20261121", LedgerRestored{
			OldEpoch: "e-20261101", BackupAt: At(exampleTime.Add(-24 * time.Hour)), Streams: map[Stream]Renumbered{Tx: {From: 118, To: 120, As: 1}},
			Receipts: map[string]uint64{"hall-1": 40},
		}},
		{TypeRecordRefused, Ev, TypeRecordRefused, "tx/118", RecordRefused{Stream: Tx, Seq: 118, Code: CodeConflict, Text: "the same sequence is stored with other content", Record: json.RawMessage(`{"seq":118}`)}},
		{TypeCertificateExpiring, Ev, TypeCertificateExpiring, "certificate/14", CertificateExpiring{NotAfter: At(exampleTime.AddDate(0, 0, 14)), DaysLeft: 14}},
		{TypeExport, Ev, TypeExport, "export/records", Export{What: "records", Stream: "tx", From: 1, To: 120, By: "root"}},
	}
}

// exampleKey signs the examples. Everybody may know it.
var exampleKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

func exampleHeads() AuditHeads {
	h, err := SignHeads(exampleKey, "hall-1", "e-20261101", map[Stream]AuditHead{Tx: {Seq: 120, Hash: Hash([]byte("tx"))}, Ev: {Seq: 310, Hash: Hash([]byte("ev"))}, Rd: {}})
	if err != nil {
		panic(err)
	}
	return h
}
