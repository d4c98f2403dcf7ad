package storage

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"tally/counter"
	"tally/sync/contract"
)

// checkSums adds up the money: the lines of an order are its amount, no receipt number of a station was given twice or is
// above the last one given, and each record of tx says what its order says.
func checkSums(tx *bbolt.Tx) error {
	type number struct {
		station string
		no      uint64
	}
	given := map[number]string{}
	err := tx.Bucket(bOrders).ForEach(func(_, v []byte) error {
		var o counter.Order
		if err := json.Unmarshal(v, &o); err != nil {
			return nil // checkIndices tells of it
		}
		if err := addsUp(o); err != nil || o.Receipt == 0 {
			return err
		}
		n := number{o.Station, o.Receipt}
		if other, twice := given[n]; twice {
			return fmt.Errorf("receipt %s %d was given to orders %s and %s: %w", n.station, n.no, other, o.ID, ErrDamaged)
		}
		given[n] = o.ID
		if last := asU64(tx.Bucket(bReceipts).Get([]byte(o.Station))); o.Receipt > last {
			return fmt.Errorf("order %s has receipt %d, the last of %s is %d: %w", o.ID, o.Receipt, o.Station, last, ErrDamaged)
		}
		return nil
	})
	return errors.Join(err, checkSales(tx))
}

// addsUp: orders without lines (a make-up) have no amount.
func addsUp(o counter.Order) error {
	if len(o.Lines) == 0 {
		return nil
	}
	left := o
	for _, l := range o.Lines {
		left.Amount -= l.Amount
		left.Volume -= l.Volume
	}
	if left.Amount != 0 || left.Volume != 0 {
		return fmt.Errorf("order %s: its lines do not add up to its amount and volume: %w", o.ID, ErrDamaged)
	}
	return nil
}

// checkSales compares the records of finished sales with their orders, as far as both are here.
func checkSales(tx *bbolt.Tx) error {
	return tx.Bucket(bTx).ForEach(func(k, v []byte) error {
		var rec contract.Record
		var sale contract.Sale
		if err := json.Unmarshal(v, &rec); err != nil || rec.Type != contract.TypeSale {
			return nil // the chain tells of what is no record
		}
		if err := json.Unmarshal(rec.Body, &sale); err != nil {
			return fmt.Errorf("record tx %d is no sale: %w", asU64(k), ErrDamaged)
		}
		raw := tx.Bucket(bOrders).Get([]byte(sale.Order))
		if raw == nil {
			return nil
		}
		var o counter.Order
		if err := json.Unmarshal(raw, &o); err != nil {
			return nil
		}
		if o.State == counter.Done && (int64(o.Amount) != sale.AmountFen || int64(o.Volume) != sale.VolumeL || o.Receipt != sale.Receipt) {
			return fmt.Errorf("record tx %d and order %s do not say the same: %w", asU64(k), o.ID, ErrDamaged)
		}
		return nil
	})
}
