// Package phrase says in Chinese and English what the stable codes of the counter and the card readers mean: a message
// that names the true reason, and a hint that names the next thing to do. It is data; it knows no page.
//
// Tone: the message states one fact, without blame and without "error". The hint is one imperative. Neither has a word
// that only an engineer knows. A text in braces is an argument; a part in square brackets is left out when one of its
// arguments is missing.
package phrase
