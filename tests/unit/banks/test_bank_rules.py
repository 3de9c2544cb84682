"""Rows of banks, whatever a file holds: a row of the table or a refusal with its reason, and never a crash."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.banks.files import Entry, Refused, listed
from corpusgate.banks.rules import row_of, table_of
from corpusgate.lake.store import to_arrow
from corpusgate.lake.tables import TABLES
from corpusgate.settings.bank import ASPECTS, COLUMNS, Bank
from corpusgate.settings.model import RISKS
from corpusgate_testing.banks import BANKS
from corpusgate_testing.banks import COLUMNS as MAPPED


def bank_of(kind: str) -> Bank:
    bank_id = next(b for b, k in BANKS.items() if k == kind)
    return Bank.model_validate({
        "id": bank_id, "title": "t", "kind": kind, "service": "s", "languages": ["zh", "en"], "source": "s",
        "owner": "o", "refresh_days": 7, "columns": {"format": "jsonl", "columns": MAPPED[bank_id], "split_by": "|"},
    })  # fmt: skip


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40),
    st.lists(st.one_of(st.text(max_size=8), st.integers(), st.sampled_from([*RISKS, *ASPECTS])), max_size=4),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
    st.sampled_from(["zh", "text", "manual", "pass", "yes", "a1a|a2b", "culture", "2026-02-01T10:00:00"]),
)  # fmt: skip


@pytest.mark.parametrize("kind", BANKS.values())
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_row_is_taken_or_refused_and_what_is_taken_fits_its_table(kind: str, data: st.DataObject) -> None:
    bank = bank_of(kind)
    cells = data.draw(st.dictionaries(st.sampled_from(COLUMNS[bank.contents]), CELLS))
    found = row_of(bank, Entry("file:1", cells))
    if isinstance(found, Refused):
        assert found.reason and found.detail and found.remedy and found.pointer == "file:1"
        return
    assert to_arrow(TABLES[table_of(bank)], [found]).num_rows == 1
    assert set(found.get("risks") or ()) <= set(RISKS) and set(found.get("aspects") or ()) <= set(ASPECTS)
    assert row_of(bank, Entry("file:2", cells)) == found | {"raw_pointer": "file:2"}, (
        "the id does not hang on the place"
    )


@given(st.lists(st.sampled_from([" a1a", "a1b ", "", "a1a"])))
def test_a_list_in_a_cell_has_each_word_once_in_its_order(words: list[str]) -> None:
    columns = bank_of("keywords").columns
    found = listed(columns, "|".join(words))
    assert found == list(dict.fromkeys(w.strip() for w in words if w.strip())) == listed(columns, words)


@pytest.mark.parametrize("value", [3, {"a1a": 1}, ["a1a", 3]])
def test_what_is_neither_a_text_nor_a_list_of_texts_is_no_list(value: Any) -> None:
    assert listed(bank_of("keywords").columns, value) is None
