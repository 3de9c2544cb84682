"""What we write is OSCAL in the eyes of compliance-trestle, which has a tool folder of its own under var/tools."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from corpusgate.evidence.oscal import catalog, results
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, HOME
from corpusgate_testing.verdicts import RELEASE, judged_release

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TRESTLE = HOME / "var" / "tools" / "trestle" / "bin" / "trestle"


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = run("bash", HOME / "infra" / "setup" / "trestle.sh", cwd=HOME)
    assert made.returncode == 0, made.stderr
    folder = tmp_path_factory.mktemp("trestle")
    began = run(TRESTLE, "init", "--local", cwd=folder)
    assert began.returncode == 0, began.stderr
    ours = Place(HOME, HOME / "conf", HOME / "lake", HOME / "var")
    place = judged_release(tmp_path_factory.mktemp("lake"))
    for name, made_by_us in (("catalog", catalog(ours, AT)), ("results", results(place, RELEASE))):
        (folder.parent / f"{name}.json").write_text(json.dumps(made_by_us, ensure_ascii=False), "utf-8")
    return folder


@pytest.mark.parametrize(("name", "kind"), [("catalog", "catalog"), ("results", "assessment-results")])
def test_trestle_takes_the_document_in_and_finds_it_valid(workspace: Path, name: str, kind: str) -> None:
    taken = run(TRESTLE, "import", "-f", workspace.parent / f"{name}.json", "-o", "corpusgate", cwd=workspace)
    assert taken.returncode == 0, taken.stdout + taken.stderr
    valid = run(TRESTLE, "validate", "-t", kind, "-n", "corpusgate", cwd=workspace)
    assert valid.returncode == 0 and "VALID" in valid.stdout, valid.stdout + valid.stderr


@pytest.mark.parametrize("name", ["catalog", "results"])
def test_trestle_refuses_a_document_of_another_shape(workspace: Path, name: str) -> None:
    document = json.loads((workspace.parent / f"{name}.json").read_text("utf-8"))
    (inside,) = document.values()
    inside["uuid"] = "no uuid"
    broken = workspace.parent / f"broken-{name}.json"
    broken.write_text(json.dumps(document), "utf-8")
    assert run(TRESTLE, "import", "-f", broken, "-o", f"broken-{name}", cwd=workspace).returncode != 0
