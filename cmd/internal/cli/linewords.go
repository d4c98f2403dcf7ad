package cli

import "tally/meter/survey"

func (a *app) verdict(v survey.Verdict) string {
	switch v {
	case survey.Good:
		return a.t("good: practically every question is answered", "良好：几乎每次询问都有应答")
	case survey.Fair:
		return a.t("fair: retries hide what is lost", "尚可：重试可以弥补丢失")
	case survey.Poor:
		return a.t("poor: readings will be missing", "较差：会缺失读数")
	case survey.Bad:
		return a.t("bad: the line cannot be relied on", "很差：线路不可靠")
	case survey.Dead:
		return a.t("dead: no whole answer came", "不通：没有任何完整应答")
	}
	return plain(string(v))
}

// advice is what to look at, in a technician's words.
func (a *app) advice(v survey.Advice) string {
	switch v {
	case survey.CheckPower:
		return a.t("power and cable: does the meter have power, is the pair connected through, is a fuse or a splice open?", "电源与线缆：表计是否有电，双绞线是否接通，保险或接头是否断开？")
	case survey.CheckPolarity:
		return a.t("polarity: A and B swapped? (CJ/T 188 over M-Bus has none)", "极性：A、B 是否接反？（走 M-Bus 的 CJ/T 188 无极性）")
	case survey.CheckAddress:
		return a.t("address and protocol: compare with the number on the meter; `tally line scan` finds both", "地址与协议：与表上编号核对；可用 `tally line scan` 查找")
	case survey.CheckSpeed:
		return a.t("baud and parity: another speed garbles everything; `tally line scan` tries all", "速率与校验：速率不符则全是乱码；可用 `tally line scan` 逐一尝试")
	case survey.CheckTermination:
		return a.t("termination: 120 Ω at both ends of the RS-485 bus and nowhere else, no long stubs", "终端电阻：RS-485 总线仅两端各接 120 Ω，避免长分支")
	case survey.CheckBias:
		return a.t("bias: bytes come from nothing; fail-safe bias resistors, interference from drives or pumps", "偏置：凭空出现字节；检查失效安全偏置电阻，以及变频器、水泵的干扰")
	case survey.CheckShield:
		return a.t("cable: shield grounded at one end, common ground wire, tight and dry contacts", "线缆：屏蔽层单端接地，有公共地线，接点紧固干燥")
	case survey.CheckCollision:
		return a.t("collision: two meters with one address, or a second master on the line; `tally line sniff` shows them", "冲突：两表同址，或线路上有第二个主站；可用 `tally line sniff` 查看")
	case survey.CheckContact:
		return a.t("contact: some questions stay without an answer; a loose terminal, or a meter that sleeps", "接触：部分询问无应答；接线松动，或表计休眠")
	case survey.RaiseTimeout:
		return a.t("timeout: answers come late; wait longer (--timeout, or timeout in the configuration)", "超时：应答较慢；请延长等待时间（--timeout 或配置中的 timeout）")
	case survey.CheckGateway:
		return a.t("gateway: some answers take far longer than others; a gateway, a radio or a USB adapter keeps them back", "网关：部分应答明显偏慢；网关、无线或 USB 适配器存在延迟")
	case survey.CheckModel:
		return a.t("model: the meter refuses the question; another model or register than was named", "型号：表计拒绝应答；型号或寄存器不符")
	case survey.CheckPort:
		return a.t("port: the port was lost or never silent; check the adapter and who else uses it (`tally line list`)", "端口：端口丢失或始终不静默；检查适配器及其他占用者（`tally line list`）")
	case survey.NoteEcho:
		return a.t("echo: the adapter hands back what is sent; that is stripped and does no harm", "回声：适配器会返回所发内容；已自动去除，无影响")
	}
	return plain(string(v))
}
