// Package cli is the command line of the three programs: tallyd, tally and tally-central.
//
// One file holds one subcommand. What a command needs from the rest of the house is injected ([TallydDeps],
// [TallyDeps], [CentralDeps]), so that the exact output can be tested without devices. Data go to standard output,
// words about the data to standard error. Messages are English or Chinese ([Env] says how the language is found). The
// package never ends the process; it returns one of the exit codes.
package cli
