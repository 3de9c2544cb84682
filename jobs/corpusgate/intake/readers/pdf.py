"""PDF: a document is a record, its pages parted by blank lines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from corpusgate.intake.document import local_copy
from corpusgate.intake.items import Fault, Item
from corpusgate.intake.members import Member
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

APART = True


class Options(Declared):
    """What this format understands."""

    seconds: int = Field(120, ge=1, description="CPU time that one document may take")


def read(member: Member, reader: Reader) -> Iterator[Item | Fault]:
    """The document's text, with the title from its metadata. A document without a text layer is a fault `no_text`."""
    with member.open() as stream:
        if b"%PDF-" not in stream.read(1024):  # where readers look for it
            yield Fault(member.name, "not_pdf", "no %PDF- in its first 1024 bytes")
            return
    with tempfile.TemporaryDirectory(prefix="corpusgate-") as folder:
        yield _document(member.name, local_copy(member, Path(folder)))


def _document(member: str, path: Path) -> Item | Fault:
    from pypdf import PdfReader

    try:
        document = PdfReader(path)
        if document.is_encrypted and not document.decrypt(""):
            return Fault(member, "encrypted", "a PDF that needs a password")
        text = "\n\n".join(page.extract_text().strip("\n") for page in document.pages)
        title = str((document.metadata or {}).get("/Title") or "").strip() or None
    except MemoryError:
        raise
    except Exception as error:  # whatever a parser of hostile bytes raises is about these bytes
        return Fault(member, "not_pdf", f"{type(error).__name__}: {error}"[:300])
    return Item(member, text, title=title, attributes={"title": title} if title else {})
