"""The reviewed table of licences, `conf/licences.yaml`: what each allows, on which conditions, how people write it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from corpusgate.settings.load import load_file
from corpusgate.settings.model import Declared
from corpusgate.settings.place import Place

#: `conditional`: allowed for whoever keeps the licence's obligations.
Permission = Literal["yes", "conditional", "no"]
Use = Literal["training", "commercial", "redistribution", "derivatives"]
USES: tuple[Use, ...] = ("training", "commercial", "redistribution", "derivatives")

_SPDX = re.compile(r"^(LicenseRef-)?[A-Za-z0-9][A-Za-z0-9.+-]*$")
_OBLIGATION = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$")]


class Obligation(Declared):
    """A condition of a licence. `carried`: a release keeps it by itself (its NOTICE, its manifest); else a person must
    say how it is kept before anything passes."""

    says: str
    says_zh: str
    carried: bool


class Licence(Declared):
    """One licence or legal ground. The four uses are those that `licence_period` grants."""

    name: str
    training: Permission
    commercial: Permission
    redistribution: Permission
    derivatives: Permission
    obligations: tuple[_OBLIGATION, ...] = ()
    public_domain: bool = Field(False, description="no exclusive right is claimed, or none exists")
    aliases: tuple[str, ...] = Field((), description="what people write and mean exactly this")
    because: str


class Ambiguous(Declared):
    """What people write and what can mean several licences: never guessed, a person concludes."""

    written: tuple[str, ...] = Field(min_length=1)
    could_be: tuple[str, ...] = Field(description="licences of the table that it may mean; empty: none can be named")
    because: str


class LicenceTable(Declared):
    """`conf/licences.yaml`."""

    obligations: dict[_OBLIGATION, Obligation]
    licences: dict[str, Licence]
    exceptions: dict[str, str] = Field(
        default_factory=dict, description="SPDX exceptions -> why they only widen what their licence allows"
    )
    ambiguous: tuple[Ambiguous, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> LicenceTable:
        if mistakes := list(self._mistakes()):
            raise ValueError("; ".join(mistakes))
        return self

    def _mistakes(self) -> Iterator[str]:
        for key, licence in self.licences.items():
            if not _SPDX.match(key):
                yield f"licences.{key}: not an SPDX identifier; write one, or LicenseRef-…"
            for name in licence.obligations:
                if name not in self.obligations:
                    yield f"licences.{key}: obligation {name!r} is not in obligations: {', '.join(self.obligations)}"
            if "conditional" in (getattr(licence, use) for use in USES) and not licence.obligations:
                yield f"licences.{key}: a use is conditional, but no obligation says on what"
        for key in self.exceptions:
            if not _SPDX.match(key):
                yield f"exceptions.{key}: not an SPDX identifier"
        for entry in self.ambiguous:
            for name in entry.could_be:
                if name not in self.licences:
                    yield f"ambiguous {entry.written[0]!r}: {name} is not in licences"
        yield from self._spelled_twice()

    def _spelled_twice(self) -> Iterator[str]:
        seen: dict[str, str] = {}
        for meaning, written in self._spellings():
            form = spelling(written)
            if seen.setdefault(form, meaning) != meaning:
                yield f"{written!r} stands for {seen[form]} and for {meaning}; keep one, or make it ambiguous"

    def _spellings(self) -> Iterator[tuple[str, str]]:
        for key, licence in self.licences.items():
            yield from ((key, written) for written in (key, *licence.aliases))
        for entry in self.ambiguous:
            yield from ((f"the ambiguous {entry.written[0]!r}", written) for written in entry.written)

    def ambiguity(self, written: str) -> Ambiguous | None:
        """The ambiguous entry that `written`, as a whole, is a spelling of."""
        form = spelling(written)
        return next((a for a in self.ambiguous if any(spelling(w) == form for w in a.written)), None)

    def alias(self, written: str) -> str | None:
        """The licence that `written`, as a whole, is a spelling of."""
        form = spelling(written)
        return next(
            (k for k, licence in self.licences.items() if any(spelling(w) == form for w in (k, *licence.aliases))), None
        )


def spelling(written: str) -> str:
    """The form in which spellings are compared: lower case, white space collapsed."""
    return " ".join(written.split()).casefold()


def load_licences(place: Place) -> LicenceTable:
    """The table of this installation.

    Raises:
        ConfigError: the file is wrong; all its mistakes at once.
    """
    return load_file(place.conf / "licences.yaml", LicenceTable)
