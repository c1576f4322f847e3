"""Time stamps (RFC 3161): from an exercise's own authority, or from a real one through the guarded way out."""

from __future__ import annotations

from datetime import datetime, timedelta

from asn1crypto import tsp
from pyhanko.sign.timestamps import DummyTimeStamper, TimeStamper

from staydown.core.errors import Outside
from staydown.paper.signers import from_pem
from staydown.ports import Ask, Fetch

MOST_BYTES = 1024 * 1024
PATIENCE = timedelta(seconds=20)


class FetchStamper(TimeStamper):
    """A time-stamp authority, asked over HTTP through the guard; the library's own HTTP is never used."""

    def __init__(self, fetch: Fetch, address: str) -> None:
        super().__init__(include_nonce=True)  # type: ignore[no-untyped-call]
        self._fetch, self._address = fetch, address

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Ask.

        Raises:
            Outside: It does not answer, or not as RFC 3161 says, or about something else.
        """
        ask = Ask(
            address=self._address,
            method="POST",
            headers={"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"},
            body=req.dump(),
            follow=False,
            max_bytes=MOST_BYTES,
            timeout=PATIENCE,
        )
        (reply,) = self._fetch.many([ask])
        if reply.trouble is not None or reply.status != 200:
            why = reply.trouble.value if reply.trouble else f"status {reply.status}"
            raise Outside(f"the time-stamp authority does not answer: {why} {reply.detail}".strip())
        try:
            found = tsp.TimeStampResp.load(reply.body, strict=True)
            granted = found["status"]["status"].native
            if granted not in {"granted", "granted_with_mods"}:
                raise Outside(f"the time-stamp authority refuses: {granted}")
            told = found["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
            is_ours = told["message_imprint"].dump() == req["message_imprint"].dump()
            if not is_ours or told["nonce"].native != req["nonce"].native:
                raise Outside("the time-stamp authority stamped something else, or an earlier request")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Outside(f"the time-stamp authority answers nonsense: {str(error)[:120]}") from error
        return found


class ExerciseStamper(DummyTimeStamper):
    """The time-stamp authority of an exercise: real tokens, at the exercise's own time."""


def exercise_stamper(pem: bytes, at: datetime) -> TimeStamper:
    """An exercise's authority, which stamps one instant."""
    signer = from_pem(pem)
    return ExerciseStamper(
        tsa_cert=signer.signing_cert,
        tsa_key=signer.signing_key,
        certs_to_embed=signer.cert_registry,
        fixed_dt=at.replace(microsecond=0),
    )
