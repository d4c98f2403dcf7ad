// Package accountcsv reads the list of customers that a utility brings along: a CSV file (RFC 4180, UTF-8) whose first
// row names the columns.
//
// It is strict. Nothing of a file is used when anything in it is wrong, and everything that is wrong is reported with
// line and column, in English and Chinese. A problem never holds what stands in a cell, because that may be a name, an
// address or a phone number; line and column lead to it.
package accountcsv
