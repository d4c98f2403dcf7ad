package modbus_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(benchSimulator) != "" {
		os.Exit(simulateForBenchmark(os.Getenv(benchSimulator)))
	}
	goleak.VerifyTestMain(m)
}
