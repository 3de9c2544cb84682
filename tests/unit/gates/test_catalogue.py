"""Reading the catalogue: every mistake at once, numbers old and new."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from corpusgate.errors import ConfigError, UserError
from corpusgate.settings.catalogue import Catalogue, load_catalogue
from corpusgate.settings.place import Place
from corpusgate_testing.gates import HOME, clean_lake


def place(home: Path) -> Place:
    return Place(home, home / "conf", home / "lake", home / "var")


@pytest.fixture
def copy(tmp_path: Path) -> Place:
    shutil.copytree(HOME / "conf" / "controls", tmp_path / "conf" / "controls")
    return place(tmp_path)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(place(HOME))


def change(given: Place, control_id: str, old: str, new: str) -> None:
    path = given.conf / "controls" / f"{control_id}.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_all_mistakes_of_all_files_are_told_at_once(copy: Place) -> None:
    change(copy, "45654-4-1-1-a", "bound: 0.05", "bound: five")
    change(copy, "45654-4-1-1-a", "level: shall", "level: must")
    change(copy, "45654-4-2-1", "waivable: false", "waivable: true")
    change(copy, "45654-4-3-4", "blocks: []", "blocks: [filing]")
    change(copy, "45652-draft-6-3-a", "bound: 0", "bound: 1")
    change(copy, "45654-4-1-1-b", '"45654-2025 4.1.1 b)"', '"45654-2025 4.1.2 a)"')
    with pytest.raises(ConfigError) as raised:
        load_catalogue(copy)
    said = str(raised.value)
    for part in (
        "45654-4-1-1-a.yaml:", "bound: ", "level: ", "can never be waived", "a should is shown and blocks nothing",
        "same_as: figure, comparator or bound differ", "one clause, one control",
    ):  # fmt: skip
        assert part in said


def test_a_control_that_was_read_before_is_read_again_when_it_changed(copy: Place) -> None:
    assert load_catalogue(copy)["45654-4-1-1-a"].bound == 0.05
    change(copy, "45654-4-1-1-a", "bound: 0.05", "bound: 0.04")
    assert load_catalogue(copy)["45654-4-1-1-a"].bound == 0.04


def test_no_controls_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing could be judged"):
        load_catalogue(place(tmp_path))


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("45654-4-1-1-a", {"45654-4-1-1-a"}),
        ("4.1.1", {"45654-4-1-1-a", "45654-4-1-1-b"}),
        ("GB/T 45654-2025 4.1.1 a)", {"45654-4-1-1-a"}),
        ("4.1.1 a）", {"45654-4-1-1-a"}),
        ("B.2.1.2.1 a)", {"45654-4-2-1-manual"}),
        ("4.2.1", {"45654-4-2-1", "45654-4-2-1-manual", "45654-4-2-1-technical"}),
        ("45674-2025 8.2 g)", {"45674-8-2-g"}),
        ("TC260-003 8.4", {"45654-b-1-4"}),
        ("45652-draft:6.2a", {"45652-draft-6-2-a"}),
    ],
)
def test_numbers_find_their_controls(catalogue: Catalogue, number: str, found: set[str]) -> None:
    assert {c.id for c in catalogue.find(number)} == found


def test_a_number_that_is_only_similar_finds_nothing(catalogue: Catalogue) -> None:
    with pytest.raises(UserError, match=r"No control for '4\.1\.10'"):
        catalogue.find("4.1.10")


def test_a_corpus_s_policy_sets_the_bounds_that_say_so(catalogue: Catalogue, tmp_path: Path) -> None:
    lake = clean_lake(1)
    lake.policy = {"errored_share_max": 0.2}
    corpus = lake.write(tmp_path, []).corpus
    of_corpus = catalogue.for_corpus(corpus)
    assert of_corpus["corpusgate-quarantine-share"].bound == 0.2
    assert {c.id for c in catalogue if c.bound != of_corpus[c.id].bound} == {"corpusgate-quarantine-share"}
