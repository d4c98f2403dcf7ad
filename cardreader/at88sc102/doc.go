// Package at88sc102 drives the memory chip AT88SC102 behind an ACS reader.
//
// The chip (Atmel data sheet 1419, 1K EEPROM with security logic and two application zones) is written from 1 to 0 after
// its two-byte security code was verified, and gets its ones back only a whole zone at a time, with an erase key for
// each. Zone 2 can have a counter that allows 128 erasures and no more. That makes the zones two copies: the older one
// is erased and written while the newer one stays.
//
// The reader's answers prove little: 90 00 to a verification or an erasure means that it was carried out, right or
// wrong (ACR3901U reference manual 1.09 §7.2.9). The driver concludes from what it reads afterwards. The code follows
// the same rules as everywhere: once an insertion, never on the last try, never a factory code on an issued card.
package at88sc102
