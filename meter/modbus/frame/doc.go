// Package frame explains Modbus frames: RTU (address, PDU, CRC) and TCP (MBAP header, PDU). It is pure: bytes in,
// meaning and located problems out. Nothing is asked of anybody, so a frame is judged by its own form alone.
//
// Sources: Modbus Application Protocol V1.1b3, Modbus over Serial Line V1.02, Modbus Messaging on TCP/IP V1.0b.
package frame
