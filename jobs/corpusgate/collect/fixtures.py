"""The demonstration's own sources, each of which shows one rule: made by code, the same bytes each time.

Every value in them is made up. Phrases that a lexicon must find are taken from the lexicon when the files are made, by
hash, so that the two cannot drift apart.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from corpusgate.collect.fixture_texts import text, title
from corpusgate.errors import UserError
from corpusgate.settings.model import RISKS_OF_SOURCE
from corpusgate.settings.place import find_place

Row = dict[str, str]

#: Where each source's numbered texts begin: no two sources share one, but the twins of one text in two encodings.
FIRST = {"fixture-utf8": 0, "fixture-noncommercial": 1000, "fixture-unlicensed": 2000, "fixture-planted": 3000,
         "fixture-five-percent": 4000, "fixture-six-percent": 5000, "fixture-hostile": 6000,
         "fixture-review": 7000}  # fmt: skip
RECORDS = {"fixture-utf8": 120, "fixture-noncommercial": 100, "fixture-unlicensed": 100, "fixture-planted": 400,
           "fixture-five-percent": 100, "fixture-six-percent": 100, "fixture-hostile": 30,
           "fixture-review": 20}  # fmt: skip
#: Records that hold a phrase of weight 1.0, by source.
BAD = {"fixture-planted": 4, "fixture-five-percent": 5, "fixture-six-percent": 6}


@dataclass(frozen=True, slots=True)
class Planted:
    """One made-up identifier: its class, the value, and a sentence that holds it."""

    risk: str
    value: str
    sentence: str


def make_fixtures(folder: Path, lexicon: Path | None = None) -> None:
    """Writes `folder/<source id>/…` for all fixtures; files that are there with the right bytes are left as they are.

    Args:
        folder: usually `var/fixtures`.
        lexicon: folder of the lexicon whose phrases are planted; default: `conf/lexicons/starter` of this installation.

    Raises:
        UserError: the lexicon is missing or has too few phrases of weight 1.0.
    """
    phrases = bad_phrases(lexicon or find_place().conf / "lexicons" / "starter", max(BAD.values()))
    for source_id, make in _MAKERS.items():
        for name, content in make(phrases).items():
            _write(folder / source_id / name, content)


def bad_phrases(lexicon: Path, count: int) -> list[str]:
    """`count` phrases that remove a text by themselves and count for 4.1.1, chosen by the hash of their ids."""
    path = lexicon / "words.tsv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except OSError as error:
        raise UserError(
            f"The fixtures need the lexicon {lexicon}: {path.name} cannot be read ({error.strerror})."
        ) from None
    chosen = [r for r in rows if r["kind"] == "deny" and float(r["weight"] or 0) >= 1.0 and _counts(r["risks"])]
    chosen.sort(key=lambda r: hashlib.sha256(f"fixture\0{r['id']}".encode()).hexdigest())
    if len(chosen) < count:
        raise UserError(f"The lexicon {lexicon} has {len(chosen)} deny words of weight 1.0; the fixtures need {count}.")
    return [r["word"] for r in chosen[:count]]


def planted() -> list[Planted]:
    """The identifiers in `fixture-planted`, two of each class: valid check digits, values that are nobody's."""
    return [p for n in (17, 42) for p in _identifiers(n)]


def _identifiers(n: int) -> Iterable[Planted]:
    born = f"110101190001{n % 28 + 1:02d}{n:03d}"  # nobody alive was born in 1900
    card = f"6222020000000000{n:02d}"
    values = {
        "pi_id": (born + _id_check(born), "表格上写的身份证号是{}，后来发现填错了格子。"),
        "pi_mobile": (f"199000000{n:02d}", "收件人的手机号是{}，快递到了就打这个电话。"),
        "pi_landline": (f"010-800000{n:02d}", "服务台的座机电话是{}，白天有人接听。"),
        "pi_email": (f"nobody{n}@no-such-host.corpusgate.net", "报名表请发到邮箱 {} ，标题写清楚班级。"),
        "pi_card": (card + _luhn(card), "退款转到银行卡卡号{}，三天之内到账。"),
        "pi_passport": (f"E000000{n:02d}", "登记时护照号码填的是{}，有效期还有五年。"),
        "pi_permit": (f"H000000{n:02d}", "他的往来港澳通行证号码{}写在第二页。"),
        "pi_plate": (f"京A·Z{n:02d}99", "停在门口的车牌号是{}，请车主挪一下。"),
        "pi_ip": (f"192.31.196.{n}", "后台记录显示登录地址是IP {} ，时间是凌晨。"),
        "pi_mac": (f"02:1a:7f:3c:d5:{n:02x}", "路由器背面印着 MAC 地址 {} ，登记时要用。"),
        "pi_wechat": (f"fixture_demo_{n}", "想参加的人请加微信号：{}，备注姓名。"),
        "pi_qq": (f"999999999{n:02d}", "资料放在群里，管理员QQ号：{}，随时可以问。"),
    }
    for risk, (value, sentence) in values.items():
        yield Planted(risk, value, sentence.format(value))


def _twins(phrases: list[str]) -> dict[str, bytes]:
    return {"texts.jsonl": _lines(_clean("fixture-utf8")).encode(), "LICENSE": _licence("CC0-1.0")}


def _twins_gb18030(phrases: list[str]) -> dict[str, bytes]:
    return {"texts.jsonl": _lines(_clean("fixture-utf8")).encode("gb18030"), "LICENSE": _licence("CC0-1.0")}


def _annotated(phrases: list[str]) -> dict[str, bytes]:
    """The texts that the made-up annotators are given."""
    from corpusgate.annotation.fixtures import texts

    rows = [{"id": t["key"], "text": t["text"]} for t in texts()]
    return {"texts.jsonl": _lines(rows).encode(), "LICENSE": _licence("CC0-1.0")}


def _review(phrases: list[str]) -> dict[str, bytes]:
    """The texts that a person tries the review page on."""
    return {"texts.jsonl": _lines(_clean("fixture-review")).encode(), "LICENSE": _licence("CC0-1.0")}


def _noncommercial(phrases: list[str]) -> dict[str, bytes]:
    return {"texts.jsonl": _lines(_clean("fixture-noncommercial")).encode(), "LICENSE": _licence("CC-BY-NC-4.0")}


def _unlicensed(phrases: list[str]) -> dict[str, bytes]:
    return {"texts.jsonl": _lines(_clean("fixture-unlicensed")).encode()}


def _share(source_id: str) -> Callable[[list[str]], dict[str, bytes]]:
    def make(phrases: list[str]) -> dict[str, bytes]:
        return {"texts.jsonl": _lines(_with_bad(source_id, phrases)).encode(), "LICENSE": _licence("CC0-1.0")}

    return make


def _planted(phrases: list[str]) -> dict[str, bytes]:
    """Clean texts, made-up identifiers, a few bad phrases, and three lines that are no records."""
    rows = _with_bad("fixture-planted", phrases)
    step = len(rows) // len(planted())
    for place, found in enumerate(planted()):
        row = rows[place * step]
        row["text"] = found.sentence + row["text"]
    lines = _lines(rows).encode().splitlines(keepends=True)
    lines.insert(100, b'{"id": "broken-json", "text": "\n')
    lines.insert(200, '{"id": "broken-bytes", "text": "这一行中间有坏字节'.encode() + b'\xff\xfe"}\n')
    lines.insert(300, b'["broken-shape", 1, 2]\n')
    return {"texts.jsonl": b"".join(lines), "LICENSE": _licence("CC0-1.0")}


def _hostile(phrases: list[str]) -> dict[str, bytes]:
    """Texts and keys that hurt whoever shows or writes them unescaped."""
    rows = _clean("fixture-hostile")
    for row, (key, name, attack) in zip(rows, _ATTACKS, strict=False):
        row |= {"id": key, "title": name, "text": f"{attack}\n{row['text']}"}
    return {"texts.jsonl": _lines(rows).encode(), "LICENSE": _licence("CC0-1.0")}


#: Key, title, beginning of the text.
_ATTACKS: tuple[tuple[str, str, str], ...] = (
    ("../../etc/passwd", "路径", "../../../../etc/passwd 与 ..\\..\\windows\\system32"),
    ("/absolute/path", "绝对路径", "file:///etc/hosts"),
    ("<script>alert(1)</script>", "<script>alert('title')</script>", "<script>alert('text')</script>"),
    ("img-onerror", '"><img src=x onerror=alert(1)>', '<img src=x onerror="alert(1)"> <svg/onload=alert(1)>'),
    ("close-tags", "</title></style></script>", "</td></tr></table></body></html><!-- ]]> -->"),
    ("=1+1", "=1+1", "=1+1"),
    ("+1+1", "+1+1", "+1+1"),
    ("-1+1", "-1+1", "-1+1"),
    ("@SUM(1,1)", "@SUM(1,1)", "@SUM(1,1)"),
    ("=cmd", '=HYPERLINK("#","点这里")', '=HYPERLINK("#","点这里")'),
    ("\tlead", "\t=1+1", "\t=1+1"),
    ("rtl", "\u202e反着显示\u202c", "从右到左的标记：\u202etxt.exe\u202c，\u200f结束，\u2066隔离\u2069。"),
    ("zero-width", "零\u200b宽", "字和字之间有零宽空格：公\u200b园\u200b里\ufeff很安静。"),
    ("sql' OR 1=1 --", "'; DROP TABLE record; --", '\'; DROP TABLE document; -- " OR ""="'),
    ("shell $(id)", "`id`", "$(touch /tmp/x); `id`; | cat; && true"),
    ("jinja", "{{ 7 * 7 }}", "{{ config }} {% raw %} ${7*7} #{7*7}"),
    ("json", '","x":"', '"}],"x":[{"y":"'),
    ("csv", 'a,"b\nc",d', 'a,"b""c",d;\te'),
    ("console", "\u001b[31m红", "\u001b[2J\u001b]0;title\u0007清屏与改标题"),
    ("markdown", "[x](javascript:alert(1))", "[点](javascript:alert(1)) ![图](data:text/html,x)"),
)


def _clean(source_id: str) -> list[Row]:
    first = FIRST[source_id]
    return [
        {"id": f"{source_id}-{n:04d}", "title": title(n), "text": text(n)}
        for n in range(first, first + RECORDS[source_id])
    ]


def _with_bad(source_id: str, phrases: list[str]) -> list[Row]:
    """The source's clean texts, of which as many as declared, spread evenly, also hold a phrase of the lexicon."""
    rows = _clean(source_id)
    step = len(rows) // BAD[source_id]
    for place, phrase in enumerate(phrases[: BAD[source_id]]):
        row = rows[place * step + step // 2]
        row["text"] = f"{row['text']}这一段里放进了词表中的一条：「{phrase}」。"
    return rows


def _lines(rows: list[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _licence(spdx: str) -> bytes:
    return (
        "The texts in this folder were written by the corpusgate project, put together by a program,\n"
        "to show how the gates work. Every name, number and event in them is made up.\n\n"
        f"SPDX-License-Identifier: {spdx}\n"
    ).encode()


def _id_check(first: str) -> str:
    """Check character of a resident identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    return "10X98765432"[sum(int(d) * (2 ** (17 - i) % 11) for i, d in enumerate(first)) % 11]


def _luhn(first: str) -> str:
    """Check digit of a card number (ISO/IEC 7812-1, annex B)."""
    digits = [int(d) for d in reversed(first)]
    total = sum(d if i % 2 else sum(divmod(d * 2, 10)) for i, d in enumerate(digits))
    return str(-total % 10)


def _counts(risks: str) -> bool:
    return any(risk.strip() in RISKS_OF_SOURCE for risk in risks.split(","))


def _write(path: Path, content: bytes) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(content)
    temporary.replace(path)


_MAKERS: dict[str, Callable[[list[str]], dict[str, bytes]]] = {
    "fixture-utf8": _twins,
    "fixture-gb18030": _twins_gb18030,
    "fixture-noncommercial": _noncommercial,
    "fixture-unlicensed": _unlicensed,
    "fixture-planted": _planted,
    "fixture-five-percent": _share("fixture-five-percent"),
    "fixture-six-percent": _share("fixture-six-percent"),
    "fixture-hostile": _hostile,
    "fixture-annotation": _annotated,
    "fixture-review": _review,
}
