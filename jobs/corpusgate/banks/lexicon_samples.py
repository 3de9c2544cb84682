"""Texts that a lexicon is measured on: files of the user's, or what lies in the lake of a corpus's sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpusgate.errors import UserError
from corpusgate.intake.scan import texts_of
from corpusgate.lake import store
from corpusgate.lake.dialect import literal, one_of, sha256
from corpusgate.settings.corpus import Corpus
from corpusgate.settings.place import Place

MOST_TEXTS = 20_000
"""Texts of the lake that are measured, drawn by hash: enough to see a word that hits one text in 2,000 ten times."""


def of_files(files: Sequence[Path]) -> Iterator[str]:
    """The texts of files: JSON lines with id and text, or a text a file.

    Raises:
        UserError: a file is not there, or not of that form.
    """
    if missing := [str(f) for f in files if not f.is_file()]:
        raise UserError(f"No such file: {', '.join(missing)}.")
    return (text for file in files for _, text in texts_of(file))


def of_corpus(place: Place, corpus: Corpus, sources: Sequence[str], most: int = MOST_TEXTS) -> Iterator[str]:
    """Stored texts of these sources, at most `most`: those first in the order of SHA-256 over seed and text hash, so
    that the same lake gives the same sample.

    Raises:
        UserError: the lake has no record of any of them.
    """
    if not (place.table("record") / "_delta_log").is_dir():
        raise UserError(f"No lake at {place.lake} yet: run a rebuild first, or give files with --sample.")
    where = one_of("source_id", sources)
    there = store.query(place, f"SELECT count(*) AS n FROM record WHERE {where}", ["record"])
    if not there.to_pylist()[0]["n"]:
        raise UserError(
            f"The lake has no record of {', '.join(sorted(sources)) or 'any source'}: rebuild {corpus.id} first, or "
            "give files with --sample."
        )
    order = sha256("datafusion", f"concat({literal(corpus.seed + '|lexicon lint|')}, text_sha256)")
    drawn = (
        f"SELECT text_sha256 FROM (SELECT DISTINCT text_sha256 FROM record WHERE {where}) AS r "
        f"ORDER BY {order} LIMIT {int(most)}"
    )
    sql = f"SELECT d.text FROM document d JOIN ({drawn}) AS s ON d.text_sha256 = s.text_sha256"
    return (text for batch in store.stream(place, sql, ["record", "document"]) for text in batch.column(0).to_pylist())
