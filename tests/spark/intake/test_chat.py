"""Fine-tuning data the whole way: read, decided about, published, and put together again from the release's files."""

from __future__ import annotations

import json
from collections import defaultdict

import pyarrow.parquet as pq
import pytest

from corpusgate.decide.job import decide
from corpusgate.intake.job import intake
from corpusgate.lake.run import StepResult
from corpusgate.release.job import publish
from corpusgate.release.verify import verify
from corpusgate.review.draw import GROUPS
from corpusgate_testing.lake import rows
from corpusgate_testing.release import gate

pytestmark = pytest.mark.timeout(900)  # whole jobs, on a machine that may be busy

SYSTEM = "你是一位耐心的助手，请用一句话回答。"
CHAT = {"turns": "conversations", "role": "from", "content": "value", "roles": {"human": "user", "gpt": "assistant"}}
PAIRS = {"prompt": "question", "chosen": "chosen", "rejected": "rejected"}
SAID = [
    ("system", SYSTEM), ("human", "我家附近哪里可以散步？"), ("gpt", "可以去河边的公园走走。"),
    ("human", "有事请打13800138000找我。"), ("gpt", "好的，我会打138 0013 8000联系您。"),
]  # fmt: skip


def talk(*said: tuple[str, str]) -> dict:
    return {"conversations": [{"from": who, "value": text} for who, text in said]}


def test_conversations_come_out_of_a_release_as_they_went_in(spark, made):
    made.source(
        "chat",
        [
            talk(*SAID),
            talk(*SAID[:2], ("gpt", "可以去山脚下的步道走走。")),
            talk(*SAID[:2]),  # no answer
            talk(("human", "你好"), ("robot", "您好")),  # nobody knows who a robot is
            talk(*SAID[:3], ("human", "谢谢你告诉我。"), ("gpt", "不客气，祝您散步愉快。")) | {"score": 5},
        ],
        key=None, fields={}, chat=CHAT,
    )  # fmt: skip
    made.source(
        "pairs",
        [
            {"id": 1, "question": "怎样泡一壶好茶？", "chosen": "先用热水温一温茶壶。", "rejected": "随便泡泡就行。"},
            {"id": 2, "question": "怎样写好毛笔字？", "chosen": "", "rejected": "多写就行。"},
        ],
        fields={}, chat=PAIRS,
    )  # fmt: skip
    run = made.run()
    taken = run.write(intake(run))
    assert (taken.kept, taken.errored) == (5 + 3 + 5 + 3, 3)
    assert {q["reason"] for q in rows(made.place, "quarantine")} == {"no_answer", "unknown_role"}
    assert taken.facts["signals"] == {"chat": {"score": 1}}
    run.write(StepResult(step="source_gate", unit="source", rows_in=2, kept=2, facts={"verdicts": [], "held": {}}))
    decided = run.write(decide(run))
    assert (decided.kept, decided.removed, decided.errored) == (16, 0, 0)
    gate(run)
    assert publish(run).state == "ok"

    release = decided.facts["release_id"]
    assert verify(made.place, release) == []
    files = sorted((made.place.releases / release / "data").glob("*.parquet"))
    out = [r for f in files for r in pq.read_table(f).to_pylist()]
    groups = defaultdict(list)
    for row in out:
        groups[row["group_id"]].append(row)
    assert len(groups) == 4 and all(len(group_id) == 64 for group_id in groups)
    again = {
        json.dumps([[r["speaker"], r["text"]] for r in sorted(rs, key=lambda r: r["turn"])], ensure_ascii=False)
        for rs in groups.values()
        if all(r["role"] != "rejected" for r in rs)
    }
    names = {"human": "user", "gpt": "assistant", "system": "system"}
    expected = [[names[who], text] for who, text in SAID]
    expected[3][1] = "有事请打[pi_mobile]找我。"
    expected[4][1] = "好的，我会打[pi_mobile]联系您。"
    assert json.dumps(expected, ensure_ascii=False) in again and len(again) == 3
    pair = next(rs for rs in groups.values() if any(r["role"] == "rejected" for r in rs))
    assert {(r["role"], r["turn"], r["speaker"]) for r in pair} == {
        ("prompt", 0, "user"), ("chosen", 1, "assistant"), ("rejected", 1, "assistant"),
    }  # fmt: skip
    samples = rows(made.place, "sample")
    assert {(s["frame"], s["frame_rows"]) for s in samples} == {(GROUPS, 4)}
