"""Certificates: the name that was asked for counts, and a server that cannot prove it is no server."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from staydown.core.errors import Refused
from staydown.core.ids import ItemId
from staydown.core.request import Line, Parcel
from staydown.fetch import GuardedFetch, Policy, addresses, guard
from staydown.plugs.couriers.mail import courier as mail
from staydown.ports import Ask, CourierTools, Reply, Trouble

PARCEL = Parcel(
    reference="NL-2026-0001",
    contact_point="desk@provider.example",
    sender="NL-IRU",
    addressee="A desk",
    subject="Referral",
    text="Made-up words.\n",
    lines=(Line(item=ItemId(1), number=1, address="https://x.example/a", digest="0" * 64),),
    message_id="<NL-2026-0001@agency.example>",
)


def certificate(folder: Path, name: str) -> Path:
    """A certificate that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Secure:
    """A web server and a mail server with one certificate, on loopback."""

    def __init__(self, pem: Path) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem)
        self.taken: list[bytes] = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.web, self.mail = asyncio.run_coroutine_threadsafe(self._open(), self.loop).result()

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        self.taken.append(envelope.content)  # type: ignore[attr-defined]
        return "250 OK"

    async def _open(self) -> tuple[int, int]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure")
            await writer.drain()
            writer.close()

        def smtp() -> SMTP:
            return SMTP(self, hostname="relay.example", tls_context=self.context, loop=self.loop)

        one = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=self.context)
        two = await self.loop.create_server(smtp, "127.0.0.1", 0)
        self.servers = [one, two]
        return one.sockets[0].getsockname()[1], two.sockets[0].getsockname()[1]

    def close(self) -> None:
        async def end() -> None:
            for server in self.servers:
                server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("pem"), "relay.example")


@pytest.fixture
def secure(pem: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Secure]:
    """The servers, on a loopback that passes for public so that the way with certificates is taken."""
    server = Secure(pem)
    monkeypatch.setattr(addresses, "meaning", lambda ip: "")
    monkeypatch.setattr(guard, "PORTS", frozenset({server.web}))
    yield server
    server.close()


def get(server: Secure, host: str, pem: Path | None) -> Reply:
    fetch = GuardedFetch(Policy.PUBLIC, resolve=lambda name: ["127.0.0.1"])
    if pem is not None:
        fetch._pool._tls = ssl.create_default_context(cafile=pem)
    reply = fetch.many([Ask(address=f"https://{host}:{server.web}/")])[0]
    fetch.close()
    return reply


def test_a_certificate_for_the_name_is_needed(secure: Secure, pem: Path) -> None:
    assert (get(secure, "relay.example", pem).status, get(secure, "relay.example", pem).body) == (
        200,
        b"secure",
    )
    other, unknown = get(secure, "other.example", pem), get(secure, "relay.example", None)
    assert (other.trouble, unknown.trouble) == (Trouble.TLS, Trouble.TLS)
    assert "hostname" in other.detail.lower()
    assert "self-signed" in unknown.detail.lower() or "self signed" in unknown.detail.lower()


def test_clear_text_where_tls_was_expected_is_told(secure: Secure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PORTS", frozenset({secure.mail}))
    fetch = GuardedFetch(Policy.PUBLIC, resolve=lambda name: ["127.0.0.1"])
    assert fetch.many([Ask(address=f"https://relay.example:{secure.mail}/")])[0].trouble is Trouble.TLS
    fetch.close()


def courier(server: Secure, host: str) -> mail.Mail:
    fetch = GuardedFetch(Policy.PUBLIC, resolve=lambda name: ["127.0.0.1"], relays=[host])
    return mail.build(
        CourierTools(
            fetch=fetch,
            outbox=Path(),
            mail_host=host,
            mail_port=server.mail,
            mail_from="iru@agency.example",
            exercise=False,
        )
    )


def test_a_relay_with_a_certificate_nobody_trusts_gets_no_mail(secure: Secure) -> None:
    receipt = courier(secure, "relay.example").send([PARCEL])[0]
    assert (receipt.state.value, receipt.temporary) == ("failed", True)
    assert secure.taken == []


def test_a_relay_gets_mail_over_tls(secure: Secure, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    receipt = courier(secure, "relay.example").send([PARCEL])[0]
    assert receipt.state.value == "sent", receipt
    assert b"X-Staydown-Reference: NL-2026-0001" in secure.taken[0]
    other = courier(secure, "other.example").send([PARCEL])[0]
    assert other.state.value == "failed"
    assert len(secure.taken) == 1


def test_no_request_leaves_the_house_in_clear(monkeypatch: pytest.MonkeyPatch, secure: Secure) -> None:
    monkeypatch.setattr(mail.aiosmtplib.SMTP, "supports_extension", lambda self, name: False)
    monkeypatch.setattr(mail, "ip_address", lambda text: addresses.read("192.0.2.1"))
    receipt = courier(secure, "relay.example").send([PARCEL])[0]
    assert (receipt.state.value, receipt.temporary) == ("failed", False)
    assert "not sent in clear" in receipt.detail
    assert secure.taken == []


def test_a_relay_must_be_named_in_the_settings() -> None:
    fetch = GuardedFetch(Policy.PUBLIC, resolve=lambda name: ["10.0.0.1"])
    with pytest.raises(Refused):
        fetch.mailbox("relay.example", 25)
    fetch.close()
