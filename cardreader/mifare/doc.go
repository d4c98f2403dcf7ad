// Package mifare drives Mifare Classic cards behind a contactless reader that follows PC/SC part 3: blocks of 16 bytes in
// sectors of four, each sector under two keys, and value blocks that a card adds to and takes from by itself.
//
// The commands are LOAD KEYS (FF 82), GENERAL AUTHENTICATE (FF 86), READ BINARY (FF B0) and UPDATE BINARY (FF D6) of PC/SC
// part 3, and the value commands that ACS readers add to them (FF D7, FF B1; ACR122U API 2.04 §5.5). The format of value
// blocks and the access conditions are those of the MF1S50 data sheet.
//
// CRYPTO1, the cipher of these cards, is broken: whoever has a card for a minute can have its keys. A layout on such a card
// must live with copies; here they are driven because they are in the field.
package mifare
