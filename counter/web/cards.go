package web

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/counter"
	"tally/meter/quantity"
)

// Cards makes, changes and retires cards. The same Request returns the same receipt.
type Cards interface {
	// Issue makes the card on a desk a customer's first one.
	Issue(ctx context.Context, s counter.Session, r counter.Issue) (counter.Receipt, error)
	// Reissue makes it the one that replaces another; a zero approver is none.
	Reissue(ctx context.Context, s, approver counter.Session, r counter.Reissue) (counter.Receipt, error)
	// ChangeMeter makes the customer's card anew for another meter.
	ChangeMeter(ctx context.Context, s counter.Session, r counter.MeterChange) (counter.Receipt, error)
	// PriceCard puts the prices of today on the customer's card, Retire takes it out of use.
	PriceCard(ctx context.Context, s counter.Session, r counter.CardWork) (counter.Receipt, error)
	Retire(ctx context.Context, s counter.Session, r counter.CardWork) (counter.Receipt, error)
}

// Specials is what else there is about cards.
type Specials interface {
	// MakeTool makes the card on a desk one that sets meters up; a leader does.
	MakeTool(ctx context.Context, s counter.Session, r counter.ToolCard) (counter.Receipt, error)
	// ReportLost marks a customer's card as lost, or as found again.
	ReportLost(ctx context.Context, s counter.Session, account string, lost bool, reason string) error
	// Fee is what a replacement costs, by its cause.
	Fee(cause string) quantity.Money
}

// cardRoutes are the addresses of what is done with cards.
func (h *Handler) cardRoutes() []route {
	if h.o.Cards == nil || h.o.Specials == nil {
		return nil
	}
	return []route{
		{"POST /api/v1/cards/issue", seller, smallBody, h.postIssue},
		{"POST /api/v1/cards/reissue", seller, longBody, h.postReissue},
		{"POST /api/v1/cards/meter-change", seller, longBody, h.postMeterChange},
		{"POST /api/v1/cards/prices", seller, smallBody, h.postPrices},
		{"POST /api/v1/cards/retire", seller, longBody, h.postRetire},
		{"POST /api/v1/cards/tool", leader, longBody, h.postTool},
		{"POST /api/v1/accounts/{account}/card-lost", seller, longBody, h.postLost},
		{"POST /api/v1/accounts/{account}/card-found", seller, longBody, h.postFound},
	}
}

func (h *Handler) postIssue(c *call) error {
	in, err := read[counter.Issue](c)
	if err != nil {
		return err
	}
	return c.made(in.Request, func() (counter.Receipt, error) { return h.o.Cards.Issue(c.r.Context(), c.session, in) })
}

// made carries out what has a request id.
func (c *call) made(request string, do func() (counter.Receipt, error)) error {
	if !requestID(request) {
		return &counter.Refusal{Code: codeBadRequest}
	}
	return c.receipt(do())
}

// reissue is a [counter.Reissue] with the second person. On the page cause and fee are one choice: "lost:1500".
type reissue struct {
	Request   string               `json:"request"`
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"`
	Account   string               `json:"account"`
	CardNo    string               `json:"card_no"`
	Cause     string               `json:"cause"`
	Reason    string               `json:"reason"`
	Fee       quantity.Money       `json:"fee_fen"`
	Swiped    string               `json:"swiped"`
	Approver  *credentials         `json:"approver"` // left out when nobody has to agree
}

func (h *Handler) postReissue(c *call) error {
	in, err := readSecret[reissue](c)
	if err != nil {
		return err
	}
	if cause, fee, ok := strings.Cut(in.Cause, ":"); ok {
		n, err := strconv.ParseInt(fee, 10, 32)
		if err != nil {
			return &counter.Refusal{Code: codeBadRequest}
		}
		in.Cause, in.Fee = cause, quantity.Money(n)
	}
	var approver counter.Session
	if in.Approver != nil && *in.Approver != (credentials{}) {
		if approver, err = c.approver(*in.Approver); err != nil {
			return err
		}
		defer h.o.Logins.Logout(approver.Token)
		if !leader.allows(approver.Role) {
			return &counter.Refusal{Code: codeApproverRole}
		}
	}
	return c.made(in.Request, func() (counter.Receipt, error) {
		return h.o.Cards.Reissue(c.r.Context(), c.session, approver, counter.Reissue{
			Request: in.Request, Reader: in.Reader, Insertion: in.Insertion, Account: in.Account, CardNo: in.CardNo, Cause: in.Cause,
			Reason: in.Reason, Fee: in.Fee, Swiped: in.Swiped,
		})
	})
}

// meterChange is a [counter.MeterChange] with what was left as people type it, in m³ or yuan, by the card's unit.
type meterChange struct {
	Request   string               `json:"request"`
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"`
	Meter     string               `json:"meter"`
	Left      string               `json:"left"`
	Unit      purse.Unit           `json:"unit"`
	Reason    string               `json:"reason"`
}

func (h *Handler) postMeterChange(c *call) error {
	in, err := read[meterChange](c)
	if err != nil {
		return err
	}
	out := counter.MeterChange{Request: in.Request, Reader: in.Reader, Insertion: in.Insertion, Meter: in.Meter, Reason: in.Reason}
	if in.Unit == purse.UnitFen {
		out.Money, err = typedMoney(in.Left)
	} else {
		out.Remaining, err = typedVolume(in.Left)
	}
	if err != nil {
		return &counter.Refusal{Code: counter.CodeBadAmount}
	}
	return c.made(in.Request, func() (counter.Receipt, error) { return h.o.Cards.ChangeMeter(c.r.Context(), c.session, out) })
}

var errTyped = errors.New("not a number with so many decimals")

// typed reads a number of at most so many decimals as an integer of its last one; nothing is 0.
func typed(s string, decimals int) (int64, error) {
	whole, part, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(s, "．", ".")), ".")
	if whole == "" && part == "" {
		return 0, nil
	}
	if len(part) > decimals || len(whole) > 9 {
		return 0, errTyped
	}
	n, err := strconv.ParseUint(whole+part+strings.Repeat("0", decimals-len(part)), 10, 63)
	return int64(n), err
}

func typedVolume(s string) (quantity.Volume, error) {
	n, err := typed(s, 3)
	return quantity.Volume(n), err
}

func typedMoney(s string) (quantity.Money, error) {
	n, err := typed(s, 2)
	return quantity.Money(n), err
}

func (h *Handler) postPrices(c *call) error {
	in, err := read[counter.CardWork](c)
	if err != nil {
		return err
	}
	return c.made(in.Request, func() (counter.Receipt, error) { return h.o.Cards.PriceCard(c.r.Context(), c.session, in) })
}

func (h *Handler) postRetire(c *call) error {
	in, err := read[counter.CardWork](c)
	if err != nil {
		return err
	}
	return c.made(in.Request, func() (counter.Receipt, error) { return h.o.Cards.Retire(c.r.Context(), c.session, in) })
}

// What a card for meters is for, as it is asked for.
const (
	mediumGas   = "gas"
	mediumWater = "water"
)

// toolCard is a [counter.ToolCard] whose uses may come as the digits that were typed.
type toolCard struct {
	Request   string               `json:"request"`
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"`
	CardNo    string               `json:"card_no"`
	Kind      purse.Kind           `json:"kind"`
	Uses      string               `json:"uses"`
	Class     string               `json:"class"`
	Medium    string               `json:"medium"` // gas or water; gas when empty
	Reason    string               `json:"reason"`
}

func (h *Handler) postTool(c *call) error {
	in, err := read[toolCard](c)
	if err != nil {
		return err
	}
	if in.Medium != "" && in.Medium != mediumGas && in.Medium != mediumWater {
		return &counter.Refusal{Code: codeBadRequest}
	}
	uses, err := strconv.Atoi(strings.TrimSpace(in.Uses))
	if err != nil {
		return &counter.Refusal{Code: counter.CodeBadUses}
	}
	return c.made(in.Request, func() (counter.Receipt, error) {
		return h.o.Specials.MakeTool(c.r.Context(), c.session, counter.ToolCard{
			Request: in.Request, Reader: in.Reader, Insertion: in.Insertion, CardNo: in.CardNo, Kind: in.Kind, Uses: uses, Class: in.Class, Reason: in.Reason,
			Water: in.Medium == mediumWater,
		})
	})
}

func (h *Handler) postLost(c *call) error  { return c.report(true, "cardlost") }
func (h *Handler) postFound(c *call) error { return c.report(false, "cardfound") }

func (c *call) report(lost bool, piece string) error {
	in, err := read[lock](c)
	if err != nil {
		return err
	}
	if err := c.h.o.Specials.ReportLost(c.r.Context(), c.session, c.r.PathValue("account"), lost, in.Reason); err != nil {
		return err
	}
	return c.done(piece, nil)
}

// cause is one line of the published list.
type cause struct {
	Code string
	Fee  quantity.Money
}

// causes are the causes of a replacement with what each costs.
func (h *Handler) causes() []cause {
	var out []cause
	if h.o.Specials == nil {
		return nil
	}
	for _, code := range counter.Causes() {
		out = append(out, cause{code, h.o.Specials.Fee(code)})
	}
	return out
}

// kinds are the cards that set meters up.
func kinds() []purse.Kind {
	return []purse.Kind{purse.KindCheck, purse.KindClear, purse.KindParam, purse.KindTool}
}
