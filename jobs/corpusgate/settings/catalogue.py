"""The catalogue of controls: every file under `conf/controls/`, found by id, by clause or by an old number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from corpusgate.errors import ConfigError, UserError
from corpusgate.settings.control import Control
from corpusgate.settings.corpus import Corpus
from corpusgate.settings.load import load_file
from corpusgate.settings.place import Place


@dataclass(frozen=True)
class Catalogue:
    """All controls, in the order of their ids. `catalogue["45654-4-1-1-a"]` raises KeyError for an unknown id."""

    controls: tuple[Control, ...]

    def __iter__(self) -> Iterator[Control]:
        return iter(self.controls)

    def __len__(self) -> int:
        return len(self.controls)

    def __getitem__(self, control_id: str) -> Control:
        return self.by_id[control_id]

    def __contains__(self, control_id: str) -> bool:
        return control_id in self.by_id

    @cached_property
    def by_id(self) -> dict[str, Control]:
        """Control of each id."""
        return {c.id: c for c in self.controls}

    def at(self, gate: str) -> tuple[Control, ...]:
        """The controls that the suite of this gate judges, also those that belong to another gate first."""
        return tuple(c for c in self.controls if c.gate == gate or gate in c.also_at)

    def parts_of(self, control: Control) -> tuple[Control, ...]:
        """The shalls of the clauses that the control is the sum of (`all_of`); sums themselves are none of them."""
        wanted = [_folded(clause) for clause in control.all_of]
        return tuple(
            c for c in self.controls
            if c.level == "shall" and not c.all_of and any(_covers(w, _folded(c.clause)) for w in wanted)
        )  # fmt: skip

    def find(self, number: str) -> tuple[Control, ...]:
        """Controls that a person may mean by `number`: an id, a clause with or without its standard, or an old number.

        An old number finds every control that took its place ('TC260-003 5.1' finds 4.1.1 to 4.1.3); a number finds its
        letters too ('4.1.1' finds a and b). A named standard must agree: TC260-003's 5.1 never finds the
        final text's 5.1.

        Raises:
            UserError: nothing is found; the message lists the clauses there are.
        """
        wanted = _folded(number)
        found = tuple(
            c
            for c in self.controls
            if _folded(c.id) == wanted
            or any(_covers(wanted, _folded(n)) for n in (c.clause, c.clause_number, *c.aliases))
        )
        if not found:
            raise UserError(
                f"No control for {number!r}. Clauses there are: {', '.join(c.clause for c in self.controls)}."
            )
        return found

    def for_corpus(self, corpus: Corpus) -> Catalogue:
        """The catalogue with those bounds filled in that a corpus's policy sets (`bound_from`)."""
        return Catalogue(
            tuple(
                c.model_copy(update={"bound": float(getattr(corpus.policy, c.bound_from))}) if c.bound_from else c
                for c in self.controls
            )
        )


def load_catalogue(place: Place) -> Catalogue:
    """Every control under `conf/controls/`.

    Raises:
        ConfigError: files are wrong or two controls name one clause; all mistakes of all files at once.
        UserError: there is no control at all.
    """
    folder = place.conf / "controls"
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise UserError(
            f"No controls under {folder}: nothing could be judged. Restore conf/controls/ of your checkout."
        )
    controls, mistakes = [], []
    for path in paths:
        try:
            controls.append(_control(path))
        except UserError as error:
            mistakes.append(str(error))
    clauses: dict[str, str] = {}
    for control in controls:
        first = clauses.setdefault(control.clause, control.id)
        if first != control.id:
            mistakes.append(
                f"{folder / control.id}.yaml: clause: {control.clause!r} is that of {first}.yaml too; "
                "one clause, one control."
            )
    mistakes += _wrong_twins({c.id: c for c in controls}, folder)
    catalogue = Catalogue(tuple(controls))
    mistakes += [
        f"{folder / c.id}.yaml: all_of: no control lies under {', '.join(c.all_of)}."
        for c in controls
        if c.all_of and not catalogue.parts_of(c)
    ]
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return catalogue


#: Controls by file name and content: over a hundred files take most of a second to read, and a process asks repeatedly.
_READ: dict[tuple[str, str], Control] = {}


def _control(path: Path) -> Control:
    try:
        known = (path.stem, path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return load_file(path, Control)  # which says what is wrong with the file
    if known not in _READ:
        _READ[known] = load_file(path, Control)
    return _READ[known]


def _wrong_twins(controls: dict[str, Control], folder: Path) -> list[str]:
    """Controls that say they share another's figure and bound, and do not."""
    mistakes = []
    for control in controls.values():
        if control.same_as is None:
            continue
        other = controls.get(control.same_as)
        if other is None:
            mistakes.append(f"{folder / control.id}.yaml: same_as: there is no control {control.same_as!r}.")
        elif (control.figure, control.comparator, control.bound) != (other.figure, other.comparator, other.bound):
            mistakes.append(
                f"{folder / control.id}.yaml: same_as: figure, comparator or bound differ from {other.id}.yaml."
            )
    return mistakes


def _folded(number: str) -> str:
    """Case, blanks and the standard's ways of writing it ('GB/T 45654', '：') folded away."""
    text = number.strip().lower().replace("：", ":").replace("（", "(").replace("）", ")")
    text = re.sub(r"^gb/t\s*", "", text)
    return re.sub(r"\s+", " ", text)


def _covers(wanted: str, number: str) -> bool:
    """Whether `number` is `wanted` or lies below it: '4.1.1' covers '4.1.1 a)', not '4.1.10'."""
    if number == wanted:
        return True
    return number.startswith(wanted) and number[len(wanted)] in " .("
