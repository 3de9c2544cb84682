"""Words of the review page in Chinese and English: the risks of GB/T 45654-2025 Annex A, and the keys."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk by its key (`a1a`), with a short name of our own in English and the annex's own in Chinese."""

    key: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group of risks: A.1 is number 1."""

    number: int
    zh: str
    en: str
    risks: tuple[Risk, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """What keys do."""

    keys: tuple[str, ...]
    zh: str
    en: str


def _group(number: int, zh: str, en: str, *risks: tuple[str, str]) -> Group:
    named = (Risk(f"a{number}{chr(ord('a') + n)}", *names) for n, names in enumerate(risks))
    return Group(number, zh, en, tuple(named))


GROUPS: tuple[Group, ...] = (
    _group(
        1, "违反社会主义核心价值观", "against core socialist values",
        ("颠覆国家政权、推翻社会主义制度", "subversion of state power"),
        ("危害国家安全和利益、损害国家形象", "national security, interests, image"),
        ("分裂国家、破坏统一和社会稳定", "separatism, unrest"),
        ("恐怖主义、极端主义", "terrorism, extremism"),
        ("民族仇恨", "ethnic hatred"),
        ("暴力、淫秽色情", "violence, obscenity"),
        ("虚假有害信息", "false and harmful information"),
        ("法律法规禁止的其他内容", "other content banned by law"),
    ),
    _group(
        2, "歧视性内容", "discrimination",
        ("民族歧视", "by ethnic group"),
        ("信仰歧视", "by belief"),
        ("国别歧视", "by country"),
        ("地域歧视", "by region"),
        ("性别歧视", "by gender"),
        ("年龄歧视", "by age"),
        ("职业歧视", "by occupation"),
        ("健康歧视", "by health"),
        ("其他歧视", "otherwise"),
    ),
    _group(
        3, "商业违法违规", "commercial violations",
        ("侵犯知识产权", "intellectual property"),
        ("违反商业道德", "business ethics"),
        ("泄露商业秘密", "trade secrets"),
        ("垄断和不正当竞争", "monopoly, unfair competition"),
        ("其他商业违法违规", "other"),
    ),
    _group(
        4, "侵犯他人合法权益", "others' rights",
        ("危害身心健康", "physical or mental health"),
        ("肖像权", "likeness"),
        ("名誉权", "reputation"),
        ("荣誉权", "honour"),
        ("隐私权", "privacy"),
        ("个人信息权益", "personal information"),
        ("其他合法权益", "other rights"),
    ),
    _group(
        5, "特定服务类型的安全需求", "services with high safety needs",
        ("内容不准确", "inaccurate"),
        ("内容不可靠", "unreliable"),
    ),
)  # fmt: skip

KEYS: tuple[Key, ...] = (
    Key(("g",), "合格，并转到下一条", "good, and on to the next"),
    Key(("b",), "不合格：再选风险，回车记录", "bad: then the risks, Enter records"),
    Key(("1", "f"), "风险代码：组号、字母；再按一次取消", "a risk's code: group, letter; once more takes it back"),
    Key(("Esc",), "离开输入框；放弃“不合格”", "leave a field; give up a bad verdict"),
    Key(("c",), "备注；Ctrl+Enter 记录", "comment; Ctrl+Enter records a bad verdict"),
    Key(("n", "→"), "下一条", "next item"),
    Key(("p", "←"), "上一条", "previous item"),
    Key(("s",), "暂缓，最后再看", "skip: it comes back last"),
    Key(("u",), "撤销本条或上一次判定", "undo this verdict, or the last one"),
    Key(("f",), "显示或隐藏机器标记", "show or hide what the detectors found"),
    Key(("t",), "到正文（方向键滚动）", "to the text (arrow keys scroll)"),
    Key(("r",), "重新发送", "send again what failed"),
    Key(("h", "?"), "本帮助", "this help"),
)

#: Verdicts as the other pages name them.
VERDICTS: dict[str, str] = {"pass": "符合", "fail": "不符合", "pending": "待定"}
