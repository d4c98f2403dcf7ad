package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"tally/cmd/internal/config"
	"tally/cmd/internal/devices"
)

// TestSamplesLoad: what we hand out loads as it is with the models and card profiles of the shipped programs.
func TestSamplesLoad(t *testing.T) {
	known := devices.Known()
	if len(known.Models) == 0 || len(known.Profiles) == 0 {
		t.Fatalf("nothing is known: %+v", known)
	}
	for _, kind := range config.SampleKinds {
		text, err := config.Sample(kind)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), kind+".toml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if kind == "central" {
			_, err = config.LoadCentral(file, config.Options{})
		} else {
			_, err = config.LoadNode(file, config.Options{Known: known})
		}
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := config.Sample("../sample/counter"); err == nil {
		t.Error("a sample of no known kind")
	}
}
