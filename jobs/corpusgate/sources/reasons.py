"""Reason codes of the licence verdict: what each says to a person, and what he or she can do next."""

from __future__ import annotations

from dataclasses import dataclass

_CONCLUDE = "a named person decides which licence holds and says so with `{command}` or under `concluded` in {where}"
_OUT = "or take the source out of the corpus."


@dataclass(frozen=True, slots=True)
class Reason:
    """`next_act` may name `{where}`, the file and part to change, and `{command}`, which records a conclusion. Empty
    where nothing is left to do."""

    says: str
    next_act: str = ""


REASONS: dict[str, Reason] = {
    "licence_concluded": Reason("A person concluded the licence, and it allows what this corpus does"),
    "licence_declared": Reason("Declared by the source; the words stand where they were read, and they allow the use"),
    "licence_selects_nothing": Reason("No member of what is read falls under this part, so there is nothing to judge"),
    "licence_missing": Reason(
        "No licence is stated",
        "ask the provider for a licence or an authorisation; who finds one writes words, file and hash in "
        f"{{where}}; where it follows from something else, {_CONCLUDE}, {_OUT}",
    ),
    "licence_unknown": Reason(
        "The licence is not one that the reviewed table knows",
        f"read it; {_CONCLUDE}, after the licence was added to conf/licences.yaml, {_OUT}",
    ),
    "licence_ambiguous": Reason(
        "What is stated can mean more than one licence", f"ask the author; {_CONCLUDE}, {_OUT}"
    ),
    "licence_not_machine_readable": Reason(
        "A licence is there, but as free text that no machine can judge", f"read the file; {_CONCLUDE}, {_OUT}"
    ),
    "licence_unverified": Reason(
        "A licence is named, but no words with their file and hash prove it",
        f"write read_from, quote and sha256 of the statement in {{where}}; without such a file, {_CONCLUDE}, {_OUT}",
    ),
    "licence_unmapped": Reason(
        "The copyright file has no stanza for these files", f"find out where they come from; {_CONCLUDE}, {_OUT}"
    ),
    "licence_not_of_author": Reason(
        "Whoever states the licence is not the author of these texts and shows no grant by their authors",
        f"find the authors' own terms; {_CONCLUDE}, {_OUT}",
    ),
    "licence_contradicted": Reason(
        "What comes with the texts names holders or conditions that the declared licence does not cover",
        f"obtain an authorisation of the holders and keep it as evidence; then {_CONCLUDE}, {_OUT}",
    ),
    "licence_conditional": Reason(
        "The licence allows the use on a condition that a release does not keep by itself",
        f"look whether the condition can be met; {_CONCLUDE} in the form that says so, {_OUT}",
    ),
    "licence_forbids_use": Reason(
        "The licence forbids what this corpus does",
        f"obtain an authorisation of the holder, change the corpus's declared use, {_OUT}",
    ),
    "licence_parent_unknown": Reason(
        "A data set that this one was made from has no licence that is known",
        f"find its licence and write it under `derived_from` in {{where}}, {_OUT}",
    ),
    "licence_statement_changed": Reason(
        "The words that the judgement rests on are not what was fetched",
        "read the fetched file again and correct quote, read_from or sha256 in {where}; if the licence changed, "
        f"{_CONCLUDE}, {_OUT}",
    ),
    "licence_conclusion_stale": Reason(
        "What a person concluded was drawn from other content than what is there now",
        f"read what changed; {_CONCLUDE}, {_OUT}",
    ),
    "licence_conclusion_ended": Reason(
        "What a person concluded held until a day that is past", f"see whether it still holds; {_CONCLUDE}, {_OUT}"
    ),
    "licence_conflict": Reason(
        "One text carries licences of which one forbids the use", f"find its original; {_CONCLUDE}, {_OUT}"
    ),
}
