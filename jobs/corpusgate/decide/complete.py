"""Whether what a policy asks for was looked for at all: a rule that nobody could apply must not pass for one that found
nothing."""

from __future__ import annotations

from collections.abc import Mapping

from corpusgate.errors import CorpusgateError
from corpusgate.intake.detectors.contamination import mark_of
from corpusgate.settings.corpus import Corpus
from corpusgate.settings.load import load_test_sets
from corpusgate.settings.place import Place


def refuse_unlooked(place: Place, corpus: Corpus, versions: Mapping[str, str]) -> None:
    """Raises CorpusgateError where the policy asks for near duplicates of texts that were not signed, or names a test
    set that was not looked for. `versions`: of the detectors that saw the texts, family to version."""
    file = f"conf/corpora/{corpus.id}.yaml"
    if corpus.policy.near_duplicates is not None and "signature" not in versions:
        raise CorpusgateError(
            f"The policy of {corpus.id} asks for near duplicates, and intake signed no text of this run: all would be "
            f"kept unseen. Run the intake again, which signs them, or set policy.near_duplicates to null in {file}."
        )
    if missing := sets_unlooked(place, corpus, versions):
        raise CorpusgateError(
            f"The policy of {corpus.id} names the test sets {', '.join(missing)}, and intake did not look for them in "
            f"this run. Run the intake again, or take them out of policy.test_sets in {file}."
        )


def sets_unlooked(place: Place, corpus: Corpus, versions: Mapping[str, str]) -> list[str]:
    """The test sets of the policy, as they are declared now, that these detectors did not look for."""
    looked = {mark for version in versions.values() for mark in version.split("+")}
    looked |= {mark.split(" ")[0] for mark in looked}  # a family's version names its detectors one after another
    return [
        one.id for one in load_test_sets(place, corpus)
        if mark_of(one.id, one.sha256, one.fields if one.format == "jsonl" else ()) not in looked
    ]  # fmt: skip
