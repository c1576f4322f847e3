"""Cutting a stream of bytes into lines, without ever holding more than one long line of it.

UTF-8 with or without a byte order mark, and UTF-16 with one. Lines end in LF, CR LF or CR, mixed as
they come. A line that cannot be read is handed on with the reason; those after it are read as usual.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from staydown.core.errors import Invalid

MAX_LINE = 100_000
"""Characters; a record of an address and a note is a thousandth of that."""

_CHUNK_BYTES = 256 * 1024
_SHOWN = 200
_UNREAD = re.compile(r"[\udc80-\udcff]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be read."""

    shown: str  #: its beginning
    reason: str


def encoding_of(head: bytes) -> str:
    """The encoding a file's first bytes announce: `utf-8` unless a byte order mark says otherwise.

    Raises:
        Invalid: It is UTF-32, which nobody exports.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            if not encoding:
                raise Invalid("the file is UTF-32", hint="Save it as UTF-8.")
            return encoding
    return "utf-8"


def head_text(head: bytes) -> str:
    """A file's first bytes as text, for a look at its format; unreadable bytes become marks."""
    try:
        return head.decode(encoding_of(head), errors="replace")
    except Invalid:
        return ""


_CHARSETS = re.compile(
    r"utf-?8|utf-?16(?:-?[lb]e)?|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?\d|windows-125\d|cp(?:125\d|437|850|866|949)"
    r"|koi8-[ru]|mac-?(?:roman|cyrillic)|gbk|gb2312|gb18030|big5|shift_jis|euc-jp|euc-kr|iso-2022-jp|tis-620",
    re.IGNORECASE,
)
"""Encodings in which people write. Others are a mistake or a trick: some take for ever, some are no text."""


def decoded(content: bytes, said: str | None) -> str:
    """Bytes as text, in the encoding a mail or page says it has; UTF-8 where it says none that people write in."""
    name = said if said and _CHARSETS.fullmatch(said) else "utf-8"
    try:
        return content.decode(name, errors="replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", errors="replace")


def lines_of(stream: BinaryIO) -> Iterator[tuple[int, str | BadLine]]:
    """Number (from 1) and text of each line, without its end.

    Raises:
        Invalid: The stream is UTF-32.
    """
    number, broken, tail = 1, "", ""
    for text in _decoded(stream):
        pieces = (tail + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        tail = pieces.pop()
        for piece in pieces:
            yield number, BadLine(broken, _TOO_LONG) if broken else _checked(piece)
            broken = ""
            number += 1
        if len(tail) > MAX_LINE:
            broken, tail = broken or tail[:_SHOWN], ""
    if tail or broken:
        yield number, BadLine(broken, _TOO_LONG) if broken else _checked(tail)


_TOO_LONG = f"the line is longer than {MAX_LINE} characters"


def _decoded(stream: BinaryIO) -> Iterator[str]:
    """The stream's text in chunks; never a chunk that ends between CR and LF."""
    head = stream.read(_CHUNK_BYTES)
    encoding = encoding_of(head)
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape" if "8" in encoding else "replace")
    held = ""
    while head:
        text = held + decoder.decode(head)
        held = "\r" if text.endswith("\r") else ""
        yield text[:-1] if held else text
        head = stream.read(_CHUNK_BYTES)
    yield held + decoder.decode(b"", final=True)


def _checked(line: str) -> str | BadLine:
    """The line, if all of it could be decoded and it holds no NUL."""
    if len(line) > MAX_LINE:
        return BadLine(line[:_SHOWN], _TOO_LONG)
    if "\0" in line:
        return BadLine(line[:_SHOWN].replace("\0", "\ufffd"), "holds a NUL byte")
    if line.isascii():
        return line
    if _UNREAD.search(line):
        return BadLine(_UNREAD.sub("\ufffd", line[:_SHOWN]), "holds bytes that are not UTF-8")
    if "\ufffd" in line:
        return BadLine(line[:_SHOWN], "holds characters that were lost before it came here")
    return line
