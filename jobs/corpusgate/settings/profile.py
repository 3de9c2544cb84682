"""A profile: how big the machine is that a run goes on. `conf/profiles/<id>.yaml`; nothing a verdict depends on."""

from __future__ import annotations

import os

from pydantic import Field

from corpusgate.errors import UserError
from corpusgate.settings.load import load_file
from corpusgate.settings.model import Declared, Identifier, is_identifier
from corpusgate.settings.place import Place

VARIABLE = "CORPUSGATE_PROFILE"
DEFAULT = "local"


class Profile(Declared):
    """Settings of an engine's size. Results are the same under every profile: only time and memory differ."""

    id: Identifier = DEFAULT
    about: str = ""
    spark: dict[str, str] = Field(
        default_factory=dict,
        description="Spark settings over spark-defaults.conf; spark.master is left alone where spark-submit chose it",
    )
    tasks: int | None = Field(None, ge=1, description="tasks that intake aims for; left out: the machine's cores")
    alone_bytes: int = Field(64 * 2**20, ge=0, description="so many bytes of raw files intake reads in one process")
    local_bytes: int = Field(2**30, ge=0, description="so many it reads in a few processes without Spark")
    processes: int | None = Field(None, ge=1, description="how many those are; left out: one a core, at most 8")
    alone_records: int = Field(300_000, ge=0, description="so many records each job handles without Spark")
    split_bytes: int = Field(64 * 2**20, ge=2**16, description="a plain file with keyed records is read in such ranges")


def load_profile(place: Place, name: str | None = None) -> Profile:
    """The profile called `name`, else the one that CORPUSGATE_PROFILE names, else `local` (built in if not declared).

    Raises:
        UserError: it was named and is not there; the message lists those that are.
        ConfigError: the file is wrong.
    """
    chosen = name or os.environ.get(VARIABLE) or DEFAULT
    folder = place.conf / "profiles"
    path = folder / f"{chosen}.yaml"
    if is_identifier(chosen) and path.is_file():
        return load_file(path, Profile)
    if chosen == DEFAULT:
        return Profile()
    there = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or "none"
    raise UserError(f"No profile {chosen!r} under {folder}. The profiles there: {there}. Correct {VARIABLE}.")
