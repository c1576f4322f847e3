"""dossier: all that belongs to one request, from its footing to its finality, in one archive that others can read."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from datetime import datetime
from enum import Enum

from staydown.core.ids import RequestId
from staydown.core.people import Person
from staydown.core.rights import Verb
from staydown.core.time import iso
from staydown.flow import clocks
from staydown.flow.consider import DRAFT, is_draft, shown
from staydown.ports.tools import Tools
from staydown.ports.work import Work

STAMP = (1980, 1, 1, 0, 0, 0)
"""The same for every file, so that the same dossier has the same bytes."""


def dossier(tools: Tools, work: Work, person: Person, number: RequestId) -> tuple[bytes, list[str]]:
    """A ZIP with the papers, and with everything else as JSON; `MANIFEST.json` names each file with its SHA-256.

    Holds of others and what other agencies found are not in it. What was never approved and signed says DRAFT on every
    page; letters that did not leave are told of, and their paper is left out.

    Raises:
        NotEntitled: It is another agency's request.
        NotFound: There is none.
    """
    request = work.requests.one(number)
    person.require(Verb.EXPORT_DOSSIER, within=request.agency)
    order = work.orders.get([number]).get(number)
    banner = DRAFT if is_draft(request) else ""
    items = [one.line.item for one in work.requests.lines([number])[number]]
    parts: dict[str, object] = {
        "request.json": replace(request, cover=banner + request.cover),
        "lines.json": work.requests.lines([number])[number],
        "approval.json": work.requests.approvals([number]).get(number),
        "signature.json": work.orders.signature(number),
        "dispatches.json": work.requests.attempts([number]).get(number, []),
        "clocks.json": clocks.view(work, request),
        "letters.json": [
            {
                **asdict(one),
                "pdf": hashlib.sha256(one.pdf).hexdigest(),
                "text": one.text if one.sent_at is not None else DRAFT + one.text,
            }
            for one in work.letters.listed(request=number)
        ],
        "evidence.json": {str(item): [one.capture for one in work.kept.of(item)] for item in items},
        "ledger.json": _entries(work, number),
    }
    if order is not None:
        parts["order.json"] = order
        parts["history.json"] = work.orders.history(number)
        parts["scrutiny.json"] = work.orders.scrutinies(number)
    files = {name: _json(value) for name, value in parts.items()}
    for paper in work.papers.of([number]).get(number, ()):
        ending = paper.name.value.replace("pdf-signed", "signed.pdf")
        files[f"papers/{request.reference}.{ending}"] = shown(tools, work, request, paper.name)
    for letter in work.letters.listed(request=number):
        if letter.sent_at is not None:
            files[f"letters/{letter.reference}.pdf"] = letter.pdf
    files["MANIFEST.json"] = _json(
        {
            "reference": request.reference,
            "made_at": iso(work.now),
            "by": person.id,
            "exercise": work.exercise,
            "files": {name: hashlib.sha256(body).hexdigest() for name, body in sorted(files.items())},
        }
    )
    work.ledger.append(
        "request:dossier:exported", f"request:{number}", {"by": person.id, "files": len(files)}
    )
    return _zip(files), sorted(files)


def _entries(work: Work, number: RequestId) -> list[Mapping[str, object]]:
    """The ledger's entries about the request, as they stand in it."""
    found: list[Mapping[str, object]] = [json.loads(one) for one in work.ledger.about(f"request:{number}")]
    return found


def _json(value: object) -> bytes:
    return json.dumps(_plain(value), ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _zip(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, STAMP), body, zipfile.ZIP_DEFLATED)
    return out.getvalue()
