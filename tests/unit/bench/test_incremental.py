"""The measurement of rebuilds again: it changes what it says it changes, and judges by what is asked for."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))
import changes
import corpora
import incremental
import rebuild


@pytest.fixture
def corpus(tmp_path: Path) -> corpora.Corpus:
    docs = [{"id": f"d{n}", "text": f"第{n}篇\u2028另一行", "source": "s", "url": None} for n in range(1000)]
    folder = tmp_path / "corpus"
    (folder / "docs").mkdir(parents=True)
    lines = "".join(json.dumps(d, ensure_ascii=False) + "\n" for d in docs)
    (folder / "docs" / "part-000.jsonl").write_text(lines, "utf-8")
    (folder / "meta.json").write_text(json.dumps({"docs": 1000, "bytes": 1, "sha256": "0" * 64}), "utf-8")
    (folder / "keywords.txt").write_text("某某关键词\n另一个词\n", "utf-8")
    (folder / "truth.jsonl").write_text("", "utf-8")
    return corpora.read(folder)


def read(files: list[Path]) -> dict[str, list[dict[str, Any]]]:
    """The documents of each file, by its name."""
    told = {}
    for path in files:
        with path.open(encoding="utf-8") as lines:
            told[path.name] = [json.loads(line) for line in lines]
    return told


@pytest.mark.parametrize(("how", "files"), [("files", 1), ("spread", 10)])
def test_one_document_in_a_hundred_changes(corpus: corpora.Corpus, tmp_path: Path, how: str, files: int) -> None:
    laid = changes.lay_out(corpus, tmp_path / "laid", 10)
    assert [d["id"] for d in laid.documents()] == [f"d{n}" for n in range(1000)]
    assert laid.keywords == corpus.keywords
    before = read(laid.files)
    changed = changes.change(laid.files, how, "day2")
    after = read(laid.files)
    assert sum(before[n] != after[n] for n in before) == files
    differing = [(a, b) for n in before for a, b in zip(before[n], after[n], strict=True) if a != b]
    assert len(differing) == changed == (100 if how == "files" else 10)
    assert all(a["text"] != b["text"] for a, b in differing)
    assert sum(a["id"] != b["id"] for a, b in differing) == changed // 10, "one in ten is another document"


def test_a_changed_file_is_not_changed_in_the_folder_that_it_was_linked_from(
    corpus: corpora.Corpus, tmp_path: Path
) -> None:
    linked = tmp_path / "linked.jsonl"
    os.link(corpus.files[0], linked)
    before = corpus.files[0].read_bytes()
    assert changes.change([linked], "files", "day2") == 1000
    assert corpus.files[0].read_bytes() == before != linked.read_bytes()


def test_the_installation_can_be_loaded_and_chooses_spark_by_a_profile(corpus: corpora.Corpus, tmp_path: Path) -> None:
    from corpusgate.banks.lexicon import load_lexicon
    from corpusgate.settings.load import load_corpus, load_sources
    from corpusgate.settings.place import Place
    from corpusgate.settings.profile import load_profile

    made = rebuild.prepare(changes.lay_out(corpus, tmp_path / "laid", 10), tmp_path / "work", rebuild.BY_SPARK)
    place = Place(made.work, made.conf, made.lake, made.work / "var")
    assert [s.id for s in load_sources(place, load_corpus(place, "bench"))] == list(rebuild.SOURCES)
    assert len(load_lexicon(made.conf / "lexicons" / "bench").words) == 3, "two words and one to prove the list by"
    assert len(list((made.work / "sources").glob("*/*.jsonl"))) == 10
    assert made.environment()["CORPUSGATE_PROFILE"] == rebuild.BY_SPARK
    assert load_profile(place, rebuild.BY_SPARK).alone_bytes == 0
    assert rebuild.by_spark(made, corpus) == ["intake"]
    usual = replace(made, profile="local")
    assert rebuild.by_spark(usual, corpus) == []
    assert rebuild.by_spark(usual, replace(corpus, docs=10**7, bytes=10**9)) == ["intake", "decide", "publish"]


def row(cpu: float, release: str, published: str = "ok") -> dict[str, Any]:
    """A rebuild as `series` tells it."""
    return {"cpu": cpu, "facts": {"release_id": release, "published": published}}


def test_the_verdict_is_of_medians() -> None:
    rounds = [
        {"fixed": row(50.0, "t"), "full": row(f, "a"), "none": row(55.0, "a"), "files": row(65.0, "b")}
        for f in (150.0, 155.0, 900.0)
    ]
    said = incremental.verdict(rounds)
    assert (said["none_over_fixed"], said["share_of_full"]) == (1.1, {"files": 0.1})


def series(monkeypatch: pytest.MonkeyPatch, corpus: corpora.Corpus, work: Path, **releases: Any) -> Any:
    """A series of rebuilds that only say what they did, in two turns; `releases`: run -> release and state."""
    usual = {
        "fixed": ("t", "ok"), "fixed-2": ("t", "ok"), "full": ("a", "ok"), "none": ("a", "unchanged"),
        "files": ("b", "ok"), "spread": ("c", "ok"), "none-2": ("c", "unchanged"), "files-2": ("d", "ok"),
        "spread-2": ("e", "ok"),
    }  # fmt: skip
    said = usual | {name.replace("_", "-"): of for name, of in releases.items()}
    costs = iter([90.0, 20.0, 31.0, 40.0, 50.0, 10.0, 30.0, 42.0, 48.0])
    monkeypatch.setattr(incremental, "TURNS", 2)
    monkeypatch.setattr(rebuild, "rebuild", lambda *_, **__: {"intake": rebuild.Cost(next(costs), 1.0, 1.0, 0)})
    monkeypatch.setattr(incremental, "facts", lambda lake, run_id: row(1.0, *said[run_id])["facts"])
    told: list[str] = []
    rows = incremental.series(corpus, work, lambda r: told.append(r["what"]), 10)
    return rows, told


def test_all_but_the_full_one_is_measured_in_turns_and_the_middle_one_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, corpus: corpora.Corpus
) -> None:
    rows, told = series(monkeypatch, corpus, tmp_path)
    assert told == ["full", *["fixed", "none", "files", "spread"] * 2]
    assert {what: r["cpu"] for what, r in rows.items()} == {
        "fixed": 10.0, "full": 90.0, "none": 30.0, "files": 40.0, "spread": 48.0,
    }  # fmt: skip
    assert rows["none"]["turns"] == [31.0, 30.0]
    # each step's own: what disturbs one of a turn is no reason to take another turn's other steps
    turns = [{"cpu": a + b, "steps": {"intake": a, "gate": b}} for a, b in ((3, 9), (1, 5), (2, 4))]
    middle = incremental._middle(turns)
    assert (middle["steps"], middle["cpu"], middle["turns"]) == ({"intake": 2, "gate": 5}, 7, [12, 6, 6])


@pytest.mark.parametrize(
    ("releases", "wrong"),
    [
        ({"none": ("c", "ok")}, "Nothing was changed"),
        ({"none": ("a", "ok")}, "Nothing was changed"),
        ({"files": ("a", "ok")}, "no other release"),
        ({"spread": (None, "held")}, "no other release"),
        ({"none_2": ("b", "unchanged")}, "Nothing was changed"),
        ({"files_2": ("c", "ok")}, "no other release"),
    ],
)
def test_a_rebuild_that_did_something_else_is_no_measurement(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, corpus: corpora.Corpus, releases: Any, wrong: str
) -> None:
    with pytest.raises(SystemExit, match=wrong):
        series(monkeypatch, corpus, tmp_path, **releases)
