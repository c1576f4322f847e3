"""The courier `files`: lays a request down as two files in the outbox; a person carries it.

This is the courier outside an exercise until a person switches another one on. `REFERENCE.json` is written
last and exactly once: where it exists, the request was laid down, so this courier can be asked.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from staydown.core.request import NOT_BEGUN, DispatchState, Parcel, Receipt
from staydown.ports import CourierTools, Known, Knows

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Files:
    """Writes into one folder, which is made when it is first needed."""

    name = "files"
    can_be_asked = True

    def __init__(self, outbox: Path) -> None:
        self._outbox = outbox

    def ask(self, parcels: Sequence[Parcel]) -> list[Known]:
        """Look whether each was laid down; when it reached the provider only the person knows who carried it."""
        return [self._ask(parcel) for parcel in parcels]

    def send(self, parcels: Sequence[Parcel]) -> list[Receipt]:
        """Lay each down; what lies there already is left as it is."""
        return [self._send(parcel) for parcel in parcels]

    def _ask(self, parcel: Parcel) -> Known:
        name = _name(parcel)
        if name is None:
            return Known(knows=Knows.NO, detail="no such file can exist")
        path = self._outbox / f"{name}.json"
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            return Known(knows=Knows.NO, detail=f"{path.name} is not in the outbox")
        except (OSError, ValueError) as error:
            return Known(knows=Knows.CANNOT_TELL, detail=f"{path.name} cannot be read: {error}")
        if not isinstance(content, dict) or content.get("reference") != parcel.reference:
            return Known(knows=Knows.CANNOT_TELL, detail=f"{path.name} names another reference")
        return Known(knows=Knows.YES, detail=f"{path.name} is in the outbox")

    def _send(self, parcel: Parcel) -> Receipt:
        name = _name(parcel)
        if name is None:
            return Receipt(state=DispatchState.FAILED, detail="the reference is no file name")
        mark = self._outbox / f"{name}.json"
        try:
            self._outbox.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not mark.exists():
                if not parcel.may_begin():
                    return NOT_BEGUN
                _write(self._outbox / f"{name}.txt", _text(parcel).encode(), once=False)
                for one in parcel.enclosures:
                    if not _FILE.fullmatch(one.name):
                        return Receipt(
                            state=DispatchState.FAILED, detail="an enclosure's name is no file name"
                        )
                    _write(self._outbox / f"{name}.enclosed.{one.name}", one.body, once=False)
                _write(mark, _json(parcel), once=True)
        except FileExistsError:
            return Receipt(state=DispatchState.SENT, detail=f"{mark.name} was laid down by another process")
        except OSError as error:
            return Receipt(state=DispatchState.INTENDED, detail=f"{mark.name} could not be written: {error}")
        return Receipt(state=DispatchState.SENT, detail=f"{mark.name} is in the outbox; a person carries it")


def build(tools: CourierTools) -> Files:
    """The courier, writing into the outbox."""
    return Files(tools.outbox)


def _name(parcel: Parcel) -> str | None:
    """The name without ending, or None where the reference could lead out of the folder."""
    if not _REFERENCE.fullmatch(parcel.reference):
        return None
    if not parcel.withdrawal:
        return parcel.reference
    first = min((line.number for line in parcel.lines), default=0)
    return f"{parcel.reference}-withdrawal-{first}"


def _text(parcel: Parcel) -> str:
    lines = "".join(f"{line.number}\t{line.address}\n" for line in parcel.lines)
    return f"To: {parcel.contact_point}\nSubject: {parcel.subject}\n\n{parcel.text}\n{lines}"


def _json(parcel: Parcel) -> bytes:
    content = {
        "reference": parcel.reference,
        "withdrawal": parcel.withdrawal,
        "exercise": parcel.exercise,
        "sender": parcel.sender,
        "addressee": parcel.addressee,
        "contact_point": parcel.contact_point,
        "subject": parcel.subject,
        "text": parcel.text,
        "message_id": parcel.message_id,
        "items": [{"number": line.number, "address": line.address} for line in parcel.lines],
        "form": parcel.form,
        "enclosures": [
            {"name": one.name, "sha256": hashlib.sha256(one.body).hexdigest()} for one in parcel.enclosures
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"


def _write(path: Path, content: bytes, *, once: bool) -> None:
    """Write a file whole or not at all, and let it reach the disk.

    Raises:
        FileExistsError: `once`, and it is there.
        OSError: The disk gave trouble.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        if once:
            os.link(draft, path)
        else:
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
