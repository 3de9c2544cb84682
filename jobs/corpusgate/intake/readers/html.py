"""HTML pages: the text that a reader sees, and the page's title. The page's `charset` counts where UTF-8 fails."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import Field

from corpusgate.intake.document import text_of
from corpusgate.intake.items import Fault, Item
from corpusgate.intake.members import Member
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

APART = True

_BLANKS = re.compile(r"\s+")


class Options(Declared):
    """What this format understands. `main` guesses, and drops tables and headings of some manuals: `skip` is surer."""

    main: bool = Field(True, description="only what looks like the page's main content")
    skip: tuple[str, ...] = Field((), description="CSS selectors of elements to leave out: navigation, footers")
    seconds: int = Field(30, ge=1, description="CPU time that one page may take")


def read(member: Member, reader: Reader) -> Iterator[Item | Fault]:
    """The page as one record."""
    html = text_of(member, reader, page=True)
    if isinstance(html, Fault):
        yield html
        return
    yield page(member.name, html, Options.model_validate(reader.options))


def page(member: str, html: str, options: Options, url: str | None = None) -> Item | Fault:
    """The record of one page; its attributes are title and url as far as they are known."""
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    try:
        tree = HTMLTree.parse(html)
        text = extract_plain_text(
            tree, main_content=options.main, alt_texts=False, skip_elements=list(options.skip) or None
        )
        title = _BLANKS.sub(" ", tree.title or "").strip() or None
    except (RuntimeError, ValueError) as error:  # what resiliparse's parser raises, and on a selector that is none
        return Fault(member, "not_html", f"{type(error).__name__}: {error}"[:300])
    attributes = {name: value for name, value in (("title", title), ("url", url)) if value}
    return Item(member, text, title=title, url=url, attributes=attributes)
