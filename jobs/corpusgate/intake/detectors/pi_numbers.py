"""Identity numbers, bank cards, mobile and landline numbers in a folded batch (GB 11643, ISO/IEC 7812, numbering
plan)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from corpusgate.intake.detectors.marks import Marks
from corpusgate.intake.detectors.pi_checks import (
    AREA,
    MOBILE_SEGMENT,
    card_prefix,
    credit_code,
    id_checksum,
    id_date,
    id_region,
    luhn,
)
from corpusgate.intake.detectors.pi_common import Hit, before, digit_clusters, numbered, without_overlaps
from corpusgate.intake.detectors.pi_marks import DIGIT

LEAST = 9
"""Fewer digits are no number of these kinds: a landline has ten with its area code, an identity number may end in x."""

_ID18 = re.compile(
    r"(?<![0-9])(?<![0-9]\.)[1-9]\d{5}[ \-]?(?:19|20)\d\d[ \-]?\d\d[ \-]?\d\d[ \-]?"
    r"\d{3}[0-9x](?![0-9])(?!\.\d)|(?<![0-9])[1-9]\d{3} \d{4} \d{4} \d{4} \d[0-9x](?![0-9])"
)
_ID15 = re.compile(r"(?<![0-9a-z])[1-9]\d{14}(?![0-9a-z])")
_CARD = re.compile(
    r"(?<![0-9a-z])(?<![0-9]\.)(?:\d{13,19}|\d{4}([ \-]{1,2})\d{4}\1\d{4}\1\d{1,7}(?:\1\d{1,3})?"
    r"|\d{4}([ \-])\d{6}\2\d{4,5}|\d{6}[ \-]\d{10,13})(?![0-9a-z])(?!\.\d)"
)
_MOBILE = re.compile(
    r"(?<![0-9a-z_])(?<![0-9]\.)(?:(?:\(\+?86\)|(?:\+|00)?86)[ \-]{0,2})?"
    r"(?P<n>1[3-9]\d(?P<s>[ \-]{0,3}|\.)\d{4}(?P=s)\d{4}|1[3-9]\d{2}(?P<t>[ \-])\d{3}(?P=t)\d{4}"
    r"|1 [3-9](?: [0-9]){9}|1-[3-9](?:-[0-9]){9})(?![0-9])(?!\.\d)"
)
_LANDLINE = re.compile(
    rf"(?<![0-9a-z_.\-])(?:(?:(?:\+|00)86[ \-]?|86[ \-])\(?0?(?P<a>{AREA})\)?[ \-]?|\(0(?P<b>{AREA})\)[ \-]?"
    rf"|0(?P<c>{AREA})[ \-]{{1,3}}|0(?P<d>{AREA}))"
    r"(?P<n>[2-8]\d{6,7}|[2-8]\d{2,3}[ \-]\d{4})(?![0-9])(?!\.\d|-\d{5,})"
)
_ODD_MOBILE = re.compile(r"(?<![0-9a-z_.\-])1[3-9]\d{8}(?:\d{2})?(?![0-9])(?!\.\d)")

_PERSON = re.compile(r"身份证|身份号|证件|公民|身份信息|sfz|identity|\bid ?(?:card|no|number)")
_BANK = re.compile(r"卡号|银行|储蓄卡|信用卡|借记卡|账号|账户|帐号|开户|卡:|card|account|acct")
_CALL = re.compile(r"手机|电话|联系|致电|拨打|来电|短信|号码|微信|tel|phone|mobile|cell|call|whatsapp|sms")
_CALL_NUMBER = re.compile(r"手机号|电话|联系方式|号码|tel|phone|mobile")
_LINE = re.compile(r"电话|座机|固话|传真|热线|tel|fax|phone")


def find_numbers(text: str, codes: np.ndarray, marks: Marks) -> Iterator[Hit]:
    """Hits of a folded batch; the longest form wins where two overlap."""
    for start, end in digit_clusters(codes, marks.of(DIGIT), LEAST):
        low, high = max(0, start - 4), min(len(text), end + 2)
        ids = list(_ids(text, low, high))
        near = [hit for hit in ids if hit.risk == "near_id"]
        sure = [hit for hit in ids if hit.risk != "near_id"]
        found = (
            sure,
            _cards(text, low, high),
            _mobiles(text, low, high),
            _landlines(text, low, high),
            near,
            _odd_mobiles(text, low, high),
        )
        yield from (hit for hit in without_overlaps(found) if hit.risk)


def _glued(text: str, at: int) -> bool:
    """Is there a letter right before, one of those that are written with blanks between words?"""
    char = text[at - 1] if at else " "
    return char.isalpha() and char < "\u2e80"


def _ids(text: str, low: int, high: int) -> Iterator[Hit]:
    for found in _ID18.finditer(text, low, high):
        value = re.sub("[ -]", "", found.group())
        a, b = found.span()
        if not (id_region(value[:6]) or value[0] == "9") or not id_date(value[6:14]):
            continue
        context = before(text, a)
        named = _PERSON.search(context) is not None
        if credit_code(value) and not named and value[0] == "9":
            yield Hit(a, b, "", "", value, 0.0)
        elif not id_checksum(value):
            if value[0] != "9":
                yield Hit(a, b, "near_id", "id:checksum", value, 0.4)
        elif numbered(context, _PERSON):
            yield Hit(a, b, "near_id", "id:context", value, 0.4)
        elif _glued(text, a) and not named and not context.endswith("id"):
            yield Hit(a, b, "near_id", "id:glued", value, 0.4)
        elif value[0] == "9":
            yield Hit(a, b, "pi_permit", "permit:residence", value.upper(), 0.9)
        else:
            yield Hit(a, b, "pi_id", "id:18", value.upper(), 1.0)
    for found in _ID15.finditer(text, low, high):
        value = found.group()
        if id_region(value[:6]) and id_date("19" + value[6:12]) and _PERSON.search(before(text, found.start())):
            yield Hit(*found.span(), "pi_id", "id:15", value, 0.8)


def _cards(text: str, low: int, high: int) -> Iterator[Hit]:
    for found in _CARD.finditer(text, low, high):
        value = re.sub("[ -]", "", found.group())
        if not 13 <= len(value) <= 19 or len(set(value)) < 2:
            continue
        a, b = found.span()
        context = before(text, a)
        known, named = card_prefix(value), _BANK.search(context) is not None
        if luhn(value) and (known or (named and len(value) >= 15)):
            if numbered(context, _BANK):
                yield Hit(a, b, "near_card", "card:context", value, 0.4)
            else:
                yield Hit(a, b, "pi_card", "card", value, 1.0 if known and named else 0.9)
        elif named and len(value) >= 15 and known:
            yield Hit(a, b, "near_card", "card:checksum", value, 0.4)


def _mobiles(text: str, low: int, high: int) -> Iterator[Hit]:
    last = -1
    for found in _MOBILE.finditer(text, low, high):
        value = re.sub(r"[ \-.]", "", found["n"])
        a, b = found.span()
        foreign = len(value) < sum(map(str.isdigit, found.group()))  # +86 says itself what it is
        if (_glued(text, a) and text[a] != "+") or (text[a - 1] == "-" and text[a - 2].isdigit() and last != a - 1):
            continue  # part of a longer number, unless that was a mobile number itself
        last = b
        context = before(text, a)
        if not foreign and numbered(context, _CALL_NUMBER):
            yield Hit(a, b, "near_mobile", "mobile:context", value, 0.4)
        elif MOBILE_SEGMENT.match(value):
            yield Hit(a, b, "pi_mobile", "mobile", value, 1.0 if _CALL.search(context) else 0.9)
        else:
            yield Hit(a, b, "near_mobile", "mobile:segment", value, 0.4)


def _landlines(text: str, low: int, high: int) -> Iterator[Hit]:
    for found in _LANDLINE.finditer(text, low, high):
        a, b = found.span()
        number = re.sub("[ -]", "", found["n"])
        area = found["a"] or found["b"] or found["c"] or found["d"]
        context = before(text, a)
        named = _LINE.search(context) is not None
        if (found["d"] and not named) or numbered(context, _LINE):
            continue
        if len(number) == 7 and area in ("10", "20", "21", "22", "23", "24", "25", "27", "28"):
            continue  # the big cities have eight digits
        yield Hit(a, b, "pi_landline", "landline", f"0{area}{number}", 0.9)


def _odd_mobiles(text: str, low: int, high: int) -> Iterator[Hit]:
    for found in _ODD_MOBILE.finditer(text, low, high):
        if re.search(r"手机|电话|mobile|phone", before(text, found.start(), 10)):
            yield Hit(*found.span(), "near_mobile", "mobile:length", found.group(), 0.3)
