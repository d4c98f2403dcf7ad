// Package daemon wires a node together: the explicit list of everything that runs in tallyd, in the order in which it
// starts, and in the reverse of which it stops.
//
// Nothing registers itself. Who wants to know what a node consists of reads New.
package daemon
