"""One Spark session for the tier, made by the product's own `session.py`, and a lake of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from corpusgate.decide import alone, job
from corpusgate.lake import session, store
from corpusgate.settings.place import Place, find_place
from corpusgate.settings.profile import Profile, load_profile
from corpusgate_testing.lake import place_in

#: Up to how many records no Spark is asked, by engine.
MOST = {"alone": 300_000, "spark": 0}


@pytest.fixture(scope="session")
def spark():
    """A session under the profile `test`: two cores, two shuffle partitions."""
    home = find_place(Path(__file__))
    made = session.spark("corpusgate tests", home, load_profile(home, "test"))
    yield made
    made.stop()


@pytest.fixture(scope="module", autouse=True)
def _lakes_of_a_module_are_forgotten() -> Iterator[None]:
    """Delta keeps the state of every table that it has met, for an hour: a hundred tests' lakes filled the heap, and
    Spark did little more than collect garbage."""
    yield
    made = SparkSession.getActiveSession()
    if made is None:
        return
    jvm, context = made._jvm, made.sparkContext
    assert jvm is not None
    jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    made.catalog.clearCache()
    for held in context._jsc.getPersistentRDDs().values():  # ty: ignore[unresolved-attribute]
        held.unpersist()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty lake with all tables."""
    made = place_in(tmp_path)
    store.ensure_tables(made)
    return made


@pytest.fixture(scope="module", params=sorted(MOST))
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which engine `decide` uses in the tests of a module that asks for this: what holds of one must hold of both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "load_profile", lambda place: Profile(alone_records=MOST[request.param]))
        other = (alone, "decided") if request.param == "spark" else (job, "_by_spark")
        patch.setattr(*other, None)  # called all the same, it would not go unseen
        yield request.param


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of rules are fast because they start no JVM: one that asks for `spark` belongs here."""
    light = Path(__file__).parents[1] / "unit"
    wrong = [i.nodeid for i in items if i.path.is_relative_to(light) and "spark" in getattr(i, "fixturenames", ())]
    if wrong:
        raise pytest.UsageError(f"tests under tests/unit must not use the fixture spark: {', '.join(wrong)}")
