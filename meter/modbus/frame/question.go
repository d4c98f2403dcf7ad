package frame

import "tally/meter/telegram"

// Question is a read request that an answer may follow.
type Question struct {
	Unit, Function byte
	Start, Count   int
	Transaction    int // −1 for RTU
}

// QuestionOf gives the question that a report is about, nil if it is none that asks for coils or registers.
func QuestionOf(r telegram.Report) *Question {
	part := func(name string) (int, bool) { n, ok := r.Frame.Get(name).(int); return n, ok }
	start, hasStart := part("start")
	count, hasCount := part("count")
	unit, hasUnit := part("address")
	function, hasFunction := part("function")
	if !r.OK() || r.Frame.Get("direction") != "request" || !hasStart || !hasCount || !hasUnit || !hasFunction || function < 1 || function > 4 {
		return nil
	}
	q := &Question{Unit: byte(unit), Function: byte(function), Start: start, Count: count, Transaction: -1}
	if n, ok := part("transaction"); ok {
		q.Transaction = n
	}
	return q
}

// answeredBy tells whether a PDU with this many bytes of data from this sender is the question's answer.
func (q *Question) answeredBy(unit, function byte, transaction, bytes int) bool {
	if q == nil || q.Unit != unit || q.Function != function || q.Transaction != transaction {
		return false
	}
	if function == ReadCoils || function == ReadInputs {
		return bytes == (q.Count+7)/8
	}
	return bytes == 2*q.Count
}
