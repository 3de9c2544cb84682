"""45674-2025 8.3 a: prompts and rejected answers of safety data may hold risk where two people say so, nothing else.

The decision itself is in tests/spark/decide/test_groups.py and tests/unit/decide/test_group_rules.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpusgate.banks.lexicon import load_lexicon
from corpusgate.gates.release_figures import RISKY, release_figures
from corpusgate.gates.source_figures import ILLEGAL, source_figures
from corpusgate.gates.strata import candidate
from corpusgate.intake.admission import admission
from corpusgate.intake.kit import KEY_VARIABLE
from corpusgate.lake.run import open_run
from corpusgate.settings.catalogue import load_catalogue
from corpusgate_testing.gates import HOME, clean_lake
from corpusgate_testing.intake import AT, HMAC_HEX, fetched, jsonl, place_at, run_over, written

CHAT = {"safety": True, "reader": {"format": "jsonl", "chat": {"turns": "messages"}}}
ROLES = ("prompt", "chosen", "rejected", "text")
BOTH = ["prompt", "rejected"]


def figures_of(folder: Path, *, safety: bool = True, allowed: list[str] | None = None) -> dict[str, tuple[int, str]]:
    """Control -> k and because, over a lake in which one record of each role holds risk."""
    lake = clean_lake()
    lake.policy = {"risk_allowed_in": BOTH if allowed is None else allowed}
    lake.blocks = {**lake.blocks, "alpha": {**CHAT, "safety": safety}}
    for role, record, released in zip(ROLES, lake.of("alpha"), lake.of("alpha", "release_record"), strict=False):
        record["role"] = released["role"] = role
    lake.illegal("alpha", len(ROLES))
    run = lake.write(folder)
    found = source_figures(run) + release_figures(run, load_catalogue(run.place), candidate(run))
    chosen = [f for f in found if f.control_id in (ILLEGAL, RISKY) and f.scope_id != "beta"]
    return {f.control_id: (f.k or 0, f.because) for f in chosen if f.scope_id == "alpha" or f.scope == "release"}


def test_prompts_and_rejected_answers_of_safety_data_are_told_and_not_counted(tmp_path: Path) -> None:
    for control, (k, because) in figures_of(tmp_path).items():
        assert k == 2, control
        assert "; 2 more hold risk and may, as prompts or rejected answers of safety data" in because


@pytest.mark.parametrize(("safety", "allowed", "counted"), [(True, [], 4), (True, ["prompt"], 3), (False, BOTH, 4)])
def test_both_the_source_and_the_policy_have_to_say_so(
    tmp_path: Path, safety: bool, allowed: list[str], counted: int
) -> None:
    found = figures_of(tmp_path, safety=safety, allowed=allowed)
    assert {control: k for control, (k, _) in found.items()} == {ILLEGAL: counted, RISKY: counted}


@pytest.mark.parametrize(("allowed", "bad"), [([], 2), (["prompt"], 1), (BOTH, 1)])
def test_admission_looks_for_nothing_in_what_may_hold_risk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: list[str], bad: int
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, HMAC_HEX)
    words = load_lexicon(HOME / "conf" / "lexicons" / "starter").words
    word = next(w for w in words if w.kind == "deny" and w.weight >= 1 and not w.risks[0].startswith("a5")).word
    place = place_at(tmp_path)
    run_over(place, CHAT)
    path = place.conf / "corpora" / "demo.yaml"
    corpus = json.loads(path.read_text("utf-8"))
    corpus["policy"]["risk_allowed_in"] = allowed
    path.write_text(json.dumps(corpus), "utf-8")
    run = open_run(place, "demo", "r1", AT)
    rows = [
        {"messages": [{"role": "user", "content": f"问：{word}？"}, {"role": "assistant", "content": "我不能回答。"}]},
        {"messages": [{"role": "user", "content": "问。"}, {"role": "assistant", "content": f"答：{word}。"}]},
    ]
    fetched(run, [written(tmp_path, "a.jsonl", jsonl(rows))])
    facts = admission(run, run.source("alpha")).facts
    assert (facts["n"], facts["k"]) == (4, bad)
