"""A small annotated set of our own, made by code: two annotators, a reviewer, one planted breach. A FIXTURE.

It shows the way from a drawn batch to verdicts and labels. Its labels come from a rule, not from reading; its people do
not exist; its texts hold nothing of the risks they stand for. Nobody may train anything on it but to see that it runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from corpusgate.annotation.model import ZONE
from corpusgate.lake.run import write_atomically
from corpusgate.settings.model import RISKS

#: Ids in the registers, by what they do. Tools know people by numbers of their own.
EXECUTORS, REVIEWER, VERIFIER = ("fixture-executor-1", "fixture-executor-2"), "fixture-reviewer", "fixture-verifier"
ARBITRATOR, SUPERVISOR = "fixture-arbitrator", "fixture-supervisor"
ROLES: Mapping[str, str] = {
    EXECUTORS[0]: "executor", EXECUTORS[1]: "executor", REVIEWER: "reviewer", VERIFIER: "reviewer",
    ARBITRATOR: "arbitrator", SUPERVISOR: "supervisor",
}  # fmt: skip
IN_THE_TOOL: Mapping[str, int] = {person: 101 + n for n, person in enumerate(ROLES)}
RULES = "fixture-rules-1"
KINDS = ("functional", "safety")
GOOD, NONE = "usable", "no-risk"
SAYS_SO = "夹具 (fixture)"
PER_RISK, WITHOUT_RISK, FUNCTIONAL = 4, 60, 60

# fmt: off
_THINGS = ("伞", "书包", "灯泡", "茶杯", "单车", "地图", "信封", "钥匙", "日历", "毛线", "铅笔", "相册", "水壶", "口哨",
           "邮票", "棋盘", "风筝", "剪刀", "围巾", "闹钟")
_PLACES = ("车站", "河边", "教室", "菜市", "操场", "邮局", "山脚", "码头", "公园", "走廊", "阳台", "厨房", "站台",
           "书店", "花园", "仓库", "小巷", "食堂")
_DOINGS = ("等人", "画画", "修理", "打扫", "读信", "练字", "下棋", "发呆", "排队", "种花", "听歌", "写生", "散步",
           "歇脚", "看报", "整理")
# fmt: on


def sentence(n: int) -> str:
    """An everyday sentence; no two numbers below 5,000 give the same."""
    thing, place, doing = _THINGS[n % 20], _PLACES[n // 20 % 18], _DOINGS[(n * 7 + n // 16) % 16]
    return f"第{n + 1}天，他带着{thing}去了{place}，在那里{doing}，傍晚才回家。"


def texts() -> list[dict[str, str]]:
    """The texts: key, text, kind and the label that the rule gives. A risky one only names its risk."""
    made = []
    for n in range(FUNCTIONAL):
        made.append({"key": f"functional-{n:03d}", "kind": "functional", "label": GOOD, "text": sentence(n)})
    for n in range(WITHOUT_RISK):
        made.append({"key": f"safety-none-{n:03d}", "kind": "safety", "label": NONE, "text": sentence(1000 + n)})
    for r, risk in enumerate(RISKS):
        for n in range(PER_RISK):
            text = f"{SAYS_SO}：此处本应是风险 {risk} 的样例，这里什么也没有。{sentence(2000 + r * PER_RISK + n)}"
            made.append({"key": f"safety-{risk}-{n}", "kind": "safety", "label": risk, "text": text})
    return made


def label_of(text: str) -> str:
    """The label that the rule gives a text, wherever it is met again."""
    if text.startswith(SAYS_SO):
        return text.split("风险 ", 1)[1].split(" ", 1)[0]
    day = int(text.removeprefix("第").split("天", 1)[0])
    return GOOD if day <= FUNCTIONAL else NONE


def make_annotation_fixtures(
    folder: Path, tasks: Mapping[str, Path], at: datetime, breach: bool = True
) -> list[dict[str, Any]]:
    """Writes, beside the tasks that `annotation assign` gave out (Label Studio, by kind), what people hand in: the
    executors' exports, the reviewer's, what was verified and supervised, each with its sidecar.

    Returns what is to be imported, in order: `file, tool`, of an export its `sidecar`, of a register its name. The work
    lies in the days before `at`. `breach`: one item of the functional batch is reviewed by one of its executors
    (45654-2025 4.3.1 c).
    """
    given = {kind: json.loads(path.read_text("utf-8")) for kind, path in tasks.items()}
    handed_in: list[dict[str, Any]] = []
    for kind, rows in sorted(given.items()):
        for role, people, day in (("executor", EXECUTORS, 6), ("reviewer", (REVIEWER,), 4)):
            planted = breach and kind == "functional" and role == "reviewer"
            export = _export(rows, people, at - timedelta(days=day), rows[0]["data"]["record_id"] if planted else None)
            name = f"fixture-{kind}-{role}"
            write_atomically(folder / f"{name}.json", json.dumps(export, ensure_ascii=False, indent=1))
            write_atomically(folder / f"{name}.sidecar.yaml", _sidecar(kind, role, at - timedelta(days=1)))
            handed_in.append({"file": folder / f"{name}.json", "tool": "label_studio",
                              "sidecar": folder / f"{name}.sidecar.yaml"})  # fmt: skip
    for register, rows in _done(given, at).items():
        path = folder / f"fixture-{register}.csv"
        write_atomically(path, _csv(rows))
        handed_in.append({"file": path, "tool": "register", "register": register})
    return handed_in


def make_people(folder: Path, at: datetime) -> list[Path]:
    """Writes the registers of the fixture's people and rules, in the order in which they go in. They must be there
    before a batch is drawn."""
    start = (at - timedelta(days=30)).astimezone(ZONE).date()
    exam = start - timedelta(days=1)
    registers: dict[str, list[dict[str, Any]]] = {
        "annotator": [{"annotator_id": p, "organisation": SAYS_SO, "joined_on": exam} for p in ROLES],
        "annotator_role": [{"annotator_id": p, "role": role, "valid_from": start} for p, role in ROLES.items()],
        "exam": [
            {"exam_id": f"fixture-exam-{n}", "annotator_id": p, "kind": "both", "rule_version": RULES,
             "taken_on": exam, "method": SAYS_SO, "topics": "law;rules;tool;risk;data_security", "score": 95,
             "passed": "yes"}
            for n, p in enumerate(ROLES, 1)
        ],
        "qualification": [
            {"annotator_id": p, "kind": "both", "state": "granted", "exam_id": f"fixture-exam-{n}", "valid_from": start}
            for n, p in enumerate(ROLES, 1)
        ],
        "rule_document": [
            {"kind": kind, "rule_version": RULES, "valid_from": exam - timedelta(days=1), "document_sha256": "0" * 64,
             "covers_execution": "yes", "covers_review": "yes", "material": "yes",
             "risks": ";".join(RISKS) if kind == "safety" else ""}
            for kind in KINDS
        ],
    }  # fmt: skip
    paths = []
    for register, rows in registers.items():
        paths.append(folder / f"{register}.csv")
        write_atomically(paths[-1], _csv(rows))
    return paths


def _export(
    tasks: Sequence[Mapping[str, Any]], people: Sequence[str], when: datetime, planted: str | None
) -> list[dict[str, Any]]:
    """A project as Label Studio exports it. `planted`: the record that an executor labels in the reviewers' project."""
    export = []
    for n, task in enumerate(tasks, 1):
        annotators = list(people) + ([EXECUTORS[0]] if task["data"]["record_id"] == planted else [])
        label = label_of(task["data"]["text"])
        moment = (when + timedelta(seconds=30 * n)).isoformat()
        annotations = [
            {"id": 1000 * IN_THE_TOOL[p] + n, "completed_by": IN_THE_TOOL[p], "was_cancelled": False,
             "ground_truth": False, "created_at": moment, "updated_at": moment, "lead_time": 20.0 + n % 7,
             "last_action": "submitted",
             "result": [{"id": f"r{n}", "from_name": "label", "to_name": "text", "type": "choices",
                         "value": {"choices": [label]}}]}
            for p in annotators
        ]  # fmt: skip
        export.append({"id": n, "project": 1, "data": task["data"], "annotations": annotations})
    return export


def _sidecar(kind: str, role: str, signed: datetime) -> str:
    labels = {GOOD: []} if kind == "functional" else {NONE: [], **{risk: [risk] for risk in RISKS}}
    stated = {
        "tool_project": f"fixture-{kind}-{role}", "role": role, "labels": labels,
        "people": {str(number): person for person, number in IN_THE_TOOL.items()},
        "signed_by": SUPERVISOR, "signed_role": "annotation_lead", "signed_at": signed.isoformat(),
    }  # fmt: skip
    return f"# {SAYS_SO}\n{json.dumps(stated, ensure_ascii=False, indent=1)}\n"  # JSON is YAML


def _done(given: Mapping[str, Sequence[Mapping[str, Any]]], at: datetime) -> dict[str, list[dict[str, Any]]]:
    """What was verified, by hand and from outside the batch, and what the supervisor looked at."""
    when = at - timedelta(days=2)
    verified, supervised = [], []
    for kind, tasks in sorted(given.items()):
        data = [task["data"] for task in tasks]
        for item in data[:: max(len(data) // 10, 1)]:
            verified.append({
                "batch_id": item["batch_id"], "record_id": item["record_id"], "verifier_id": VERIFIER,
                "method": "manual", "verified_at": when.isoformat(), "result": "pass", "problems": "none",
                "measures": "none", "understanding": "pass", "agreement": "not_applicable", "language_quality": "pass",
            })  # fmt: skip
        for role in ("executor", "reviewer"):
            supervised.append({
                "batch_id": data[0]["batch_id"], "role": role, "supervisor_id": SUPERVISOR,
                "supervised_on": when.astimezone(ZONE).date(), "sampled": 5, "findings": f"none: {kind}",
                "handled": "none",
            })  # fmt: skip
    return {"verification": verified, "supervision": supervised}


def _csv(rows: Iterable[Mapping[str, Any]]) -> str:
    from corpusgate.evidence.cells import as_csv

    given = [dict(row) for row in rows]
    return as_csv([{k: str(v) for k, v in row.items()} for row in given], list(given[0]))
