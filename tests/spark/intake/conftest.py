"""A corpus of small sources, taken in by Spark however small it is."""

from __future__ import annotations

import os

import pytest

from corpusgate.intake import alone
from corpusgate.settings.place import Place
from corpusgate_testing.taken import Made

# Spark's workers have the environment in which the JVM was started: it must be there before the first session.
os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture(autouse=True)
def by_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is this little the driver would do alone (tests/unit/intake/test_alone.py)."""
    monkeypatch.setattr(alone, "fits", lambda *_: False)


@pytest.fixture
def made(place: Place, monkeypatch: pytest.MonkeyPatch) -> Made:
    """A corpus without sources, under a key for identifiers that is always the same."""
    monkeypatch.setenv("CORPUSGATE_HMAC_KEY", "00" * 32)
    return Made(place)
