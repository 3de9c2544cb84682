"""Misreadings (standard.md 7, by their numbers) that need no lake: what is declared, stored, masked, kept apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from corpusgate.decide.rules import masked_classes
from corpusgate.errors import ConfigError
from corpusgate.gates.figures import LACKS_ORIGIN
from corpusgate.gates.kind_figures import COLLECTED
from corpusgate.gates.source_figures import source_figures
from corpusgate.gates.verdict import combined
from corpusgate.lake.tables import TABLES
from corpusgate.review.draw import Draw, frame_where, sample_row
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.control import Verdict
from corpusgate.settings.load import load_corpus
from corpusgate.settings.model import PERSONAL
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, HOME, clean_lake

CATALOGUE = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))


@pytest.mark.parametrize(("rows", "size"), [(3, 3), (3999, 3999), (4000, 4000), (4001, 4000), (1_000_000, 4000)])
def test_misreading_5_a_modality_with_fewer_items_than_the_sample_is_looked_at_whole(rows: int, size: int) -> None:
    """5: not addressed by the text; a census of that modality (own)."""
    draw = CATALOGUE["45654-4-2-1-manual"].draw
    assert draw is not None and draw.size(rows) == size


def test_misreading_9_the_sample_is_drawn_from_the_filtered_frozen_version() -> None:
    """9: the text says "from training data" and "filter before training": drawn is what a candidate keeps, and each
    item carries the hash of the text that it would release, so that a later change voids its review."""
    row = sample_row("r", Draw("c", "manual review", "text", "s", 1, 1, "0" * 64), "document", AT)
    assert (row["frame"], row["release_id"]) == ("release_record", "r")
    assert "released_sha256" in TABLES["sample_item"].schema.names
    assert frame_where("r", "text") == "release_id = 'r' AND modality = 'text'"


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


def test_misreading_17_no_control_has_a_pass_rate_for_questions_that_must_not_be_refused() -> None:
    """17: that rate is a refusal of at most 5 %, never 96 %: only the manual sample of data has 96 %."""
    assert [c.id for c in CATALOGUE if c.bound == 0.96] == ["45654-4-2-1-manual"]


def test_misreading_18_generated_content_has_two_tests_not_three() -> None:
    """18: by hand and by technical means; keywords and classifier may be one run."""
    assert {c.id for c in CATALOGUE if c.clause.startswith("45654-2025 5.2 a)")} == {
        "45654-5-2-a-manual", "45654-5-2-a-technical"
    }  # fmt: skip


def test_misreading_23_the_role_of_a_text_is_stored() -> None:
    """23: whether rejected answers and risky prompts count is for counsel; the role lets either rate be told."""
    assert "role" in TABLES["record"].schema.names


def test_misreading_24_safety_annotation_has_tables_of_its_own() -> None:
    """24 and 4.3.4: the safety set is kept apart, by prefix, so that access can be given apart; a should."""
    for name in ("annotation", "annotation_state"):
        assert TABLES[name].schema == TABLES[f"safety_{name}"].schema and name != f"safety_{name}"
    assert CATALOGUE["45654-4-3-4"].level == "should"


def test_misreading_30_a_list_of_addresses_is_self_collected_when_it_is_fetched(tmp_path: Path) -> None:
    """30: what a list of addresses points to is data that we collect ourselves; the host's rules of that moment and a
    record of each object are asked for, whatever the list's own licence says."""
    lake = clean_lake(2)
    channel = {"type": "http", "lists": ["https://beta.example/list.txt"]}
    lake.blocks["beta"] = {"collection": {"method": "crawled", "tool": "t", "operator": "o"}, "channel": channel}
    figure = next(f for f in source_figures(lake.write(tmp_path)) if f.control_id == COLLECTED)
    assert (figure.k, figure.n) == (2, 2), "no host was asked about these objects when they were fetched"
    assert CATALOGUE[COLLECTED].only_for == ("self_collected",)


def test_misreading_35_a_verdict_is_all_or_nothing() -> None:
    """35: no partial credit and no weighting: one of a hundred that fails makes the clause fail."""
    assert combined(["pass"] * 99 + ["fail"]) == "fail"
    assert set(get_args(Verdict)) == {"pass", "fail", "pending", "waived", "not_applicable"}
    assert not {"score", "weight", "share"} & set(TABLES["control_result"].schema.names)


def test_misreading_36_a_rule_on_paper_and_data_that_obey_are_two_halves() -> None:
    """36: Annex B reads documents too: obeying data pass nothing while nobody vouches for the rule, nor the reverse."""
    assert combined(["pass", "pending"]) == "pending" and combined(["fail", "pass"]) == "fail"
    rule = CATALOGUE["45654-b-2-1-1-2"]
    assert (rule.mode, rule.attested_over) == ("attested", "corpus") and CATALOGUE["45654-4-1-2-a"].computed
    assert {c.id for c in CATALOGUE if c.mode == "both"} >= {"45654-4-1-1-a", "45654-4-1-1-b", "45654-4-1-3-a"}


@pytest.mark.parametrize("kind", PERSONAL)
def test_misreading_28_with_a_basis_nothing_must_be_masked(kind: str) -> None:
    """28: removing personal information is one way to meet 4.2.3, not the duty; without a basis it is masked."""
    assert masked_classes({kind: "keep"}, [kind], has_basis=True) == frozenset()
    assert masked_classes({kind: "keep"}, [kind], has_basis=False) == {kind}


def test_misreading_31_the_robots_state_seen_is_stored_with_its_hash_and_time() -> None:
    """31: the text speaks of what was forbidden; what was seen when fetching is kept, so that it can be shown."""
    assert {"host", "fetched_at", "signal", "sha256", "verdict"} <= set(TABLES["host_signal"].schema.names)
