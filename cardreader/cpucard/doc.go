// Package cpucard has the cryptography of prepaid CPU cards of the PBOC / CJ/T 166 family: line protection of commands,
// the load transaction's session key and MACs, and the diversification of keys.
//
// It is pure: keys and bytes in, bytes out. The family's algorithm is DES: CBC-MAC with a 16-byte key as ISO/IEC 9797-1
// algorithm 3 (the "retail MAC") for commands, single-DES CBC-MAC with a session key for the load, both with padding
// method 2 (80 00 …) and cut to the four leftmost bytes. DES is what the cards have; nothing else here should use it.
package cpucard
