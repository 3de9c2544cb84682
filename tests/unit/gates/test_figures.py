"""What figures are made with: SQL that cannot be broken out of, versions, and figures that fail to come."""

from __future__ import annotations

import pyarrow as pa
import pytest
from deltalake import QueryBuilder
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.gates.figures import Figure, GateInput, guarded, quoted, share, texts_seen, values, version_of
from corpusgate_testing.gates import VERSIONS


@settings(deadline=None)  # the first statement starts the engine
@given(st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=("Cs",))))
def test_quoted_text_comes_back_as_it_was(text: str) -> None:
    read = pa.table(QueryBuilder().execute(f"SELECT {quoted(text)} AS t").read_all())
    assert read.to_pylist() == [{"t": text}]


def test_values_keep_nulls_apart_from_text() -> None:
    assert values([("a", None), ("it's", "NULL")]) == "('a', NULL), ('it''s', 'NULL')"


def test_a_detector_s_version_is_found_in_its_family_s() -> None:
    assert version_of("pi_check", VERSIONS) == "'1', 'personal_information-1 pi_check-1'"
    with pytest.raises(GateInput, match="no version of the detector classifier"):
        version_of("classifier", VERSIONS)


@pytest.mark.parametrize("versions", [{}, {"keyword": "keyword-1"}, {"personal_information": "pi_check-1"}])
def test_too_few_families_prove_no_coverage(versions: dict[str, str]) -> None:
    with pytest.raises(GateInput, match="no version of the detector family"):
        texts_seen(versions)


def test_a_figure_that_raises_is_unreadable_for_each_control_and_scope() -> None:
    def compute() -> list[Figure]:
        raise FileNotFoundError("table\n  is gone")

    made = guarded([("a", "source"), ("b", "source")], "source", ["x", "y"], compute)
    assert {(f.control_id, f.scope_id, f.state) for f in made} == {
        (c, s, "unreadable") for c in "ab" for s in "xy"
    }  # fmt: skip
    assert made[0].because == "the gate could not read its input: FileNotFoundError: table is gone"


def test_a_share_of_nothing_is_no_share() -> None:
    assert share(0, 0) is None
    assert share(1, 20) == 0.05
