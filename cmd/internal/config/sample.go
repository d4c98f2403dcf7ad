package config

import (
	"embed"
	"fmt"
)

//go:embed sample/*.toml
var samples embed.FS

// SampleKinds are the kinds of node that Sample knows.
var SampleKinds = []string{"counter", "concentrator", "central"}

// Sample returns a commented configuration that loads as it is.
func Sample(kind string) ([]byte, error) {
	text, err := samples.ReadFile("sample/" + kind + ".toml")
	if err != nil {
		return nil, fmt.Errorf("no sample called %s", quoted(kind))
	}
	return text, nil
}
