"""Airflow with a home of its own under a temporary folder. Airflow reads its settings when it is imported: they are set
here, before any test of this folder is read."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from corpusgate.serve import services
from corpusgate.settings.place import Place

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(tempfile.mkdtemp(prefix="corpusgate-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
# The very settings of `corpusgate up`, in a place of the tests' own.
PLACE = Place(home=ROOT, conf=ROOT / "conf", lake=HOME / "lake", var=HOME)
os.environ.update({k: v for k, v in services.settings(PLACE, 18080).items() if k.startswith("AIRFLOW_")})
sys.path.insert(0, str(ROOT / "infra" / "airflow"))


@pytest.fixture(scope="session")
def airflow_environment() -> dict[str, str]:
    """What a process of Airflow sees in these tests: a place of their own, Java and Spark of this checkout."""
    tools = services.tools(Place(home=ROOT, conf=ROOT / "conf", lake=HOME / "lake", var=ROOT / "var"))
    return {**services.environment(PLACE, 18080), **tools}


@pytest.fixture(scope="session")
def database(airflow_environment: dict[str, str]) -> None:
    """Airflow's database, migrated once for all tests that need one."""
    Path(airflow_environment["AIRFLOW_HOME"]).mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [services.airflow(), "db", "migrate"], env=airflow_environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
