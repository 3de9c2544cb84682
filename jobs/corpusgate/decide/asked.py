"""What a new policy asks of the findings that a release stands on, and what they cannot answer. No Spark, no text.

Findings say which words of one list were found, by one version of each detector. A weight may be changed afterwards, a
word may go; a word that nobody looked for cannot come.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpusgate.banks.lexicon import Lexicon, Word, digest, load_lexicon
from corpusgate.decide.complete import sets_unlooked
from corpusgate.errors import ConfigError, UserError
from corpusgate.intake.detectors import keywords
from corpusgate.intake.detectors.model import Kit
from corpusgate.intake.rules import detector_version
from corpusgate.settings.corpus import Corpus, Policy
from corpusgate.settings.load import load_file, plain
from corpusgate.settings.model import PERSONAL, RISKS_OF_SOURCE, Declared
from corpusgate.settings.place import Place

#: Fields of a corpus by which licences, sources or gates judge, and which no finding knows.
_NOT_OF_FINDINGS = (
    "intended_use", "commercial", "redistributed", "modalities", "service_type", "high_safety_service", "home_country",
)  # fmt: skip
_NOT_OF_POLICY = ("admission_by_people", "ask_hosts", "errored_share_max", "source_by_people")
_LEXICON = re.compile(r"\+lexicon\.([0-9a-f]{12})")
_LISTED = 5


class _OnlyPolicy(Declared):
    policy: Policy


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a rule's findings weigh under the new list: `word` names the word in whatever form, `risk` carries it."""

    rule: str
    word: str
    weight: float
    risk: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A corpus under the new policy. `weighed`: None where the list is the release's own. `unanswered`: sentences."""

    corpus: Corpus
    weighed: tuple[Weighed, ...] | None
    unanswered: tuple[str, ...]


def read_new(path: Path, corpus: Corpus) -> Corpus:
    """The corpus as `path` would have it: a corpus's YAML, or a policy alone (with or without `policy:` above it).

    Raises:
        ConfigError: the file is neither, or is wrong.
    """
    if not path.is_file():
        raise UserError(f"No file {path}: give a policy or a corpus as YAML.")
    fields = plain(path)
    if "sources" in fields:
        return load_file(path, Corpus, named=False).model_copy(update={"id": corpus.id})
    policy = load_file(path, _OnlyPolicy, named=False).policy if "policy" in fields else None
    return corpus.model_copy(update={"policy": policy or load_file(path, Policy, named=False)})


def ask(place: Place, now: Corpus, new: Corpus, versions: Mapping[str, str], taken: Iterable[str]) -> Asked:
    """Compares a new policy with what a release's findings know.

    Args:
        now: the corpus as declared today.
        versions: the release's detectors, family to version.
        taken: the sources that it took in.

    Raises:
        UserError: findings can say nothing of it: another list of words whose old one is gone, a class nobody detects,
            near duplicates of texts that were never signed.
    """
    if unknown := sorted(set(new.policy.personal_information) - set(PERSONAL)):
        raise UserError(f"policy.personal_information names {', '.join(unknown)}, which no detector finds.")
    if new.policy.near_duplicates is not None and "signature" not in versions:
        raise UserError(
            "The new policy asks for near duplicates, and the texts of this release were never signed. Set "
            "near_duplicates to null, or rebuild the corpus, which signs them, and ask of the new release."
        )
    if unlooked := sets_unlooked(place, new, versions):
        raise UserError(
            f"The new policy names the test sets {', '.join(unlooked)}, which were not looked for in this release: "
            "leave them out, or rebuild the corpus with them and ask of the new release."
        )
    weighed, unanswered = _words(place, new.policy.lexicon, versions)
    taken = set(taken)
    if more := sorted(set(new.sources) - taken):
        unanswered += [f"{_some(more)}: not taken in by this release, so nothing is known of their records."]
    differing = [name for name in _NOT_OF_FINDINGS if getattr(now, name) != getattr(new, name)]
    differing += [n for n in _NOT_OF_POLICY if getattr(now.policy, n) != getattr(new.policy, n)]
    for name in differing:
        unanswered.append(f"{name} differs: licences, sources or gates judge by it, and they were not asked again.")
    return Asked(new, weighed, tuple(unanswered + _detectors(place, new, versions)))


def weigh(old: Lexicon, new: Lexicon) -> tuple[tuple[Weighed, ...], list[str]]:
    """What the old list's findings weigh under the new one, and what of the new one they cannot say.

    A longer word hides a shorter one inside it; so where one goes, what it hid was never reported.
    """
    was, becomes = ({w.key: w for w in of.words} for of in (old, new))
    stay = {k for k, w in becomes.items() if w.kind == "deny" and k in was and was[k].kind == "deny"}
    weighed = [one for key in sorted(stay) for one in _weighed(was[key], becomes[key])]
    added = [w.word for k, w in becomes.items() if w.kind == "deny" and k not in stay]
    gone = [w for k, w in was.items() if k not in becomes and _hides(k, stay)]
    covering = [w.word for k, w in becomes.items() if w.kind == "allow" and k not in was and _hides(k, stay)]
    unanswered = []
    if added:
        unanswered.append(f"{len(added)} words were never looked for, so no hit of them is counted: {_some(added)}.")
    if gone:
        words = _some([w.word for w in gone])
        unanswered.append(f"{len(gone)} words that go hid shorter ones that stay, whose hits are not known: {words}.")
    if covering:
        unanswered.append(
            f"{len(covering)} new allow phrases may cover hits that are still counted here: {_some(covering)}."
        )
    return tuple(weighed), unanswered


def _words(place: Place, name: str, versions: Mapping[str, str]) -> tuple[tuple[Weighed, ...] | None, list[str]]:
    """The weights under the list that the policy names, or None where it is the one that was screened with."""
    shelf = place.conf / "lexicons"
    if not (shelf / name).is_dir():
        there = ", ".join(sorted(p.name for p in shelf.glob("*") if p.is_dir())) or "none"
        raise UserError(f"The new policy names the lexicon {name!r}, which is not under {shelf} (there: {there}).")
    found = _LEXICON.search(detector_version("keyword", versions))
    screened = found[1] if found else ""
    if digest(shelf / name).startswith(screened) and screened:
        return None, []
    old = next((p for p in sorted(shelf.glob("*")) if p.is_dir() and _is(p, screened)), None)
    if old is None:
        raise UserError(
            f"The new policy names the lexicon {name!r} as it is now, and this release was screened with another one "
            f"(SHA-256 {screened or 'not recorded'}…) that is no longer under {shelf}. Which of the words were looked "
            "for cannot be told: put the old folder back under a name of its own, or rebuild."
        )
    return weigh(load_lexicon(old), load_lexicon(shelf / name))


def _is(folder: Path, screened: str) -> bool:
    try:
        return bool(screened) and digest(folder).startswith(screened)
    except ConfigError:
        return False


def _weighed(was: Word, becomes: Word) -> list[Weighed]:
    risk = keywords.carrying(becomes.risks)
    if risk not in RISKS_OF_SOURCE:
        return []
    return [
        Weighed(keywords.rule_of(was, form), was.id, keywords.score_of(becomes, form)[1], risk)
        for form in keywords.FORMS
    ]


def _hides(key: str, shorter: set[str]) -> bool:
    """Whether the word holds one of the others inside it."""
    n = len(key)
    return any(key[a:b] in shorter for a in range(n) for b in range(a + 2, n + 1) if b - a < n)


def _detectors(place: Place, new: Corpus, versions: Mapping[str, str]) -> list[str]:
    """Detectors that a rebuild would screen with in another version than the release's, lists of words apart."""
    from corpusgate.intake import detectors

    folder = place.conf / "lexicons" / new.policy.lexicon
    was, today = _parts(versions), _parts(detectors.versions(Kit(str(folder), digest(folder), None, None)))
    return [
        f"{name}: the release's findings are those of version {was[name]}; a rebuild would use {today[name]}."
        for name in sorted(was.keys() & today.keys())
        if _LEXICON.sub("", was[name]) != _LEXICON.sub("", today[name])
    ]


def _parts(versions: Mapping[str, str]) -> dict[str, str]:
    """Detector to its own version."""
    named = (part.partition("-") for version in versions.values() for part in version.split(" "))
    return {name: own for name, _, own in named}


def _some(words: Sequence[Any]) -> str:
    shown = ", ".join(map(str, words[:_LISTED]))
    return shown if len(words) <= _LISTED else f"{shown} and {len(words) - _LISTED} more"
