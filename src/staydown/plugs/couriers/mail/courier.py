"""The courier `mail`: SMTP. It cannot be asked, so a possible repeat is marked and keeps its Message-ID.

What the answers of a mail server mean here:

- 250 after the text: `sent`. It proves that a server took it, not that anybody received it.
- Refused in words (4xx, 5xx) at any point, or trouble before the text began: `failed`; nothing arrived. With
  4xx or trouble it is `temporary`: the same mail may be sent again.
- Trouble after the text began, without a reply that refuses: `intended`. Nobody knows.

A letter is not begun when its `may_begin` says no: the process may have stood still, and another worker may have taken
the letters over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import aiosmtplib

from staydown.core.errors import Invalid, Outside, Refused
from staydown.core.request import NOT_BEGUN, DispatchState, Parcel, Receipt
from staydown.plugs.couriers.mail.letter import letter, mailbox_of
from staydown.ports import CourierTools, Known, Knows

WAIT = timedelta(seconds=60)
EXERCISE_WAIT = timedelta(seconds=5)
AT_A_TIME = 8
OUR_NAME = "staydown.invalid"
"""What we call ourselves to mail servers: asking the system for its own name would ask the network."""

Bound = tuple[str, str, int]
"""Name, IP address and port of a mail server."""
Letter = tuple[int, Parcel, bytes]
"""Its place in the call, what it carries, and the mail itself."""


class Mail:
    """Sends mail to the relay of the settings; in the exercise, to the addressee's own host."""

    name = "mail"
    can_be_asked = False
    takes = "email"

    def __init__(self, tools: CourierTools) -> None:
        self._tools = tools
        self._wait = (EXERCISE_WAIT if tools.exercise else WAIT).total_seconds()

    def ask(self, parcels: Sequence[Parcel]) -> list[Known]:
        """Mail cannot be asked."""
        return [Known(knows=Knows.CANNOT_TELL, detail="mail cannot be asked") for _ in parcels]

    def send(self, parcels: Sequence[Parcel]) -> list[Receipt]:
        """Deliver each, one connection to each mail server."""
        receipts: dict[int, Receipt] = {}
        ready: dict[Bound, list[Letter]] = {}
        for number, parcel in enumerate(parcels):
            try:
                raw = letter(parcel, mail_from=self._tools.mail_from, at=datetime.now(UTC))
                ready.setdefault(self._server(parcel), []).append((number, parcel, raw))
            except (Invalid, Refused) as error:
                receipts[number] = Receipt(state=DispatchState.FAILED, detail=str(error))
            except Outside as error:
                receipts[number] = Receipt(state=DispatchState.FAILED, detail=str(error), temporary=True)
        if ready:
            with ThreadPoolExecutor(1) as own:  # a loop of our own, whatever loop the caller may be in
                receipts.update(own.submit(asyncio.run, self._all(ready)).result())
        return [receipts[number] for number in range(len(parcels))]

    def _server(self, parcel: Parcel) -> Bound:
        host, port = self._tools.mail_host, self._tools.mail_port
        if self._tools.exercise:
            host, port = mailbox_of(parcel.contact_point).rpartition("@")[2], 25
        if not host:
            raise Refused("no mail server is set", hint="Set mail_host, or use the courier files.")
        return (host, *self._tools.fetch.mailbox(host, port))

    async def _all(self, ready: dict[Bound, list[Letter]]) -> dict[int, Receipt]:
        places = asyncio.Semaphore(AT_A_TIME)

        async def one(server: Bound, letters: list[Letter]) -> dict[int, Receipt]:
            async with places:
                return await self._round(server, letters)

        rounds = await asyncio.gather(*(one(server, letters) for server, letters in ready.items()))
        return {number: receipt for done in rounds for number, receipt in done.items()}

    async def _round(self, server: Bound, letters: list[Letter]) -> dict[int, Receipt]:
        """All letters for one server, over one connection as long as it holds."""
        receipts: dict[int, Receipt] = {}
        smtp: aiosmtplib.SMTP | None = None
        for number, parcel, raw in letters:
            try:
                if smtp is None or not smtp.is_connected:
                    smtp = await self._connected(server)
            except (Refused, aiosmtplib.SMTPException, OSError) as error:
                receipts[number] = _not_begun(error)
                continue
            receipts[number] = await self._deliver(smtp, parcel, raw)
        if smtp is not None:
            smtp.close()
        return receipts

    async def _connected(self, server: Bound) -> aiosmtplib.SMTP:
        host, ip, port = server
        smtp = aiosmtplib.SMTP(
            hostname=ip,
            port=port,
            local_hostname=OUR_NAME,
            timeout=self._wait,
            start_tls=False,
        )
        await smtp.connect()
        await smtp.ehlo()
        if smtp.supports_extension("starttls"):
            await smtp.starttls(server_hostname=host)
        elif not ip_address(ip).is_loopback:
            smtp.close()
            raise Refused(f"{host} offers no encryption, and a request is not sent in clear")
        return smtp

    async def _deliver(self, smtp: aiosmtplib.SMTP, parcel: Parcel, raw: bytes) -> Receipt:
        try:
            await smtp.mail(self._tools.mail_from)
            await smtp.rcpt(mailbox_of(parcel.contact_point))
        except (aiosmtplib.SMTPException, OSError) as error:
            smtp.close()
            return _not_begun(error)
        if not parcel.may_begin():
            smtp.close()
            return NOT_BEGUN
        try:
            response = await smtp.data(raw)
        except aiosmtplib.SMTPResponseException as error:
            return _refused_or_unknown(error)
        except (aiosmtplib.SMTPException, OSError) as error:
            smtp.close()
            return Receipt(state=DispatchState.INTENDED, detail=f"no reply to the text: {error}")
        return Receipt(state=DispatchState.SENT, detail=f"{response.code} {response.message}"[:200])


def build(tools: CourierTools) -> Mail:
    """The courier, with the relay of the settings."""
    return Mail(tools)


def _not_begun(error: Exception) -> Receipt:
    """Trouble before the text: nothing arrived."""
    code = error.code if isinstance(error, aiosmtplib.SMTPResponseException) else 0
    is_final = 500 <= code < 600 or isinstance(error, Refused)
    return Receipt(
        state=DispatchState.FAILED, detail=f"before the text: {error}"[:300], temporary=not is_final
    )


def _refused_or_unknown(error: aiosmtplib.SMTPResponseException) -> Receipt:
    """A reply to the text other than 250."""
    detail = f"reply to the text: {error.code} {error.message}"[:300]
    if 400 <= error.code < 600:
        return Receipt(state=DispatchState.FAILED, detail=detail, temporary=error.code < 500)
    return Receipt(state=DispatchState.INTENDED, detail=detail)
