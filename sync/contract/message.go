package contract

import "encoding/json"

// maxAck bounds what a node reads from dn/ack.
const maxAck = 64 << 10

// OpenAck reads the payload of dn/ack/<stream>. Errors are *Invalid. What it says is still to be compared with what
// the node has sent.
func OpenAck(payload []byte) (Ack, error) {
	a, bad := openAck(payload)
	if bad != nil {
		return Ack{}, bad
	}
	return a, nil
}

func openAck(payload []byte) (Ack, *Invalid) {
	var a Ack
	bad := func(where, why string, args ...any) *Invalid { return invalid(CodeBadEnvelope, where, why, args...) }
	if len(payload) > maxAck {
		return a, invalid(CodeTooLarge, "$", "%d bytes", len(payload))
	}
	if err := decode(payload, &a, CodeBadEnvelope); err != nil {
		return a, err
	}
	if !isName(a.Epoch) {
		return a, bad("epoch", "not 1 to 64 of [A-Za-z0-9_-]")
	}
	if a.Ack > MaxSeq {
		return a, bad("ack", "above 2^53-1")
	}
	for _, g := range a.Gaps {
		if g[0] <= a.Ack || g[1] < g[0] || g[1] > MaxSeq {
			return a, bad("gaps", "not a range above ack")
		}
	}
	for _, n := range a.Nacks {
		if n.Seq == 0 || n.Seq > MaxSeq || !isName(n.Code) {
			return a, bad("nacks", "not a sequence and a code")
		}
	}
	return a, nil
}

// OpenCentralStatus reads the payload of the centre's status. Errors are *Invalid; another version is one too, since
// its meaning of online is not known.
func OpenCentralStatus(payload []byte) (CentralStatus, error) {
	var s CentralStatus
	if len(payload) > maxHead {
		return s, invalid(CodeTooLarge, "$", "%d bytes", len(payload))
	}
	if bad := decode(payload, &s, CodeBadEnvelope); bad != nil {
		return CentralStatus{}, bad
	}
	if s.V != Version {
		return CentralStatus{}, invalid(CodeBadVersion, "v", "%d, this end speaks %d", s.V, Version)
	}
	return s, nil
}

// OpenStatus reads the payload of a node's status. Errors are *Invalid.
func OpenStatus(payload []byte) (Status, error) {
	var s Status
	if len(payload) > maxHead {
		return s, invalid(CodeTooLarge, "$", "%d bytes", len(payload))
	}
	if bad := decode(payload, &s, CodeBadEnvelope); bad != nil {
		return Status{}, bad
	}
	if s.V != Version {
		return Status{}, invalid(CodeBadVersion, "v", "%d, this end speaks %d", s.V, Version)
	}
	return s, nil
}

// Marshal makes the payload of an Ack, a Status or a CentralStatus.
func Marshal[T Ack | Status | CentralStatus](m T) []byte {
	raw, err := json.Marshal(m)
	if err != nil { // these types have nothing in them that JSON cannot carry
		panic(err)
	}
	return raw
}
