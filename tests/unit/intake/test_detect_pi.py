"""Personal information: two independent detectors, both measured on a labelled set with hard negatives."""

import hashlib
import hmac
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.intake.detectors import personal_information, pi_check
from corpusgate.intake.detectors.batch import make_batch
from corpusgate.intake.detectors.model import Kit
from corpusgate.intake.detectors.pi_checks import credit_code, id_checksum, luhn
from corpusgate_testing.pi_cases import CLASSES, cases, rates

KIT = Kit("", "", b"key", "k1")
BOUND = 0.98
LABELLED = cases(seed=7, each=500)


def found(text, kit=KIT):
    return personal_information.prepare(kit).find(make_batch([text]))[0]


def seen(text):
    return [(f.risk, text[f.start : f.end]) for f in found(text)]


def test_precision_and_recall_of_the_first_detector():
    said = personal_information.prepare(KIT).find(make_batch([c.text for c in LABELLED]))
    spans = [[(f.risk, f.start, f.end) for f in one if f.risk in CLASSES] for one in said]
    for kind, (precision, recall, wrong) in rates(LABELLED, spans).items():
        assert precision >= BOUND and recall >= BOUND, (kind, precision, recall, wrong[:3])


def test_precision_and_recall_of_the_second_detector():
    for kind, (precision, recall, wrong) in rates(LABELLED, pi_check.recheck([c.text for c in LABELLED])).items():
        assert precision >= BOUND and recall >= BOUND, (kind, precision, recall, wrong[:3])


@pytest.mark.parametrize(
    ("text", "risk", "surface"),
    [
        ("13912345678abc", "pi_mobile", "13912345678"),
        ("ＴＥＬ：１３８００１３８０００", "pi_mobile", "１３８００１３８０００"),
        ("138\u200b0013\u200b8000", "pi_mobile", "138\u200b0013\u200b8000"),
        ("+86 138 0013 8000", "pi_mobile", "+86 138 0013 8000"),
        ("电话：010-62345678", "pi_landline", "010-62345678"),
        ("(0755)82345678", "pi_landline", "(0755)82345678"),
        ("传真01062345678", "pi_landline", "01062345678"),
        ("身份证110101900307123", "pi_id", "110101900307123"),
        ("110101 19900307 0011", "pi_id", "110101 19900307 0011"),
        ("6222 0212 3456 7890 128", "pi_card", "6222 0212 3456 7890 128"),
        ("13800138000@163.com", "pi_email", "13800138000@163.com"),
        ("张三@例子.中国", "pi_email", "张三@例子.中国"),
        ("护照号码E12345678", "pi_passport", "E12345678"),
        ("持G12345678护照", "pi_passport", "G12345678"),
        ("港澳通行证H12345678", "pi_permit", "H12345678"),
        ("车牌粤B·12345", "pi_plate", "粤B·12345"),
        ("沪AF01234", "pi_plate", "沪AF01234"),
        ("来自123.125.115.110的访问", "pi_ip", "123.125.115.110"),
        ("2408:8000:1234:5678:9abc:def0:1234:5678", "pi_ip", "2408:8000:1234:5678:9abc:def0:1234:5678"),
        ("MAC 00-1a-2b-3c-4d-5e", "pi_mac", "00-1a-2b-3c-4d-5e"),
        ("微信号：zhang_wei1988", "pi_wechat", "zhang_wei1988"),
        ("QQ：123456789", "pi_qq", "123456789"),
    ],
)
def test_each_class_is_found_whole(text, risk, surface):
    assert seen(text) == [(risk, surface)]


@pytest.mark.parametrize(
    "text",
    [
        "A13912345678",
        "3.13800138000",
        "400-820-8820",
        "版本1.2.3.4",
        "192.168.1.1",
        "203.0.113.7",
        "127.0.0.1",
        "255.255.255.0",
        "2001:db8::1",
        "std::vector<int> a::b",
        "12:30:45:12:30:45",
        "2023-10-11-12-30-45",
        "微信支付android",
        "qq群12345678",
        "新A股上市",
        "E12345678",
        "统一社会信用代码 91310115591693856T",
        "0317-8471",
        "root@localhost",
        "git@github.com",
        "react@18.2.0",
        "https://user:pass@host.com/x",
        "[pi_mobile] [pi_email]",
        "第1389号",
        "1995-2005-2010",
        "978-7-302-51224-4",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text):
    assert [r for r, _ in seen(text) if r.startswith("pi_")] == []
    assert pi_check.recheck([text]) == [()]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("身份证110101199003070012", "id:checksum"),
        ("银行卡号6222021234567890129", "card:checksum"),
        ("电话142 0013 8000", "mobile:segment"),
        ("手机:1380013800", "mobile:length"),
        ("订单号 13800138000", "mobile:context"),
        ("write to a.b@example.com", "email:reserved"),
        ("zhang (at) qq.com", "email:spelled"),
    ],
)
def test_malformed_look_alikes_are_near(text, rule):
    (one,) = found(text)
    assert one.rule == rule and one.risk.startswith("near_") and one.value_hmac is None and one.surface is None


def test_values_leave_as_a_keyed_hash_of_their_normal_form():
    expected = hmac.new(b"key", b"13800138000", hashlib.sha256).hexdigest()
    for text in ("13800138000", "+86 138-0013-8000", "１３８００１３８０００"):
        (one,) = found(text)
        assert (one.value_hmac, one.hmac_key_id, one.surface) == (expected, "k1", None)
    assert found("13800138000", Kit("", "", None, None))[0].value_hmac is None


def test_masking_gets_every_span_and_findings_are_cut_at_twenty():
    text = "13800138000，" * 30
    assert len(found(text)) == 20 and {f.count for f in found(text)} == {30}
    assert len(personal_information.all_spans([text])[0]) == 30


def test_check_digits_of_published_examples():
    assert id_checksum("11010519491231002x") and not id_checksum("110105194912310021")  # GB 11643-1999's own example
    assert credit_code("91350100m000100y43")  # GB 32100-2015's own example
    assert luhn("4111111111111111") and not luhn("4111111111111112")


DIGITS = st.text(
    st.sampled_from("0123456789xX１３８ -.+@()86身份证手机qq.comcn:\n订单号粤B微信ａ\u200b[]at"), max_size=120
)


@pytest.mark.parametrize(
    "left",
    ["https://", "https://abc", "message-id: ", "订单号：", "版本 ", "微信", "护照", "wx", "a", "1", "-", "+86 "],
)
@pytest.mark.parametrize(
    "right",
    ["li.wei@qq.com", "13812345678", "11010519491231002X", "119.147.15.13", "粤B12345", "E12345678", "wang_li1"],
)
def test_what_a_neighbour_in_the_batch_ends_with_changes_nothing(left, right):
    """A web address at the end of one text once hid the e-mail address at the beginning of the next."""
    find = personal_information.prepare(KIT).find
    assert find(make_batch([left, right]))[1] == find(make_batch([right]))[0]


IP6 = "2408:8000:1234:5678:9abc:def0:1234:5678"


@pytest.mark.parametrize(
    "texts",
    [
        ["write to zhang at mail.com", "@ home"],
        ["@ home", "zhang at mail.com"],
        ["zhang at mail.com", "(at) home"],
        ["zhang[at)mail.com", "(at)"],
        ["wechat: zhang_wei88", "微信：li_ming99"],
        ["a:b:c:" + 12 * " ", IP6],
        ["a:b:c:" + 25 * " ", "00:1a:2b:3c:4d:5e:6f"],
    ],
)
def test_a_neighbour_in_the_batch_neither_hides_nor_adds_a_hit(texts):
    """A look around a mark once reached into the text beside; a later text's account once hid an earlier one's."""
    find = personal_information.prepare(KIT).find
    assert find(make_batch(texts)) == [found(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "surfaces"),
    [
        ("wechat: zhang_wei88，微信：li_ming99", ["zhang_wei88", "li_ming99"]),
        ("a:b:c:" + 12 * " " + IP6, [IP6]),
        ("a:b:c:" + 26 * " " + "00:1a:2b:3c:4d:5e:6f", []),
        ("zhang[at)mail.com", ["zhang[at)mail.com"]),
    ],
)
def test_one_hit_neither_hides_nor_cuts_another(text, surfaces):
    assert [surface for _, surface in seen(text)] == surfaces


@given(st.lists(DIGITS, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_spans_in_range_without_overlap(texts):
    for text, one in zip(texts, personal_information.prepare(KIT).find(make_batch(texts)), strict=True):
        assert all(0 <= f.start < f.end <= len(text) for f in one)
        assert all(a.end <= b.start for a, b in pairwise(one))
    for text, places in zip(texts, pi_check.recheck(texts), strict=True):
        assert all(0 <= a < b <= len(text) for _, a, b in places)


@given(st.lists(DIGITS, max_size=4))
@settings(max_examples=100, deadline=None)
def test_the_second_look_says_the_same_of_a_text_alone_and_among_others(texts):
    assert pi_check.recheck(texts) == [pi_check.recheck([text])[0] for text in texts]


@given(st.lists(st.text("0123456789０ -.x Ｘ\n好", max_size=60), max_size=4))
@settings(max_examples=300, deadline=None)
def test_the_second_look_leaves_out_no_run_where_it_does_not_look(texts):
    for no, text in enumerate(texts):
        runs = [found.span() for found in pi_check._RUN.finditer(text)]
        near = [found for found in (pi_check._candidates(texts)[0]) if found[0] == no]
        assert runs == [
            found.span() for _, a, b in near for found in pi_check._RUN.finditer(text, a, b + pi_check._BEHIND)
        ]


def test_the_second_look_takes_no_number_or_sign_from_two_texts():
    assert pi_check.recheck(["1380013", "8000", "zhang@", "@mail.qq.com"]) == [(), (), (), ()]


def test_the_second_look_goes_over_a_long_text_as_over_a_short_one():
    short, lead = "13800138000 a@@b.com zhang.wei@mail.qq.com", "好" * 400_001 + " "
    (found,), (later,) = pi_check.recheck([short]), pi_check.recheck([lead + short])
    assert [kind for kind, _, _ in found] == ["pi_mobile", "pi_email"]
    assert later == tuple((kind, a + len(lead), b + len(lead)) for kind, a, b in found)


@given(DIGITS)
@settings(max_examples=100, deadline=None)
def test_masked_text_is_clean_for_the_first_detector(text):
    for _ in range(4):  # taking one number out can make room for another
        spans = personal_information.all_spans([text])[0]
        if not spans:
            break
        for risk, a, b in reversed(spans):
            text = f"{text[:a]}[{risk}]{text[b:]}"
    assert personal_information.all_spans([text])[0] == []
