"""Look-alikes that Unicode's NFKC and OpenCC leave alone: our own list, single characters only.

Left out on purpose: pairs of which both are ordinary (曰 and 日, 堵 and 赌). Folding those would make harmless text
match.
"""

from __future__ import annotations

_LETTERS = (
    # Cyrillic
    "аaвbсcԁdеeёeғfһhіiїiјjкkмmнhоoрpԛqѕsтtуyѵvԝwхxүy"
    # Greek, by the shape of the capital where small and capital differ
    "αaβbγyεeζzηhιiκkμmνvοoρpτtυuχxωwςσ"
    # Small capitals and letters of phonetic alphabets
    "ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpʀrꜱsᴛtᴜuᴠvᴡwʏyᴢzıiɑaɡgɩiʋvǀl"
)
_HAN = (
    # Rare or variant forms that are used to break a word up
    "㓛功囯国囻国婬淫滛淫毐毒愽博葯药镸长兲天氺水亾亡仧长凴凭冣最刧劫刼劫劔剑敎教旣既晩晚淸清録录汙污汚污幷并倂并産产黒黑徳德"
    "羣群峯峰慾欲姧奸姦奸奌点嚸点鎗枪砲炮礮炮荘庄畧略畵画辤辞彍扩冐冒冝宜冨富冩写勅敕厠厕厰厂呌叫啓启噐器嚐尝"
    "塲场壻婿妬妒媿愧宼寇寃冤尅克屍尸岀出帋纸廹迫彂发徃往恠怪悞误捄救掲揭搃总擧举暦历曽曾査查栁柳桒桑歩步歳岁殱歼"
    "毎每氷冰沒没泪泪浄净涙泪渉涉溌泼滙汇瀞静為为焼烧爫爪牀床犠牺狥徇珎珍畨番痳麻癡痴発发盗盗祕秘禩祀稅税稾稿竒奇"
    "笇算粬曲絶绝緖绪繩绳罸罚罵骂羙美聴听肎肯脇胁舎舍艶艳荅答菓果蔵藏薬药虖乎蝨虱衆众裡里覇霸覚觉観观訳译説说誔诞"
    "讁谪豔艳賍赃賎贱賖赊踈疏蹟迹転转軰辈辧办逰游遡溯邉边郷乡鄊乡酧酬醤酱釈释鉄铁銭钱鎻锁閙闹関关闗关阯址陥陷隂阴険险雑杂"
    "霊灵鞌鞍顔颜餙饰騐验髪发鬪斗魎魉鶏鸡鹸碱麫面黙默齢龄"
    # Radicals that PDF extraction leaves in place of the character
    "⺒巳⺠民⺼肉⻄西⻅见⻉贝⻋车⻓长⻔门⻘青⻙韦⻚页⻛风⻜飞⻝食⻢马⻣骨⻤鬼⻥鱼⻦鸟⻨麦⻩黄⻬齐⻮齿⻰龙⻳龟"
)


def _pairs(text: str) -> dict[str, str]:
    return {a: b for a, b in zip(text[::2], text[1::2], strict=True) if a != b}


LOOKALIKES: dict[str, str] = _pairs(_LETTERS) | _pairs(_HAN)
"""Look-alike to the character it stands for, both lower case."""
