"""Second, independently written look for personal information, for re-screening released text (F 4.2.3; design.md 6).

Shares no pattern and no code with the first detector, so that a mistake there is not repeated here. It reads the
stored or
released text itself: runs of digits are cut out and judged by arithmetic, e-mail addresses are grown outwards from
the @. Mask tokens such as `[pi_mobile]` are text like any other and give nothing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from corpusgate.intake.detectors.batch import CODE_POINTS_A_BATCH, Batch, groups
from corpusgate.intake.detectors.model import SPANS_A_RULE, Finding, Kit

NAME, FAMILY = "pi_check", "personal_information"
CODE_VERSION = "1"

Place = tuple[str, int, int]

_RUN = re.compile(r"[0-9\uff10-\uff19](?:[ \u00a0\u3000\-\uff0d]?[0-9\uff10-\uff19]){9,}[ \-]?[xX\uff38\uff58]?")
_ASCII = {0xFF10 + d: 48 + d for d in range(10)} | {
    0xFF38: 88,
    0xFF58: 88,
    ord("x"): 88,
    0x3000: 32,
    0xA0: 32,
    0xFF0D: 45,
}
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-")
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_BEHIND = 3
"""From a run's last digit to behind what may still belong to it: a joint and an X."""
_SIGN = re.compile("[@\uff20]+")
_DIGIT, _AT = 1, 2
_TOP_NAMES = (
    "com net org edu gov cn hk tw mo jp kr us uk de fr ru info biz io me cc tv top vip xyz eu au ca in sg name mobi "
    "it es nl ch at be se no dk fi pl cz br nz asia pro club dev app"
)
_TOPS = frozenset(_TOP_NAMES.split(" "))
_CITIZEN_GROUPS = ([18], [6, 8, 4], [6, 12], [14, 4], [6, 4, 4, 4], [6, 4, 2, 2, 4], [4, 4, 4, 4, 2], [17, 1])
_UNUSED = ("140", "142", "143", "154", "160", "161", "163", "164", "168", "169", "179", "194")
"""Beginnings that no mobile service has."""
_GROUPS, _FEWEST = 6, 11
"""Most groups and fewest digits of a number."""
_NOBODY = ("example.com", "example.net", "example.org", "example", "test", "invalid", "localhost", "local")
_THING = re.compile(
    r"(?:单号|订单|运单|工单|物流|快递|流水|编号|案号|序号|序列|货号|批号|票号|发票|条码|条形码|合同|版本|商品|产品|时间戳|追踪|跟踪"
    r"|order|track|invoice|serial|isbn|issn|ean|upc|sku|case|parcel|waybill|ticket|build|version|timestamp|batch|s/n)"
    r"[^0-9]{0,8}$",
    re.IGNORECASE,
)


def recheck(texts: Sequence[str]) -> list[tuple[Place, ...]]:
    """For each text (class, start, end), class one of pi_id, pi_mobile, pi_email, pi_card; code points,
    end-exclusive."""
    out: list[tuple[Place, ...]] = []
    for some in groups(texts):
        digits, signs = _candidates(some)
        found: list[list[Place]] = [[] for _ in some]
        for no, first, last in digits:
            for run in _RUN.finditer(some[no], first, last + _BEHIND):
                found[no] += _run(some[no], run.start(), run.group())
        for no, at in signs:
            place = _mail(some[no], at)
            if place:
                found[no].append(place)
        out += (tuple(sorted(places, key=lambda p: p[1:])) if places else () for places in found)
    return out


def _candidates(texts: Sequence[str]) -> tuple[list[tuple[int, int, int]], Iterable[tuple[int, int]]]:
    """(text, first digit, last digit) of those texts with ten digits so near each other that they may be a run; (text,
    place) of each @ that stands alone. Most texts have neither, and no pattern need go over those."""
    if len(texts[0]) > CODE_POINTS_A_BATCH:  # by itself, and its code points would take four times its memory
        signs = (sign for sign in _SIGN.finditer(texts[0]) if len(sign.group()) == 1)
        return [(0, 0, len(texts[0]))], ((0, sign.start()) for sign in signs)
    lengths = np.array([len(text) + 1 for text in texts])
    ends = np.cumsum(lengths)
    kinds = _kinds().take(np.array("\n".join((*texts, ""))).reshape(1).view(np.uint32))
    is_sign = kinds == _AT
    alone = is_sign.copy()
    alone[1:] &= ~is_sign[:-1]
    alone[:-1] &= ~is_sign[1:]
    signs = np.flatnonzero(alone)
    of_sign = np.searchsorted(ends, signs, side="right")
    places = signs - ends[of_sign] + lengths[of_sign]
    return _near(np.flatnonzero(kinds == _DIGIT), ends), zip(of_sign.tolist(), places.tolist(), strict=True)


def _near(digits: np.ndarray, ends: np.ndarray) -> list[tuple[int, int, int]]:
    """Text, first and last place of the digits that have nine others near them; texts end (with a line break) at
    `ends`."""
    begins = np.flatnonzero(digits[9:] - digits[:-9] <= 18)  # a joint between any two
    texts = np.searchsorted(ends, digits[begins], side="right")
    opens, closes = np.diff(texts, prepend=-1) > 0, np.diff(texts, append=ends.size) > 0
    numbers, first, last = texts[opens], digits[begins[opens]], digits[begins[closes] + 9]
    before = np.append(0, ends)[numbers]
    return list(zip(numbers.tolist(), (first - before).tolist(), (last - before).tolist(), strict=True))


@lru_cache(maxsize=1)
def _kinds() -> np.ndarray:
    """uint8 a code point: a digit, an @, or neither."""
    out = np.zeros(sys.maxunicode + 1, dtype=np.uint8)
    out[[*range(0x30, 0x3A), *range(0xFF10, 0xFF1A)]] = _DIGIT
    out[[0x40, 0xFF20]] = _AT
    return out


def _run(text: str, offset: int, raw: str) -> Iterator[Place]:
    """Judge a run of digits: each maximal series of its groups that makes one number, longest first."""
    plain = raw.translate(_ASCII)
    groups = [(m.start(), m.end()) for m in re.finditer(r"[0-9]+X?|X", plain)]
    widths = [b - a for a, b in groups]
    at, done = 0, -1
    if offset and text[offset - 1] in "._-+" and text[offset - 2 : offset - 1].isdigit():
        at = 1  # the first group is the end of something longer
    while at < len(groups):
        for to in range(min(len(groups), at + _GROUPS), at, -1):
            if sum(widths[at:to]) < _FEWEST:
                continue
            start, end = groups[at][0], groups[to - 1][1]
            kind, cut = _number("".join(plain[a:b] for a, b in groups[at:to]), widths[at:to])
            if kind and _stands_alone(text, offset + start, offset + end - cut, kind, done == at):
                plus = kind == "pi_mobile" and text[offset + start - 1 : offset + start] in ("+", "\uff0b")
                yield kind, offset + start - plus, offset + end - cut
                at = done = to
                break
        else:
            at += 1


def _number(digits: str, sizes: list[int]) -> tuple[str, int]:
    """Class of a whole number made of groups of these sizes; how many characters at its end (an X) are not its own."""
    bare = digits.rstrip("X")
    cut = len(digits) - len(bare)
    if "X" in bare:
        return "", 0
    if len(digits) == 18 and sizes in _CITIZEN_GROUPS and _citizen(digits):
        return "pi_id", 0
    if cut:
        sizes = [*sizes[:-1], sizes[-1] - cut] if sizes[-1] > cut else sizes[:-1]
    fours = all(s == 4 for s in sizes[:-1])
    if 14 <= len(bare) <= 19 and (fours or sizes in ([4, 6, 5], [4, 6, 4])) and _payment(bare):
        return "pi_card", cut
    return ("pi_mobile", cut) if _handset(bare, sizes) else ("", 0)


def _handset(bare: str, sizes: list[int]) -> bool:
    """Eleven digits of a mobile service, with or without the country's number before them."""
    if bare[:4] == "0086":
        bare, sizes = bare[4:], _less(sizes, 4)
    elif bare[:2] == "86" and len(bare) == 13:
        bare, sizes = bare[2:], _less(sizes, 2)
    if len(bare) != 11 or bare[0] != "1" or sizes not in ([11], [3, 4, 4], [3, 8], [7, 4], [4, 3, 4]):
        return False
    return bare[1] in "38" or (bare[1] in "45679" and bare[:3] not in _UNUSED)


def _less(sizes: list[int], count: int) -> list[int]:
    return sizes[1:] if sizes[0] == count else [sizes[0] - count, *sizes[1:]]


def _stands_alone(text: str, start: int, end: int, kind: str, follows: bool) -> bool:
    """No letter or digit before; after it no digit, and for a card or identity number no letter either.

    `follows`: a number ends right before, so a dash between the two joins nothing.
    """
    ahead, behind = text[max(0, start - 2) : start], text[end : end + 2]
    if _letter(ahead[-1:]) or (ahead[-1:] == "." and ahead[:1].isdigit()):
        return False
    if kind == "pi_mobile" and not follows and ahead[-1:] in ("-", "\uff0d", "\uff0e") and ahead[:1].isdigit():
        return False
    if behind[:1].isdigit() or behind[:1] in ("@", "\uff20") or (behind[:1] == "." and behind[1:].isdigit()):
        return False
    if kind != "pi_mobile" and _letter(behind[:1]):
        return False
    international = kind == "pi_mobile" and text[start:end].translate(_ASCII).lstrip("0").startswith("86")
    return international or _THING.search(text[max(0, start - 24) : start]) is None


def _letter(char: str) -> bool:
    return (char.isalnum() and (char < "\u2e80" or "\uff00" < char < "\uff60")) or char == "_"


def _citizen(number: str) -> bool:
    """GB 11643-1999 read as ISO 7064: the digits as powers of two from the right add up to one modulo eleven."""
    if not (number[:17].isdigit() and "11" <= number[:2] <= "83" and number[2:6] != "9999"):
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    if not date(1900, 1, 1) <= born < date(2036, 1, 1):
        return False
    rest = 0
    for char in number:
        rest = (rest * 2 + (10 if char == "X" else int(char))) % 11
    return rest == 1


def _payment(number: str) -> bool:
    """Issuer ranges in common use and the Luhn sum, doubled digits by table."""
    size, head = len(number), number[0]
    issued = (
        (number[:2] == "62" and size >= 16)
        or (head == "4" and size == 16)
        or ("51" <= number[:2] <= "55" and size == 16)
        or ("2221" <= number[:4] <= "2720" and size == 16)
        or (number[:2] in ("34", "37") and size == 15)
        or ("3528" <= number[:4] <= "3589" and size == 16)
    )
    if not issued or len(set(number)) < 2:
        return False
    total = sum(_DOUBLED[int(c)] if (size - i) % 2 == 0 else int(c) for i, c in enumerate(number))
    return total % 10 == 0


def _mail(text: str, at: int) -> Place | None:
    low = max(0, at - 64)
    left, right = text[low:at].translate(_NARROW), text[at + 1 : at + 254].translate(_NARROW).lower()
    size = 0
    while size < len(left) and left[-1 - size] in _LOCAL:
        size += 1
    while size and not left[-size].isalnum():
        size -= 1
    host = right[: next((i for i, c in enumerate(right) if c not in _HOST), len(right))].rstrip(".-")
    labels = host.split(".")
    if not size or len(labels) < 2 or not all(labels) or labels[-1] not in _TOPS:
        return None
    lead = left[: len(left) - size]
    if left[-size:].lower() == "git" or lead.endswith(("/", "@")) or (lead.endswith(":") and "//" in lead):
        return None  # a repository's account, or the name part of a web address
    if any(host == name or host.endswith("." + name) for name in _NOBODY):
        return None
    return "pi_email", at - size, at + 1 + len(host)


@dataclass(frozen=True, slots=True)
class PiCheck:
    """The second look as a detector on stored text: rule `check:<class>`, weight 0."""

    version: str

    def find(self, batch: Batch) -> list[list[Finding]]:
        """Findings of each text of the batch."""
        out: list[list[Finding]] = []
        for places in recheck(batch.texts):
            if not places:
                out.append([])
                continue
            counts: dict[str, int] = {}
            for kind, _, _ in places:
                counts[kind] = counts.get(kind, 0) + 1
            seen: dict[str, int] = {}
            findings: list[Finding] = []
            for kind, start, end in places:
                seen[kind] = seen.get(kind, 0) + 1
                if seen[kind] <= SPANS_A_RULE:
                    findings.append(
                        Finding(
                            NAME,
                            self.version,
                            f"check:{kind}",
                            kind,
                            start,
                            end,
                            1.0,
                            0.0,
                            None,
                            None,
                            None,
                            counts[kind],
                        )
                    )
            out.append(findings)
        return out


def version(kit: Kit) -> str:
    """Code version; there is no data."""
    return CODE_VERSION


def prepare(kit: Kit) -> PiCheck:
    """The detector; it needs nothing of the kit."""
    return PiCheck(version(kit))
