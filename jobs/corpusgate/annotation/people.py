"""Who might do what on which day: roles, qualifications, examinations, withdrawals, by effective date (45674, 7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Literal

from corpusgate.annotation.model import Facts, Row

Standing = Literal["qualified", "none", "suspended", "lapsed"]


class People:
    """An index over the registers of people and rules. Days are inclusive on both ends; an open end is null.

    `holds_days`: how long an examination counts before it must be repeated (45674 7.1 c gives no period; the catalogue
    says ours).
    """

    def __init__(self, facts: Facts, holds_days: int) -> None:
        self.holds_days = holds_days
        self._roles = _by_person(facts.of("annotator_role"))
        self._exams = _by_person(facts.of("exam"))
        self._qualifications = _by_person(facts.of("qualification"))
        self._revocations = _by_person(facts.of("revocation"))
        self._people = {r["annotator_id"]: r for r in facts.of("annotator")}
        self._rules: dict[str, dict[str, Row]] = defaultdict(dict)
        for rule in facts.of("rule_document"):
            self._rules[rule["kind"]][rule["rule_version"]] = rule
        # the same person on the same day in the same kind: a batch asks thousands of times
        self.standing = lru_cache(maxsize=None)(self._standing)
        self.has_role = lru_cache(maxsize=None)(self._has_role)
        self.examined = lru_cache(maxsize=None)(self._examined)
        self.withdrawn = lru_cache(maxsize=None)(self._withdrawn)

    def known(self, person: str) -> bool:
        """Whether the register of annotators has the person."""
        return person in self._people

    def _has_role(self, person: str, role: str, day: date) -> bool:
        return any(r["role"] == role and covers(r, day) for r in self._roles.get(person, ()))

    def _examined(self, person: str, kind: str, day: date) -> bool:
        """Whether the person had passed an examination of that kind by that day."""
        return any(e["passed"] and e["taken_on"] <= day for e in self._of_kind(self._exams, person, kind))

    def _standing(self, person: str, kind: str, day: date, rule_version: str | None = None) -> Standing:
        """What the person's qualification for the kind was worth that day, for work by that version of the rules.

        `none`: never granted by then. `suspended`: granted, and suspended or cancelled that day. `lapsed`: granted, but
        over, or resting on an examination that is too old or on rules that changed materially since.
        """
        rows = self._of_kind(self._qualifications, person, kind)
        granted = [r for r in rows if r["state"] == "granted" and r["valid_from"] <= day]
        if not granted:
            return "none"
        if any(r["state"] != "granted" and covers(r, day) for r in rows):
            return "suspended"
        held = [r for r in granted if covers(r, day)]
        return "qualified" if held and not self._exam_lapsed(person, kind, day, rule_version) else "lapsed"

    def _exam_lapsed(self, person: str, kind: str, day: date, rule_version: str | None) -> bool:
        passed = [e for e in self._of_kind(self._exams, person, kind) if e["passed"] and e["taken_on"] <= day]
        if not passed:
            return False  # that nobody examined the person is a breach of its own (7.1 b), not a lapse
        newest = max(e["taken_on"] for e in passed)
        if (day - newest).days > self.holds_days:
            return True
        return not any(self._still_examined(kind, e["rule_version"], rule_version) for e in passed)

    def _still_examined(self, kind: str, examined: str | None, worked: str | None) -> bool:
        """Whether no material change lies between the rules that were examined and those that were worked by."""
        rules = self._rules.get(kind, {})
        old, new = rules.get(examined or ""), rules.get(worked or "")
        if old is None or new is None:
            return True  # rules that are not registered are a breach of their own (clause 6)
        between = (r for r in rules.values() if old["valid_from"] < r["valid_from"] <= new["valid_from"])
        return not any(r["material"] for r in between)

    def _withdrawn(self, person: str, day: date) -> bool:
        """Whether the person's access had been withdrawn, or the person had left, before that day.

        Work on the day itself is no breach. A qualification granted after the withdrawal ends it.
        """
        ends = [r["revoked_on"] for r in self._revocations.get(person, ()) if r["revoked_on"] < day]
        left = self._people.get(person, {}).get("left_on")
        if left is not None and left < day:
            ends.append(left)
        if not ends:
            return False
        again = [
            r["valid_from"] for r in self._qualifications.get(person, ())
            if r["state"] == "granted" and r["valid_from"] <= day
        ]  # fmt: skip
        return not any(start > max(ends) for start in again)

    @staticmethod
    def _of_kind(register: Mapping[str, list[Row]], person: str, kind: str) -> list[Row]:
        return [r for r in register.get(person, ()) if r["kind"] in (None, "both", kind)]

    def rules_in_force(self, kind: str, day: date) -> list[Row]:
        """The rule documents of a kind that were in force on a day."""
        return [r for r in self._rules.get(kind, {}).values() if covers(r, day)]

    def rule(self, kind: str, rule_version: str) -> Row | None:
        """A registered version of the rules of a kind."""
        return self._rules.get(kind, {}).get(rule_version)


def covers(row: Row, day: date) -> bool:
    """Whether a row with `valid_from` and `valid_to` holds on the day; both ends belong to it."""
    return row["valid_from"] <= day and (row["valid_to"] is None or day <= row["valid_to"])


def _by_person(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["annotator_id"]].append(row)
    return found
