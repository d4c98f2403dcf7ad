package cli

import "strings"

// The words of package decode in Chinese. What the tables do not have is printed as it is.

// frameProblems are the sentences about what is wrong with a frame.
var frameProblems = map[string]string{
	"frame ends too early": "报文不完整", "no frame starts here": "此处没有报文起始符", "frame does not start here": "此处不是报文起始符",
	"second start byte is missing": "缺少第二个起始符", "bytes behind the frame": "报文之后有多余字节", "another frame begins here": "此处开始另一帧",
	"bytes before the frame": "报文之前有多余字节", "frame does not stop here": "此处不是结束符", "checksum is wrong": "校验和错误", "CRC is wrong": "CRC 错误", "CRC has its bytes swapped": "CRC 高低字节颠倒",
	"length is wrong: with the other one everything fits": "长度错误：改正后全部相符",
	"control code is not known":                           "未知的控制码", "control code is the maker's own": "厂商自定义的控制码", "length is not possible": "长度不可能",
	"length of the data is not possible": "数据长度不可能", "length is wrong: with the other one the checksum fits": "长度错误：改正后校验和相符",
	"length of the data is wrong: with the other one the checksum fits": "数据长度错误：改正后校验和相符",
	"the two lengths differ": "两个长度不一致", "is not two decimal digits": "不是两位十进制数字", "data identifier is not known": "未知的数据标识",
	"bytes that the item does not have": "数据项之后有多余字节", "item is too short": "数据项过短", "a refusal has serial number and status": "异常应答应含序号和状态",
	"unit may stand before or after its value; read as the standard says":       "单位可能在数值之前或之后；按标准解析",
	"clock may be low or high byte first; read as the standard says":            "时钟可能低字节或高字节在前；按标准解析",
	"status bits may be numbered from the other end; read as the standard says": "状态位可能从另一端编号；按标准解析",
	"clock is no date and time": "时钟不是有效的日期时间", "meter has no clock, or it was never set": "表计无时钟或从未校时",
	"meter names no unit": "表计未给出单位", "meter has no value here": "表计此处无数据", "kind of meter is not known": "未知的表类型", "valve command is neither open nor close": "阀门命令既非开也非关",
	"data does not have the item's length": "数据长度与数据项不符", "is no date or time": "不是有效的日期或时间", "is no date": "不是有效日期", "is no time": "不是有效时间",
	"date is not set": "日期未设置", "meter says that its time is not valid": "表计声明其时间无效", "no type of time has this length": "没有这种长度的时间类型",
	"no type of time is coded like this": "时间类型不采用这种编码", "CI field is not known": "未知的 CI 域", "CI field is the maker's own": "厂商自定义的 CI 域",
	"C field is not known": "未知的 C 域", "data is encrypted": "数据已加密", "identification is not eight decimal digits": "标识号不是八位十进制数字",
	"DIF has no meaning in the standard": "标准未定义的 DIF", "VIF has no meaning in the standard": "标准未定义的 VIF", "VIFE has no meaning in the standard": "标准未定义的 VIFE",
	"more than ten DIFE": "DIFE 超过十个", "more than ten VIFE": "VIFE 超过十个", "coding of the data is not known": "未知的数据编码",
	"length of the data is not known": "未知的数据长度码", "record ends too early": "数据记录不完整", "number has too many digits": "数值位数过多", "is not a number": "不是数值",
	"fixed structure has another length": "固定结构的长度不符", "unit of the fixed structure is not known": "未知的固定结构单位",
	"function code is not known": "未知的功能码", "function code is the maker's own": "自定义功能码", "the function's data have another length": "数据长度与功能不符",
	"byte count is wrong": "字节数错误", "byte count does not fit the quantity": "字节数与数量不符", "quantity is not possible": "数量不可能",
	"coil is neither on nor off": "线圈值既非通也非断", "protocol number is not Modbus": "协议号不是 Modbus", "MEI type is not device identification": "MEI 类型不是设备标识",
	"kind of access is not known":                                                               "未知的访问方式",
	"can be a request or a reply; read as a request":                                            "可能是请求或应答；按请求解析",
	"no request of the model asks for so many registers: say with which the answer begins":      "该型号没有读取这么多寄存器的请求：请用 --from 指明起始寄存器",
	"several requests of the model ask for so many registers: say with which the answer begins": "该型号有多个请求读取这么多寄存器：请用 --from 指明起始寄存器",
	"is no hexadecimal digit":                                                                   "不是十六进制数字", "half a byte": "不足一个字节", "is longer than any frame": "比任何报文都长",
	"meter refuses; its status": "表计拒绝；状态", "meter refuses; its error word": "表计拒绝；错误字", "meter refuses": "表计拒绝",
}

// frameReasons are why a meter refuses.
var frameReasons = map[string]string{
	"unspecified": "未说明", "unknown CI field": "未知的 CI 域", "buffer too long": "缓冲区过长", "too many records": "记录过多", "premature end of a record": "记录不完整",
	"more than ten DIFE": "DIFE 超过十个", "more than ten VIFE": "VIFE 超过十个", "reserved": "保留", "meter too busy": "表计忙", "too many readouts": "读数过多",
	"other error": "其他错误", "no such data": "无请求数据", "wrong password or not authorised": "密码错误或未授权", "baud rate cannot be changed": "通信速率不能更改",
	"too many year zones": "年时区数超限", "too many day periods": "日时段数超限", "too many tariffs": "费率数超限", "data not allowed": "非法数据",
	"wrong password": "密码错误", "without a reason": "无原因",
	"illegal function": "非法功能", "illegal data address": "非法数据地址", "illegal data value": "非法数据值", "server device failure": "从站设备故障",
	"acknowledge": "确认", "server device busy": "从站设备忙", "negative acknowledge": "否认", "memory parity error": "存储奇偶差错",
	"gateway path unavailable": "网关路径不可用", "gateway target device failed to respond": "网关目标设备无响应",
}

// frameFields are the parts of frames.
var frameFields = map[string]string{
	"address": "地址", "type": "类型", "type_name": "表类", "control": "控制码", "function": "功能", "direction": "方向", "length": "长度", "di": "数据标识",
	"item": "数据项", "di_swapped": "标识低字节在前", "serial": "序号", "status": "状态", "data": "数据", "preamble": "前导 FE", "edition": "版本", "more": "有后续",
	"error": "错误字", "c": "C 域", "ci": "CI 域", "content": "内容", "id": "标识号", "manufacturer": "厂商", "version": "版本", "medium": "介质码", "medium_name": "介质",
	"access_number": "访问号", "status_flags": "状态标志", "signature": "签名", "manufacturer_data": "厂商数据", "transaction": "事务号", "function_name": "功能名",
	"start": "起始地址", "count": "数量", "byte_count": "字节数", "registers": "寄存器", "register": "寄存器", "coils": "线圈", "coil": "线圈", "on": "接通", "value": "值",
	"crc": "CRC", "exception": "异常码", "exception_name": "异常", "subfunction": "子功能", "and_mask": "与掩码", "or_mask": "或掩码", "write_start": "写起始地址",
	"secondary": "二级地址", "write_count": "写数量", "read_code": "访问方式", "object": "对象", "conformity": "一致性级别", "next_object": "下一对象",
}

// frameWords are what the parts say.
var frameWords = map[string]string{
	"request": "请求", "reply": "应答", "refusal": "异常应答", "exception": "异常应答", "request or reply": "请求或应答",
	"cold water": "冷水", "hot water": "热水", "drinking water": "直饮水", "reclaimed water": "中水", "heat": "热量", "cold": "冷量", "gas": "燃气", "electricity": "电",
	"any": "任意", "water": "水", "warm water": "温水", "other": "其他", "unknown": "未知", "oil": "油", "steam": "蒸汽", "heat cost allocator": "热分配表",
	"heat and cooling": "冷热", "cooling (outlet)": "冷量（出口）", "cooling (inlet)": "冷量（入口）", "heat (inlet)": "热量（入口）", "waste water": "污水", "valve": "阀门",
	"read": "读数据", "read on": "读后续", "read again": "重读", "write": "写数据", "read address": "读地址", "write address": "写地址", "read key version": "读密钥版本",
	"set counter": "写机电同步数", "broadcast time": "广播校时", "freeze": "冻结", "relay": "跳合闸", "change baud rate": "更改速率", "change password": "改密码",
	"clear demand": "需量清零", "clear meter": "电表清零", "clear events": "事件清零", "set output": "设置输出",
	"current counter": "当前计量数据", "prices": "价格表", "settlement day": "结算日", "reading day": "抄表日", "purchase": "购入金额", "key version": "密钥版本",
	"set prices": "写价格表", "set settlement day": "写结算日", "set reading day": "写抄表日", "set purchase": "写购入金额", "set key": "写密钥", "clock": "时钟",
	"set address": "写地址", "leave the factory": "出厂启用",
	"ack": "确认", "short": "短帧", "long": "长帧", "data": "数据", "selection": "选择", "variable data": "变长数据", "fixed data": "定长数据", "application error": "应用错误",
	"application reset": "应用复位", "alarm": "告警", "data with short header": "短报头数据", "data without header": "无报头数据",
	"read coils": "读线圈", "read discrete inputs": "读离散输入", "read holding registers": "读保持寄存器", "read input registers": "读输入寄存器",
	"write single coil": "写单个线圈", "write single register": "写单个寄存器", "read exception status": "读异常状态", "diagnostics": "诊断",
	"write multiple coils": "写多个线圈", "write multiple registers": "写多个寄存器", "report server id": "报告从站标识", "mask write register": "掩码写寄存器",
	"read/write multiple registers": "读写多个寄存器", "read device identification": "读设备标识",
	"open": "开", "closed": "关", "close": "关", "fault": "故障", "good": "正常", "low": "欠压",
}

// frameNames are the pieces of the names of values, in the order in which they are said.
var frameNames = map[string]string{
	"volume": "体积", "settlement": "结算日", "energy": "电能", "power": "功率", "flow": "流量", "temperature": "温度", "supply": "供", "return": "回", "difference": "差",
	"external": "环境", "operating": "工作", "time": "时间", "clock": "时钟", "valve": "阀门", "command": "命令", "battery": "电池", "status": "状态", "voltage": "电压",
	"current": "电流", "import": "正向", "export": "反向", "reactive": "无功", "apparent": "视在", "demand": "需量", "factor": "因数", "frequency": "频率", "date": "日期",
	"mass": "质量", "pressure": "压力", "on": "通电", "purchase": "购入", "number": "编号", "total": "累计", "remaining": "剩余", "price": "单价", "tier": "阶梯量",
	"day": "日", "address": "地址", "meter": "表", "customer": "用户", "fabrication": "出厂", "a": "A相", "b": "B相", "c": "C相", "error": "错误", "flags": "标志",
	"version": "版本", "firmware": "固件", "software": "软件", "hardware": "硬件", "reading": "抄表", "frozen": "冻结时间", "neutral": "零线", "bus": "总线", "model": "型号",
	"vendor": "厂商", "product": "产品", "revision": "版次", "heat": "热", "cost": "分配", "allocation": "读数", "averaging": "平均", "duration": "时长", "actuality": "实际",
	"forward": "正向", "backward": "反向", "reset": "复位", "counter": "计数", "reverse": "反向", "humidity": "湿度", "key": "密钥", "1": "1", "2": "2", "3": "3",
	"server": "从站", "id": "标识", "selection": "选择",
}

// frameWord is what a part says, in the user's language.
func (a *app) frameWord(s string) string {
	if zh := frameWords[s]; a.lang == "zh" && zh != "" {
		return zh
	}
	if zh := frameReasons[s]; a.lang == "zh" && zh != "" {
		return zh
	}
	return s
}

// frameName names a value. A name of which a piece has no Chinese word stays English.
func (a *app) frameName(name string) string {
	if a.lang != "zh" {
		return a.quantity(name)
	}
	if known := a.quantity(name); known != strings.ReplaceAll(name, "_", " ") {
		return known
	}
	var words []string
	for piece := range strings.SplitSeq(name, "_") {
		word, ok := frameNames[piece]
		if !ok {
			return a.quantity(name)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// frameSentence is the text of a problem, in the user's language. A few have a part that varies.
func (a *app) frameSentence(text string) string {
	if a.lang != "zh" {
		return text
	}
	if zh, ok := frameProblems[text]; ok {
		return zh
	}
	for _, v := range []struct{ before, after, zh string }{
		{"unit of ", " is not known", "%的单位未知"}, {"registers of ", " hold no number", "%的寄存器不是数值"}, {"more follows; ask with ", "", "有后续数据；用 % 读取"},
		{"meter refuses: ", "", "表计拒绝：%"}, {"meter refuses to ", "", "表计拒绝%"},
	} {
		rest, begins := strings.CutPrefix(text, v.before)
		rest, ends := strings.CutSuffix(rest, v.after)
		if begins && ends {
			if word := a.frameWord(rest); word != rest {
				rest = word
			} else {
				rest = a.frameName(rest)
			}
			return strings.Replace(v.zh, "%", rest, 1)
		}
	}
	return text
}
