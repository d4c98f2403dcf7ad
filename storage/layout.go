package storage

import (
	"encoding/binary"
	"fmt"
	"strings"

	"tally/cardreader/purse"
	"tally/sync/contract"
)

// Buckets of ledger.db. Values are JSON unless said otherwise.
var (
	bMeta       = []byte("meta")           // see the keys below
	bAccounts   = []byte("accounts")       // number → counter.Account
	bAccCards   = []byte("account_cards")  // card → account number
	bOrders     = []byte("orders")         // id → counter.Order
	bRequests   = []byte("order_requests") // request id → order id
	bCardOrders = []byte("card_orders")    // card, 0, order id → nothing
	bOpen       = []byte("open_orders")    // order id → nothing
	bOperators  = []byte("operators")      // name → counter.Operator
	bReceipts   = []byte("receipts")       // station → last number given, 8 bytes
	bStreams    = []byte("streams")        // stream → streamState
	bTx         = []byte("tx")             // seq → bytes of the record
	bEv         = []byte("ev")             // seq → bytes of the record
	bQuarantine = []byte("quarantine")     // stream, 0, seq → nacked
	bCommands   = []byte("commands")       // counter, 8 bytes → command
	bCommandIDs = []byte("command_ids")    // id of a command → its counter, 8 bytes
	bState      = []byte("state")          // name → what a part of the node wants to know after a restart
	ledgerTree  = [][]byte{bMeta, bAccounts, bAccCards, bOrders, bRequests, bCardOrders, bOpen, bOperators, bReceipts, bStreams, bTx, bEv, bQuarantine}
)

// Buckets of a segment; it has bMeta and bStreams too.
var (
	bRd     = []byte("rd")     // seq → bytes of the record
	bLatest = []byte("latest") // meter → Latest
)

// Keys of the bucket meta.
var (
	kLayout  = []byte("layout") // number of migrations applied, 8 bytes
	kEpoch   = []byte("epoch")  // text
	kNode    = []byte("node")   // text
	kCreated = []byte("created")
	kClean   = []byte("clean") // "1" after a stop in order
)

// fillOf is how full a page gets before it is split: keys that only grow never need room in between.
func fillOf(bucket []byte) float64 {
	switch string(bucket) {
	case "tx", "ev", "rd", "orders", "open_orders":
		return 1.0
	}
	return 0.5
}

func bucketOf(s contract.Stream) []byte {
	switch s {
	case contract.Tx:
		return bTx
	case contract.Ev:
		return bEv
	}
	return bRd
}

func u64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func asU64(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// checkKey refuses what could not be told apart in a composed key.
func checkKey(what, s string) error {
	if s == "" || strings.ContainsRune(s, 0) || len(s) > 1024 {
		return fmt.Errorf("%s %.40q: %w", what, s, ErrBadKey)
	}
	return nil
}

func cardKey(c purse.CardID) []byte { return []byte(c.String()) }

func cardOrderKey(c purse.CardID, id string) []byte {
	return append(append(cardKey(c), 0), id...)
}

func quarantineKey(s contract.Stream, seq uint64) []byte {
	return append(append([]byte(s), 0), u64(seq)...)
}
