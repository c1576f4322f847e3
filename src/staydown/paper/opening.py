"""Opening a PDF that somebody sent: what is attached to it, within bounds and without trusting anything."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from staydown.core.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyhanko.pdf_utils.reader import PdfFileReader

MOST_BYTES = 64 * 1024 * 1024
"""Of a PDF, and of what is attached to it once unpacked."""
NAMES_MOST = 100
ABOUT = "sheet.json"
"""The attachment in which a sheet says what it is."""
_DAMAGE = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, OSError, AssertionError,
    NotImplementedError, zlib.error, StopIteration, MemoryError,
)  # fmt: skip
"""What a parser raises on a damaged file, beside its own errors."""

T = TypeVar("T")


@contextmanager
def damage(what: str) -> Iterator[None]:
    """Translate whatever a parser raises on a damaged file.

    Raises:
        Invalid: It raised something.
    """
    from pyhanko.pdf_utils.misc import PdfError

    try:
        yield
    except (PdfError, *_DAMAGE) as error:
        raise Invalid(
            f"{what} cannot be read: {type(error).__name__}: {str(error)[:160]}",
            hint="Ask for the file again, as it was sent.",
        ) from error


def opened(pdf: bytes) -> PdfFileReader:
    """A reader of the PDF.

    Raises:
        Invalid: It is none, or too large.
    """
    from pyhanko.pdf_utils.reader import PdfFileReader

    if len(pdf) > MOST_BYTES:
        raise Invalid(f"the file is larger than {MOST_BYTES // 2**20} MiB")
    if b"%PDF-" not in pdf[:1024]:
        raise Invalid("the file is no PDF", hint="Name the PDF that was sent; `form check` reads JSON.")
    with damage("the PDF"):
        reader = PdfFileReader(io.BytesIO(pdf), strict=False)
        reader.root.raw_get("/Type")
        return reader


def attached(reader: PdfFileReader) -> Mapping[str, bytes]:
    """The files attached to a PDF, by name.

    Raises:
        Invalid: They are damaged or too large.
    """
    with damage("what is attached to the PDF"):
        names = reader.root.get("/Names", {}).get("/EmbeddedFiles", {})
        found: dict[str, bytes] = {}
        for name, spec in _leaves(names, 0):
            found[str(name)] = _unpacked(spec["/EF"]["/F"])
        return found


def _leaves(node: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > 8:
        raise ValueError("the names are nested too deep")
    names = node.get("/Names", [])
    for at in range(0, min(len(names), 2 * NAMES_MOST) - 1, 2):
        yield str(names[at]), names[at + 1]
    for kid in list(node.get("/Kids", []))[:NAMES_MOST]:
        yield from _leaves(kid, depth + 1)


def _unpacked(stream: Any) -> bytes:
    filters = stream.get("/Filter", None)
    packed = bytes(stream.encoded_data)
    if filters is None:
        return packed
    if str(filters) not in {"/FlateDecode", "['/FlateDecode']"} or "/DecodeParms" in stream:
        raise ValueError("it is packed in a way we do not write")
    unpacker = zlib.decompressobj()
    body = unpacker.decompress(packed, MOST_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError("it is too large once unpacked")
    return body


def parsed(body: bytes, what: str) -> dict[str, object]:
    """A JSON object.

    Raises:
        Invalid: It is none.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{what} is no JSON: {str(error)[:120]}") from error
    if not isinstance(found, dict):
        raise Invalid(f"{what} is no JSON object")
    return found


def guarded(what: str, call: Callable[[], T]) -> T:
    """Call something that reads a foreign file.

    Raises:
        Invalid: The file is damaged.
    """
    with damage(what):
        return call()


def sheet_in(pdf: bytes) -> tuple[dict[str, object], dict[str, object]]:
    """What a sheet says of itself, and its values.

    Raises:
        Invalid: That is no PDF, or none of ours.
    """
    files = attached(opened(pdf))
    if ABOUT not in files:
        raise Invalid(
            "no form of ours is attached to the PDF", hint="Ask the sender for the PDF as it was made."
        )
    about = parsed(files[ABOUT], "what the PDF says of itself")
    name = f"{about.get('form')}.json"
    if name not in files:
        raise Invalid(
            "the values are not attached to the PDF", hint="Ask the sender for the PDF as it was made."
        )
    return about, parsed(files[name], "the attached form")
