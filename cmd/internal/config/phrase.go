package config

// Codes of problems.
const (
	codeSyntax       = "syntax"
	codeRead         = "read"
	codeTooLarge     = "too_large"
	codeDepth        = "too_deep"
	codeUnknown      = "unknown_key"
	codeUnknownGuess = "unknown_key_guess"
	codeSecretInFile = "secret_in_file"
	codeType         = "wrong_type"
	codeEmpty        = "empty"
	codeControl      = "control_characters"
	codeMissing      = "missing"
	codeName         = "bad_name"
	codeRange        = "out_of_range"
	codeDuration     = "bad_duration"
	codeChoice       = "bad_choice"
	codeChoiceGuess  = "bad_choice_guess"
	codeTooMany      = "too_many"
	codeTwice        = "used_twice"
	codeTaken        = "taken"
	codeUnfit        = "does_not_fit"
	codeNeeds        = "needs"
	codeAddress      = "bad_address"
	codeOpen         = "open_to_network"
	codeHost         = "bad_host"
	codeHex16        = "bad_hex16"
	codeTerminal     = "bad_terminal"
	codeDate         = "bad_date"
	codeFraction     = "inexact"
	codeDecimal      = "bad_decimal"
	codeZero         = "not_positive"
	codeTierOrder    = "tier_order"
	codeTierOpen     = "tier_without_limit"
	codeTierLast     = "last_tier_limited"
	codeBroker       = "bad_broker"
	codeCredentials  = "credentials_in_url"
	codeBothSecrets  = "both_secrets"
	codeEnvName      = "bad_env_name"
	codeEnvUnset     = "env_unset"
	codeSecretRead   = "secret_unreadable"
	codeSecretOpen   = "secret_readable_by_all"
	codeSecretBad    = "secret_empty"
	codePSC          = "bad_psc"
	codeCardProfiles = "bad_card_profiles"
	codeFile         = "file_unusable"
	codeDatabase     = "bad_database"
	codePasswordURL  = "password_in_url"
	codeTimeOfDay    = "bad_time_of_day"
	codeMeterAddress = "bad_meter_address"
	codeWrongFamily  = "model_of_other_protocol"
	codeModels       = "models_unusable"
	codeOffset       = "bad_utc_offset"
)

// text is a sentence in both languages.
type text struct{ en, zh string }

func (t text) in(lang string) string {
	if lang == "zh" {
		return t.zh
	}
	return t.en
}

// phrases holds the sentence of each code. Every sentence says what is wrong and, after a semicolon, what is right.
var phrases = map[string]text{
	codeSyntax:       {"this is not TOML: %s", "不是合法的 TOML：%s"},
	codeRead:         {"cannot read the file: %s", "无法读取文件：%s"},
	codeTooLarge:     {"the file is larger than %d bytes; this is no configuration", "文件超过 %d 字节；这不是配置文件"},
	codeDepth:        {"is nested deeper than %d levels; this is no configuration", "嵌套超过 %d 层；这不是配置文件"},
	codeUnknown:      {"unknown key; known here: %s", "未知的键；此处可用：%s"},
	codeUnknownGuess: {"unknown key; did you mean %s?", "未知的键；是否想写 %s？"},
	codeSecretInFile: {"a secret does not belong in this file; put it into a file of its own and name that with %s, or name an environment variable with %s",
		"密钥或口令不得写在本文件中；请存入单独的文件并用 %s 指明，或用 %s 指明环境变量"},
	codeType:    {"is %s; want %s", "现为%s；应为%s"},
	codeEmpty:   {"is empty; give a value or remove the key", "为空；请填写，或删除此键"},
	codeControl: {"holds control characters or is too long; use plain text of at most 4096 bytes", "含控制字符或过长；请用不超过 4096 字节的普通文本"},
	codeMissing: {"missing; add %s", "缺少；请添加 %s"},
	codeName: {"%s is not a name; use 1 to 64 of A-Z, a-z, 0-9, _ and -",
		"%s 不是合法名称；请用 1 至 64 个字符：A-Z、a-z、0-9、_、-"},
	codeRange:       {"%s is out of range; want %s to %s", "%s 超出范围；应在 %s 至 %s 之间"},
	codeDuration:    {"%s is not a duration; write a number and a unit, as in \"15m\" or \"1h30m\"", "%s 不是时长；请写数字加单位，如 \"15m\" 或 \"1h30m\""},
	codeChoice:      {"%s is not possible here; one of %s", "此处不能为 %s；可选：%s"},
	codeChoiceGuess: {"%s is not known; did you mean %s? (known: %s)", "未知的 %s；是否想写 %s？（可选：%s）"},
	codeTooMany:     {"has %d entries; at most %d", "有 %d 项；最多 %d 项"},
	codeTwice:       {"%s stands here twice; remove one", "%s 重复；请删除其中之一"},
	codeTaken:       {"%s is already used on line %d of the file; give each its own", "%s 已在文件第 %d 行使用；不得重复"},
	codeUnfit:       {"has no meaning with %s; remove it", "与 %s 同时使用没有意义；请删除"},
	codeNeeds:       {"needs %s beside it; set both or none", "需要与 %s 一起设置；请同时设置或都不设置"},
	codeAddress:     {"%s is not an address; want host:port, as in %q", "%s 不是地址；应为 主机:端口，如 %q"},
	codeOpen: {"%s can be reached from the network, and this page carries passwords; use a loopback address such as \"127.0.0.1:8420\", or set %s",
		"%s 可从网络访问，而页面会传送口令；请用本机地址，如 \"127.0.0.1:8420\"，或设置 %s"},
	codeHost: {"%s is not a host name; want a name or an IP address without a port", "%s 不是主机名；应为不带端口的名称或 IP 地址"},
	codeHex16: {"%s is not a region; want four hexadecimal digits in quotes, as in \"0571\"",
		"%s 不是区域号；应为引号内的四位十六进制数，如 \"0571\""},
	codeTerminal: {"%s is not a terminal number; want twelve hexadecimal digits in quotes, as in \"057100000001\"",
		"%s 不是终端号；应为引号内的十二位十六进制数，如 \"057100000001\""},
	codeDate:     {"%s is not a date; want year-month-day, as in 2026-01-01", "%s 不是日期；应为 年-月-日，如 2026-01-01"},
	codeFraction: {"a fraction without quotes is not exact; put it in quotes, as in %s = %q", "不加引号的小数不精确；请加引号，如 %s = %q"},
	codeDecimal:  {"%s is not a decimal number with at most %d decimals; want one as in %q", "%s 不是最多 %d 位小数的数；应如 %q"},
	codeZero:     {"%s is out of range; want more than 0 and at most %s", "%s 超出范围；应大于 0 且不超过 %s"},
	codeTierOrder: {"%s does not ascend; a tier ends above the one before it, here above %s",
		"%s 未递增；每一阶梯的上限应大于前一阶梯，此处应大于 %s"},
	codeTierOpen: {"missing; only the last tier has no limit, add up_to_m3 = \"300\"", "缺少；只有最后一个阶梯没有上限，请添加 up_to_m3 = \"300\""},
	codeTierLast: {"the last tier has a limit; remove it, or add a tier without one after it", "最后一个阶梯不得有上限；请删除，或在其后添加无上限的阶梯"},
	codeBroker: {"%s is not a broker; want tcp://host:port, or ssl://host:port for TLS",
		"%s 不是消息服务器地址；应为 tcp://主机:端口，使用 TLS 时为 ssl://主机:端口"},
	codeCredentials:  {"holds a user or a password; use username and password_file or password_env", "含用户名或口令；请改用 username 与 password_file 或 password_env"},
	codeBothSecrets:  {"stands beside %s; set only one of the two", "与 %s 同时设置；只能设置其中之一"},
	codeEnvName:      {"is not the name of an environment variable; want A-Z, 0-9 and _, as in \"TALLY_PASSWORD\"", "不是环境变量名；应由 A-Z、0-9、_ 组成，如 \"TALLY_PASSWORD\""},
	codeEnvUnset:     {"the environment variable %s is not set; set it for this program, or use a file", "环境变量 %s 未设置；请为本程序设置，或改用文件"},
	codeSecretRead:   {"cannot read the secret: %s", "无法读取密钥文件：%s"},
	codeSecretOpen:   {"%s can be read by everybody (mode %s); run: chmod 600 %s", "%s 可被所有人读取（权限 %s）；请执行：chmod 600 %s"},
	codeSecretBad:    {"the secret is empty, longer than 4096 bytes or holds control characters; want one line of text", "密钥为空、超过 4096 字节或含控制字符；应为一行文本"},
	codePSC:          {"the secret code is neither six hexadecimal digits (the three bytes of the PSC) nor a key of 32 or more", "卡密码应为六位十六进制数（PSC 的三个字节），或 32 位以上的密钥"},
	codeCardProfiles: {"the card profiles in the folder cannot be used: %s", "该文件夹中的卡片格式文件不可用：%s"},
	codeDatabase: {"is not a database; want the path of a file, or postgres://user@host:5432/name without a password",
		"不是数据库；应为文件路径，或不含口令的 postgres://用户@主机:5432/库名"},
	codePasswordURL:  {"holds a password; use database_password_file or database_password_env", "含口令；请改用 database_password_file 或 database_password_env"},
	codeOffset:       {"%s is not a distance from UTC; want one as in \"+08:00\"", "%s 不是与 UTC 的时差；应如 \"+08:00\""},
	codeTimeOfDay:    {"%s is not a time of day; want hours and minutes, as in \"02:00\"", "%s 不是时刻；应为 时:分，如 \"02:00\""},
	codeFile:         {"cannot use the file: %s", "文件不可用：%s"},
	codeMeterAddress: {"%s is not an address of %s; want %s", "%s 不是 %s 的地址；应为%s"},
	codeWrongFamily:  {"the model %s speaks %s, the line speaks %s; choose one of %s", "型号 %s 使用 %s，而线路使用 %s；可选：%s"},
	codeModels:       {"the folder holds a model that cannot be used: %s", "目录中有不可用的型号文件：%s"},
}

// word is a name of a type, translated when it is printed.
type word string

func (w word) in(lang string) string {
	if t, ok := typeWords[w]; ok {
		return t.in(lang)
	}
	return string(w)
}

var typeWords = map[word]text{
	typeString:  {"a text in quotes", "带引号的文本"},
	typeInteger: {"an integer", "整数"},
	typeFloat:   {"a fraction", "小数"},
	typeBool:    {"true or false", "true 或 false"},
	typeTable:   {"a table", "表"},
	typeTables:  {"an array of tables", "表数组"},
	typeArray:   {"an array", "数组"},
	typeStrings: {"an array of texts", "文本数组"},
	typeDate:    {"a date or time", "日期或时间"},

	addressOf188:  {"the 14 digits printed on the meter, as in \"00000020120218\"", "表上印的 14 位数字，如 \"00000020120218\""},
	addressOf645:  {"the 12 digits printed on the meter, as in \"201207072529\"", "表上印的 12 位数字，如 \"201207072529\""},
	addressOfMBus: {"0 to 250, or number.maker.version.medium with * and F for any, as in \"12345678.KAM.*.06\"", " 0 至 250，或 表号.厂商.版本.介质（* 与 F 为任意），如 \"12345678.KAM.*.06\""},
}
