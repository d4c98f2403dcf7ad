package cli

import "errors"

// Exit codes, the same for all three programs; `--help` lists them.
const (
	ExitOK          = 0
	ExitNotWell     = 1   // the thing asked about is not well: a node with problems, a damaged card, a bad frame
	ExitUsage       = 2   // wrong command line
	ExitConfig      = 3   // the config cannot be used
	ExitUnreachable = 4   // node, reader, card or meter did not answer
	ExitRefused     = 5   // asked properly, and refused
	ExitInternal    = 70  // a fault of the program or of its machine (EX_SOFTWARE of sysexits)
	ExitInterrupted = 130 // stopped by a signal before the answer came
)

// exitText lists the codes for the help.
func (a *app) exitText() string {
	return a.t(`  0    all is well
  1    what was asked about is not well
  2    wrong command line
  3    the configuration cannot be used
  4    node, reader, card or meter did not answer
  5    refused
  70   internal fault
  130  interrupted
`, `  0    一切正常
  1    所查对象不正常
  2    命令行有误
  3    配置不可用
  4    节点、读卡器、卡片或表计无应答
  5    被拒绝
  70   内部故障
  130  被中断
`)
}

// ErrConfig marks an error of an injected function as a fault of the configuration that only the run could find: exit
// code 3, its text is shown.
var ErrConfig = errors.New("configuration cannot be used")

// ErrRefused marks an error of an injected function as a refusal: exit code 5, its text is shown.
var ErrRefused = errors.New("refused")

// Refusal is a refusal that has a sentence in both languages. It matches ErrRefused.
type Refusal string

// Refusals.
const (
	NameTaken    Refusal = "name_taken"    // an operator of this name exists
	WeakPassword Refusal = "weak_password" // too short, or the name
	NodeRunning  Refusal = "node_running"  // a daemon holds the data folder

	NoSigningKey     Refusal = "no_signing_key"     // the centre's config names none
	UnknownNode      Refusal = "unknown_node"       // it has never said anything of itself
	NoCommand        Refusal = "no_command"         // none of this id
	AccountLocked    Refusal = "account_locked"     // by the centre, already
	AccountNotLocked Refusal = "account_not_locked" // as far as the centre knows
)

// Error is the code, for logs.
func (r Refusal) Error() string { return "refused: " + string(r) }

// Is makes a Refusal an ErrRefused.
func (r Refusal) Is(target error) bool { return target == ErrRefused }
