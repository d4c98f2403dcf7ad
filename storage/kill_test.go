package storage_test

var scenarios = map[string]func([]string) error{}
