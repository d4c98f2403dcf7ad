// Package config reads the configuration files of tally.
//
// A file is TOML. Reading is strict and has two halves: the document becomes a tree in which every key knows its line
// and column, then the tree becomes a resolved [Node] or [Central] whose values are checked, completed and ready to
// use. Nothing is guessed: an unknown key, a wrong type, a value out of bounds is a [Problem] with its place and with
// what would be right, and all problems of a file are reported together ([Problems]), in English or Chinese.
//
// Secrets never stand in the file. They come from a file of their own or from the environment and are carried as
// [Secret], which prints as "(hidden)" whoever prints it.
package config
