// Package devices is the explicit list of what tally can drive: chip families and card profiles, lines, drivers and
// meter models. The daemon and the technician's command use the same list.
package devices
