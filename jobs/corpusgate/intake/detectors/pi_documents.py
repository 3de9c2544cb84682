"""Passports, travel permits, number plates, WeChat and QQ accounts in a folded batch: weak shapes that need a word
beside."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from corpusgate.intake.detectors.marks import Marks, standing
from corpusgate.intake.detectors.pi_common import Hit
from corpusgate.intake.detectors.pi_marks import ACCOUNT, PAPERS, PASSPORTS, PERMITS, PLATE, QQ, WECHAT

REACH = 32
"""Characters after a context word in which the number must begin."""

_PASSPORT = re.compile(
    r"(?<![a-z0-9])(?:e[a-hj-np-z]\d{7}|[degps]\d{8}|1[45]\d{7}|[dsp][e]\d{7}|k[j]?\d{7,8})(?![a-z0-9])"
)
_PERMIT = re.compile(
    r"(?<![a-z0-9])(?:[hm]\d{8}(?:\d{2})?|[cw][a-z]?\d{7,8}|\d{8}(?:\d{2})?|[tl]\d{8}|[a-z]{3}\d{12})(?![a-z0-9])"
)
_PLATE = re.compile(
    r"[京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新][a-hj-np-z][ ·•.\-]?"
    r"(?:[df][a-hj-np-z0-9]\d{4}|\d{5}[df]|(?=(?:[a-z0-9]*\d){2})[a-hj-np-z0-9]{5}|[a-hj-np-z0-9]{4}[学警港澳挂])(?![a-z0-9])"
)
_WECHAT = re.compile(
    r"(?:号码|号|id|账号|帐号|加|添加|联系|:|=|是|为| |\()*(?P<n>[a-z][a-z0-9_\-]{5,19})(?![a-z0-9_\-@.])"
)
_MARKED = re.compile(r"号|id|:|=|加")
_QQ = re.compile(r"(?:号码|号|:|=|是|为| |加|\(|联系){0,4}(?P<n>[1-9]\d{4,10})(?![0-9a-z@.年月元万个人])")
_NO_ACCOUNT = frozenset(
    [
        "wechat",
        "weixin",
        "android",
        "iphone",
        "openid",
        "appid",
        "unionid",
        "official",
        "windows",
        "please",
        "public",
        "xxxxxx",
    ]
)


def find_documents(text: str, codes: np.ndarray, marks: Marks) -> Iterator[Hit]:
    """Passports and permits after the word for them."""
    at_words = marks.of(PAPERS)
    for at in _words(text, codes, at_words, PASSPORTS):
        found = _PASSPORT.search(text, at, min(len(text), at + REACH + 10))
        if found and not _crosses(text, at, found.start()):
            yield Hit(*found.span(), "pi_passport", "passport", found.group().upper(), 0.9)
        found = _PASSPORT.search(text, max(0, at - 16), at)
        if found and not _crosses(text, found.end(), at):
            yield Hit(*found.span(), "pi_passport", "passport", found.group().upper(), 0.8)
    for at in _words(text, codes, at_words, PERMITS):
        found = _PERMIT.search(text, at, min(len(text), at + REACH + 10))
        if found and not _crosses(text, at, found.start()) and not _day(found.group()):
            yield Hit(*found.span(), "pi_permit", "permit", found.group().upper(), 0.8)


def find_plates(text: str, codes: np.ndarray, marks: Marks) -> Iterator[Hit]:
    """Number plates: a province's character, a letter, five or six places with at least two digits (GA 36)."""
    for p in marks.of(PLATE).tolist():
        found = _PLATE.match(text, p)
        if found:
            yield Hit(*found.span(), "pi_plate", "plate", re.sub(r"[ ·•.\-]", "", found.group()).upper(), 0.9)


def find_accounts(text: str, codes: np.ndarray, marks: Marks) -> Iterator[Hit]:
    """WeChat and QQ accounts right after their names; groups and official accounts are no person's."""
    done, at_words = 0, marks.of(ACCOUNT)
    # in order of place: what one name's account reaches over hides no other that stands before it
    for at in sorted(_words(text, codes, at_words, WECHAT)):
        found = (
            _WECHAT.match(text, at)
            if at >= done and not text.startswith(("群", "公众号", "公众", "小程序", "支付"), at)
            else None
        )
        if found:
            name, lead = found["n"], text[at : found.start("n")]
            real = any(c.isdigit() or c == "_" for c in name) or _MARKED.search(lead)
            if real and name not in _NO_ACCOUNT and not name.startswith("http") and (lead or name[0].isalpha()):
                done = found.end()
                yield Hit(found.start("n"), found.end("n"), "pi_wechat", "wechat", name, 0.7)
    for at in _words(text, codes, at_words, QQ):
        found = _QQ.match(text, at) if not text.startswith("群", at) else None
        if found:
            yield Hit(found.start("n"), found.end("n"), "pi_qq", "qq", found["n"], 0.8)


def _words(text: str, codes: np.ndarray, places: np.ndarray, words: tuple[str, ...]) -> Iterator[int]:
    """Ends of the words' occurrences, which begin at some of `places`; Latin ones only where no letter or digit stands
    before."""
    for word in words:
        for p in standing(codes, places, word).tolist():
            if word[0] > "\u2e80" or not (text[p - 1].isalnum() and text[p - 1] < "\u2e80"):
                yield p + len(word)


def _crosses(text: str, a: int, b: int) -> bool:
    return any(c in "\n\U0010ffff。;" for c in text[a:b])


def _day(value: str) -> bool:
    return len(value) == 8 and value[:2] in ("19", "20") and "01" <= value[4:6] <= "12"
