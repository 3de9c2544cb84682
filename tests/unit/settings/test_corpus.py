"""A corpus as declared: what a declaration may not say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from corpusgate.settings.corpus import Corpus

GOOD: dict[str, Any] = {
    "id": "c", "title": "T", "intended_use": "pre_training", "commercial": True, "languages": ["zh"],
    "service_type": "s", "item_unit": "document", "home_country": "CN", "seed": "s", "sources": ["a", "b"],
    "policy": {"lexicon": "starter", "personal_information": {}},
}  # fmt: skip


def test_a_good_one_is_read() -> None:
    assert Corpus.model_validate(GOOD).sources == ("a", "b")


@pytest.mark.parametrize("name", ["sources", "benign_sources", "languages"])
def test_what_is_named_twice_is_a_mistake_and_not_read_twice(name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name} has x more than once"):
        Corpus.model_validate(GOOD | {name: ["x", "y", "x"]})
