package accountcsv

import "tally/cmd/internal/cli/csvfile"

// Problem is one mistake in a file; it holds nothing of a customer except account numbers. Problems is everything that is
// wrong, in the order of the file, and the error of [Parse].
type (
	Problem  = csvfile.Problem
	Problems = csvfile.Problems
	text     = csvfile.Sentence
)

// Codes of problems.
const (
	codeNoHeader     = "no_header"
	codeNoAccounts   = "no_accounts"
	codeColumn       = "unknown_column"
	codeColumnGuess  = "unknown_column_guess"
	codeColumnTwice  = "column_twice"
	codeColumnNeeded = "column_missing"
	codeQuotes       = "quotes"
	codeCells        = "cells"
	codeEmpty        = "empty"
	codeSpace        = "space"
	codeText         = "bad_text"
	codeNumber       = "bad_number"
	codeClass        = "unknown_price_class"
	codeMedium       = "bad_medium"
	codeRegion       = "bad_region"
	codeOtherRegion  = "other_region"
	codeCard         = "bad_card"
	codeVolume       = "bad_volume"
	codeSeq          = "bad_sequence"
	codeDay          = "bad_day"
	codeFuture       = "in_the_future"
	codeTaken        = "taken"
	codeCardTaken    = "card_taken"
	codeCardChanged  = "card_changed"
)

// phrases holds the sentence of each code: what is wrong and, after a semicolon, what would be right.
var phrases = map[string]text{
	codeNoHeader:   {"the file is empty; the first row names the columns: %s", "文件为空；首行应为列名：%s"},
	codeNoAccounts: {"there is no account below the header; add a row for each", "列名之下没有客户；请每户填写一行"},
	codeColumn: {"the name of column %d is not known; the first row names the columns, known are: %s",
		"第 %d 列的列名未知；首行应为列名，可用：%s"},
	codeColumnGuess:  {"the name of column %d is not known; did you mean %s?", "第 %d 列的列名未知；是否想写 %s？"},
	codeColumnTwice:  {"stands in the header twice; remove one", "列名重复；请删除其中之一"},
	codeColumnNeeded: {"missing in the header; add this column", "缺少该列；请添加"},
	codeQuotes: {`a quotation mark is out of place; put the whole cell in quotes and write each one inside twice`,
		`引号位置不正确；请将整个单元格放入引号，其中的引号写两次`},
	codeCells: {"the number of cells is %d, in the header %d; put a cell that holds a comma in quotes", "单元格有 %d 个，而首行有 %d 个；含逗号的单元格请加引号"},
	codeEmpty: {"is empty; give a value", "为空；请填写"},
	codeSpace: {"begins or ends with a space; remove it", "首尾有空格；请删除"},
	codeText: {"holds control characters or more than %d bytes; use one line of plain text",
		"含控制字符或超过 %d 字节；请用单行普通文本"},
	codeNumber:      {"is not a number as used here; use 1 to 64 of A-Z, a-z, 0-9, _ . and -", "编号不正确；请用 1 至 64 个字符：A-Z、a-z、0-9、_、.、-"},
	codeClass:       {"is in no tariff of the configuration; one of %s", "配置的价格表中没有该价格类别；可选：%s"},
	codeMedium:      {"is no medium; want gas or water, or leave it empty", "不是介质；请填 gas 或 water，或留空"},
	codeRegion:      {"is not a region; want four hexadecimal digits, as in 0571", "不是区域号；应为四位十六进制数，如 0571"},
	codeOtherRegion: {"is not the region of this counter, which would refuse the card; want %04X", "不是本柜台的区域，柜台会拒绝该卡；应为 %04X"},
	codeCard: {"is not a card number; want %d decimal digits with all leading zeros (spreadsheets drop them unless the column is text)",
		"不是卡号；应为 %d 位十进制数，保留前导零（电子表格请将该列设为文本）"},
	codeSeq: {"is not an order sequence; want a whole number from 0 to 65535", "不是订单序号；请填 0 至 65535 的整数"},
	codeVolume: {"is not a volume in m³; want a number from 0 to %s with at most three decimals, as in 12.34",
		"不是以 m³ 计的量；应为 0 至 %s 之间、最多三位小数的数，如 12.34"},
	codeDay:    {"is not a day; want year-month-day, as in 2026-01-01", "不是日期；应为 年-月-日，如 2026-01-01"},
	codeFuture: {"is in the future; want today, %s, or a day before it", "晚于今天；应为今天 %s 或更早"},
	codeTaken:  {"is already used on line %d; give each account its own", "已在第 %d 行使用；各户不得重复"},
	codeCardTaken: {"this card belongs to account %s in the ledger; correct the card number",
		"该卡在账本中属于客户 %s；请更正卡号"},
	codeCardChanged: {"is not the card that this account has in the ledger, and an import changes no cards; correct it or leave the cell empty",
		"与账本中该客户的卡不符，导入不更换卡片；请更正，或将单元格留空"},
}
