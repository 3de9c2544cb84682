"""PDF: a document is a record, its pages parted by blank lines. Parsed by pypdf in a child process with hard bounds.

A page that loops, or a file that unpacks without end, ends the child; the member becomes a fault and the run goes on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from corpusgate.intake.document import DOCUMENT_MAX, local_copy
from corpusgate.intake.items import Fault, Item
from corpusgate.intake.members import Member
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

MEMORY_MAX = 2 << 30
"""Bytes of address space of the child."""


class Options(Declared):
    """What this format understands."""

    seconds: int = Field(120, ge=1, description="CPU time that one document may take; twice that of the clock")


def read(member: Member, reader: Reader) -> Iterator[Item | Fault]:
    """The document's text, with the title from its metadata. A document without a text layer is a fault `no_text`."""
    options = Options.model_validate(reader.options)
    with member.open() as stream:
        if b"%PDF-" not in stream.read(1024):  # where readers look for it; spares the child
            yield Fault(member.name, "not_pdf", "no %PDF- in its first 1024 bytes")
            return
    with tempfile.TemporaryDirectory(prefix="corpusgate-") as folder:
        path = local_copy(member, Path(folder))
        out = Path(folder) / "out.json"
        command = [sys.executable, "-m", __name__, str(path), str(out), str(options.seconds)]
        try:
            done = subprocess.run(
                command, timeout=2 * options.seconds, capture_output=True, stdin=subprocess.DEVNULL, check=False
            )
        except subprocess.TimeoutExpired:
            yield Fault(member.name, "timeout", f"not read within {2 * options.seconds} s")
            return
        yield _said(member.name, done.returncode, out, options)


def _said(member: str, code: int, out: Path, options: Options) -> Item | Fault:
    if code != 0 or not out.is_file():
        if code < 0:  # ended by a signal: SIGXCPU or SIGKILL by the bound on time, others by what it read
            return Fault(member, "timeout", f"the parser was ended (signal {-code}); bound: {options.seconds} s of CPU")
        return Fault(member, "not_pdf", f"the parser ended with code {code}, out of memory or on a fault of its own")
    if out.stat().st_size > 2 * DOCUMENT_MAX:
        return Fault(member, "too_large", f"more than {2 * DOCUMENT_MAX} bytes of text")
    said = json.loads(out.read_text("ascii"))
    if "reason" in said:
        return Fault(member, said["reason"], said["detail"])
    title = said["title"]
    return Item(member, said["text"], title=title, attributes={"title": title} if title else {})


def _child(path: str, out: str, seconds: int) -> None:
    import resource

    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * DOCUMENT_MAX, 4 * DOCUMENT_MAX))
    try:
        document = PdfReader(path)
        if document.is_encrypted and not document.decrypt(""):
            said = {"reason": "encrypted", "detail": "a PDF that needs a password"}
        else:
            pages = (page.extract_text() for page in document.pages)
            text = "\n\n".join(p.strip("\n") for p in pages)
            title = str((document.metadata or {}).get("/Title") or "").strip() or None
            said = {"text": text, "title": title}
    except MemoryError:
        raise
    except (PyPdfError, Exception) as error:  # whatever a parser of hostile bytes raises: it ends this child only
        said = {"reason": "not_pdf", "detail": f"{type(error).__name__}: {error}"[:300]}
    Path(out).write_text(json.dumps(said), "ascii")


if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2], int(sys.argv[3]))
