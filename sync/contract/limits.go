package contract

// Limits is what one envelope of a stream carries at most.
type Limits struct {
	Records int
	Bytes   int // sum of the records' bytes
}

// Limits of the stream: what a node sends at most and a centre must accept.
func (s Stream) Limits() Limits {
	if s == Rd {
		return Limits{MaxRdRecords, MaxRdBytes}
	}
	return Limits{MaxTxRecords, MaxTxBytes}
}

// Known says whether this version has the stream.
func (s Stream) Known() bool { return s == Tx || s == Ev || s == Rd }

// MaxSeq is the highest sequence: what a JSON number carries exactly everywhere.
const MaxSeq = 1<<53 - 1

// maxHead is the room that an envelope's own fields may take, unknown ones included.
const maxHead = 4 << 10

// MaxPayload is the longest payload that a centre must accept on up/<stream>.
func (s Stream) MaxPayload() int {
	l := s.Limits()
	return l.Bytes + l.Records + maxHead
}
