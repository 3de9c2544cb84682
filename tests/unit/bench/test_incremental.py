"""The measurement of incremental rebuilds changes what it says it changes, and judges by what is asked for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))
import incremental


@pytest.fixture
def corpus(tmp_path):
    docs = [{"id": f"d{n}", "text": f"第{n}篇", "source": "s", "url": None} for n in range(1000)]
    (tmp_path / "docs").mkdir()
    lines = "".join(json.dumps(d, ensure_ascii=False) + "\n" for d in docs)
    (tmp_path / "docs" / "part-000.jsonl").write_text(lines, "utf-8")
    (tmp_path / "meta.json").write_text(json.dumps({"docs": 1000}), "utf-8")
    (tmp_path / "keywords.txt").write_text("某某关键词\n另一个词\n", "utf-8")
    return tmp_path


def read(raw):
    files = sorted(raw.glob("*.jsonl"))
    return {p.name: [json.loads(line) for line in p.read_text("utf-8").splitlines()] for p in files}


@pytest.mark.parametrize(("how", "files"), [("files", 1), ("spread", 10)])
def test_one_document_in_a_hundred_changes(corpus, tmp_path, how, files):
    raw = tmp_path / "raw"
    raw.mkdir()
    assert incremental.lay_out(corpus, raw, 10) == 1000
    before = read(raw)
    changed = incremental.change(raw, how, "day2")
    after = read(raw)
    assert sum(before[n] != after[n] for n in before) == files
    differing = [(a, b) for n in before for a, b in zip(before[n], after[n], strict=True) if a != b]
    assert len(differing) == changed == (100 if how == "files" else 10)
    assert all(a["text"] != b["text"] for a, b in differing)
    if how == "files":
        assert sum(a["id"] != b["id"] for a, b in differing) == 10, "one in ten is another document"


def test_the_installation_can_be_loaded(corpus, tmp_path):
    from corpusgate.banks.lexicon import load_lexicon
    from corpusgate.settings.load import load_corpus, load_sources
    from corpusgate.settings.place import Place

    work = tmp_path / "work"
    work.mkdir()
    incremental.installation(work, corpus)
    place = Place(work, work / "conf", work / "lake", work / "var")
    assert [s.id for s in load_sources(place, load_corpus(place, "bench"))] == ["bench"]
    assert len(load_lexicon(work / "conf" / "lexicons" / "bench").words) == 2


def test_the_verdict_is_of_medians():
    rounds = [{"fixed": 50.0, "full": f, "none": 55.0, "files": 65.0} for f in (150.0, 155.0, 900.0)]
    said = incremental.verdict(rounds, ["files"])
    assert (said["none_over_fixed"], said["share_of_full"]) == (1.1, {"files": 0.1})
