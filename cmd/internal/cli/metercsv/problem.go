package metercsv

import "tally/cmd/internal/cli/csvfile"

// Problem is one mistake in a file. Problems is everything that is wrong, in the order of the file, and the error of
// [Parse].
type (
	Problem  = csvfile.Problem
	Problems = csvfile.Problems
)

// Codes of problems.
const (
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

// phrases holds the sentence of each code.
var phrases = map[string]csvfile.Sentence{
	codeNoHeader:    {"the file is empty; the first row names the columns: %s", "文件为空；首行应为列名：%s"},
	codeNoRows:      {"there is no meter below the header; add a row for each", "列名之下没有表计；请每表填写一行"},
	codeNoMeter:     {"there is neither a column meter nor a column port; add one", "缺少 meter 列或 port 列；请添加"},
	codeRows:        {"the file has more than %d meters; split it", "文件超过 %d 只表计；请拆分"},
	codeColumn:      {"the name of column %d is not known; known are: %s", "第 %d 列的列名未知；可用：%s"},
	codeColumnTwice: {"stands in the header twice; remove one", "列名重复；请删除其中之一"},
	codeQuotes:      {"a quotation mark is out of place; put the whole cell in quotes and write each one inside twice", "引号位置不正确；请将整个单元格放入引号，其中的引号写两次"},
	codeCells:       {"the number of cells is %d, in the header %d; put a cell that holds a comma in quotes", "单元格有 %d 个，而首行有 %d 个；含逗号的单元格请加引号"},
	codeText:        {"holds control characters or more than %d bytes; use one line of plain text", "含控制字符或超过 %d 字节；请用单行普通文本"},
	codeNumber:      {"is not a whole number from %d to %d", "不是 %d 至 %d 之间的整数"},
	codeTimeout:     {"is not a time from 50ms to 1m, as in 2s", "不是 50ms 至 1m 之间的时间，如 2s"},
	codeEmpty:       {"is empty; give the number of a meter of the node, or a port", "为空；请填写节点的表号，或填写端口"},
	codePort:        {"is empty, but the row describes a meter on a port; name the port", "为空，但该行描述的是端口上的表计；请填写端口"},
	codeAddress:     {"is empty; give the meter's address, or unit for Modbus", "为空；请填写表计地址，Modbus 请填写 unit"},
	codeModel:       {"is empty; name the meter's model", "为空；请填写表计型号"},
	codeTwice:       {"this meter stands on line %d already; remove one", "该表计已在第 %d 行；请删除其中之一"},
	codeSaid:        {"%s", "%s"},
}
