package phrase

// Codes that package cardreader, the chip drivers and the purse report. They are written out, so that this package needs
// none of the drivers; a test compares them with the sources.
var cardTexts = map[string]entry{
	"card_removed": {
		both{"卡已取出。", "The card was taken out."},
		both{"请插入卡。", "Insert the card."},
	},
	"reader_gone": {
		both{"读卡器未连接[：{reader}]。", "The reader is not connected[: {reader}]."},
		both{"请检查读卡器的连接线。", "Check the reader's cable."},
	},
	"card_mute": {
		both{"卡没有应答。", "The card does not answer."},
		both{"请检查卡的方向；如仍无应答，此读卡器可能不支持存储卡。", "Turn the card round. If that does not help, the reader may not drive memory cards."},
	},
	"card_reset": {
		both{"其他程序复位了此卡。", "Another program reset the card."},
		both{"请关闭其他读卡程序，重新插卡。", "Close other card programs and insert the card again."},
	},
	"card_busy": {
		both{"其他程序正在使用此卡。", "Another program is using the card."},
		both{"请关闭其他读卡程序后重试。", "Close other card programs and try again."},
	},
	"card_fault": {
		both{"与卡的通信中断。", "The exchange with the card broke down."},
		both{"请擦净卡的触点，重新插入。", "Clean the contacts and insert the card again."},
	},
	"no_service": {
		both{"智能卡服务没有运行。", "The smart-card service is not running."},
		both{"服务恢复后会自动继续；如不恢复请联系管理员。", "It goes on by itself when the service is back. Otherwise call the administrator."},
	},
	"no_pcsc_support": {
		both{"此程序版本不支持读卡器。", "This build has no support for card readers."},
		both{"请管理员安装带读卡器支持的版本。", "Ask the administrator to install one that has."},
	},
	"timeout": {
		both{"卡在规定时间内没有应答。", "The card did not answer in time."},
		both{"请重新插卡。", "Insert the card again."},
	},
	"canceled": {
		both{"操作已取消，没有发送任何内容。", "This was cancelled before anything was sent."},
		both{"请重试。", "Try again."},
	},
	"short_answer": {
		both{"卡的应答不完整，可能已被拔出。", "The card's answer is not whole; it may have been pulled."},
		both{"请重新插卡。", "Insert the card again."},
	},
	"bad_answer": {
		both{"卡的应答不符合预期。", "The card gave an answer that does not fit."},
		both{"请重新插卡；如重复出现请换卡或换读卡器。", "Insert it again. If it happens again, try another card or reader."},
	},
	"bad_command": {
		both{"程序发出了卡不能执行的命令。", "The program sent a command that the card cannot have."},
		both{"请联系管理员。", "Call the administrator."},
	},
	"nested_exclusive": {
		both{"程序内部的读卡顺序有误。", "The program used the card in a wrong order."},
		both{"请联系管理员。", "Call the administrator."},
	},
	"connection_dead": {
		both{"与卡的连接已中断。", "The connection to the card has ended."},
		both{"请重新插卡。", "Insert the card again."},
	},
	"driver_fault": {
		both{"读卡器驱动出错。", "The reader's driver broke down."},
		both{"请重新插拔读卡器；如重复出现请联系管理员。", "Unplug the reader and plug it in again, then call the administrator."},
	},
	"access_denied": {
		both{"系统不允许本程序使用读卡器。", "The system does not let this program use the reader."},
		both{"请管理员授予读卡器权限。", "Ask the administrator to grant access to card readers."},
	},
	"reader_no_memory_cards": {
		both{"此读卡器不支持存储卡。", "This reader does not drive memory cards."},
		both{"请换用支持 SLE 4442 的读卡器。", "Use a reader that supports SLE 4442."},
	},
	"not_supported": {
		both{"不支持此类卡[（{unit}）]。", "This kind of card is not supported[ ({unit})]."},
		both{"请联系管理员。", "Call the administrator."},
	},
	"psc_already_presented": {
		both{"本次插卡已校验过卡密码，不能再次校验。", "The card's code was presented already since it was inserted."},
		both{"请取出卡，重新插入后再办理。", "Take the card out, insert it again and repeat."},
	},
	"psc_factory_code": {
		both{"配置的卡密码是出厂密码，不能用于已发的卡。", "The configured code is the factory's; it is not used on an issued card."},
		both{"请管理员检查卡密码配置。", "Ask the administrator to check the configured code."},
	},
	"psc_last_try": {
		both{"此卡的密码只剩最后一次机会，为避免锁死没有校验。", "One try of the code is left; it was not used, so that the card is not locked for ever."},
		both{"请办理补卡。", "Replace the card."},
	},
	"psc_wrong": {
		both{"卡密码不正确。", "The card refused our code."},
		both{"这可能不是本公司的卡，请勿反复尝试，并联系管理员。", "It may not be our card. Do not try again; call the administrator."},
	},
	"psc_unproven": {
		both{"无法确认卡密码是否校验成功。", "Whether the card accepted the code cannot be told."},
		both{"请取出卡，重新插入；如重复出现请换读卡器。", "Insert the card again. If it happens again, use another reader."},
	},
	"psc_counter_unreadable": {
		both{"读不出卡密码的剩余次数，因此没有校验密码。", "How many tries of the code are left cannot be read, so it was not presented."},
		both{"请取出卡，重新插入；如重复出现请换读卡器。", "Insert the card again. If it happens again, use another reader."},
	},
	"ambiguous_layout": {
		both{"此卡同时符合几种格式，无法确定是哪一种。", "More than one layout fits this card."},
		both{"请联系管理员检查卡型配置。", "Ask the administrator to check the configured card types."},
	},
	"code_not_changeable": {
		both{"此读卡器或现有密钥不能给卡换密码，不能在此制卡，没有写卡。", "This reader, or the keys at hand, cannot give a card its own code; no card is made here, and nothing was written."},
		both{"请换用 ACS 读卡器办理；CPU 卡请由管理员检查密钥文件。", "Use an ACS reader for this. For CPU cards ask the administrator about the key file."},
	},
	"card_number_locked": {
		both{"此卡的卡号已锁定，不能改成别的号码。", "This card has its number for good; it cannot get another."},
		both{"请输入卡面上印的卡号，或换一张新卡。", "Enter the number printed on the card, or take another card."},
	},
	"purse_not_empty": {
		both{"卡内钱包还有金额，只能由表扣除，不能在此清除。", "The card's own purse holds money; only a meter can take it out."},
		both{"请先把卡插入表内，或换一张新卡。", "Put the card into the meter first, or take a new card."},
	},
	"sector_keys_fixed": {
		both{"这种卡的扇区密钥由制卡厂写入，不能在此发卡、补卡或注销。", "The sectors of such cards get their keys from the maker; they are not made, replaced or retired here."},
		both{"请使用制卡厂已写好密钥的卡，并联系管理员。", "Use cards that the maker has prepared, and tell the administrator."},
	},
	"zone_not_erased": {
		both{"卡的存储区没有擦除成功。", "A zone of the card was not erased."},
		both{"请重新插卡；如重复出现请补卡。", "Insert the card again. If it happens again, replace it."},
	},
	"erasures_used_up": {
		both{"卡的擦写次数已用完。", "The card cannot be erased any more."},
		both{"请办理补卡。", "Replace the card."},
	},
	"keys_unavailable": {
		both{"没有可用的写卡密钥。", "The keys for this card are not available."},
		both{"请检查 PSAM 卡或密钥文件，并联系管理员。", "Check the security module or the key file, or call the administrator."},
	},
	"card_locked": {
		both{"此卡已锁死，只能读取。", "This card is locked for ever and can only be read."},
		both{"请办理补卡。", "Replace the card."},
	},
	"card_not_unlocked": {
		both{"程序在校验卡密码之前写卡，已拒绝。", "The program tried to write before the code was presented; refused."},
		both{"请联系管理员。", "Call the administrator."},
	},
	"card_blank": {
		both{"这是空白卡，还没有发行。", "This card is blank; it was never issued."},
		both{"请先办理发卡。", "Issue it first."},
	},
	"unknown_layout": {
		both{"不认识此卡的格式。", "The layout of this card is not known."},
		both{"请核对是否为本公司的卡。", "Check that it is one of ours."},
	},
	"header_damaged": {
		both{"卡的用户信息已损坏。", "The customer's data on the card are damaged."},
		both{"请办理补卡。", "Replace the card."},
	},
	"wrong_size": {
		both{"卡的容量与格式不符。", "The card is smaller than its layout."},
		both{"请核对是否为本公司的卡。", "Check that it is one of ours."},
	},
	"bad_plan": {
		both{"写卡方案不一致，没有写卡。", "The plan for the card is not consistent; nothing was written."},
		both{"请联系管理员。", "Call the administrator."},
	},
	"bad_quantity": {
		both{"此气量不能写到卡上。", "This volume cannot be put on the card."},
		both{"请减少气量。", "Sell less."},
	},
	"card_not_valid": {
		both{"卡不在有效期内，没有写卡。", "The card is not valid today; nothing was written."},
		both{"请办理换卡。", "Replace the card."},
	},
	"cumulative_overflow": {
		both{"卡的累计购气量将超出范围。", "The card's total would pass what it can count."},
		both{"请办理补卡。", "Replace the card."},
	},
	"out_of_range": {
		both{"有数值超出卡的范围，没有写卡。", "A value does not fit the card; nothing was written."},
		both{"请减少气量；如仍不行请联系管理员。", "Sell less, then call the administrator."},
	},
	"readback_mismatch": {
		both{"写入后读回的内容不一致。", "What was read back is not what was written."},
		both{"请重新插入同一张卡。", "Insert the same card again."},
	},
	"write": {
		both{"写卡中断。", "Writing the card was interrupted."},
		both{"请重新插入同一张卡。", "Insert the same card again."},
	},
	"restart": {
		both{"写卡时程序或电源中断。", "The program or the power ended during the write."},
		both{"请重新插入同一张卡。", "Insert the same card again."},
	},
}
