"""One door to all records: what each raw record becomes, and that nothing is lost or hurt on the way."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.errors import ConfigError, UserError
from corpusgate.intake import read
from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.read import read_items, split_reader
from corpusgate.intake.readers import jsonl as jsonl_reader
from corpusgate_testing.intake import found, jsonl, reader, reasons, tarred, texts, written, zipped

ROWS = [{"text": f"第{n}条：" + "内容" * (n % 7)} for n in range(40)]


class TestJsonLines:
    def test_a_line_is_a_record_with_its_declared_fields(self, tmp_path: Path) -> None:
        row = {
            "id": 7,
            "body": "正文",
            "t": "题",
            "u": "https://a.cn/x",
            "g": "d1",
            "n": 2,
            "who": "prompt",
            "tags": ["a"],
        }
        declared = {
            "key": "id", "text": "body",
            "fields": {"title": "t", "url": "u", "group_id": "g", "turn": "n", "role": "who", "tags": "tags"},
        }  # fmt: skip
        (item,) = found(written(tmp_path, "a.jsonl", jsonl([row])), **declared)
        assert item == Item(
            "a.jsonl", "正文", "7", "题", "https://a.cn/x", "prompt", "d1", 2,
            {"title": "题", "url": "https://a.cn/x", "group_id": "d1", "turn": "2", "role": "prompt", "tags": '["a"]'},
        )  # fmt: skip

    def test_a_field_that_nobody_declared_is_said_once_an_acquisition(self, tmp_path: Path) -> None:
        rows = [{"text": "一", "new": 1, "known": 2}, {"text": "二", "new": 1, "newer": 2}]
        path = written(tmp_path, "x", tarred({"a.jsonl": jsonl(rows), "b.jsonl": jsonl(rows)}))
        results = found(path, format="jsonl", ignore=("known",))
        signals = [r for r in results if isinstance(r, Signal)]
        assert signals == [Signal("a.jsonl", "new"), Signal("a.jsonl", "newer")]
        assert len(texts(results)) == 4

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b"{", "not_json"), (b"[1]", "not_an_object"), (b'"x"', "not_an_object"), (b'{"text": 1}', "no_text"),
            (b'{"text": null}', "no_text"), (b'{"text": " \\n"}', "no_text"), (b'{"tex": "x"}', "no_text"),
            (b'{"text": "\\ud800"}', "lone_surrogate"), (b'{"text": "a\\udc00\\ud800"}', "lone_surrogate"),
            (b'{"text": "x\x00"}', "not_json"), (b"[" * 100_000, "not_json"),
            (b'{"text": ' + b"9" * 5000 + b"}", "not_json"),
        ],
    )  # fmt: skip
    def test_a_bad_line_is_a_fault_with_place_and_hash_and_the_others_are_read(self, tmp_path, line, reason) -> None:
        good = b'{"text": "good"}\n'
        results = found(written(tmp_path, "a.jsonl", good + line + b"\n" + good))
        assert texts(results) == ["good", "good"]
        (fault,) = [r for r in results if isinstance(r, Fault)]
        assert (fault.reason, fault.byte_offset, len(fault.raw_sha256 or "")) == (reason, len(good), 64)

    def test_a_pair_of_surrogates_is_a_character_and_an_escaped_nul_is_one_too(self, tmp_path: Path) -> None:
        results = found(written(tmp_path, "a.jsonl", rb'{"text": "\ud83d\ude00\u0000"}'))
        assert texts(results) == ["😀\0"]

    def test_a_lone_surrogate_in_any_field_is_a_fault(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.jsonl", rb'{"text": "x", "id": "\ud800"}')
        assert reasons(found(path, key="id")) == ["lone_surrogate"]
        assert reasons(found(path, fields={"n": "id"})) == ["lone_surrogate"]

    def test_lone_surrogates_that_the_encoding_itself_makes_are_a_fault_too(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.jsonl", b'{"text": "\\ud800"}\n{"text": "good"}\n')
        results = found(path, encoding="raw_unicode_escape")
        assert (texts(results), reasons(results)) == (["good"], ["lone_surrogate"])

    def test_lines_before_the_damage_are_read(self, tmp_path: Path) -> None:
        draw = random.Random(1)
        whole = gzip.compress(jsonl([{"text": draw.randbytes(30).hex()} for _ in range(40_000)]), mtime=0)
        path = written(tmp_path, "a.jsonl.gz", whole[: len(whole) * 9 // 10])
        results = found(path, format="jsonl", encoding="utf-8")
        assert len(texts(results)) > 10_000 and reasons(results) == ["truncated"]

    def test_the_utf8_of_a_text_is_that_of_its_stored_form_whatever_a_parser_says(self) -> None:
        for said in (None, "other", b"e\xcc\x81"):
            item = read._checked(Item("m", "e\u0301", utf8=said))  # ty: ignore[invalid-argument-type]
            assert isinstance(item, Item) and (item.text, item.utf8) == ("\xe9", b"\xc3\xa9")
        item = read._checked(Item("m", "same", utf8="other"))  # ty: ignore[invalid-argument-type]
        assert isinstance(item, Item) and item.utf8 == b"same"

    def test_a_record_without_its_declared_key_is_a_fault(self, tmp_path: Path) -> None:
        rows = [{"text": "x", "id": None}, {"text": "x", "id": ""}, {"text": "x"}, {"text": "x", "id": 0}]
        results = found(written(tmp_path, "a.jsonl", jsonl(rows)), key="id")
        assert reasons(results) == ["no_key"] * 3
        assert [r.key for r in results if isinstance(r, Item)] == ["0"]

    def test_a_turn_that_is_no_number_is_a_fault(self, tmp_path: Path) -> None:
        rows = [{"text": "x", "n": "²"}, {"text": "x", "n": -1}, {"text": "x", "n": 3}]
        results = found(written(tmp_path, "a.jsonl", jsonl(rows)), fields={"turn": "n"})
        assert reasons(results) == ["bad_turn", "bad_turn"]

    def test_blank_lines_and_a_missing_last_newline_are_nothing(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.jsonl", b'\n \t\r\n{"text": "a"}\r\n\n{"text": "b"}')
        assert found(path) == [Item("a.jsonl", "a"), Item("a.jsonl", "b")]

    def test_a_line_over_the_bound_is_a_fault_and_is_never_held(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr(jsonl_reader, "LINE_MAX", 64)
        long = b'{"text": "' + b"x" * 500 + b'"}\n'
        path = written(tmp_path, "a.jsonl", b'{"text": "a"}\n' + long + b'{"text": "b"}\n' + long.rstrip())
        results = found(path)
        assert texts(results) == ["a", "b"]
        assert [(r.reason, r.byte_offset) for r in results if isinstance(r, Fault)] == [
            ("line_too_long", 14), ("line_too_long", 28 + len(long)),
        ]  # fmt: skip

    def test_texts_come_out_in_stored_form(self, tmp_path: Path) -> None:
        assert texts(found(written(tmp_path, "a.jsonl", r'{"text": "cafe\u0301\r\nx\ry"}'))) == ["café\nx\ny"]


class TestSplits:
    @settings(deadline=None)
    @given(st.lists(st.integers(1, 200), max_size=6), st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]))
    def test_parts_that_cover_the_file_give_each_record_once(self, tmp_path_factory, cuts, encoding) -> None:
        path = written(tmp_path_factory.mktemp("s"), "a.jsonl", jsonl(ROWS, encoding))
        of_part = split_reader(path, "a.jsonl", reader("jsonl"))
        assert of_part is not None
        size = path.stat().st_size
        edges = sorted({0, *(c * size // 200 for c in cuts if c * size // 200 < size)})
        parts = [
            texts(read_items(path, "a.jsonl", of_part, start=a, end=b))
            for a, b in zip(edges, [*edges[1:], None], strict=True)
        ]  # fmt: skip
        assert [t for part in parts for t in part] == [r["text"] for r in ROWS]

    def test_a_part_owns_the_lines_that_begin_in_it(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.jsonl", b'{"text": "a"}\n{"text": "b"}\n')
        one = reader("jsonl")
        assert texts(read_items(path, "a.jsonl", one, start=0, end=14)) == ["a"]
        assert texts(read_items(path, "a.jsonl", one, start=14, end=15)) == ["b"]
        assert texts(read_items(path, "a.jsonl", one, start=15, end=28)) == []

    def test_only_a_plain_file_of_lines_can_be_read_in_parts(self, tmp_path: Path) -> None:
        raw = jsonl(ROWS)
        assert split_reader(written(tmp_path, "a", raw), "a", reader("jsonl")) is not None
        assert split_reader(written(tmp_path, "b", gzip.compress(raw)), "b", reader("jsonl")) is None
        assert split_reader(written(tmp_path, "c", zipped({"x": raw})), "c", reader("jsonl")) is None
        assert split_reader(written(tmp_path, "d", jsonl(ROWS, "utf-16")), "d", reader("jsonl")) is None
        assert split_reader(written(tmp_path, "e", raw), "e", reader("text")) is None


class TestWholeDocuments:
    def test_text_is_a_file_or_a_paragraph(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.txt", "第一段\r\n接着\r\n \r\n\r\n  第二段\r\n")
        assert texts(found(path, format="text")) == ["第一段\n接着\n \n\n  第二段\n"]
        assert texts(found(path, format="text", options={"split": "paragraph"})) == ["第一段\n接着", "第二段"]

    def test_a_file_with_nul_bytes_is_no_text(self, tmp_path: Path) -> None:
        assert reasons(found(written(tmp_path, "a.txt", b"ab\0cd"), format="text")) == ["binary"]

    def test_an_empty_file_has_no_text(self, tmp_path: Path) -> None:
        assert reasons(found(written(tmp_path, "a.txt", b" \n"), format="text")) == ["no_text"]

    def test_a_document_over_the_bound_is_a_fault(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr("corpusgate.intake.document.DOCUMENT_MAX", 10)
        assert reasons(found(written(tmp_path, "a.txt", b"x" * 11), format="text")) == ["too_large"]

    def test_a_truncated_member_is_a_fault_and_the_run_goes_on(self, tmp_path: Path) -> None:
        cut = gzip.compress(b"x" * 1000)[:-12]
        path = written(tmp_path, "x", tarred({"a.gz": cut, "b": b"good"}))
        results = found(path, format="text")
        assert (texts(results), reasons(results)) == (["good"], ["truncated"])

    def test_a_damaged_zip_member_is_a_fault(self, tmp_path: Path) -> None:
        raw = bytearray(zipped({"a": b"hello hello hello", "b": b"good"}))
        raw[33] ^= 0xFF
        results = found(written(tmp_path, "x", bytes(raw)), format="text")
        assert (texts(results), reasons(results)) == (["good"], ["truncated"])


class TestTheDeclaration:
    def test_an_unknown_format_names_those_there_are(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"'exe' is not known.*csv.*jsonl.*warc"):
            found(written(tmp_path, "a", b""), format="exe")

    @pytest.mark.parametrize("format", ["../read", "os", "__init__", "jsonl "])
    def test_a_format_is_a_name_under_readers_and_nothing_else(self, format: str) -> None:
        with pytest.raises(ConfigError, match="not known"):
            read.check(reader(format))

    def test_wrong_options_are_named_with_those_there_are(self) -> None:
        with pytest.raises(ConfigError, match=r"reader.options.spilt.*\n.*split"):
            read.check(reader("text", options={"spilt": "paragraph"}))

    def test_a_wrong_encoding_is_found_before_anything_is_read(self) -> None:
        with pytest.raises(UserError, match="is no encoding"):
            read.check(reader("text", encoding="utf-9"))

    @pytest.mark.parametrize("format", read.formats())
    def test_every_format_has_options_and_a_read(self, format: str) -> None:
        options = {"query": "SELECT 1 AS text"} if format == "sqlite" else {}
        module = read.check(reader(format, options=options))
        assert callable(module.read)

    @pytest.mark.parametrize("format", read.formats())
    @pytest.mark.parametrize(
        "raw", [b"", b"\xff\xfe\x00", bytes(range(256)) * 20, b"{" * 5000], ids=["empty", "bom", "all", "deep"]
    )
    def test_no_format_raises_on_what_is_not_its_own(self, tmp_path: Path, format: str, raw: bytes) -> None:
        options = {"query": "SELECT text FROM t"} if format == "sqlite" else {}
        for result in found(written(tmp_path, "a", raw), format=format, options=options):
            assert isinstance(result, Item | Fault | Signal)
            if isinstance(result, Fault):
                assert result.reason in read.REASONS


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_items_and_faults_with_known_reasons(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    path = written(tmp_path_factory.mktemp("fuzz"), "a", raw)
    for format in ("jsonl", "text", "csv", "json", "yaml", "fortune", "man", "tagged"):
        for result in found(path, format=format):
            if isinstance(result, Fault):
                assert result.reason in read.REASONS
            elif isinstance(result, Item):
                assert result.text.strip()
                json.dumps(result.text).encode()
                result.text.encode()
