package accountcsv

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tally/cardreader/purse"
	"tally/cmd/internal/cli/csvfile"
	"tally/counter"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

func rules() Rules {
	return Rules{Region: 0x0571, CardDigits: 8, Today: "2026-11-21", Tariffs: []tariff.Table{
		{Class: "residential", From: "2024-01-01", PeriodMonths: 1}, {Class: "residential", From: "2026-01-01", PeriodMonths: 12},
		{Class: "boiler", From: "2027-06-01", PeriodMonths: 1}, {Class: "boiler", From: "2027-01-01", PeriodMonths: 6},
	}}
}

const (
	whole = "no,name,address,phone,price_class,region,card,meter,bought_m3,period_start,max_purchase_m3,hoard_m3\n" +
		"1001,王秀兰,\"文三路 259 号, 2 幢\",13800010001,residential,0571,00001001,20010001,12.345,2026-03-01,500,600\n"
	short = "price_class,no,card,name\nboiler,1002,00001002,\"a \"\"b\"\"\"\nresidential,1003,,李\n"
)

func TestParse(t *testing.T) {
	wang := counter.Account{
		No: "1001", Name: "王秀兰", Address: "文三路 259 号, 2 幢", Phone: "13800010001", PriceClass: "residential",
		Card: purse.CardID{Region: 0x0571, No: "00001001"}, Meter: "20010001", Bought: 12345, PeriodStart: "2026-03-01",
		MaxPurchase: 500 * quantity.CubicMetre, Hoard: 600 * quantity.CubicMetre,
	}
	want := []Row{{2, wang}}
	for name, text := range map[string]string{
		"plain": whole, "bom": "\ufeff" + whole, "crlf": strings.ReplaceAll(whole, "\n", "\r\n"), "no end of line": strings.TrimSuffix(whole, "\n"),
		"bom and crlf": "\ufeff" + strings.ReplaceAll(whole, "\n", "\r\n"),
	} {
		got, err := Parse("a.csv", []byte(text), rules())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got.Rows); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestDefaults: what the file does not say is as for a customer who begins today.
func TestDefaults(t *testing.T) {
	got, err := Parse("a.csv", []byte(short), rules())
	if err != nil {
		t.Fatal(err)
	}
	want := []Row{
		{2, counter.Account{No: "1002", Name: `a "b"`, PriceClass: "boiler", Card: purse.CardID{Region: 0x0571, No: "00001002"}, PeriodStart: "2026-07-01"}},
		{3, counter.Account{No: "1003", Name: "李", PriceClass: "residential", PeriodStart: "2026-01-01"}},
	}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Error(diff)
	}
}

// bad pairs a file with what is wrong with it, in both languages.
var bad = map[string]struct{ text, en, zh string }{
	"nothing": {"", "a.csv: the file is empty; the first row names the columns: " + names(), "a.csv: 文件为空；首行应为列名：" + names()},
	"no rows": {"no,name,price_class\n\n", "a.csv: there is no account below the header; add a row for each", "a.csv: 列名之下没有客户；请每户填写一行"},
	"no header": {"1001,王秀兰,residential\n",
		"a.csv:1: the name of column 1 is not known; the first row names the columns, known are: " + names() + "\n" +
			"a.csv:1: the name of column 2 is not known; the first row names the columns, known are: " + names() + "\n" +
			"a.csv:1: the name of column 3 is not known; the first row names the columns, known are: " + names() + "\n" +
			"a.csv:1: no: missing in the header; add this column\na.csv:1: name: missing in the header; add this column\n" +
			"a.csv:1: price_class: missing in the header; add this column",
		"a.csv:1: 第 1 列的列名未知；首行应为列名，可用：" + names() + "\n" +
			"a.csv:1: 第 2 列的列名未知；首行应为列名，可用：" + names() + "\n" +
			"a.csv:1: 第 3 列的列名未知；首行应为列名，可用：" + names() + "\n" +
			"a.csv:1: no: 缺少该列；请添加\na.csv:1: name: 缺少该列；请添加\na.csv:1: price_class: 缺少该列；请添加"},
	"header": {"no,Name,price class,no,bought,name\n",
		"a.csv:1: the name of column 2 is not known; did you mean name?\na.csv:1: the name of column 3 is not known; did you mean price_class?\n" +
			"a.csv:1: no: stands in the header twice; remove one\na.csv:1: the name of column 5 is not known; did you mean bought_m3?\n" +
			"a.csv:1: price_class: missing in the header; add this column",
		"a.csv:1: 第 2 列的列名未知；是否想写 name？\na.csv:1: 第 3 列的列名未知；是否想写 price_class？\n" +
			"a.csv:1: no: 列名重复；请删除其中之一\na.csv:1: 第 5 列的列名未知；是否想写 bought_m3？\na.csv:1: price_class: 缺少该列；请添加"},
	"quotes": {"no,name,price_class\n1,a\"b,residential\n2,b,residential\n3,\"c,residential\n",
		"a.csv:2: a quotation mark is out of place; put the whole cell in quotes and write each one inside twice\n" +
			"a.csv:4: a quotation mark is out of place; put the whole cell in quotes and write each one inside twice",
		"a.csv:2: 引号位置不正确；请将整个单元格放入引号，其中的引号写两次\na.csv:4: 引号位置不正确；请将整个单元格放入引号，其中的引号写两次"},
	"quotes in the header": {"no,na\"me\n1,a\n",
		"a.csv:1: a quotation mark is out of place; put the whole cell in quotes and write each one inside twice",
		"a.csv:1: 引号位置不正确；请将整个单元格放入引号，其中的引号写两次"},
	"cells": {"no,name,price_class\n\n1,a,b,residential\n2\n",
		"a.csv:3: the number of cells is 4, in the header 3; put a cell that holds a comma in quotes\na.csv:4: the number of cells is 1, in the header 3; put a cell that holds a comma in quotes",
		"a.csv:3: 单元格有 4 个，而首行有 3 个；含逗号的单元格请加引号\na.csv:4: 单元格有 1 个，而首行有 3 个；含逗号的单元格请加引号"},
	"gbk": {"no,name,price_class\n1,\xcd\xf5\xd0\xe3\xc0\xbc,residential\n", `a.csv:2: this is not UTF-8; save the file as "CSV UTF-8"`, `a.csv:2: 不是 UTF-8 编码；请将文件另存为“CSV UTF-8”`},
	"empty cells and spaces": {"no,name,price_class\n,,\n1 , 王,\u3000residential\n",
		"a.csv:2: no: is empty; give a value\na.csv:2: name: is empty; give a value\na.csv:2: price_class: is empty; give a value\n" +
			"a.csv:3: no: begins or ends with a space; remove it\na.csv:3: name: begins or ends with a space; remove it\na.csv:3: price_class: begins or ends with a space; remove it",
		"a.csv:2: no: 为空；请填写\na.csv:2: name: 为空；请填写\na.csv:2: price_class: 为空；请填写\n" +
			"a.csv:3: no: 首尾有空格；请删除\na.csv:3: name: 首尾有空格；请删除\na.csv:3: price_class: 首尾有空格；请删除"},
	"text": {"no,name,address,price_class,phone\n1,a\x1b[2Jb," + strings.Repeat("x", maxText+1) + ",residential,\"1\n2\"\n",
		"a.csv:2: name: holds control characters or more than 512 bytes; use one line of plain text\n" +
			"a.csv:2: address: holds control characters or more than 512 bytes; use one line of plain text\n" +
			"a.csv:2: phone: holds control characters or more than 512 bytes; use one line of plain text",
		"a.csv:2: name: 含控制字符或超过 512 字节；请用单行普通文本\na.csv:2: address: 含控制字符或超过 512 字节；请用单行普通文本\na.csv:2: phone: 含控制字符或超过 512 字节；请用单行普通文本"},
	"numbers": {"no,name,price_class,meter,card,region\n1/1,a,industrial,一,1001,571\n2,b,residential,2,0000100a,0755\n3,c,residential,2,000010010,zzzz\n",
		"a.csv:2: no: is not a number as used here; use 1 to 64 of A-Z, a-z, 0-9, _ . and -\na.csv:2: price_class: is in no tariff of the configuration; one of boiler, residential\n" +
			"a.csv:2: meter: is not a number as used here; use 1 to 64 of A-Z, a-z, 0-9, _ . and -\n" +
			"a.csv:2: card: is not a card number; want 8 decimal digits with all leading zeros (spreadsheets drop them unless the column is text)\n" +
			"a.csv:2: region: is not a region; want four hexadecimal digits, as in 0571\n" +
			"a.csv:3: card: is not a card number; want 8 decimal digits with all leading zeros (spreadsheets drop them unless the column is text)\n" +
			"a.csv:3: region: is not the region of this counter, which would refuse the card; want 0571\n" +
			"a.csv:4: card: is not a card number; want 8 decimal digits with all leading zeros (spreadsheets drop them unless the column is text)\n" +
			"a.csv:4: region: is not a region; want four hexadecimal digits, as in 0571",
		"a.csv:2: no: 编号不正确；请用 1 至 64 个字符：A-Z、a-z、0-9、_、.、-\na.csv:2: price_class: 配置的价格表中没有该价格类别；可选：boiler, residential\n" +
			"a.csv:2: meter: 编号不正确；请用 1 至 64 个字符：A-Z、a-z、0-9、_、.、-\na.csv:2: card: 不是卡号；应为 8 位十进制数，保留前导零（电子表格请将该列设为文本）\n" +
			"a.csv:2: region: 不是区域号；应为四位十六进制数，如 0571\na.csv:3: card: 不是卡号；应为 8 位十进制数，保留前导零（电子表格请将该列设为文本）\n" +
			"a.csv:3: region: 不是本柜台的区域，柜台会拒绝该卡；应为 0571\na.csv:4: card: 不是卡号；应为 8 位十进制数，保留前导零（电子表格请将该列设为文本）\n" +
			"a.csv:4: region: 不是区域号；应为四位十六进制数，如 0571"},
	"volumes and days": {"no,name,price_class,bought_m3,max_purchase_m3,hoard_m3,period_start\n1,a,residential,-1,1e3,\"1,000\",2026-02-30\n2,b,residential,0.0001,99999999.001,99999999,2026-11-22\n",
		"a.csv:2: bought_m3: is not a volume in m³; want a number from 0 to 99999999 with at most three decimals, as in 12.34\n" +
			"a.csv:2: max_purchase_m3: is not a volume in m³; want a number from 0 to 99999999 with at most three decimals, as in 12.34\n" +
			"a.csv:2: hoard_m3: is not a volume in m³; want a number from 0 to 99999999 with at most three decimals, as in 12.34\n" +
			"a.csv:2: period_start: is not a day; want year-month-day, as in 2026-01-01\n" +
			"a.csv:3: bought_m3: is not a volume in m³; want a number from 0 to 99999999 with at most three decimals, as in 12.34\n" +
			"a.csv:3: max_purchase_m3: is not a volume in m³; want a number from 0 to 99999999 with at most three decimals, as in 12.34\n" +
			"a.csv:3: period_start: is in the future; want today, 2026-11-21, or a day before it",
		"a.csv:2: bought_m3: 不是以 m³ 计的量；应为 0 至 99999999 之间、最多三位小数的数，如 12.34\na.csv:2: max_purchase_m3: 不是以 m³ 计的量；应为 0 至 99999999 之间、最多三位小数的数，如 12.34\n" +
			"a.csv:2: hoard_m3: 不是以 m³ 计的量；应为 0 至 99999999 之间、最多三位小数的数，如 12.34\na.csv:2: period_start: 不是日期；应为 年-月-日，如 2026-01-01\n" +
			"a.csv:3: bought_m3: 不是以 m³ 计的量；应为 0 至 99999999 之间、最多三位小数的数，如 12.34\na.csv:3: max_purchase_m3: 不是以 m³ 计的量；应为 0 至 99999999 之间、最多三位小数的数，如 12.34\n" +
			"a.csv:3: period_start: 晚于今天；应为今天 2026-11-21 或更早"},
	"media": {"no,name,price_class,medium\n1,a,residential,气\n2,b,residential,Water\n3,c,residential,\n",
		"a.csv:2: medium: is no medium; want gas or water, or leave it empty\na.csv:3: medium: is no medium; want gas or water, or leave it empty",
		"a.csv:2: medium: 不是介质；请填 gas 或 water，或留空\na.csv:3: medium: 不是介质；请填 gas 或 water，或留空"},
	"twice": {"no,name,price_class,card\n1,a,residential,00000001\n\"2\",\"b\",residential,\n1,c,residential,00000001\n4,d,residential,\n",
		"a.csv:4: no: is already used on line 2; give each account its own\na.csv:4: card: is already used on line 2; give each account its own",
		"a.csv:4: no: 已在第 2 行使用；各户不得重复\na.csv:4: card: 已在第 2 行使用；各户不得重复"},
}

// A customer buys gas unless the file says water; an import changes it like any other column.
func TestMedium(t *testing.T) {
	s, err := Parse("a.csv", []byte("no,name,price_class,medium\n1,a,residential,water\n2,b,residential,gas\n3,c,residential,\n"), rules())
	if err != nil {
		t.Fatal(err)
	}
	for i, water := range []bool{true, false, false} {
		if s.Rows[i].Account.Water != water {
			t.Errorf("row %d: water %t", i, !water)
		}
	}
}

func TestBadFiles(t *testing.T) {
	for name, c := range bad {
		s, err := Parse("a.csv", []byte(c.text), rules())
		problems, ok := errors.AsType[Problems](err)
		if !ok || len(s.Rows) > 0 {
			t.Errorf("%s: %v %v", name, s, err)
			continue
		}
		if diff := cmp.Diff(c.en, problems.Error()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(c.zh, problems.Text("zh")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestEverySentenceIsBilingual: every code and every column has words in both languages, with the same arguments.
func TestEverySentenceIsBilingual(t *testing.T) {
	check := func(of string, s text) {
		han := func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff }
		if s[0] == "" || strings.ContainsFunc(s[0], han) || !strings.ContainsFunc(s[1], han) || strings.Count(s[0], "%") != strings.Count(s[1], "%") {
			t.Errorf("%s: %q %q", of, s[0], s[1])
		}
	}
	for code, s := range phrases {
		check(code, s)
	}
	for _, c := range columns() {
		check(c.name, c.about)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.csv")
	if err := os.WriteFile(good, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadFile(good, rules()); err != nil || s.File != good || len(s.Rows) != 1 {
		t.Errorf("%+v %v", s, err)
	}
	large := filepath.Join(dir, "large.csv")
	if err := errors.Join(os.WriteFile(large, nil, 0o600), os.Truncate(large, maxBytes+1)); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		dir: ": cannot read the file: not a regular file", filepath.Join(dir, "nowhere.csv"): ": cannot read the file: ",
		large: ": the file is larger than 67108864 bytes; split it",
	} {
		_, err := ReadFile(file, rules())
		if err == nil || !strings.HasPrefix(err.Error(), file+want) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestProblemsHoldNobody: wherever a customer's data end up, no problem repeats them.
func TestProblemsHoldNobody(t *testing.T) {
	const secret = "王秀兰13800010001"
	header := strings.SplitN(whole, "\n", 2)[0]
	for i := range strings.Split(header, ",") {
		cells := make([]string, strings.Count(header, ",")+1)
		cells[i] = secret
		for _, text := range []string{header + "\n" + strings.Join(cells, ",") + "\n", strings.Join(cells, ",") + "\n", header + "\n" + secret + "\"\n"} {
			_, err := Parse("a.csv", []byte(text), rules())
			if problems, ok := errors.AsType[Problems](err); !ok || strings.Contains(problems.Text("en")+problems.Text("zh"), secret[:9]) ||
				strings.Contains(problems.Text("en"), "138000") {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("\ufeff" + short))
	for _, c := range bad {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := rules()
		s, err := Parse("a.csv", data, r)
		if err != nil {
			problems, ok := errors.AsType[Problems](err)
			if !ok || len(problems) == 0 || len(s.Rows) > 0 {
				t.Fatalf("%v %v", s, err)
			}
			for _, p := range problems {
				if p.Says == (csvfile.Sentence{}) || strings.Contains(p.Text("en")+p.Text("zh"), "%!") {
					t.Fatalf("%+v: %s", p, p.Text("en"))
				}
			}
			return
		}
		numbers, cards, last := map[string]bool{}, map[string]bool{}, 1
		for _, row := range s.Rows {
			a := row.Account
			if a.No == "" || a.Name == "" || numbers[a.No] || row.Line <= last || a.PeriodStart == "" || a.PeriodStart > r.Today ||
				a.Bought < 0 || a.MaxPurchase < 0 || a.Hoard < 0 || len(a.Locks) > 0 {
				t.Fatalf("accepted %+v", row)
			}
			if !a.Card.IsZero() && (len(a.Card.No) != r.CardDigits || a.Card.Region != r.Region || cards[a.Card.No]) {
				t.Fatalf("accepted card %v", a.Card)
			}
			numbers[a.No], cards[a.Card.No], last = true, true, row.Line
		}
	})
}

func TestCardSequenceOfACardTakenOver(t *testing.T) {
	header := "no,name,price_class,card,card_seq\n"
	for cell, want := range map[string]uint16{"": 0, "0": 0, "17": 17, "65535": 65535} {
		s, err := Parse("f.csv", []byte(header+"1,A,residential,00000001,"+cell+"\n"), rules())
		if err != nil || len(s.Rows) != 1 || s.Rows[0].Account.CardSeq != want {
			t.Errorf("%q: %+v %v", cell, s.Rows, err)
		}
	}
	for _, cell := range []string{"65536", "-1", "+1", "1.0", "x", "0x1"} {
		if _, err := Parse("f.csv", []byte(header+"1,A,residential,00000001,"+cell+"\n"), rules()); err == nil {
			t.Errorf("%q was accepted", cell)
		}
	}
}
