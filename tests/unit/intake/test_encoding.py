"""Which encoding a document is in."""

from __future__ import annotations

import codecs
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.errors import UserError
from corpusgate.intake import encoding
from corpusgate_testing.intake import found, jsonl, reasons, texts, written

PAGE = "镕基与喆：第一章　总则。为了规范网络信息内容生态，制定本规定。凡在境内提供服务的，均适用之。" * 4
TRADITIONAL = "第一章　總則。為了規範網路資訊內容生態，制定本規定。的是在有我們這個時候國家學習，各種問題。" * 4


@pytest.mark.parametrize("name", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"])
def test_chinese_is_read_in_each_usual_encoding(name: str) -> None:
    assert encoding.decode(PAGE.encode(name)) == PAGE


def test_big5_is_not_taken_for_gb18030_that_accepts_its_bytes() -> None:
    raw = TRADITIONAL.encode("big5")
    assert raw.decode("gb18030") != TRADITIONAL  # accepted, and wrong
    assert encoding.decode(raw) == TRADITIONAL


@pytest.mark.parametrize("name", ["gb2312", "GBK", "gb_2312-80", "cp936", "gb18030"])
def test_subsets_of_gb18030_are_read_as_gb18030(name: str) -> None:
    assert encoding.codec(name) == "gb18030"
    assert encoding.decode("镕㐂𠀀".encode("gb18030"), name) == "镕㐂𠀀"


@pytest.mark.parametrize("name", ["utf-9", "zlib", "hex", "rot13"])
def test_a_codec_that_is_none_for_text_is_the_users_mistake(name: str) -> None:
    with pytest.raises(UserError, match="is no encoding"):
        encoding.codec(name)


def test_what_is_declared_is_taken_strictly() -> None:
    with pytest.raises(encoding.Undecodable) as caught:
        encoding.decode("好".encode() + b"\xff", "utf-8")
    assert caught.value.offset == 3


def test_a_pages_own_word_counts_where_utf8_fails() -> None:
    raw = "日本語の文章です。".encode("shift_jis")
    assert encoding.decode(raw, hint="shift_jis") == "日本語の文章です。"
    assert encoding.decode(PAGE.encode(), hint="shift_jis") == PAGE


def test_bytes_that_are_no_text_are_undecodable_with_a_place(tmp_path) -> None:
    faults = found(written(tmp_path, "a.txt", "好".encode() + bytes(range(128, 256)) * 9 + b"\xff\x00"), format="text")
    assert reasons(faults) in (["undecodable"], ["binary"])


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_every_utf8_document_is_read_as_it_is(text: str) -> None:
    assert encoding.decode(codecs.BOM_UTF8 + text.encode()) == text


class TestOfLines:
    @staticmethod
    def of(raw: bytes) -> str:
        return encoding.of_lines(lambda: io.BytesIO(raw))

    def test_utf8_and_gb18030_are_told_by_the_whole_file(self) -> None:
        assert self.of(b"a\n" * 9 + "好\n".encode()) == "utf-8"
        assert self.of(b"a\n" * 9 + "好\n".encode("gb18030")) == "gb18030"
        assert self.of("好\n".encode("utf-16")) == "utf-16"

    @pytest.mark.parametrize("size", ["BLOCK", "PIECE"])
    def test_a_character_across_two_blocks_is_one(self, monkeypatch: pytest.MonkeyPatch, size: str) -> None:
        monkeypatch.setattr(encoding, size, 2)
        assert self.of("好人\n".encode()) == "utf-8"

    def test_one_bad_line_is_a_fault_and_changes_nothing_else(self, tmp_path) -> None:
        good = jsonl([{"text": f"第{n}条"} for n in range(20)])
        bad = '{"text": "坏行"}\n'.encode("gb18030")
        results = found(written(tmp_path, "a.jsonl", good + bad + good))
        assert texts(results) == [f"第{n}条" for n in range(20)] * 2
        fault = next(r for r in results if not hasattr(r, "text"))
        assert (fault.reason, fault.byte_offset) == ("undecodable", len(good) + bad.index("坏".encode("gb18030")))

    def test_one_bad_line_among_ascii_lines_is_a_fault_too(self, tmp_path) -> None:
        results = found(written(tmp_path, "a.jsonl", b'{"text": "plain"}\n' * 200 + b'{"text": "\xe9t\xe9"}\n'))
        assert (len(texts(results)), reasons(results)) == (200, ["undecodable"])

    def test_utf16_lines_are_cut_as_characters_and_not_as_bytes(self, tmp_path) -> None:
        rows = [{"text": "上海\u0a0a一"}, {"text": "二"}]
        assert texts(found(written(tmp_path, "a.jsonl", jsonl(rows, "utf-16")))) == ["上海\u0a0a一", "二"]
