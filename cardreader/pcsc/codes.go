package pcsc

import "tally/cardreader"

// row is what one PC/SC return code means while nothing is under way with the card. For an exchange under way the class
// is always cardreader.Unknown and only the code counts.
type row struct {
	class cardreader.Class
	code  string
}

// codes are the return codes of winscard.h that a reader, a card or the service can cause; the numbers are the same in
// pcsc-lite and Windows.
var codes = map[uint32]row{
	0x80100002: {cardreader.Retry, cardreader.CodeCanceled},         // E_CANCELLED
	0x80100003: {cardreader.Retry, cardreader.CodeNoService},        // E_INVALID_HANDLE: the service was restarted
	0x80100006: {cardreader.Retry, cardreader.CodeNoService},        // E_NO_MEMORY: in the service
	0x80100009: {cardreader.Operator, cardreader.CodeReaderGone},    // E_UNKNOWN_READER
	0x8010000A: {cardreader.Retry, cardreader.CodeTimeout},          // E_TIMEOUT
	0x8010000B: {cardreader.Retry, cardreader.CodeCardBusy},         // E_SHARING_VIOLATION
	0x8010000C: {cardreader.Operator, cardreader.CodeCardRemoved},   // E_NO_SMARTCARD
	0x8010000F: {cardreader.Permanent, cardreader.CodeNotSupported}, // E_PROTO_MISMATCH
	0x80100010: {cardreader.Retry, cardreader.CodeCardBusy},         // E_NOT_READY
	0x80100012: {cardreader.Retry, cardreader.CodeNoService},        // E_SYSTEM_CANCELLED: shutting down
	0x80100013: {cardreader.Retry, cardreader.CodeNoService},        // F_COMM_ERROR: connection to the service broke
	0x80100015: {cardreader.Operator, cardreader.CodeCardMute},      // E_INVALID_ATR
	0x80100016: {cardreader.Retry, cardreader.CodeCardFault},        // E_NOT_TRANSACTED
	0x80100017: {cardreader.Operator, cardreader.CodeReaderGone},    // E_READER_UNAVAILABLE
	0x80100018: {cardreader.Retry, cardreader.CodeNoService},        // P_SHUTDOWN
	0x8010001A: {cardreader.Permanent, cardreader.CodeNotSupported}, // E_READER_UNSUPPORTED
	0x8010001C: {cardreader.Permanent, cardreader.CodeNotSupported}, // E_CARD_UNSUPPORTED
	0x8010001D: {cardreader.Retry, cardreader.CodeNoService},        // E_NO_SERVICE
	0x8010001E: {cardreader.Retry, cardreader.CodeNoService},        // E_SERVICE_STOPPED
	0x80100027: {cardreader.Permanent, cardreader.CodeDenied},       // E_NO_ACCESS
	0x8010002E: {cardreader.Operator, cardreader.CodeReaderGone},    // E_NO_READERS_AVAILABLE
	0x8010002F: {cardreader.Retry, cardreader.CodeCardFault},        // E_COMM_DATA_LOST
	0x80100031: {cardreader.Retry, cardreader.CodeNoService},        // E_SERVER_TOO_BUSY
	0x80100065: {cardreader.Permanent, cardreader.CodeNotSupported}, // W_UNSUPPORTED_CARD
	0x80100066: {cardreader.Operator, cardreader.CodeCardMute},      // W_UNRESPONSIVE_CARD
	0x80100067: {cardreader.Operator, cardreader.CodeCardMute},      // W_UNPOWERED_CARD
	0x80100068: {cardreader.Retry, cardreader.CodeCardReset},        // W_RESET_CARD
	0x80100069: {cardreader.Operator, cardreader.CodeCardRemoved},   // W_REMOVED_CARD
	0x8010006A: {cardreader.Operator, cardreader.CodeDenied},        // W_SECURITY_VIOLATION: polkit says no, or pcscd died during the greeting
}

// lookup gives a code that the table does not have a try later; nothing is under way.
func lookup(code uint32) row {
	if r, ok := codes[code]; ok {
		return r
	}
	return row{cardreader.Retry, cardreader.CodeCardFault}
}
