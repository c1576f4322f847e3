"""The mail side of a simulated provider: an SMTP server that reads referrals and takes each mail in once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any

from staydown.testing.profiles import Profile
from staydown.testing.world import Arrival, Watcher, WorldView, nobody

NO_REFERRAL = "550 5.6.0 This is no referral: reference or list of items is missing"


class MailDesk:
    """Takes mail for one provider; a Message-ID seen before is no new intake.

    Faults (path `smtp`): `error` refuses for now, `stall` takes the mail in and never confirms it, `reset`
    takes it in where it is late and breaks the connection in place of a reply, `nonsense` takes it in and
    replies with gibberish.
    """

    def __init__(
        self,
        profile: Profile,
        world: WorldView,
        withdraw: Callable[[str, Sequence[int]], None],
        watcher: Watcher = nobody,
    ) -> None:
        self._profile = profile
        self._world = world
        self._withdraw = withdraw
        self._watcher = watcher
        self._seen: set[str] = set()
        self._attempts: Counter[str] = Counter()  #: by Message-ID

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Called by aiosmtpd after the last line of a mail."""
        mail = message_from_bytes(envelope.content, policy=modern)
        about = str(mail.get("Message-ID", "")).strip()
        self._attempts[about] += 1
        fault = self._world.fault(self._profile.name, "smtp", self._attempts[about], about=about)
        kind = fault.kind if fault else None
        if kind == "error":
            return "451 4.3.0 Try again later"
        if fault and kind == "reset" and not fault.is_late:
            server.transport.abort()
            return "421 4.3.0 Closing"
        verdict = self._take(mail)
        if kind == "stall":
            await asyncio.sleep(3600)
        if kind == "reset":
            server.transport.abort()
        return "999 what?" if kind == "nonsense" else verdict

    def _take(self, mail: EmailMessage) -> str:
        reference = str(mail.get("X-Staydown-Reference", "")).strip()
        message_id = str(mail.get("Message-ID", "")).strip()
        if not reference or not message_id:
            return NO_REFERRAL
        repeat = bool(mail.get("X-Staydown-Repeat"))
        if not mail.get("X-Staydown-Withdrawal"):
            self._watcher(
                Arrival(
                    provider=self._profile.name,
                    via="mail",
                    reference=reference,
                    message_id=message_id,
                    repeat=repeat,
                    text=_text(mail),
                    files=_files(mail),
                )
            )
        if message_id in self._seen:
            if not mail.get("X-Staydown-Withdrawal"):
                self._world.set_aside(self._profile.name, reference, via="mail", repeat=repeat)
            return "250 2.0.0 We have this one"
        lines = _lines(mail)
        if lines is None:
            return NO_REFERRAL
        if mail.get("X-Staydown-Withdrawal"):
            self._withdraw(reference, [number for number, _ in lines])
        else:
            self._world.receive(
                self._profile.name, reference, lines, via="mail", message_id=message_id,
                repeat=repeat,
            )  # fmt: skip
        self._seen.add(message_id)
        return "250 2.0.0 Taken"


def _text(mail: EmailMessage) -> str:
    """The words of a mail."""
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


def _files(mail: EmailMessage) -> tuple[tuple[str, bytes], ...]:
    """What is attached to a mail, by name, the list of items left out."""
    return tuple(
        (part.get_filename() or "", bytes(part.get_payload(decode=True) or b""))
        for part in list(mail.iter_attachments())[1:]
    )


def _lines(mail: EmailMessage) -> list[tuple[int, str]] | None:
    """Number and address of each item, from the list in JSON that comes with the text."""
    for part in mail.iter_attachments():
        if part.get_content_type() == "application/json":
            try:
                content = json.loads(part.get_content())
                return [(int(item["number"]), str(item["address"])) for item in content["items"]]
            except (ValueError, KeyError, TypeError):
                return None
    return None
