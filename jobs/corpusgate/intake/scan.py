"""`corpusgate scan`: the detectors on files, without a lake. A dry run of what a rebuild would find."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from corpusgate.banks.lexicon import digest
from corpusgate.errors import UserError
from corpusgate.intake.detectors import load
from corpusgate.intake.detectors.model import Finding, Kit, Screened
from corpusgate.intake.rules import stored_text

_BATCH = 512
_SHOWN = ("rule", "risk", "start", "end", "surface", "weight", "count")


def scan_files(files: list[Path], lexicon: Path, out: Path | None) -> str:
    """Writes one JSON line a text (id, language, findings) to `out` or standard output; returns a line of summary.

    Raises:
        UserError: a file is not there, or a line of a `.jsonl` file is no object with `id` and `text`.
    """
    missing = [str(f) for f in files if not f.is_file()]
    if missing:
        raise UserError(f"No such file: {', '.join(missing)}.")
    screener = load(Kit(str(lexicon), digest(lexicon), None, None))
    texts = (pair for file in files for pair in texts_of(file))
    seen = found = 0
    sink = out.open("w", encoding="utf-8") if out else sys.stdout
    try:
        while batch := list(islice(texts, _BATCH)):
            for (name, _), screened in zip(batch, screener.screen([t for _, t in batch]), strict=True):
                seen += 1
                found += bool(screened.findings)
                _write(sink, name, screened)
    finally:
        if out:
            sink.close()
    return f"{seen} text{'' if seen == 1 else 's'} scanned, {found} with findings."


def _write(sink: IO[str], name: Any, screened: Screened) -> None:
    line = {"id": name, "language": screened.language, "findings": [_shown(f) for f in screened.findings]}
    # a lone surrogate has no UTF-8 form: as an escape it has
    ascii_only = any("\ud800" <= c <= "\udfff" for f in screened.findings for c in f.surface or "")
    sink.write(json.dumps(line, ensure_ascii=ascii_only) + "\n")


def _shown(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in _SHOWN}


def texts_of(file: Path) -> Iterator[tuple[Any, str]]:
    """Id and stored text of each line of a `.jsonl` file; of any other file its name and all of it.

    Raises:
        UserError: not UTF-8, or a line that is no object with `id` and `text`.
    """
    if file.suffix != ".jsonl":
        try:
            yield str(file), stored_text(file.read_text("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise UserError(f"{file}: not UTF-8 at byte {error.start}; convert it first.") from None
        return
    with file.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                yield row["id"], stored_text(row["text"])
            except (ValueError, TypeError, KeyError):
                raise UserError(f"{file}:{number}: expected an object with id and text, as one line of JSON.") from None
