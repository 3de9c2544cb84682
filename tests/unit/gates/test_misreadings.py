"""Misreadings (standard.md 7, by their numbers) that need no lake: what is declared, stored, masked, kept apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpusgate.decide.rules import masked_classes
from corpusgate.errors import ConfigError
from corpusgate.gates.figures import LACKS_ORIGIN
from corpusgate.lake.tables import TABLES
from corpusgate.review.draw import Draw, sample_row
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.load import load_corpus
from corpusgate.settings.model import PERSONAL
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, HOME, clean_lake

CATALOGUE = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))


def test_misreading_6_the_unit_of_an_item_is_declared_before_sampling_and_stands_in_each_sample(tmp_path: Path) -> None:
    """6: document, chunk or conversation moves every rate; a corpus that does not say which is refused."""
    run = clean_lake(1).write(tmp_path)
    row = sample_row("r", Draw("c", "manual review", "text", "s", 1, 1, "0" * 64), run.corpus.item_unit, AT)
    assert row["item_unit"] == "document"
    path = run.place.conf / "corpora" / "test.yaml"
    declared = json.loads(path.read_text("utf-8"))
    del declared["item_unit"]
    path.write_text(json.dumps(declared), "utf-8")
    with pytest.raises(ConfigError, match="item_unit: is missing"):
        load_corpus(run.place, "test")


def test_misreading_13_a_record_keeps_its_source_and_its_address() -> None:
    """13: the unit of a source is a domain or set, the draft records a page: both are columns, and what was crawled by
    oneself lacks its origin without the address."""
    assert {"source_id", "url", "domain"} <= set(TABLES["record"].schema.names)
    assert "c.carry = 'address' AND COALESCE(r.url, '') = ''" in LACKS_ORIGIN


def test_misreading_14_a_keyword_of_two_risks_counts_once_in_the_total() -> None:
    """14: not addressed by the text; the catalogue says how we count, where the total is judged."""
    control = CATALOGUE["45654-b-1-1-a"]
    assert "once" in f"{control.requirement} {control.because}" and control.bound == 10_000


def test_misreading_17_no_control_has_a_pass_rate_for_questions_that_must_not_be_refused() -> None:
    """17: that rate is a refusal of at most 5 %, never 96 %: only the manual sample of data has 96 %."""
    assert [c.id for c in CATALOGUE if c.bound == 0.96] == ["45654-4-2-1-manual"]


def test_misreading_23_the_role_of_a_text_is_stored() -> None:
    """23: whether rejected answers and risky prompts count is for counsel; the role lets either rate be told."""
    assert "role" in TABLES["record"].schema.names


def test_misreading_24_safety_annotation_has_tables_of_its_own() -> None:
    """24 and 4.3.4: the safety set is kept apart, by prefix, so that access can be given apart; a should."""
    for name in ("annotation", "annotation_state"):
        assert TABLES[name].schema == TABLES[f"safety_{name}"].schema and name != f"safety_{name}"
    assert CATALOGUE["45654-4-3-4"].level == "should"


@pytest.mark.parametrize("kind", PERSONAL)
def test_misreading_28_with_a_basis_nothing_must_be_masked(kind: str) -> None:
    """28: removing personal information is one way to meet 4.2.3, not the duty; without a basis it is masked."""
    assert masked_classes({kind: "keep"}, [kind], has_basis=True) == frozenset()
    assert masked_classes({kind: "keep"}, [kind], has_basis=False) == {kind}


def test_misreading_31_the_robots_state_seen_is_stored_with_its_hash_and_time() -> None:
    """31: the text speaks of what was forbidden; what was seen when fetching is kept, so that it can be shown."""
    assert {"host", "fetched_at", "signal", "sha256", "verdict"} <= set(TABLES["host_signal"].schema.names)
