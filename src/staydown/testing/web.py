"""The web side of one simulated provider: pages, media, referral interface and web form."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from aiohttp import web

from staydown.core.time import iso
from staydown.testing import pages
from staydown.testing.pages import Shown
from staydown.testing.profiles import Profile
from staydown.testing.world import Arrival, Fault, Watcher, WorldView, nobody

MAX_BODY_BYTES = 32 * 1024 * 1024
STALL_S = 3600.0
GIBBERISH = b"\x16\x03\x00garbage in place of an answer\r\n\x00\x00\r\n\r\n"


class BadIntake(Exception):
    """What came to the intake cannot be read."""


class Provider:
    """Answers every HTTP request to one provider from a world.

    Faults at an intake, where it matters most whether it was taken in: `error` comes before, `stall` and
    `nonsense` come after it, and `reset` comes after it where it is late.
    """

    def __init__(self, profile: Profile, world: WorldView, watcher: Watcher = nobody) -> None:
        self.profile = profile
        self._watcher = watcher
        self._world = world
        self._attempts: Counter[tuple[str, str]] = Counter()  #: by path and what the request is about
        self._withdrawn: dict[str, set[int]] = {}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The handler of the low-level server."""
        path_qs = self._path_qs(request)
        is_intake = request.method == "POST"
        body = await _body(request) if is_intake else b""
        name, about = (request.path, self._about(request, body)) if is_intake else (path_qs, "")
        self._attempts[name, about] += 1
        fault = self._world.fault(self.profile.name, name, self._attempts[name, about], about=about)
        if fault and not (is_intake and _comes_after(fault)):
            return await self._go_wrong(request, fault)
        shown = await (self._post(request, body) if is_intake else self._get(request, path_qs))
        if fault:
            return await self._go_wrong(request, fault)
        return _response(shown)

    def _about(self, request: web.BaseRequest, body: bytes) -> str:
        """The reference that somebody sends, as far as it can be read before anything is taken in."""
        if self.profile.courier == "api":
            return request.headers.get("Idempotency-Key", "")
        form = parse_qs(body.decode("utf-8", "replace"))
        return f"{form.get('reference', [''])[0]} {form.get('withdrawal', [''])[0]}".strip()

    def withdraw(self, reference: str, numbers: Sequence[int]) -> None:
        """Note a withdrawal, however it came."""
        self._withdrawn.setdefault(reference, set()).update(numbers)
        self._world.withdraw(self.profile.name, reference, numbers)

    # --- pages ---

    def _path_qs(self, request: web.BaseRequest) -> str:
        """The path with its query; a site's name is put in front."""
        path_qs = request.rel_url.raw_path_qs
        if not self.profile.sites:
            return path_qs
        name = request.host.partition(":")[0].removesuffix(self.profile.host).rstrip(".")
        return f"/{name}{path_qs}" if name else path_qs

    async def _get(self, request: web.BaseRequest, path_qs: str) -> Shown:
        profile, path = self.profile, request.path
        if profile.intake_path and path == profile.intake_path:
            return self._form_status(request.query.get("reference", ""))
        if profile.courier == "api" and path.startswith(f"{profile.intake_path}/"):
            return self._api_status(path.removeprefix(f"{profile.intake_path}/"))
        if profile.page_delay_s:
            await asyncio.sleep(profile.page_delay_s)
        if path_qs == "/":
            return pages.front(profile)
        if path == "/removed" and profile.gone_by == "removed_page":
            return pages.removed_page(profile)
        if path == "/login" and profile.gone_by == "closed_wall":
            return pages.wall(profile, request.query.get("closed") == "1")
        if path.startswith("/media/"):
            found = self._world.media(profile.name, path)
            return Shown(404) if found is None else Shown(200, found, media_type="application/octet-stream")
        return pages.show(profile, path_qs, self._world.page(profile.name, path_qs))

    # --- intake ---

    async def _post(self, request: web.BaseRequest, body: bytes) -> Shown:
        if self.profile.intake_delay_s:
            await asyncio.sleep(self.profile.intake_delay_s)
        try:
            if self.profile.courier == "api":
                return self._api_intake(request, body)
            if self.profile.courier == "webform" and request.path == self.profile.intake_path:
                return self._form_intake(body)
        except BadIntake as error:
            return _json(400, {"error": str(error)})
        return Shown(405)

    def _api_intake(self, request: web.BaseRequest, body: bytes) -> Shown:
        place = self.profile.intake_path
        if request.path.startswith(f"{place}/") and request.path.endswith("/withdrawal"):
            return self._api_withdrawal(
                request.path.removeprefix(f"{place}/").removesuffix("/withdrawal"), body
            )
        if request.path != place:
            return Shown(404)
        reference, lines = _read_json(body)
        if request.headers.get("Idempotency-Key") != reference:
            raise BadIntake("the header Idempotency-Key does not carry the reference")
        text, files = _read_files(body)
        self._watcher(
            Arrival(provider=self.profile.name, via="api", reference=reference, text=text, files=files)
        )
        first = self._world.received_at(self.profile.name, reference)
        if first is not None:
            self._world.set_aside(self.profile.name, reference, via="api", repeat=False)
        at = first or self._world.receive(
            self.profile.name, reference, lines, via="api", message_id="", repeat=False
        )
        return _json(200 if first else 201, {"reference": reference, "received_at": iso(at)})

    def _api_withdrawal(self, reference: str, body: bytes) -> Shown:
        if self._world.received_at(self.profile.name, reference) is None:
            return _json(404, {"known": False})
        named, lines = _read_json(body)
        if named != reference:
            raise BadIntake("address and text name two references")
        self.withdraw(reference, [number for number, _ in lines])
        return _json(200, {"reference": reference, "withdrawn": sorted(self._withdrawn[reference])})

    def _api_status(self, reference: str) -> Shown:
        at = self._world.received_at(self.profile.name, reference)
        if at is None:
            return _json(404, {"known": False})
        items = [
            {
                "number": line.number,
                "state": line.state,
                "reason": line.reason,
                "at": iso(line.at) if line.at else None,
            }
            for line in self._world.status(self.profile.name, reference) or ()
        ]
        withdrawn = sorted(self._withdrawn.get(reference, ()))
        return _json(
            200, {"reference": reference, "received_at": iso(at), "withdrawn": withdrawn, "items": items}
        )

    def _form_intake(self, body: bytes) -> Shown:
        """Take a form in; this provider never notices that it has had it before."""
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        reference = form.get("reference", "")
        if not reference:
            raise BadIntake("a report needs a reference")
        lines = _read_lines(form.get("addresses", ""))
        if form.get("withdrawal") == "yes":
            self.withdraw(reference, [number for number, _ in lines])
            return pages.intake_page(self.profile, reference, "")
        self._watcher(Arrival(provider=self.profile.name, via="webform", reference=reference))
        at = self._world.receive(
            self.profile.name, reference, lines, via="webform", message_id="", repeat=False
        )
        return pages.intake_page(self.profile, reference, iso(at))

    def _form_status(self, reference: str) -> Shown:
        at = self._world.received_at(self.profile.name, reference)
        if at is None:
            return pages.unknown_reference(self.profile)
        lines = self._world.status(self.profile.name, reference) or ()
        return pages.status_page(
            self.profile, reference, iso(at), lines, sorted(self._withdrawn.get(reference, ()))
        )

    # --- trouble ---

    async def _go_wrong(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        if fault.kind == "error":
            return web.Response(status=500 if fault.is_late else 503, text="Something went wrong.")
        if fault.kind == "stall":
            await asyncio.sleep(STALL_S)
        transport = request.transport
        if fault.kind == "nonsense" and transport is not None:
            if not fault.is_late:
                return web.Response(text="\ufffd lorem 0x00 ipsum")
            transport.write(GIBBERISH)
        if transport is not None:
            transport.abort()
        return web.Response(status=500)


def _comes_after(fault: Fault) -> bool:
    return fault.kind in {"stall", "nonsense"} or (fault.kind == "reset" and fault.is_late)


def _response(shown: Shown) -> web.Response:
    headers = {"Content-Type": shown.media_type}
    if shown.location:
        headers["Location"] = shown.location
    return web.Response(status=shown.status, body=shown.body, headers=headers)


def _json(status: int, content: Mapping[str, object]) -> Shown:
    return Shown(status, json.dumps(content).encode(), media_type="application/json")


async def _body(request: web.BaseRequest) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise web.HTTPRequestEntityTooLarge(max_size=MAX_BODY_BYTES, actual_size=size)
        parts.append(chunk)
    return b"".join(parts)


def _read_json(body: bytes) -> tuple[str, list[tuple[int, str]]]:
    try:
        content = json.loads(body)
        lines = [(int(item["number"]), str(item["address"])) for item in content["items"]]
        reference = str(content["reference"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadIntake(f"not a referral: {error}") from error
    if not reference:
        raise BadIntake("a referral needs a reference")
    return reference, lines


def _read_files(body: bytes) -> tuple[str, tuple[tuple[str, bytes], ...]]:
    """The text of a request and the files that came with it; each has to be what its SHA-256 says."""
    content = json.loads(body)
    files = []
    for one in content.get("enclosures") or ():
        try:
            raw = base64.b64decode(one["content"], validate=True)
            if hashlib.sha256(raw).hexdigest() != one["sha256"]:
                raise BadIntake(f"{one['name']} is not what its hash says")
            files.append((str(one["name"]), raw))
        except (ValueError, KeyError, TypeError) as error:
            raise BadIntake(f"not an enclosure: {error}") from error
    return str(content.get("text", "")), tuple(files)


def _read_lines(text: str) -> list[tuple[int, str]]:
    """Lines of number, blank, address."""
    lines = []
    for line in text.splitlines():
        number, _, address = line.strip().partition(" ")
        if not number.isdecimal() or not address:
            raise BadIntake(f"not a line of number and address: {line[:80]!r}")
        lines.append((int(number), address))
    return lines
