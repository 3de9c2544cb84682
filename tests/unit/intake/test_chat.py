"""Fine-tuning data: from a raw record to its turns, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpusgate.errors import ConfigError
from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.read import REASONS, check
from corpusgate.intake.rules import locator, text_sha256
from corpusgate.settings.chat import Chat
from corpusgate.settings.source import Reader
from corpusgate_testing.intake import found, jsonl, reasons, written

MESSAGES = {"turns": "messages"}
PAIR = {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}


def turn(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def said(results: Sequence[Any]) -> list[tuple[str, int | None, str, str]]:
    """role, turn, speaker and text of each record."""
    return [(i.role, i.turn, i.attributes["speaker"], i.text) for i in results if isinstance(i, Item)]


def read(folder: Path, rows: Sequence[Mapping[str, Any]], chat: Mapping[str, Any], **given: Any) -> list[Any]:
    return found(written(folder, "a.jsonl", jsonl(rows)), chat=chat, **given)


class TestTurns:
    def test_each_turn_is_a_record_and_an_assistants_turn_is_chosen(self, tmp_path: Path) -> None:
        row = {"id": 7, "messages": [turn("system", "简短作答"), turn("user", "几点"), turn("assistant", "三点"),
                                     turn("user", "谢谢"), turn("assistant", "不客气")]}  # fmt: skip
        results = read(tmp_path, [row], MESSAGES, key="id")
        assert said(results) == [
            ("prompt", 0, "system", "简短作答"), ("prompt", 1, "user", "几点"), ("chosen", 2, "assistant", "三点"),
            ("prompt", 3, "user", "谢谢"), ("chosen", 4, "assistant", "不客气"),
        ]  # fmt: skip
        assert {i.group_id for i in results} == {"7"}
        assert [i.key for i in results][:3] == ["7#prompt/0", "7#prompt/1", "7#chosen/2"]

    def test_names_in_a_turn_and_words_for_the_speakers_are_declared(self, tmp_path: Path) -> None:
        row = {"conversations": [{"from": "human", "value": "问"}, {"from": "gpt", "value": "答"}]}
        chat = {"turns": "conversations", "role": "from", "content": "value",
                "roles": {"human": "user", "gpt": "assistant"}}  # fmt: skip
        assert said(read(tmp_path, [row], chat)) == [("prompt", 0, "user", "问"), ("chosen", 1, "assistant", "答")]

    def test_equal_turns_of_a_conversation_are_records_of_their_own(self, tmp_path: Path) -> None:
        row = {"messages": [turn("user", "好"), turn("assistant", "好"), turn("user", "好"), turn("assistant", "好")]}
        results = read(tmp_path, [row], MESSAGES)
        assert len({locator(i, text_sha256(i.text)) for i in results}) == 4

    @pytest.mark.parametrize(
        ("messages", "reason"),
        [
            (None, "no_turns"), ([], "no_turns"), ("x", "no_turns"), ({"a": 1}, "no_turns"), (["x"], "no_turns"),
            ([turn("assistant", "答")], "no_prompt"), ([turn("user", "问")], "no_answer"),
            ([turn("user", "问"), turn("assistant", "答"), turn("user", "再问")], "no_answer"),
            ([turn("user", "问"), turn("bot", "答")], "unknown_role"),
            ([turn("user", "问"), {"content": "答"}], "unknown_role"),
            ([turn("user", "问"), turn("assistant", None)], "no_text"),
            ([turn("user", " \n"), turn("assistant", "答")], "no_text"),
            ([turn("user", ["问"]), turn("assistant", "答")], "no_text"),
            ([turn("user", "问\ud800"), turn("assistant", "答")], "lone_surrogate"),
        ],
    )  # fmt: skip
    def test_half_a_conversation_is_one_fault_and_no_record(self, tmp_path: Path, messages: Any, reason: str) -> None:
        path = written(tmp_path, "a.jsonl", json.dumps({"messages": messages}))
        results = found(path, chat=MESSAGES)
        assert reasons(results) == [reason] and said(results) == []
        assert reason in REASONS
        fault = results[-1]
        assert isinstance(fault, Fault) and fault.byte_offset == 0 and "问" not in fault.detail

    def test_what_a_turn_holds_besides_is_a_signal_unless_it_is_ignored(self, tmp_path: Path) -> None:
        row = {"messages": [turn("user", "问"), turn("assistant", "答") | {"weight": 1, "name": "x"}], "score": 3}
        results = read(tmp_path, [row, row], MESSAGES, ignore=("messages.name",))
        assert [r.field for r in results if isinstance(r, Signal)] == ["score", "messages.weight"]
        assert len(said(results)) == 4

    def test_declared_fields_stand_with_each_turn(self, tmp_path: Path) -> None:
        row = {"messages": [turn("user", "问"), turn("assistant", "答")], "lang": "zh", "page": "https://a.example/1"}
        results = read(tmp_path, [row], MESSAGES, fields={"url": "page", "lang": "lang"})
        assert {(i.url, i.attributes["lang"]) for i in results} == {("https://a.example/1", "zh")}


class TestPreference:
    def test_a_rejected_answer_has_the_place_of_the_chosen_one(self, tmp_path: Path) -> None:
        results = read(tmp_path, [{"id": "a", "prompt": "问", "chosen": "好答", "rejected": "坏答"}], PAIR, key="id")
        assert said(results) == [
            ("prompt", 0, "user", "问"), ("chosen", 1, "assistant", "好答"), ("rejected", 1, "assistant", "坏答"),
        ]  # fmt: skip

    def test_what_both_conversations_begin_with_stands_once(self, tmp_path: Path) -> None:
        shared = [turn("user", "一"), turn("assistant", "二"), turn("user", "三")]
        worse = [turn("assistant", "坏"), turn("user", "怎么"), turn("assistant", "更坏")]
        row = {"chosen": [*shared, turn("assistant", "四")], "rejected": [*shared, *worse]}
        results = read(tmp_path, [row], {"chosen": "chosen", "rejected": "rejected"})
        assert said(results) == [
            ("prompt", 0, "user", "一"), ("chosen", 1, "assistant", "二"), ("prompt", 2, "user", "三"),
            ("chosen", 3, "assistant", "四"), ("rejected", 3, "assistant", "坏"), ("rejected", 4, "user", "怎么"),
            ("rejected", 5, "assistant", "更坏"),
        ]  # fmt: skip

    def test_a_prompt_that_the_answers_repeat_stands_once(self, tmp_path: Path) -> None:
        row = {"system": "守法", "prompt": "问", "chosen": [turn("user", "问"), turn("assistant", "好")],
               "rejected": [turn("assistant", "坏")]}  # fmt: skip
        assert [s[:3] for s in said(read(tmp_path, [row], {**PAIR, "system": "system"}))] == [
            ("prompt", 0, "system"), ("prompt", 1, "user"), ("chosen", 2, "assistant"), ("rejected", 2, "assistant"),
        ]  # fmt: skip

    def test_a_prompt_in_two_fields_the_second_often_empty(self, tmp_path: Path) -> None:
        chat = {"prompt": ["instruction", "input"], "chosen": "output"}
        rows = [
            {"instruction": "翻译", "input": "天", "output": "sky"},
            {"instruction": "讲个笑话", "input": "", "output": "好"},
        ]
        assert [s[:2] for s in said(read(tmp_path, rows, chat))] == [
            ("prompt", 0), ("prompt", 1), ("chosen", 2), ("prompt", 0), ("chosen", 1),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ({"chosen": "好", "rejected": "坏"}, "no_prompt"),
            ({"prompt": "", "chosen": "好", "rejected": "坏"}, "no_prompt"),
            ({"prompt": "问", "rejected": "坏"}, "no_answer"), ({"prompt": "问", "chosen": "好"}, "no_answer"),
            ({"prompt": "问", "chosen": "好", "rejected": "好"}, "no_answer"),
            ({"prompt": "问", "chosen": "好", "rejected": 5}, "no_answer"), ({"prompt": 5, "chosen": "好"}, "no_turns"),
            ({"prompt": "问", "chosen": [turn("user", "另"), turn("assistant", "好")], "rejected": "坏"},
             "prompts_differ"),
        ],
    )  # fmt: skip
    def test_a_missing_half_is_a_fault(self, tmp_path: Path, row: dict[str, Any], reason: str) -> None:
        results = read(tmp_path, [row], PAIR)
        assert reasons(results) == [reason] and said(results) == []

    def test_prompts_without_answers_are_read_where_no_answer_is_declared(self, tmp_path: Path) -> None:
        assert said(read(tmp_path, [{"q": "问"}], {"prompt": "q"})) == [("prompt", 0, "user", "问")]


ROWS = [
    {"id": "甲", "messages": [turn("user", "几点"), turn("assistant", "三点")]},
    {"id": "乙", "messages": [turn("user", "几点"), turn("assistant", "四点")]},
]
GROUP = ("group_id", "role", "turn", "text")


def groups(results: Sequence[Any]) -> set[tuple[Any, ...]]:
    return {tuple(getattr(i, n) for n in GROUP) for i in results if isinstance(i, Item)}


def test_every_format_with_fields_gives_the_same_groups(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    cells = io.StringIO()
    rows = csv.writer(cells)
    rows.writerows([["messages"], *([json.dumps(r["messages"], ensure_ascii=False)] for r in ROWS)])
    plain = [{"messages": r["messages"]} for r in ROWS]
    pq.write_table(pa.Table.from_pylist(plain), tmp_path / "a.parquet")
    expected = groups(read(tmp_path, plain, MESSAGES))
    assert len({g[0] for g in expected}) == 2 and len(expected) == 4
    for name, content in (("a.csv", cells.getvalue()), ("a.json", json.dumps(plain)), ("b.json", json.dumps(plain[0]))):
        found_there = groups(found(written(tmp_path, name, content), chat=MESSAGES))
        assert found_there == expected if name[0] == "a" else found_there < expected
    assert groups(found(tmp_path / "a.parquet", chat=MESSAGES)) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.randoms(use_true_random=False), st.sampled_from(["utf-8", "gb18030", "utf-16"]), st.sampled_from(["\n", "\r\n"])
)
def test_a_group_is_named_alike_whatever_the_key_order_encoding_and_path(
    tmp_path: Path, shuffle: random.Random, encoding: str, end: str
) -> None:
    def shaken(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            shuffle.shuffle(keys)
            return {k: shaken(value[k]) for k in keys}
        return [shaken(v) for v in value] if isinstance(value, list) else value

    expected = groups(read(tmp_path, ROWS, MESSAGES, ignore=("id",)))
    again = written(tmp_path, "b.jsonl", jsonl([shaken(r) for r in ROWS], encoding, end))
    assert groups(found(again, name="./other//b.jsonl", chat=MESSAGES, ignore=("id",))) == expected


@pytest.mark.parametrize(
    "chat",
    [
        {}, {"turns": "m", "prompt": "p"}, {"rejected": "r", "prompt": "p"}, {"turns": "m", "rejected": "r"},
        {"prompt": "p", "chosen": "p"}, {"turns": "m", "role": "x", "content": "x"},
        {"turns": "m", "roles": {"human": "person"}}, {"turns": "m", "speaker": "x"},
    ],
)  # fmt: skip
def test_a_declaration_that_cannot_be_meant_is_refused(chat: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Chat.model_validate(chat)


@pytest.mark.parametrize("more", [{"text": "t"}, {"fields": {"role": "r"}}, {"fields": {"group_id": "g"}}])
def test_chat_goes_without_what_it_makes_itself(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Reader.model_validate({"format": "jsonl", "chat": MESSAGES, **more})


def test_a_format_without_fields_has_no_chat() -> None:
    with pytest.raises(
        ConfigError, match="text has no fields; fine-tuning data come in one of csv, json, jsonl, parquet, sqlite, yaml"
    ):
        check(Reader.model_validate({"format": "text", "chat": MESSAGES}))


def test_a_row_a_turn_keeps_its_group_and_refuses_a_role_that_is_none(tmp_path: Path) -> None:
    rows = [{"text": "问", "r": "prompt", "g": 1, "n": 0}, {"text": "答", "r": "someone@example.org", "g": 1, "n": 1}]
    results = found(written(tmp_path, "a.jsonl", jsonl(rows)), fields={"role": "r", "group_id": "g", "turn": "n"})
    assert [(i.role, i.group_id, i.turn) for i in results if isinstance(i, Item)] == [("prompt", "1", 0)]
    assert reasons(results) == ["bad_role"]
