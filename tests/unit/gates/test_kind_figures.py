"""The proof of each kind of source: for each control a lake that violates it, and one where the kind is absent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpusgate.gates.figures import Figure
from corpusgate.gates.kind_figures import ADDRESS, BOUGHT, COLLECTED, GENERATED, METADATA, TYPED
from corpusgate.gates.source_figures import source_figures
from corpusgate.intake.register import Register, effective
from corpusgate.lake.run import Run, write_atomically
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, HOME, RECORDS, Lake, clean_lake, sha

CATALOGUE = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))
MARK = "m@1 2026-02-01"
HTTP = {"type": "http", "urls": ["https://beta.example/1"]}


def kind_of(lake: Lake, source_id: str, kind: str, **blocks: Any) -> Lake:
    """The source under another kind, with the papers of that kind whole."""
    lake.sources[source_id] = (kind, *lake.sources[source_id][1:])
    lake.blocks[source_id] = blocks
    lake.result("licence", source_id).facts["papers"] = {"control": "x", "missing": []}
    return lake


def crawled(lake: Lake) -> None:
    collection = {"method": "crawled", "tool": "corpusgate", "operator": "o"}
    lake.blocks["beta"] = {"collection": collection, "channel": HTTP}
    (acquisition,) = lake.of("beta", "acquisition")
    acquisition |= {"url": "https://beta.example/1", "permission": f"allowed sha256:{sha('robots')}"}


def generated(lake: Lake) -> None:
    kind_of(lake, "alpha", "synthetic")
    for record in lake.of("alpha"):
        record["generator"] = MARK


def typed(lake: Lake) -> None:
    said = {"service": "chat", "register_path": "r.jsonl", "entered_at": "typed"}
    kind_of(lake, "alpha", "user_input", user_input=said)
    for record in lake.of("alpha"):
        record["attributes"] = {"typed": "2026-02-10", "user": "u-1"}


def written(lake: Lake, folder: Path) -> Run:
    """The lake with the register of authorisations, where a source of it needs one."""
    papers = lake.result("licence", "alpha").facts.get("papers")
    if lake.sources["alpha"][0] == "user_input" and papers:
        keys = [r["locator"].removeprefix("key:") for r in lake.of("alpha")]
        row = {"user": "u", "clause_version": "3", "authorised_at": "2026-02-01"}
        register: Register = effective([{"key": k, **row} for k in keys], AT)
        write_atomically(folder / "register", register.content.decode())
        papers["register"] = {"path": str(folder / "register"), "sha256": register.sha256}
    return lake.write(folder)


def figures(lake: Lake, folder: Path) -> dict[tuple[str, str], Figure]:
    return {(f.control_id, f.scope_id): f for f in source_figures(written(lake, folder))}


def missing(source_id: str, control_id: str) -> Callable[[Lake], None]:
    def plant(lake: Lake) -> None:
        lake.result("licence", source_id).facts["papers"] = {"control": control_id, "missing": ["the contract"]}

    return plant


def held_for_papers(lake: Lake) -> None:
    """As the licence step leaves it: nothing of the source was collected."""
    missing("delta", BOUGHT)(lake)
    licence = lake.result("licence", "delta")
    licence.state, licence.held_by, licence.because = "held", BOUGHT, "the papers of its kind are not whole"


def of_record(source_id: str, **values: Any) -> Callable[[Lake], None]:
    return lambda lake: lake.of(source_id)[3].update(values)


KINDS: list[tuple[str, str, Callable[[Lake], None], Callable[[Lake], Any], int]] = [
    (COLLECTED, "beta", crawled, lambda lake: lake.of("beta", "acquisition")[0].update(permission=None), RECORDS),
    (COLLECTED, "beta", crawled, lambda lake: lake.of("beta", "acquisition")[0].update(permission="refused"), RECORDS),
    (COLLECTED, "beta", crawled, lambda lake: lake.of("beta", "acquisition")[0].update(agent=None), RECORDS),
    (COLLECTED, "beta", crawled, of_record("beta", acquisition_id="nowhere"), 1),
    (COLLECTED, "beta", lambda lake: None, missing("beta", COLLECTED), RECORDS),
    (BOUGHT, "delta", lambda lake: None, missing("delta", BOUGHT), 1),
    (BOUGHT, "delta", lambda lake: None, held_for_papers, 1),
    (TYPED, "alpha", typed, of_record("alpha", attributes={"typed": "2026-01-31", "user": "u-1"}), 1),
    (TYPED, "alpha", typed, of_record("alpha", attributes={"user": "u-1"}), 1),
    (TYPED, "alpha", typed, missing("alpha", TYPED), RECORDS),
    (ADDRESS, "beta", crawled, of_record("beta", url="page three"), 1),
    (ADDRESS, "beta", crawled, of_record("beta", url=None), 1),
    (GENERATED, "alpha", generated, of_record("alpha", generator="m@1 2026-03-02"), 1),
    (GENERATED, "alpha", generated, of_record("alpha", generator=None), 1),
    (METADATA, "alpha", generated, of_record("alpha", generator="some model, this spring"), 1),
    (METADATA, "alpha", generated, of_record("alpha", generator=None), 1),
]  # fmt: skip


ORIGIN = "45652-draft-6-2-a"
#: Planted violations, by their place above, that are one of another clause too: a record of no acquisition, or without
#: the address or mark that tells its origin, has no origin; one without its mark is in no register of generated data.
ALSO = {3: {ORIGIN}, 11: {ORIGIN}, 13: {ORIGIN, METADATA}, 14: {GENERATED}, 15: {ORIGIN, GENERATED}}


@pytest.mark.parametrize("number", range(len(KINDS)), ids=[f"{c}-{n}" for n, (c, *_) in enumerate(KINDS)])
def test_a_planted_violation_fails_its_control_and_no_other_of_the_source(tmp_path: Path, number: int) -> None:
    control_id, source_id, prepare, plant, k = KINDS[number]
    control = CATALOGUE[control_id]
    lake = clean_lake()
    prepare(lake)
    sound = figures(lake, tmp_path / "sound")[control_id, source_id]
    assert (sound.state, sound.k, sound.value) == ("measured", 0, 0.0) and control.holds(0.0)
    plant(lake)
    found = figures(lake, tmp_path / "broken")
    broken = found[control_id, source_id]
    assert (broken.state, broken.k) == ("measured", k)
    assert broken.value is not None and not control.holds(broken.value)
    others = {c for (c, s), f in found.items() if s == source_id and c != control_id and fails(f)}
    assert others == ALSO.get(number, set()), "every other figure of the source still holds"


def fails(figure: Figure) -> bool:
    control = CATALOGUE[figure.control_id]
    return figure.state == "unreadable" or (
        figure.state == "measured" and (figure.value is None or not control.holds(figure.value))
    )


@pytest.mark.parametrize(("attributes", "k"), [({"typed": "2026-02-10"}, 1), ({"typed": "2026-02-10", "user": ""}, 1),
                                               ({"typed": "2026-02-10", "user": "u-17"}, 0)])  # fmt: skip
def test_what_a_user_typed_carries_service_and_user(tmp_path: Path, attributes: dict[str, str], k: int) -> None:
    """45652-draft 6.2 a: the service is declared, the user's identifier stands with every record."""
    lake = clean_lake()
    typed(lake)
    for record in lake.of("alpha"):
        record["attributes"] = {"typed": "2026-02-10", "user": "u-1"}
    lake.of("alpha")[3]["attributes"] = attributes
    figure = figures(lake, tmp_path)["45652-draft-6-2-a", "alpha"]
    assert (figure.state, figure.k, figure.n) == ("measured", k, RECORDS)


def test_every_control_about_one_kind_has_a_planted_violation() -> None:
    of_sources = {c.id for c in CATALOGUE if c.only_for and c.computed and c.scope == "source"}
    assert of_sources == {control_id for control_id, *_ in KINDS}


def test_a_kind_that_is_absent_is_said_once_and_never_passes_by_silence(tmp_path: Path) -> None:
    found = figures(clean_lake(), tmp_path)
    assert {c for (c, scope), f in found.items() if scope == "*" and f.state == "not_applicable"} == {
        TYPED, GENERATED, METADATA,
    }  # fmt: skip


def test_a_source_kept_back_for_something_else_is_not_judged(tmp_path: Path) -> None:
    lake = clean_lake()
    fetch = lake.result("fetch", "delta")
    fetch.state, fetch.because = "unavailable", "not available here"
    found = figures(lake, tmp_path)[BOUGHT, "delta"]
    assert (found.state, found.k) == ("not_applicable", None) and "fetch" in found.because


def test_a_register_that_was_changed_after_the_licence_step_is_unreadable(tmp_path: Path) -> None:
    lake = clean_lake()
    typed(lake)
    run = written(lake, tmp_path)
    write_atomically(tmp_path / "register", "{}")
    found = {(f.control_id, f.scope_id): f for f in source_figures(run)}
    assert found[TYPED, "alpha"].state == "unreadable"


def test_without_a_word_of_the_licence_step_about_the_papers_nothing_is_measured(tmp_path: Path) -> None:
    lake = clean_lake()
    del lake.result("licence", "delta").facts["papers"]
    assert figures(lake, tmp_path)[BOUGHT, "delta"].state == "unreadable"
