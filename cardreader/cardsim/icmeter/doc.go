// Package icmeter is a prepaid IC-card meter (IC 卡表) as a simulation: it takes a card of one of the shipped
// layouts, credits what was bought, lets gas or water through until the credit ends, and writes its state back onto the card.
//
// It is written from the layout alone and shares no code with the packages that write cards, so that a mistake on one
// side shows on the other. It is as unforgiving as a meter on a wall: no network, no clock but its own, and a card that
// is pulled whenever it pleases ([Meter.CutAfter]).
package icmeter
