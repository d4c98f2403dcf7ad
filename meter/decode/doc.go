// Package decode explains a frame of any meter protocol: it finds out which protocol it is, what the frame says and
// which byte is wrong. It is pure; the technician's command and whoever logs frames stand above.
//
// A report has one stable form in JSON (see Line). Units are the meter's, nothing is converted.
package decode
