"""A labelled set of made-up personal information and of numbers that only look like it, for precision and recall.

Every value is generated from a seed. Check digits are computed here, by other code than the detectors'.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

Span = tuple[str, int, int]
CLASSES = ("pi_id", "pi_mobile", "pi_email", "pi_card")


@dataclass(frozen=True, slots=True)
class Case:
    """A text and what is personal in it: (class, start, end) in code points, end-exclusive."""

    text: str
    spans: tuple[Span, ...]
    what: str


_COUNTIES = (
    "110101",
    "110105",
    "120103",
    "130102",
    "210203",
    "310104",
    "320102",
    "330106",
    "350203",
    "370202",
    "420106",
    "440305",
    "450102",
    "500103",
    "510104",
    "530102",
    "610113",
    "620102",
    "650104",
    "810000",
    "830000",
)
_ZH = (
    "经核实，{}确认无误。",
    "请联系我：{}，谢谢",
    "客户留言{}尽快回复",
    "备注（{}）已登记",
    "资料如下\n{}\n以上。",
    "{}",
    "他说{}就是这个",
    "登记表第三栏：{}；其余从略。",
    "「{}」",
    "张伟,{},北京市朝阳区",
)
_EN = (
    "Please note {} for your records.",
    "on file: {}",
    "({})",
    "reach out via {} any time",
    "value={};",
    '"{}", thanks',
)
_NAMES = (
    "zhang.wei",
    "li_na",
    "wangfang88",
    "chen-jie",
    "liu.yang+list",
    "zhao1990",
    "sunli",
    "john.smith",
    "x.y.z",
    "12345678",
    "a1",
)
_HOSTS = (
    "qq.com",
    "163.com",
    "126.com",
    "sina.com.cn",
    "gmail.com",
    "outlook.com",
    "mail.tsinghua.edu.cn",
    "foxmail.com",
    "yeah.net",
    "aliyun.com",
    "debian.org",
    "company-mail.cn",
    "mail.gov.cn",
    "uni-heidelberg.de",
)
_BINS = (
    "622202",
    "621700",
    "622848",
    "621661",
    "622588",
    "621483",
    "622262",
    "453242",
    "402658",
    "552801",
    "518710",
    "356827",
    "622126",
)
_SEGMENTS = ("130", "135", "138", "139", "147", "150", "158", "166", "173", "177", "186", "188", "191", "198", "199")


def check_of_id(seventeen: str) -> str:
    """Check character of GB 11643, by doubling from the left."""
    rest = 0
    for digit in seventeen:
        rest = (rest + int(digit)) * 2 % 11
    return "10X98765432"[rest % 11]


def check_of_card(body: str) -> str:
    """Luhn digit for a number without it."""
    total = 0
    for place, digit in enumerate(map(int, reversed(body))):
        doubled = digit * 2 if place % 2 == 0 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def wide(text: str) -> str:
    """ASCII as full-width characters."""
    return text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _grouped(text: str, sizes: Sequence[int], sep: str) -> str:
    out, at = [], 0
    for size in sizes:
        out.append(text[at : at + size])
        at += size
    return sep.join(p for p in (*out, text[at:]) if p)


def identity(rng: random.Random) -> str:
    """An identity number with a right check character, in one of its written forms."""
    born = date(1940, 1, 1) + timedelta(days=rng.randrange(25_000))
    body = rng.choice(_COUNTIES) + born.strftime("%Y%m%d") + _digits(rng, 3)
    number = body + check_of_id(body)
    form = rng.random()
    if form < 0.7:
        return number if form < 0.6 else number.lower()
    if form < 0.8:
        return wide(number)
    return _grouped(number, (6, 8), rng.choice(" -")) if form < 0.95 else _grouped(number, (6, 4, 4), " ")


def mobile(rng: random.Random) -> str:
    """A mobile number in one of its written forms."""
    number = rng.choice(_SEGMENTS) + _digits(rng, 8)
    form = rng.randrange(9)
    if form < 4:
        return number
    if form == 4:
        return wide(number)
    if form == 5:
        return "+86" + rng.choice(("", " ", "-")) + number
    return _grouped(number, (3, 4), (" ", "-", " ")[form - 6])


def email(rng: random.Random) -> str:
    """An e-mail address at a host that is nobody's documentation."""
    address = rng.choice(_NAMES) + rng.choice(("", _digits(rng, 2))) + "@" + rng.choice(_HOSTS)
    form = rng.random()
    return address.upper() if form < 0.1 else wide(address) if form < 0.15 else address


def card(rng: random.Random) -> str:
    """A bank card number with a right check digit, in one of its written forms."""
    prefix = rng.choice(_BINS)
    body = prefix + _digits(rng, (19 if prefix.startswith("62") and rng.random() < 0.7 else 16) - 1 - len(prefix))
    number = body + check_of_card(body)
    form = rng.random()
    if form < 0.6:
        return number
    return wide(number) if form < 0.7 else _grouped(number, (4, 4, 4, 4), rng.choice(" -"))


def _positive(rng: random.Random, kind: str, value: str) -> Case:
    frame = rng.choice(_ZH if rng.random() < 0.7 else _EN)
    start = frame.index("{}")
    lead = rng.choice(
        {
            "pi_id": ("", "身份证号：", "身份证"),
            "pi_mobile": ("", "手机", "电话：", "tel: "),
            "pi_email": ("", "邮箱", "E-mail: "),
            "pi_card": ("", "卡号", "工行账号："),
        }[kind]
    )
    tail = rng.choice(("", "", "", "abc", "VX")) if kind == "pi_mobile" and value.isascii() else ""
    text = frame.replace("{}", lead + value + tail)
    start += len(lead)
    return Case(text, ((kind, start, start + len(value)),), kind)


def _bad_id(rng: random.Random) -> str:
    number = identity(rng)
    plain = "".join(c for c in number if c.isalnum())
    return (
        plain[:17] + rng.choice([c for c in "0123456789" if c.upper() != check_of_id(plain[:17])])
        if plain.isascii()
        else "0" * 18
    )


def _credit(rng: random.Random) -> str:
    """A unified social credit code (GB 32100) with its check character."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = "91" + rng.choice(_COUNTIES[:15]) + "MA" + "".join(rng.choice(signs) for _ in range(7))
    total = sum(signs.index(c) * pow(3, place, 31) for place, c in enumerate(body))
    return body + signs[(31 - total % 31) % 31]


NEGATIVES: dict[str, Callable[[random.Random], str]] = {
    "order": lambda r: f"订单号：{r.choice(('2024', '2025'))}{_digits(r, r.randrange(12, 17))}",
    "order_11": lambda r: f"订单编号 {r.choice(_SEGMENTS)}{_digits(r, 8)}",
    "order_glued": lambda r: f"DD{r.choice(_SEGMENTS)}{_digits(r, 8)}",
    "case": lambda r: f"（2023）京0105民初{_digits(r, 5)}号，案号 {_digits(r, 12)}",
    "tracking": lambda r: f"快递单号：{r.choice(('SF', 'YT', 'JD', 'EMS'))}{_digits(r, 13)}",
    "tracking_digits": lambda r: f"运单号{r.choice('4567')}{_digits(r, r.randrange(11, 15))}",
    "serial": lambda r: f"serial number {r.choice('ABCDEF')}{_digits(r, 12)}",
    "serial_digits": lambda r: f"序列号：{_digits(r, 16)}",
    "version": lambda r: f"升级到版本 {r.randrange(20)}.{r.randrange(30)}.{r.randrange(9)}.{_digits(r, 5)}",
    "date": lambda r: (
        f"{r.randrange(1990, 2030)}-{r.randrange(1, 13):02d}-{r.randrange(1, 29):02d} "
        f"{r.randrange(24):02d}:{r.randrange(60):02d}"
    ),
    "stamp": lambda r: f"{r.randrange(1990, 2030)}{r.randrange(1, 13):02d}{r.randrange(1, 29):02d}{_digits(r, 6)}",
    "isbn": lambda r: f"ISBN 978-7-{_digits(r, 3)}-{_digits(r, 5)}-{_digits(r, 1)}",
    "isbn_plain": lambda r: f"ISBN：9787{_digits(r, 9)}",
    "epoch": lambda r: f"时间戳 {r.randrange(1_500_000_000, 1_800_000_000)}",
    "epoch_ms": lambda r: f"timestamp={r.randrange(1_500_000_000_000, 1_800_000_000_000)}",
    "epoch_ns": lambda r: f"{r.randrange(1_500_000_000, 1_800_000_000)}{_digits(r, 9)}",
    "decimal": lambda r: f"{r.randrange(9)}.{r.choice(_SEGMENTS)}{_digits(r, 8)}",
    "long": lambda r: r.choice("123456789") + _digits(r, r.randrange(21, 40)),
    "hex": lambda r: "".join(r.choice("0123456789abcdef") for _ in range(40)),
    "bad_id": _bad_id,
    "bad_card": lambda r: (lambda b: b + str((int(check_of_card(b)) + r.randrange(1, 10)) % 10))(
        r.choice(_BINS) + _digits(r, 12)
    ),
    "credit": _credit,
    "service": lambda r: f"客服热线400-{_digits(r, 3)}-{_digits(r, 4)}",
    "segment": lambda r: f"1{r.choice('012')}{_digits(r, 9)}",
    "reserved": lambda r: (
        f"{r.choice(_NAMES)}@{r.choice(('example.com', 'mail.example.org', 'host.test', 'foo.invalid', 'example.net'))}"
    ),
    "handle": lambda r: (
        f"@{r.choice(('zhangsan', 'property', 'media'))} "
        f"{r.choice(('icon@2x.png', 'react@18.2.0', 'user@localhost', 'a@b'))}"
    ),
    "repository": lambda r: "git clone git@github.com:someone/project.git",
    "mask": lambda r: (
        f"电话[pi_mobile]，邮箱[pi_email]，证件[pi_id]，卡[pi_card]，尾号{_digits(r, 4)}，138****{_digits(r, 4)}"
    ),
    "amount": lambda r: f"合计{_digits(r, 3)},{_digits(r, 3)},{_digits(r, 3)}.00元，共{r.randrange(10**6)}件",
    "article": lambda r: (
        f"根据2019年第{r.randrange(99)}号令第{r.randrange(300)}条及1998年12月{r.randrange(1, 29)}日第1389号文"
    ),
}


def cases(seed: int, each: int) -> list[Case]:
    """`each` positives of every class and as many hard negatives, shuffled; the same for the same seed."""
    rng = random.Random(seed)
    makers = {"pi_id": identity, "pi_mobile": mobile, "pi_email": email, "pi_card": card}
    out = [_positive(rng, kind, makers[kind](rng)) for kind in CLASSES for _ in range(each)]
    for number in range(each * len(CLASSES)):
        kind, make = list(NEGATIVES.items())[number % len(NEGATIVES)]
        out.append(Case(rng.choice(_ZH if rng.random() < 0.7 else _EN).replace("{}", make(rng)), (), kind))
    rng.shuffle(out)
    return out


def rates(truth: Sequence[Case], found: Sequence[Sequence[Span]]) -> dict[str, tuple[float, float, list[Case]]]:
    """Class to (precision, recall, the cases that went wrong), by exact spans."""
    out: dict[str, tuple[float, float, list[Case]]] = {}
    for kind in CLASSES:
        hits, misses, false, wrong = 0, 0, 0, []
        for case, spans in zip(truth, found, strict=True):
            want, got = {s for s in case.spans if s[0] == kind}, {s for s in spans if s[0] == kind}
            hits, misses, false = hits + len(want & got), misses + len(want - got), false + len(got - want)
            if want != got:
                wrong.append(case)
        out[kind] = (hits / max(1, hits + false), hits / max(1, hits + misses), wrong)
    return out
