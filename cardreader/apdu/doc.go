// Package apdu is the codec of ISO 7816-4 short command and response APDUs, and the meaning of status words.
//
// It is pure: bytes in, values out, no reader and no card. Extended length (ISO 7816-4 §5.1, a zero byte after the
// header followed by more than nothing) is refused: no memory card and no card of the PBOC family in use at a counter
// needs it, and many readers mangle it.
package apdu
