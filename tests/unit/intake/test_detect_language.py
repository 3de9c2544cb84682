"""Language, script and quality signs."""

import pytest

from corpusgate.intake.detectors import language_quality
from corpusgate.intake.detectors.batch import make_batch


@pytest.fixture(scope="module")
def detector():
    return language_quality.prepare(None)


@pytest.mark.parametrize(
    ("text", "language", "script"),
    [
        ("今天的天气很好，我们去公园里散步吧。", "zh", "Hans"),
        ("國家安全與個人資料保護之規定與辦法", "zh", "Hant"),
        ("这个API的response有点慢", "zh", "Hans"),
        ("The committee met on Tuesday and agreed on the plan.", "en", "Latn"),
        ("今日はいい天気ですね", "ja", "Jpan"),
        ("東京都", "und", "Hant"),
        ("我哋喺香港食嘢，佢唔知嘅", "yue", "Hani"),
        ("好", "zh", "Hani"),
        ("Привет, как дела сегодня", "ru", "Cyrl"),
        ("안녕하세요 반갑습니다", "ko", "Kore"),
        ("བོད་ཡིག་གི་སྐད་", "bo", "Tibt"),
        ("", "und", "Zyyy"),
        ("12345", "und", "Zyyy"),
        ("\ud800\x00", "und", "Zyyy"),
        ("x = f(1) + 0", "und", "Latn"),
    ],
)
def test_language_and_script(detector, text, language, script):
    (about,) = detector.about(make_batch([text]))
    assert (about.language, about.script) == (language, script)
    assert 0 <= about.score <= 1


GOOD = "国务院办公厅印发通知，要求各地区各部门结合实际认真贯彻落实，切实做好有关工作。\n"


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (GOOD, []),
        ("短", ["q_too_short"]),
        (GOOD * 5, ["q_repeated_lines"]),
        (GOOD + "锟斤拷锟斤拷", ["q_mojibake"]),
        (GOOD + "\ufffd", ["q_mojibake"]),
        (GOOD + "#" * 30, ["q_symbol_ratio"]),
        (GOOD + "一斤苹果", []),
    ],
)
def test_signs_of_poor_text(detector, text, reasons):
    (findings,) = detector.find(make_batch([text]))
    assert [f.risk for f in findings] == reasons
    assert all((f.start, f.end, f.weight, f.surface) == (0, 0, 0.0, None) for f in findings)


def test_texts_of_a_batch_do_not_mix(detector):
    texts = [
        "",
        "短",
        GOOD,
        "",
        "Hello there, this is a longer English sentence about nothing in particular, really nothing.",
        "",
    ]
    alone = [detector.about(make_batch([t]))[0] for t in texts]
    assert detector.about(make_batch(texts)) == alone
