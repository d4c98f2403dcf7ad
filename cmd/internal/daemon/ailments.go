package daemon

import (
	"fmt"
	"time"

	"tally/cmd/internal/control"
)

// ailments are the problems of files and of what the centre wants, which no device has.
func (n *Node) ailments() []control.Problem {
	var list []control.Problem
	if err := n.cards.now(); err != nil {
		list = append(list, control.Problem{Code: control.ProblemCardService, Message: err.Error()})
	}
	if aside := n.store.SetAside(); len(aside) > 0 {
		list = append(list, control.Problem{Code: control.ProblemReadings, Message: fmt.Sprintf("%d files: %v", len(aside), aside)})
	}
	if n.uplink == nil {
		return list
	}
	if n.uplink.cert.nearEnd() {
		list = append(list, control.Problem{Code: control.ProblemCertificate, Message: "ends " + n.uplink.cert.ends().UTC().Format(time.RFC3339)})
	}
	if t := n.uplink.settings.now().Trial; t != nil {
		list = append(list, control.Problem{Code: control.ProblemSettings, Message: fmt.Sprintf("of desired state %d", t.Version)})
	}
	return list
}
