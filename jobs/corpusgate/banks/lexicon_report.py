"""What `corpusgate lexicon lint` says, as rows: the words, the damage they do, the faults, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpusgate.banks.lexicon import Word
from corpusgate.banks.lexicon_lint import Counted, Linted, Sample, damage

TOO_FEW = 1000
"""Harmless texts under which a share says little: a word that hits one text in 1,000 may not show."""


@dataclass(frozen=True, slots=True)
class Report:
    """A lexicon measured. `at_most`: share of harmless texts that a weighed word may hit; `remove_at` as the policy's.

    `benign` and `corpus` are None where not measured.
    """

    linted: Linted
    benign: Sample | None
    corpus: Sample | None
    at_most: float
    remove_at: float

    def words(self) -> list[dict[str, Any]]:
        """A row a word, in the order of the file."""
        faults: dict[int, list[str]] = {}
        for fault in self.linted.faults:
            faults.setdefault(fault.line, []).append(fault.what)
        return [self._word(word, faults.get(word.line, [])) for word in self.linted.words]

    def damage(self) -> list[dict[str, Any]]:
        """The words that hit harmless texts, worst first: of each its own share, and the share that it and all before
        it hit together."""
        if self.benign is None:
            return []
        return [
            {
                "line": word.line, "id": word.id, "word": word.word, "weight": word.weight, "texts": texts,
                "share": self.benign.share(texts), "cumulative": self.benign.share(together),
                "boundary": self.benign.of(word).boundary_share,
            }
            for word, texts, together in damage(self.linted.words, self.benign)
        ]  # fmt: skip

    def faults(self) -> list[dict[str, Any]]:
        """Everything for which the lexicon would be refused."""
        rows = [{"line": None, "fault": "declaration", "said": said} for said in self.linted.mistakes]
        return rows + [{"line": f.line, "fault": f.what, "said": f.said} for f in self.linted.faults]

    def too_common(self) -> list[Word]:
        """Weighed deny words that hit more of the harmless texts than they may."""
        if self.benign is None or not self.benign.texts:
            return []
        bound = self.at_most * self.benign.texts
        return [w for w in self.linted.words if w.weight and self.benign.of(w).texts > bound]

    def nine_tenths(self) -> int:
        """How many words, worst first, do nine tenths of the damage."""
        rows = self.damage()
        return next((n for n, row in enumerate(rows, 1) if row["cumulative"] >= 0.9 * rows[-1]["cumulative"]), 0)

    @property
    def passes(self) -> bool:
        """No fault, and no weighed word that is too common."""
        return not self.linted.faults and not self.linted.mistakes and not self.too_common()

    def summary(self) -> dict[str, Any]:
        """The figures of the lexicon as a whole, JSON types."""
        words = self.linted.words
        deny = [w for w in words if w.kind == "deny"]
        silent = [w for w in deny if not any(s.of(w).texts for s in (self.benign, self.corpus) if s)]
        meta = {n: str(self.linted.meta.get(n, "")) for n in ("id", "version", "source", "licence", "date")}
        return {
            "lexicon": {**meta, "folder": str(self.linted.folder)},
            "words": len(words), "deny": len(deny), "allow": len(words) - len(deny),
            "unweighed": sum(not w.weight for w in deny),
            "removing_alone": sum(w.weight >= self.remove_at for w in deny),
            "faults": len(self.linted.faults) + len(self.linted.mistakes),
            "too_common": len(self.too_common()), "at_most": self.at_most, "remove_at": self.remove_at,
            "nine_tenths": self.nine_tenths() if self.benign else None,
            "never_hit": len(silent) if self.benign or self.corpus else None,
            "samples": {name: _sample(s) for name, s in (("benign", self.benign), ("corpus", self.corpus)) if s},
            "passes": self.passes,
        }  # fmt: skip

    def sentences(self) -> list[str]:
        """The summary for people."""
        said = self.summary()
        lines = [
            f"{said['words']} words ({said['deny']} deny, {said['allow']} allow; {said['unweighed']} deny words "
            f"without a weight, {said['removing_alone']} that remove a text alone), {said['faults']} fault(s)."
        ]
        for name, s in said["samples"].items():
            lines.append(
                f"{name}: {s['texts']} texts ({s['from']}); {s['hit']} hit ({_percent(s['hit_share'])}), "
                f"{s['removed']} would be removed ({_percent(s['removed_share'])})."
            )
        if said["never_hit"] is not None:
            lines.append(f"{said['never_hit']} deny words hit no text at all.")
        if self.benign is not None:
            if self.benign.texts < TOO_FEW:
                lines.append(f"Fewer than {TOO_FEW} harmless texts: what is rare does not show. Give more.")
            if self.benign.hit:
                lines.append(f"{said['nine_tenths']} words hit nine tenths of the harmless texts that are hit at all.")
            lines.append(
                f"{said['too_common']} weighed words hit more than {self.at_most:.3%} of the harmless texts: take "
                "their weight away, take them out, or add longer allow phrases around them."
            )
        return lines

    def _word(self, word: Word, faults: Sequence[str]) -> dict[str, Any]:
        row: dict[str, Any] = {
            "line": word.line, "id": word.id, "word": word.word, "kind": word.kind, "risks": ",".join(word.risks),
            "severity": word.severity, "weight": word.weight, "faults": ",".join(faults),
        }  # fmt: skip
        for name, sample in (("benign", self.benign), ("corpus", self.corpus)):
            counted = sample.of(word) if sample else Counted()
            row |= {
                f"{name}_texts": counted.texts if sample else None, f"{name}_hits": counted.hits if sample else None,
                f"{name}_share": sample.share(counted.texts) if sample else None,
                f"{name}_boundary": counted.boundary_share,
            }  # fmt: skip
        return row


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "from": sample.name, "texts": sample.texts, "hit": sample.hit, "hit_share": sample.share(sample.hit),
        "removed": sample.removed, "removed_share": sample.share(sample.removed),
    }  # fmt: skip


def _percent(share: float | None) -> str:
    return "no texts" if share is None else f"{share:.2%}"
