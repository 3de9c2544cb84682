"""The chain of data sets behind a source: the most restrictive hop decides, and adding a hop never allows more."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.settings.licence import USES, load_licences
from corpusgate.settings.place import Place
from corpusgate.settings.source import Conclusion, LicencePart, Parent
from corpusgate.sources.expressions import ORDER
from corpusgate.sources.job import licence
from corpusgate.sources.judge import Judgement, along, judge
from corpusgate_testing.sources import REPOSITORY, declared, fetched, installation, run_of

TABLE = load_licences(Place(REPOSITORY, REPOSITORY / "conf", Path("lake"), Path("var")))
NEEDS = ("training", "derivatives", "commercial")
WORST = ("fail", "pending", "pass")
KNOWN = ("CC0-1.0", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0", "MIT", "CC0-1.0 OR CC-BY-NC-4.0")


def parent(expression: str | None, title: str = "Parent") -> Parent:
    return Parent(title=title, address="https://parent.example", version="1", expression=expression)


def own(expression: str = "CC0-1.0") -> Judgement:
    said = Conclusion(expression=expression, by="Li Na", at="2026-01-01", because="read")
    return judge(LicencePart(concluded=said), {}, TABLE, NEEDS)


@pytest.mark.parametrize(
    ("chain", "verdict", "reason", "says"),
    [
        ([], "pass", "licence_concluded", "CC0-1.0"),
        (["CC0-1.0"], "pass", "licence_concluded", "CC0-1.0"),
        (["CC-BY-NC-4.0"], "fail", "licence_forbids_use", "through Parent 1"),
        (["CC0-1.0", "CC-BY-NC-4.0", "MIT"], "fail", "licence_forbids_use", "commercial"),
        ([None], "pending", "licence_parent_unknown", "Parent: no licence is known"),
        (["Made-Up-1.0"], "pending", "licence_parent_unknown", "not in conf/licences.yaml"),
    ],
)
def test_the_most_restrictive_hop_decides_and_is_named(chain, verdict, reason, says):
    found = along(own(), [parent(e) for e in chain], TABLE, NEEDS)
    assert (found.verdict, found.reason) == (verdict, reason)
    assert says in found.says


def test_obligations_of_every_hop_are_carried():
    found = along(own(), [parent("CC-BY-4.0")], TABLE, NEEDS)
    assert found.grants is not None and set(TABLE.licences["CC-BY-4.0"].obligations) <= set(found.grants.obligations)
    assert found.concluded == "CC0-1.0 AND CC-BY-4.0"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KNOWN), st.lists(st.sampled_from(KNOWN), max_size=3), st.sampled_from(KNOWN))
def test_a_further_hop_never_allows_more(first, chain, further):
    before = along(own(first), [parent(e) for e in chain], TABLE, NEEDS)
    after = along(own(first), [parent(e) for e in (*chain, further)], TABLE, NEEDS)
    assert WORST.index(after.verdict) <= WORST.index(before.verdict)
    if before.verdict == after.verdict == "pass" and before.grants and after.grants:
        for use in USES:
            assert ORDER.index(after.grants.use(use)) <= ORDER.index(before.grants.use(use))


def test_the_licence_step_looks_at_the_chain(tmp_path):
    place = installation(tmp_path, "notes")
    run = run_of(place)
    (tmp_path / "a.txt").write_text("text", "utf-8")
    said = [{"concluded": {"expression": "CC0-1.0", "by": "Li Na", "at": "2026-01-01", "because": "read"}}]
    source = declared(licence=said, derived_from=[parent("CC-BY-NC-4.0", "Crawl").model_dump()])
    fetched(run, source, tmp_path / "a.txt")
    result = licence(run, source)
    assert result.state == "held" and "through Crawl 1" in result.because
