"""Licence expressions: read by the reviewed table, never guessed, and combined so that nothing is gained by adding.

AND takes the most restrictive of each use, OR the best single choice for the uses that are needed, WITH the licence
itself (an SPDX exception only widens it). Expression grammar: SPDX 2.3, annex D.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from boolean.boolean import ParseError
from license_expression import ExpressionError, LicenseSymbol, Licensing

from corpusgate.settings.licence import USES, LicenceTable, Permission, Use, spelling

#: From the most to the least restrictive.
ORDER: tuple[Permission, ...] = ("no", "conditional", "yes")


@dataclass(frozen=True, slots=True)
class Grants:
    """What an expression allows, and on which obligations. Names are those of `licence_period`, without `use_`."""

    training: Permission
    commercial: Permission
    redistribution: Permission
    derivatives: Permission
    obligations: tuple[str, ...] = ()

    def use(self, name: Use) -> Permission:
        """The permission for one use."""
        permission: Permission = getattr(self, name)
        return permission


@dataclass(frozen=True, slots=True)
class Reading:
    """How an expression was understood: its normal form, or why it could not be.

    `problem` is `unknown` (something in it is not in the table) or `ambiguous` (it can mean several licences); `says`
    tells a person which word and why.
    """

    expression: str | None
    problem: Literal["unknown", "ambiguous"] | None = None
    says: str = ""


def read(written: str, table: LicenceTable) -> Reading:
    """Reads what was written, by the table's identifiers and aliases; the same for what is already normal."""
    if vague := table.ambiguity(written):
        return Reading(None, "ambiguous", _ambiguous(written, vague.could_be, vague.because))
    if known := table.alias(written):
        return Reading(known)
    licensing = _licensing(table)
    try:
        parsed = licensing.parse(written)
    except (ExpressionError, ParseError) as error:
        return Reading(None, "unknown", f"{written!r} is no licence expression: {_first_line(error)}")
    if parsed is None:
        return Reading(None, "unknown", "the expression is empty")
    for key in licensing.unknown_license_keys(parsed, unique=True):
        if vague := table.ambiguity(key):
            return Reading(None, "ambiguous", _ambiguous(key, vague.could_be, vague.because))
        return Reading(None, "unknown", f"{key!r} is not in conf/licences.yaml")
    return Reading(parsed.render("{symbol.key}"))


def grants(expression: str, table: LicenceTable, needs: Collection[Use]) -> Grants:
    """What a readable expression (`Reading.expression`) allows; `needs` decides between the choices of an OR.

    Raises:
        ValueError: the expression is not readable by the table.
    """
    reading = read(expression, table)
    if reading.expression is None:
        raise ValueError(reading.says)
    return _grants(_licensing(table).parse(reading.expression), table, frozenset(needs))


def most_restrictive(left: Grants, right: Grants) -> Grants:
    """Both apply: of each use the narrower permission, and the obligations of both."""
    uses = {use: min(left.use(use), right.use(use), key=ORDER.index) for use in USES}
    return Grants(**uses, obligations=tuple(sorted({*left.obligations, *right.obligations})))


def best_choice(choices: Collection[Grants], needs: Collection[Use], open_obligations: Collection[str] = ()) -> Grants:
    """One may be chosen: one that forbids no needed use, with the fewest obligations that nobody keeps yet
    (`open_obligations`), then the widest in what is needed, then over all uses. Two choices are never mixed."""

    def rank(choice: Grants) -> tuple[bool, int, int, int, int, tuple[str, ...], tuple[Permission, ...]]:
        needed = min((ORDER.index(choice.use(use)) for use in needs), default=len(ORDER))
        unkept = len(set(choice.obligations) & set(open_obligations))
        overall = sum(ORDER.index(choice.use(use)) for use in USES)
        last = tuple(choice.use(use) for use in USES)  # so that the order of the choices decides nothing
        return (needed == 0, unkept, -needed, -overall, len(choice.obligations), choice.obligations, last)

    return min(choices, key=rank)


def _grants(node: Any, table: LicenceTable, needs: frozenset[Use]) -> Grants:
    operator = getattr(node, "operator", None)
    if operator is None:
        licence = table.licences[getattr(node, "license_symbol", node).key]
        return Grants(*(getattr(licence, use) for use in USES), obligations=tuple(sorted(licence.obligations)))
    parts = [_grants(part, table, needs) for part in node.args]
    if operator.strip() == "OR":
        return best_choice(parts, needs, [n for n, o in table.obligations.items() if not o.carried])
    combined = parts[0]
    for part in parts[1:]:
        combined = most_restrictive(combined, part)
    return combined


def _licensing(table: LicenceTable) -> Licensing:
    licences = tuple((k, tuple(a for a in v.aliases if _is_word(a))) for k, v in table.licences.items())
    return _made(licences, tuple(table.exceptions))


@lru_cache(maxsize=8)
def _made(licences: tuple[tuple[str, tuple[str, ...]], ...], exceptions: tuple[str, ...]) -> Licensing:
    return Licensing(
        [LicenseSymbol(key, aliases=_others(key, aliases)) for key, aliases in licences]
        + [LicenseSymbol(key, is_exception=True) for key in exceptions]
    )


def _others(key: str, aliases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(a for a in aliases if spelling(a) != spelling(key))


def _is_word(alias: str) -> bool:
    """Aliases of several words are matched as a whole only: inside an expression they would swallow its operators."""
    return not any(c.isspace() or c in "(),，" for c in alias)


def _ambiguous(written: str, could_be: tuple[str, ...], because: str) -> str:
    choices = f" (it could be {', '.join(could_be)})" if could_be else ""
    return f"{written!r} does not say which licence{choices}: {because}"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
