package storage

import "tally/counter"

// Operator implements counter.OperatorTx.
func (t *ledgerTx) Operator(name string) (counter.Operator, error) {
	var o counter.Operator
	err := t.load(bOperators, []byte(name), &o)
	return o, err
}

// PutOperator implements counter.OperatorTx.
func (t *ledgerTx) PutOperator(o counter.Operator) error {
	if err := checkKey("operator name", o.Name); err != nil {
		return err
	}
	return t.w.putJSON(bOperators, []byte(o.Name), o)
}

// NextReceipt implements counter.OperatorTx. The number is taken when the transaction is committed, so a failed sale
// leaves no gap.
func (t *ledgerTx) NextReceipt(station string) (uint64, error) {
	if err := checkKey("station", station); err != nil {
		return 0, err
	}
	n := asU64(t.w.tx.Bucket(bReceipts).Get([]byte(station))) + 1
	return n, t.w.put(bReceipts, []byte(station), u64(n))
}
