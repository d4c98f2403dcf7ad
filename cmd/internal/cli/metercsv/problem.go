package metercsv

import (
	"fmt"
	"strings"
)

// Problem is one mistake in a file, with its place and what would be right.
type Problem struct {
	File   string
	Line   int    // from 1; 0 when the file as a whole is meant
	Column string // name of the column; empty when the whole line is meant
	Code   string // stable, snake_case
	args   []any
}

// Text is the problem in one line, "file:line: column: what is wrong; what would be right", in English or ("zh")
// Chinese.
func (p Problem) Text(lang string) string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Column != "" {
		b.WriteString(p.Column + ": ")
	}
	fmt.Fprintf(&b, phrases[p.Code][lang == "zh"], p.args...)
	return b.String()
}

// Problems is everything that is wrong with a file, in the order of the file. It is the error of [Parse].
type Problems []Problem

// Error is all problems in English, one a line.
func (ps Problems) Error() string { return ps.Text("en") }

// Text is all problems, one a line.
func (ps Problems) Text(lang string) string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Text(lang)
	}
	return strings.Join(lines, "\n")
}

// Codes of problems.
const (
	codeRead        = "read"
	codeTooLarge    = "too_large"
	codeUTF8        = "not_utf8"
	codeNoHeader    = "no_header"
	codeNoRows      = "no_meters"
	codeNoMeter     = "no_meter_column"
	codeRows        = "too_many_rows"
	codeColumn      = "unknown_column"
	codeColumnTwice = "column_twice"
	codeQuotes      = "quotes"
	codeCells       = "cells"
	codeText        = "bad_text"
	codeNumber      = "bad_number"
	codeTimeout     = "bad_timeout"
	codeEmpty       = "empty"
	codePort        = "port_missing"
	codeAddress     = "address_missing"
	codeModel       = "model_missing"
	codeTwice       = "twice"
	codeSaid        = "said"
)

// phrases holds the sentence of each code, Chinese under true.
var phrases = map[string]map[bool]string{
	codeRead:        {false: "cannot read the file: %s", true: "无法读取文件：%s"},
	codeTooLarge:    {false: "the file is larger than %d bytes; split it", true: "文件超过 %d 字节；请拆分"},
	codeUTF8:        {false: `this is not UTF-8; save the file as "CSV UTF-8"`, true: "不是 UTF-8 编码；请将文件另存为“CSV UTF-8”"},
	codeNoHeader:    {false: "the file is empty; the first row names the columns: %s", true: "文件为空；首行应为列名：%s"},
	codeNoRows:      {false: "there is no meter below the header; add a row for each", true: "列名之下没有表计；请每表填写一行"},
	codeNoMeter:     {false: "there is neither a column meter nor a column port; add one", true: "缺少 meter 列或 port 列；请添加"},
	codeRows:        {false: "the file has more than %d meters; split it", true: "文件超过 %d 只表计；请拆分"},
	codeColumn:      {false: "the name of column %d is not known; known are: %s", true: "第 %d 列的列名未知；可用：%s"},
	codeColumnTwice: {false: "stands in the header twice; remove one", true: "列名重复；请删除其中之一"},
	codeQuotes:      {false: "a quotation mark is out of place; put the whole cell in quotes and write each one inside twice", true: "引号位置不正确；请将整个单元格放入引号，其中的引号写两次"},
	codeCells:       {false: "the number of cells is %d, in the header %d; put a cell that holds a comma in quotes", true: "单元格有 %d 个，而首行有 %d 个；含逗号的单元格请加引号"},
	codeText:        {false: "holds control characters or more than %d bytes; use one line of plain text", true: "含控制字符或超过 %d 字节；请用单行普通文本"},
	codeNumber:      {false: "is not a whole number from %d to %d", true: "不是 %d 至 %d 之间的整数"},
	codeTimeout:     {false: "is not a time from 50ms to 1m, as in 2s", true: "不是 50ms 至 1m 之间的时间，如 2s"},
	codeEmpty:       {false: "is empty; give the number of a meter of the node, or a port", true: "为空；请填写节点的表号，或填写端口"},
	codePort:        {false: "is empty, but the row describes a meter on a port; name the port", true: "为空，但该行描述的是端口上的表计；请填写端口"},
	codeAddress:     {false: "is empty; give the meter's address, or unit for Modbus", true: "为空；请填写表计地址，Modbus 请填写 unit"},
	codeModel:       {false: "is empty; name the meter's model", true: "为空；请填写表计型号"},
	codeTwice:       {false: "this meter stands on line %d already; remove one", true: "该表计已在第 %d 行；请删除其中之一"},
	codeSaid:        {false: "%s", true: "%s"},
}
