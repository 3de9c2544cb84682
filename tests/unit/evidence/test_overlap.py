"""The figure of overlap with test sets: a row a set of the policy, records kept and removed."""

import json

from corpusgate.evidence.overlap import overlaps
from corpusgate.evidence.page import render
from corpusgate.intake.detectors.contamination import mark_of
from corpusgate.intake.rules import detector_version
from corpusgate.lake import store
from corpusgate_testing.decide import VERSIONS, Text, World, judged
from corpusgate_testing.lake import place_in


def run_with_overlap(tmp_path):
    """A run whose policy reports one set and removes by another; two kept records and one removed overlap."""
    place = place_in(tmp_path)
    store.ensure_tables(place)
    (place.conf / "test_sets").mkdir()
    for name in ("exam", "quiz"):
        declared = {
            "title": f"<b>{name}</b>",
            "source": "https://x.example",
            "licence": "MIT",
            "sha256": "0" * 64,
            "path": "x",
        }
        (place.conf / "test_sets" / f"{name}.yaml").write_text(json.dumps(declared), "utf-8")
    marks = "+".join(mark_of(n, "0" * 64, ("text",)) for n in ("exam", "quiz"))
    versions = {**VERSIONS, "language_quality": f"language_quality-l1 contamination-1+fold.0+{marks}"}
    texts = [Text("甲"), Text("乙"), Text("丙"), Text("丁")]
    world = World(policy={"test_sets": {"exam": "report", "quiz": "remove"}})
    run = judged(place, texts, world=world, versions=versions)
    own = detector_version("contamination", versions)
    made = [
        {"text_sha256": t.sha256, "batch_id": "batch-alpha", "family": "language_quality", "detector": "contamination",
         "version": v, "rule": f"test_set:{n}", "risk": "q_contamination", "start": 0, "end": 1}
        for t, n, v in zip(texts, ("exam", "exam", "quiz", "exam"), (own, own, own, "0"), strict=True)
    ]  # fmt: skip
    store.replace(place, "finding", made, "batch_id = 'batch-alpha'", "made by a test")
    kept = [
        {"release_id": "demo-1", "record_id": t.record_id, "text_sha256": t.sha256}
        for t in (texts[0], texts[1], texts[3])
    ]
    gone = [
        {
            "release_id": "demo-1",
            "record_id": texts[2].record_id,
            "text_sha256": texts[2].sha256,
            "rule": "contamination",
        }
    ]
    store.replace(place, "release_record", kept, "release_id = 'demo-1'", "made by a test")
    store.replace(place, "decision", gone, "release_id = 'demo-1'", "made by a test")
    return run


def test_each_set_of_the_policy_has_its_figure_by_the_version_of_the_run(tmp_path):
    run = run_with_overlap(tmp_path)
    found = {r["test_set"]: (r["treatment"], r["kept"], r["removed"]) for r in overlaps(run, "demo-1")}
    assert found == {"exam": ("report", 2, 0), "quiz": ("remove", 0, 1)}
    assert overlaps(run, None) == []


TOLD = {
    "run": {"id": "r", "corpus": "demo", "title": "t", "at": "x"}, "release_id": None, "releases": [], "verdicts": [],
    "published": "not_published", "judgements": [], "sources": [], "sizes": [], "removed": [], "masks_in_notices": {},
    "languages_dropped": [], "steps": [],
}  # fmt: skip


def test_the_page_prints_the_figures_escaped_and_says_where_nothing_was_looked_for(tmp_path):
    page = render({**TOLD, "test_sets": overlaps(run_with_overlap(tmp_path), "demo-1")}, {})
    assert "Overlap with test sets" in page and "&lt;b&gt;exam" in page and "<b>exam</b>" in page
    assert "names no test set" in render({**TOLD, "test_sets": []}, {})
    assert "Overlap with test sets" not in render(TOLD, {})
