"""Controls that are the sum of others: the worst verdict of their parts, nothing where the use is another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from corpusgate.errors import ConfigError
from corpusgate.gates.composites import composites
from corpusgate.gates.verdict import Judged, combined
from corpusgate.lake.run import Run, open_run
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, HOME, RELEASE, clean_lake

CATALOGUE = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))
SUMS = {c.id: c for c in CATALOGUE if c.all_of}


def run_of(folder: Path, use: str = "fine_tuning") -> Run:
    lake = clean_lake(1)
    lake.corpus = {"intended_use": use}
    return lake.write(folder)


def said(control_id: str, verdict: str, scope_id: str = RELEASE, half: Any = "computed") -> Judged:
    scope = "release" if scope_id == RELEASE else "source"
    return Judged(control_id, half, scope, scope_id, "", verdict, "because")  # ty: ignore[invalid-argument-type]


def all_parts(verdict: str = "pass") -> list[Judged]:
    return [said(p.id, verdict) for c in SUMS.values() for p in CATALOGUE.parts_of(c)]


def verdicts(run: Run, judged: list[Judged], left_out: tuple[str, ...] = ()) -> dict[str, Judged]:
    return {j.control_id: j for j in composites(run, CATALOGUE, judged, RELEASE, left_out)}


def test_the_four_sums_of_the_draft_are_there_with_the_shalls_of_their_clauses() -> None:
    assert set(SUMS) == {f"45652-draft-7-{n}" for n in ("1-a", "2-a", "2-c", "3-a")}
    parts = {c: {p.clause_number for p in CATALOGUE.parts_of(SUMS[c])} for c in SUMS}
    assert parts["45652-draft-7-1-a"] == {"6.1 a)", "6.1 b)", "6.1 c)", "6.1 d)"}
    assert {p.clause.split(" ")[0] for p in CATALOGUE.parts_of(SUMS["45652-draft-7-2-c"])} == {"45674-2025"}
    assert all(p.level == "shall" for c in SUMS.values() for p in CATALOGUE.parts_of(c))


@pytest.mark.parametrize("control_id", sorted(SUMS))
@pytest.mark.parametrize("verdict", ["fail", "pending", "waived", "pass"])
def test_a_sum_has_the_worst_verdict_of_its_parts_and_no_other_sum_has_it(
    tmp_path: Path, control_id: str, verdict: str
) -> None:
    judged = all_parts()
    part = CATALOGUE.parts_of(SUMS[control_id])[0]
    judged.append(said(part.id, verdict, half="human"))
    found = verdicts(run_of(tmp_path), judged)
    assert {c: j.verdict for c, j in found.items()} == dict.fromkeys(SUMS, "pass") | {control_id: verdict}
    unmet = verdict in ("fail", "pending")
    assert (found[control_id].value, part.clause in found[control_id].because) == (float(unmet), unmet)


def test_a_corpus_for_pre_training_has_no_fine_tuning_data(tmp_path: Path) -> None:
    found = verdicts(run_of(tmp_path, "pre_training"), all_parts("fail"))
    assert {j.verdict for j in found.values()} == {"not_applicable"}


def test_a_part_that_nobody_judged_is_a_failure_and_parts_that_do_not_apply_say_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    assert {j.verdict for j in verdicts(run, []).values()} == {"fail"}
    assert {j.verdict for j in verdicts(run, all_parts("not_applicable")).values()} == {"not_applicable"}


def test_what_is_said_of_a_source_that_is_left_out_says_nothing_of_the_release(tmp_path: Path) -> None:
    judged = [*all_parts(), said("45652-draft-6-1-c", "fail", "beta")]
    run = run_of(tmp_path)
    assert verdicts(run, judged)["45652-draft-7-1-a"].verdict == "fail"
    assert verdicts(run, judged, ("beta",))["45652-draft-7-1-a"].verdict == "pass"


def test_a_sum_of_nothing_or_with_a_waiver_of_its_own_is_refused(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    path = run.place.conf / "controls" / "45652-draft-7-1-a.yaml"
    declared = path.read_text("utf-8")
    path.write_text(declared.replace("45652-draft 6.1", "45652-draft 6.9"), "utf-8")
    with pytest.raises(ConfigError, match=r"no control lies under 45652-draft 6\.9"):
        load_catalogue(run.place)
    path.write_text(declared.replace("waivable: false", "waivable: true"), "utf-8")
    with pytest.raises(ConfigError, match="its parts are waived"):
        load_catalogue(run.place)
    assert combined([]) == "not_applicable" and open_run(run.place, "test", run.id, AT).corpus.id == "test"
