"""Whether a PDF is one of our sheets and nothing else: as it was rendered, or with signatures that show nothing."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from staydown.core.errors import Invalid
from staydown.paper import opening

if TYPE_CHECKING:
    from pyhanko.pdf_utils.reader import PdfFileReader

_OF_CATALOG = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Version"})
_OF_TOOL = frozenset({"/ModDate", "/Producer"})
_OF_FORM = frozenset({"/Fields", "/SigFlags"})
_SHOWN_BY = frozenset({"/AP", "/A", "/AA", "/MK"})
"""What makes a field of a signature show or do something."""


def is_same(pdf: bytes, plain: bytes) -> bool:
    """Whether a reader of the PDF sees the pages of the sheet, and every byte behind them is signed.

    Whoever adds to a PDF can change what its pages show, and can sign that too. So what is added may be signatures
    without a look of their own, and the last of them has to cover the file to its end.

    Args:
        pdf: What was sent.
        plain: What the attached values give here.
    """
    if pdf == plain:
        return True
    if not pdf.startswith(plain):
        return False
    try:
        return opening.guarded(
            "what was added", lambda: _is_only_signed(opening.opened(pdf), opening.opened(plain), len(pdf))
        )
    except Invalid:
        return False


def _is_only_signed(now: PdfFileReader, before: PdfFileReader, size: int) -> bool:
    ranges = [list(one.byte_range) for one in now.embedded_signatures]
    if not any(first == 0 and start + rest == size for first, _, start, rest in ranges):
        return False
    if now.root_ref.idnum != before.root_ref.idnum or "/Encrypt" in now.trailer:
        return False
    if "/AcroForm" not in now.root or not set(now.root["/AcroForm"]) <= _OF_FORM:
        return False
    known = {ref for number in range(before.xrefs.total_revisions) for ref in _refs(before, number)}
    return all(_is_harmless(now, before, number, generation) for number, generation in known)


def _refs(reader: PdfFileReader, revision: int) -> set[tuple[int, int]]:
    return {(one.idnum, one.generation) for one in reader.xrefs.explicit_refs_in_revision(revision)}


def _is_harmless(now: PdfFileReader, before: PdfFileReader, number: int, generation: int) -> bool:
    """Whether an object is what it was, or differs by signatures alone."""
    from pyhanko.pdf_utils.generic import Reference

    new, old = (_object(one, Reference(number, generation, one)) for one in (now, before))
    if _written(new) == _written(old):
        return True
    if type(new) is not type(old) or not isinstance(old, dict):
        return False
    if hasattr(old, "encoded_data"):  # the notes of the tool that signed; they stand on no page
        return bool(old.get("/Type") == new.get("/Type") == "/Metadata")
    changed = _changed(new, old)
    if old.get("/Type") == "/Catalog":
        return changed <= _OF_CATALOG
    if "/CreationDate" in old:
        return changed <= _OF_TOOL
    return old.get("/Type") == "/Page" and changed == {"/Annots"} and _only_fields_added(new, old)


def _object(reader: Any, reference: Any) -> Any:
    return reader.get_object(reference)


def _changed(new: Any, old: Any) -> set[str]:
    return {
        key
        for key in {*new, *old}
        if key not in new or key not in old or _written(new.raw_get(key)) != _written(old.raw_get(key))
    }


def _only_fields_added(new: Any, old: Any) -> bool:
    found = list(new["/Annots"])
    kept = list(old["/Annots"]) if "/Annots" in old else []
    if [_written(one) for one in found[: len(kept)]] != [_written(one) for one in kept]:
        return False
    added = [one.get_object() for one in found[len(kept) :]]
    return all(
        one["/Subtype"] == "/Widget" and one["/FT"] == "/Sig" and _SHOWN_BY.isdisjoint(one) for one in added
    )


def _written(value: Any) -> bytes:
    written = io.BytesIO()
    value.write_to_stream(written, None)
    return written.getvalue()
