package cli

import (
	"tally/cardreader"
	"tally/cmd/internal/control"
	"tally/cmd/internal/fieldwork"
)

// sentence is what a stable code means to a technician, and the exit code it ends with.
type sentence struct {
	exit   int
	en, zh string
	whole  bool // says everything: the technical message adds nothing
}

// sentences of the codes that come from readers, meters and the node.
var sentences = map[string]sentence{
	control.CodeNotFound:         {ExitRefused, "there is nothing of this name", "没有该名称的对象", false},
	control.CodeAmbiguous:        {ExitRefused, "several readers hold a card; name one", "有多个读卡器插有卡片；请指定其中一个", true},
	control.CodeNoCards:          {ExitRefused, "this node has no card readers in its configuration", "该节点的配置中没有读卡器", true},
	control.CodeDeskBusy:         {ExitRefused, "the counter is at work on this card", "柜台正在处理该卡", true},
	control.CodeOtherVersion:     {ExitInternal, "node and command are of different versions", "节点与命令的版本不一致", false},
	control.CodeInternal:         {ExitInternal, "fault inside the node; the cause is in its log", "节点内部故障；原因见其日志", true},
	control.CodeBadRequest:       {ExitInternal, "the node does not understand the question", "节点无法理解请求", false},
	control.CodeNoLedger:         {ExitRefused, "this node keeps no ledger", "该节点没有账本", true},
	control.CodeNoRoom:           {ExitRefused, "there is not enough room on the disk", "磁盘空间不足", false},
	control.CodeNoReason:         {ExitRefused, "personal data are given out with a written reason only", "导出个人信息必须写明原因", true},
	cardreader.CodeCardRemoved:   {ExitUnreachable, "there is no card in the reader", "读卡器中没有卡片", false},
	cardreader.CodeReaderGone:    {ExitUnreachable, "the reader is gone", "读卡器已断开", false},
	cardreader.CodeCardMute:      {ExitUnreachable, "the card does not answer: turned the wrong way, or the reader cannot read memory cards", "卡片无应答：可能插反，或读卡器不支持存储卡", false},
	cardreader.CodeCardBusy:      {ExitUnreachable, "another program holds the card", "卡片被其他程序占用", false},
	"reader_owned":               {ExitRefused, "a node on this machine serves this reader; ask it: name its data folder with --data-dir", "该读卡器由本机的节点使用；请用 --data-dir 指明其数据目录，经节点访问", true},
	cardreader.CodeCardReset:     {ExitUnreachable, "another program reset the card", "卡片被其他程序复位", false},
	cardreader.CodeNoService:     {ExitUnreachable, "the smart-card service does not run", "智能卡服务未运行", false},
	cardreader.CodeNoPCSC:        {ExitUnreachable, "this program was built without PC/SC", "本程序未包含 PC/SC 支持", false},
	cardreader.CodeTimeout:       {ExitUnreachable, "no answer in time", "超时无应答", false},
	cardreader.CodeShortAnswer:   {ExitUnreachable, "the card was pulled while it was read", "读卡过程中卡片被拔出", false},
	cardreader.CodeNoMemoryCards: {ExitUnreachable, "the reader does not know memory cards", "读卡器不支持存储卡", false},
	cardreader.CodeNotSupported:  {ExitRefused, "this card is not of a known kind", "不认识的卡片类型", false},
	"silent":                     {ExitUnreachable, "the meter did not answer", "表计无应答", false},
	"line":                       {ExitUnreachable, "the line cannot be used", "线路不可用", false},
	"busy":                       {ExitUnreachable, "the meter is busy", "表计忙", false},
	"checksum":                   {ExitNotWell, "the meter's answer is damaged", "表计应答已损坏", false},
	"foreign":                    {ExitNotWell, "the answer came from another meter", "应答来自其他表计", false},
	"malformed":                  {ExitNotWell, "the meter's answer does not fit the question", "表计应答与请求不符", false},
	"exception":                  {ExitNotWell, "the meter refused the question", "表计拒绝了请求", false},
	"unable":                     {ExitRefused, "this meter or its model cannot do that", "该表计或其型号不支持此操作", false},
	fieldwork.CodeTyped:          {ExitRefused, "the number that was typed is not the meter's", "键入的表号与表计不符", true},
	fieldwork.CodeTaken:          {ExitRefused, "another meter answers at the new address", "新地址已有其他表计应答", false},
	fieldwork.CodeUnproven:       {ExitRefused, "whether the new address is free could not be found out", "无法确认新地址是否空闲", false},
	fieldwork.CodeUnread:         {ExitRefused, "an earlier command has no outcome yet; read the meter first", "上一条命令结果未知；请先读取表计", false},
	fieldwork.CodeForbidden:      {ExitRefused, "this node may not move that valve", "该节点无权操作此阀门", false},
	"node_clock":                 {ExitRefused, "the clock of the node is not to be trusted", "节点时钟不可信", false},
	"implausible":                {ExitNotWell, "the meter's value is no number or out of range", "表计数值无效或超出范围", false},
}
