package cli

import "github.com/spf13/cobra"

// simGroup is what stands in for hardware: for training, and for trying a setup before the hardware is there.
func (a *app) simGroup() *cobra.Command {
	return a.group("sim", a.t("simulated hardware, for training and trials", "模拟硬件，用于培训和试验"),
		a.simCardCommand(), a.simICMeterCommand(), a.simMeterCommand())
}
