"""Which encoding a document is in: byte-order mark, UTF-8 strictly, GB18030 strictly, then detection on the whole.

Never on a line: 20 bytes of GB18030 pass for Korean. `gb2312` and `gbk` are always read as GB18030, their superset,
since pages that declare them hold its characters. GB18030 accepts nearly any pair of bytes, Big5's among them, so a
result with private-use characters (which GB18030 text has hardly ever, and Big5 read so in each line) is refused.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from corpusgate.errors import UserError

AUTO = "auto"
BLOCK = 1 << 20
PIECE = 1 << 16
"""What of a block is decoded at once: in memory that is at hand, a third cheaper than the block as a whole."""
PRIVATE_SHARE = 0.001
"""Share of private-use characters among the non-ASCII ones from which a text is not GB18030."""
DETECT_BYTES = 1 << 20
"""What the detection of last resort is shown of a longer document: it tries dozens of encodings."""
BAD_LINES_SHARE = 0.01

_GB = frozenset({"gb2312", "gbk", "gb18030"})
#: Names that pages use (WHATWG Encoding, "gbk") and Python does not know.
_GB_LABELS = frozenset({"gb_2312-80", "gb_2312", "csgb2312", "x-gbk", "iso-ir-58", "chinese"})
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_OTHER = re.compile("[^\x00-\x7f]")
#: Encodings in which a byte 0x0A need not be a line's end: they are recoded before lines are cut.
_WIDE = ("utf-16", "utf-32", "iso2022", "hz", "utf-7")


class Undecodable(Exception):
    """The bytes are text in no encoding that was tried; `offset` is the first byte that does not fit."""

    def __init__(self, offset: int, detail: str) -> None:
        super().__init__(detail)
        self.offset, self.detail = offset, detail


def codec(name: str) -> str:
    """Python's name of a codec, GB18030 for its subsets.

    Raises:
        UserError: Python knows no such text encoding.
    """
    if name.lower() in _GB_LABELS:
        return "gb18030"
    try:
        info = codecs.lookup(name)
    except LookupError:
        info = None
    if info is None or not info._is_text_encoding:  # bytes-to-bytes codecs such as zlib would decompress without bounds
        raise UserError(f"{name!r} is no encoding: write auto, or a name such as utf-8, gb18030, big5, utf-16.")
    return "gb18030" if info.name in _GB else info.name


def decode(raw: bytes, declared: str = AUTO, hint: str | None = None) -> str:
    """A whole document as text, without its byte-order mark.

    `declared` is the source's word and is taken strictly; `hint` is what the document says of itself (a page's
    charset), believed where UTF-8 fails and it fits.

    Raises:
        Undecodable: no encoding fits.
    """
    if declared != AUTO:
        return _strict(raw, _with_mark(codec(declared), raw))
    if marked := _marked(raw[:4]):
        return _strict(raw, marked)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        first = error.start
    for name in (_known(hint), "gb18030"):
        if name and (text := _plausible(raw, name)) is not None:
            return text
    detected = _detect(raw)
    if detected is None:
        raise Undecodable(first, "neither UTF-8 nor GB18030, and no other encoding was recognised")
    return _strict(raw, detected)


def of_lines(opened: Callable[[], BinaryIO], declared: str = AUTO) -> str:
    """The encoding of a file of lines, decided on the whole of it in bounded memory.

    A few bad lines do not change the encoding of a file: where most lines with non-ASCII bytes are UTF-8, or the bad
    ones are at most one in a hundred, it is UTF-8 and each bad line is a fault of its own.
    """
    if declared != AUTO:
        return codec(declared)
    with opened() as stream:
        if marked := _marked(stream.read(4)):
            return marked
    if _decodes(opened, "utf-8"):
        return "utf-8"
    lines, good, bad = _count(opened)
    if good <= bad and _decodes(opened, "gb18030"):
        return "gb18030"
    if good > bad or bad <= lines * BAD_LINES_SHARE:
        return "utf-8"
    with opened() as stream:
        return _detect(stream.read(DETECT_BYTES)) or "utf-8"


def recoded(stream: BinaryIO, encoding: str) -> BinaryIO:
    """The stream as UTF-8 where `encoding` hides line ends from a reader of bytes; else the stream itself."""
    if not encoding.replace("_", "-").startswith(_WIDE):
        return stream
    return io.BufferedReader(_Recoded(stream, encoding), BLOCK)


def is_wide(encoding: str) -> bool:
    """Whether lines cannot be cut in the bytes of this encoding."""
    return encoding.replace("_", "-").startswith(_WIDE)


class _Recoded(io.RawIOBase):
    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream, self._decoder, self._rest, self._read = stream, codecs.getincrementaldecoder(encoding)(), b"", 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self._rest:
            block = self._stream.read(BLOCK)
            try:
                self._rest = self._decoder.decode(block, final=not block).encode()
            except UnicodeError as error:
                raise Undecodable(self._read + getattr(error, "start", 0), "not in the encoding it began in") from None
            self._read += len(block)
            if not block and not self._rest:
                return 0
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def close(self) -> None:
        self._stream.close()
        super().close()


def _marked(head: bytes) -> str | None:
    return next((name for mark, name in _BOMS if head.startswith(mark)), None)


def _with_mark(name: str, raw: bytes) -> str:
    return "utf-8-sig" if name == "utf-8" and raw.startswith(codecs.BOM_UTF8) else name


def _known(hint: str | None) -> str | None:
    try:
        return codec(hint) if hint else None
    except UserError:
        return None


def _strict(raw: bytes, name: str) -> str:
    try:
        return raw.decode(name)
    except UnicodeDecodeError as error:
        raise Undecodable(error.start, f"not {name}: {error.reason}") from None
    except UnicodeError as error:  # what a few codecs raise without a place
        raise Undecodable(0, f"not {name}: {error}") from None


def _plausible(raw: bytes, name: str) -> str | None:
    try:
        text = _strict(raw, name)
    except Undecodable:
        return None
    return text if _few_private(len(_PRIVATE.findall(text)), len(_OTHER.findall(text))) else None


def _few_private(private: int, other: int) -> bool:
    return private <= other * PRIVATE_SHARE


def _decodes(opened: Callable[[], BinaryIO], name: str) -> bool:
    decoder, private, other = codecs.getincrementaldecoder(name)(), 0, 0
    try:
        for block in _blocks(opened):
            text = decoder.decode(block, final=not block)
            if name == "gb18030":
                private, other = private + len(_PRIVATE.findall(text)), other + len(_OTHER.findall(text))
    except UnicodeDecodeError:
        return False
    return _few_private(private, other)


def _blocks(opened: Callable[[], BinaryIO]) -> Iterator[bytes]:
    with opened() as stream:
        while block := stream.read(BLOCK):
            for at in range(0, len(block), PIECE):
                yield block[at : at + PIECE]
    yield b""


def _count(opened: Callable[[], BinaryIO]) -> tuple[int, int, int]:
    """Lines in all, lines that are UTF-8 beyond ASCII, and lines that are not UTF-8."""
    lines = good = bad = 0
    with opened() as stream:
        while line := stream.readline(BLOCK):
            lines += 1
            if not line.isascii():
                try:
                    line.decode("utf-8")
                    good += 1
                except UnicodeDecodeError:
                    bad += 1
    return lines, good, bad


def _detect(raw: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(raw[:DETECT_BYTES]).best()
    return codec(best.encoding) if best is not None else None
