package devices

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"tally/cardreader"
	"tally/cardreader/pcsc"
	"tally/cmd/internal/claim"
	"tally/cmd/internal/config"
)

// filtered passes on only readers whose name contains one of the wanted texts, ignoring case.
type filtered struct {
	cardreader.Source
	want []string
}

func (f filtered) Run(ctx context.Context, emit func(cardreader.Event)) error {
	return f.Source.Run(ctx, func(e cardreader.Event) {
		if slices.ContainsFunc(f.want, func(w string) bool { return contains(e.Reader, w) }) {
			emit(e)
		}
	})
}

func contains(name, part string) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(part))
}

// noReaders is the Source of a node without a counter.
type noReaders struct{}

func (noReaders) Run(ctx context.Context, _ func(cardreader.Event)) error {
	<-ctx.Done()
	return nil
}

func (noReaders) Open(_ context.Context, reader string, _ cardreader.Insertion) (cardreader.Card, error) {
	return nil, &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNotSupported, Op: "open", Reader: reader}
}

// sinceNow is a number of insertions that no earlier run of the program has reached: cards are put in less often than once
// a second, day and night.
func sinceNow() cardreader.Insertion { return cardreader.Insertion(max(time.Now().Unix(), 0)) }

// Source gives the readers that the config asks for, or given ones in their place. A slot that holds a security module is
// none of them. service is told why the smart-card service cannot be used, and with nil that it can be used again.
func Source(c config.Node, given cardreader.Source, log *slog.Logger, service func(error)) cardreader.Source {
	src := given
	switch {
	case src != nil:
	case !c.Counter.Enabled || c.Cards.Source != config.CardsPCSC:
		return noReaders{}
	default:
		src = pcsc.New(pcsc.Options{Log: log, After: sinceNow(), Service: service})
	}
	var served cardreader.Source = newModules(src, c.Cards.SAM)
	if len(c.Cards.Readers) > 0 {
		served = filtered{served, c.Cards.Readers}
	}
	if given != nil {
		return served
	}
	return &ours{Source: served, claim: claim.Reader}
}
