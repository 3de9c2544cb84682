"""Each detector alone, with neighbours in the batch made to disturb it: a text's findings are the same by itself.

Fragments are what the detectors' rules look at beside a match: context words, joints, half words, and what the squeeze
drops. Texts are mixtures of them, or one mixture cut at any two places.
"""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin import Style, lazy_pinyin

from corpusgate.banks.lexicon import digest, load_lexicon
from corpusgate.intake import detectors
from corpusgate.intake.detectors import language_quality, signature
from corpusgate.intake.detectors.batch import make_batch
from corpusgate.intake.detectors.model import Kit, SetFile

STARTER = Path(__file__).parents[3] / "conf" / "lexicons" / "starter"
ITEM = "下列关于光合作用的说法中正确的一项是叶绿体只存在于植物细胞之中"
ENGLISH = "which of the following statements about the light reactions of photosynthesis in plants is correct"

ANYWHERE = [
    " ", "\n", "a", "1", "，", "。", "-", ".", ":", "的", "\u200b", "\ufffd", "\U0010ffff", "\ud800", "ﷺ", "é",
    "Я",
]  # fmt: skip
MAIL = [
    "zhang.wei", "li-ming", "git", "@", " @ ", "[at]", "(at)", "[at)", "(at]", "at]", "(at", " at ", " dot ",
    "[dot]", ".com", "mail.com", "qq.com", "example.com", "a.py", "例子.中国", "张三", ".公司", "https://",
    "ftp://u:p", "//", "message-id", "message-id: <", "%", "_", "ＱＱ．ｃｏｍ", "zhang at mail.com",
    "zhang.wei@qq.com", "xn--",
]  # fmt: skip
NET = [
    "123.125.115.110", "123.125", ".115.110", "1.2.3.4", "8.8.8.8", "/32", "版本", "v", "version ", "来自", "ip",
    "地址:", "第", "章", "2408:8000:1234:5678:9abc:def0:1234:5678", "2408:8000:", ":9abc:def0", "2408:8000::1:2",
    "a:b:c:", "::", "00:1a:2b:3c:4d:5e", "1a-2b-3c-4d-5e-6f", ":5e", "-6f", "1a:", "ab-", "f", " " * 12, "2025:",
]  # fmt: skip
NUMBERS = [
    "订单号", "订单号：", "快递单号 ", "版本", "手机", "电话", "tel:", "卡号", "银行", "身份证", "sfz", "id", "no.",
    "#", "+86", "+86 ", "(86)", "0086", "138", "0013", "8000", "13800138000", "138-0013-8000", "1380013800",
    "110101", "19900307", "0011", "110101199003070011", "110101900307123", "x", "X", "6222021234567890128",
    "6222 0212 3456 7890 128", "010", "62345678", "(0755)82345678", "传真", "１３８", "+", "(", ")", " - ",
    "1" * 41, "_",
]  # fmt: skip
PAPERS = [
    "护照", "passport", "E12345678", "E1234", "5678", "k1234567", "通行证", "回乡证", "H12345678", "12345678",
    "微信", "微信号：", "薇信", "wechat", "weixin:", "wx", "vx", "v信", "群", "公众号", "支付", "加", "号", "是",
    "zhang_wei88", "zhang", "_wei88", "qq", "扣扣", "企鹅号", "123456789", "元", "万", "@", "粤", "粤B", "B·12345",
    "12345", "F0123", "学", "警", "；", "http",
]  # fmt: skip
SEPARATORS = ["*", "·", "|", " ", "  ", "、", "。", "\n", "\t", "…", "★", "&", "$", "***", "-.-", "~"]
SIGNS = [
    "...", "..", "…", "- ", "•", "{", "lorem ", "ipsum", "uses ", "cookies", "隐私", "政策", "锟斤", "拷", "嘅",
    "の", "\n\n", "the ", "and ", "of ", "have", "第一行的内容\n", "第一行的内容", "some line\n" * 3, "word " * 25,
    "！", "\r\n", "\u3000",
]  # fmt: skip
TRADITIONAL = [
    "打印文件之前请关闭窗口", "列印檔案之前請關閉視窗", "列印檔", "視窗", "文件", "檔案", "簡體", "a b c d ",
    "字字字字",
]  # fmt: skip


def halves(words):
    return [part for w in words for part in (w, w[: len(w) // 2], w[len(w) // 2 :])]


WORDS = [w.word for w in load_lexicon(STARTER).words][:60]
SOUNDS = [
    said
    for w in WORDS[:20]
    for said in ("".join(lazy_pinyin(w)), "".join(lazy_pinyin(w, style=Style.FIRST_LETTER)).upper())
]
ITEMS = [*halves([ITEM, ENGLISH]), ITEM[:20], ITEM[:12], ITEM[12:24]]
AIMED_AT = {
    "keyword": (halves(WORDS) + 20 * SEPARATORS,),
    "homophone": ([*halves(SOUNDS + WORDS[:20]), "限上堵场", "线上", "赌场"],),
    "personal_information": (MAIL, NET, NUMBERS, PAPERS, MAIL + NET + NUMBERS + PAPERS),
    "pi_check": (MAIL, NUMBERS, MAIL + NUMBERS),
    "language_quality": (SIGNS, SIGNS + TRADITIONAL),
    "about": (SIGNS + TRADITIONAL,),
    "contamination": (ITEMS,),
    "signature": (TRADITIONAL, ITEMS + TRADITIONAL),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """A function: what the detector of this name says of a list of texts in one batch."""
    path = tmp_path_factory.mktemp("set") / "set.txt"
    path.write_text(f"{ITEM}\n{ENGLISH}\n", "utf-8")
    one = SetFile("quiz", str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    kit = Kit(str(STARTER), digest(STARTER), b"key", "k1", test_sets=(one,))
    ready = {d.NAME: d.prepare(kit) for d in detectors.running(kit)}
    find = {name: detector.find for name, detector in ready.items()}
    find |= {"about": ready[language_quality.NAME].about, "signature": signature.sign_batch}
    assert set(find) == set(AIMED_AT), "a new detector needs fragments here"

    def say(name, texts):
        return find[name](make_batch(texts))

    return say


@st.composite
def three(draw, groups):
    """Three texts of the fragments of one group: each a mixture, or one mixture cut at any two places."""
    piece = st.sampled_from(draw(st.sampled_from(groups))) | st.sampled_from(ANYWHERE)
    if draw(st.booleans()):
        return ["".join(draw(st.lists(piece, max_size=6))) for _ in range(3)]
    whole = "".join(draw(st.lists(piece, max_size=14)))
    a, b = sorted((draw(st.integers(0, len(whole))), draw(st.integers(0, len(whole)))))
    return [whole[:a], whole[a:b], whole[b:]]


@pytest.mark.parametrize("name", AIMED_AT)
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_neighbours_change_nothing(said, name, data):
    texts = data.draw(three(AIMED_AT[name]))
    for text, beside in zip(texts, said(name, texts), strict=True):
        assert beside == said(name, [text])[0]
