"""Several files in one go: a list, itself a file, of what is handed in, in the order in which it goes in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from corpusgate.annotation.intake import import_export
from corpusgate.annotation.log import import_registers
from corpusgate.errors import UserError
from corpusgate.lake.run import Run, StepResult, write_atomically
from corpusgate.settings.model import Declared

REGISTER, LIST = "register", "list"
_NAME = r"^[^/\\\x00]{1,200}$"


class HandedIn(Declared):
    """One file of a list: its name beside the list, the tool that wrote it, its sidecar and column map; of a register
    that is not named after itself, which it is."""

    file: str = Field(pattern=_NAME)
    tool: Literal["label_studio", "doccano", "argilla", "cvat", "table", "register"]
    sidecar: str | None = Field(None, pattern=_NAME)
    map: str | None = Field(None, pattern=_NAME)
    register_: str | None = Field(None, alias="register")


def read_list(path: Path) -> list[HandedIn]:
    """The entries of a list (YAML: a sequence of `file`, `tool`, and where needed `sidecar` and `map`).

    Raises:
        UserError: it is no such list; every wrong entry is named.
    """
    try:
        said = yaml.safe_load(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path.name} cannot be read as a list of files: {str(error).splitlines()[0]}.") from None
    if not isinstance(said, list) or not said:
        raise UserError(f"{path.name} is no list of files. Give a line `- {{file: …, tool: …}}` for each.")
    entries, wrong = [], []
    for number, entry in enumerate(said, 1):
        try:
            entries.append(HandedIn.model_validate(entry))
        except ValidationError as error:
            first = error.errors()[0]
            wrong.append(f"entry {number}, {'.'.join(map(str, first['loc'])) or 'all of it'}: {first['msg']}")
    if wrong:
        raise UserError(f"{path.name}: {'; '.join(wrong)}. Nothing was taken.")
    return entries


def write_list(path: Path, entries: Iterable[Mapping[str, Any]]) -> Path:
    """Writes a list of files that lie beside it: with fields as `HandedIn` has them."""
    named = [{k: v.name if isinstance(v, Path) else v for k, v in e.items() if v is not None} for e in entries]
    write_atomically(path, yaml.safe_dump(named, allow_unicode=True, sort_keys=False))
    return path


def import_list(run: Run, path: Path, find: Callable[[str], Path] | None = None) -> StepResult:
    """Takes in the files of a list, one after the other; the result counts them together.

    `find` turns a name into a path; by default files lie beside the list. What an entry gave stays in when a later one
    is wrong: the same list again changes nothing of it.

    Raises:
        UserError: the list is wrong (then nothing is taken), or a file of it; the message names the entry.
    """
    entries, find = read_list(path), find or (lambda name: path.parent / name)
    files = [(e, find(e.file), find(e.sidecar) if e.sidecar else None, find(e.map) if e.map else None) for e in entries]
    told = []
    for number, (entry, file, sidecar, columns) in enumerate(files, 1):
        try:
            if entry.tool == REGISTER:
                told.append(import_registers(run, file, entry.register_))
            else:
                told.append(import_export(run, file, entry.tool, sidecar, columns))
        except UserError as error:
            raise UserError(f"{path.name}, entry {number} ({entry.file}): {error}") from None
    return together([e.file for e in entries], told)


def together(names: Sequence[str], told: Sequence[StepResult]) -> StepResult:
    """Results of several files as one. The unit is the entry of a file: a fact of an export, a row of a register."""
    rules: Counter[str] = Counter()
    for result in told:
        rules.update(result.removed_by_rule)
    said = [f"{name}: {r.because}" for name, r in zip(names, told, strict=True) if r.because]
    return StepResult(
        step="annotation_hand_in", unit="entry", rows_in=sum(r.rows_in for r in told), kept=sum(r.kept for r in told),
        removed=sum(r.removed for r in told), errored=sum(r.errored for r in told),
        removed_by_rule=dict(sorted(rules.items())), because="; ".join(said),
        state="unchanged" if {r.state for r in told} == {"unchanged"} else "ok",
        facts={
            "files": [{"file": n, "kept": r.kept, "removed": r.removed, "state": r.state}
                      for n, r in zip(names, told, strict=True)],
            "refusals": [f for r in told for f in r.facts.get("refusals", ())],
        },
    ).reconcile()  # fmt: skip
