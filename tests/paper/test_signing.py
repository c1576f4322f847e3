"""Signatures: what was signed is what is there, said by us and by other tools; and who may not be signed for."""

from __future__ import annotations

import http.server
import io
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pkcs11.util.ec import decode_ec_private_key
from pkcs11.util.x509 import decode_x509_certificate
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from staydown.app import forms
from staydown.core.errors import Invalid, Outside, Refused
from staydown.fetch import GuardedFetch, Policy
from staydown.paper import PaperDesk
from staydown.paper.keys import Keys
from staydown.paper.signers import from_pem, from_pkcs12, from_token
from staydown.paper.stamping import exercise_stamper
from staydown.ports import Fetch
from staydown.settings import Settings
from support import law

AT = datetime(2026, 3, 2, 9, 0, 5, tzinfo=UTC)
FORMS = forms()


def no_fetch() -> Fetch:
    raise AssertionError("an exercise asks nobody outside")


@dataclass(slots=True)
class Signed:
    """One order, signed in an exercise home."""

    folder: Path
    keys: Keys
    desk: PaperDesk
    plain: bytes
    pdf: bytes = b""
    range: tuple[int, int, int, int] = field(default=(0, 0, 0, 0))

    @property
    def covered(self) -> bytes:
        """The bytes that were signed."""
        first, size, second, rest = self.range
        return self.pdf[first : first + size] + self.pdf[second : second + rest]

    @property
    def contents(self) -> bytes:
        """The signature itself."""
        _, size, second, _ = self.range
        hexed = self.pdf[size + 1 : second - 1]
        raw = bytes.fromhex(hexed.decode())
        return cms.ContentInfo.load(raw).dump()


def byte_range(pdf: bytes) -> tuple[int, int, int, int]:
    found = re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)", pdf)
    first, size, second, rest = map(int, found[-1])
    return first, size, second, rest


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    folder = tmp_path_factory.mktemp("home")
    keys = Keys(folder / "keys", Settings(home=folder), no_fetch, lambda: True)
    desk = PaperDesk(FORMS, keys)
    sheet = desk.render("tco-annex-1", FORMS["tco-annex-1"].sample, language="en", draft=False, exercise=True)
    made = Signed(folder, keys, desk, sheet.pdf)
    made.pdf = desk.sign(sheet.pdf, agency="AA", at=AT)
    made.range = byte_range(made.pdf)
    return made


@law("Regulation (EU) 2021/784, Art. 3(4)(e)")
def test_a_signed_order_says_who_signed_it_and_when(signed: Signed) -> None:
    (found,) = signed.desk.verify(signed.pdf)
    assert (found.intact, found.whole, found.trusted, found.stamp_trusted) == (True, True, True, True)
    assert "EXERCISE AA" in found.signer
    assert (found.claimed_at, found.stamped_at) == (AT, AT)
    assert not found.is_broken


def test_the_signature_is_added_and_what_was_there_stays(signed: Signed) -> None:
    assert signed.pdf.startswith(signed.plain)
    read = signed.desk.read(signed.pdf)
    assert (read.form, read.exercise, read.draft, read.checked.complete) == ("tco-annex-1", True, False, True)


def changed_page(pdf: bytes) -> bytes:
    """The PDF with an update that empties its first page."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    page = writer.root["/Pages"]["/Kids"][0]
    page[generic.NameObject("/Contents")] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.update_container(page)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_a_page_that_was_changed_behind_the_sheet_is_not_the_same(signed: Signed) -> None:
    """Whoever appends to a PDF changes what is seen; signing that as well makes it no truer."""
    desk = signed.desk
    assert desk.read(signed.plain).same_on_paper
    assert desk.read(signed.pdf).same_on_paper
    assert desk.read(desk.sign(signed.pdf, agency="BB", at=AT)).same_on_paper
    for changed in (
        changed_page(signed.plain),
        changed_page(signed.pdf),
        desk.sign(changed_page(signed.plain), agency="AA", at=AT),
        desk.sign(changed_page(signed.pdf), agency="AA", at=AT),
        signed.plain + b" ",
        signed.pdf + b"\n%",
    ):
        assert changed.startswith(signed.plain)
        assert not desk.read(changed).same_on_paper


def test_nobody_is_trusted_whose_root_was_not_given(signed: Signed) -> None:
    (found,) = signed.desk.verify(signed.pdf, roots=b"")
    assert (found.intact, found.trusted, found.stamp_trusted, found.is_broken) == (True, False, False, False)
    with pytest.raises(Invalid):
        signed.desk.verify(signed.pdf, roots=b"no certificates")


def openssl(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *words], capture_output=True, text=True, cwd=cwd, check=False)


def test_openssl_verifies_signature_and_time_stamp(signed: Signed, tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_bytes(signed.keys.roots())
    (tmp_path / "signed").write_bytes(signed.covered)
    (tmp_path / "signature").write_bytes(signed.contents)
    words = (
        "cms",
        "-verify",
        "-inform",
        "DER",
        "-in",
        "signature",
        "-content",
        "signed",
        "-binary",
        "-cades",
    )
    ours = ("-CAfile", "roots.pem", "-purpose", "any", "-out", "out", "-attime", str(int(AT.timestamp())))
    done = openssl(*words, *ours, cwd=tmp_path)
    assert "successful" in done.stderr, done.stderr
    info: Any = cms.ContentInfo.load(signed.contents)["content"]["signer_infos"][0]
    (token,) = (
        one["values"][0]
        for one in info["unsigned_attrs"]
        if one["type"].native == "signature_time_stamp_token"
    )
    (tmp_path / "token").write_bytes(token.dump())
    (tmp_path / "value").write_bytes(info["signature"].native)
    stamp = ("ts", "-verify", "-token_in", "-in", "token", "-data", "value", "-CAfile", "roots.pem")
    assert "Verification: OK" in openssl(*stamp, cwd=tmp_path).stdout
    (tmp_path / "signed").write_bytes(signed.covered[:-1] + b"!")
    assert "successful" not in openssl(*words, *ours, cwd=tmp_path).stderr


def test_poppler_verifies_it_too(signed: Signed, tmp_path: Path) -> None:
    if shutil.which("pdfsig") is None:
        pytest.skip("pdfsig is not installed here: apt-get install poppler-utils")
    for name, body, says in (
        ("whole", signed.pdf, "Signature is Valid"),
        ("changed", signed.pdf.replace(b"/Marked true", b"/Marked tru ", 1), "Signature is Valid"),
    ):
        (tmp_path / f"{name}.pdf").write_bytes(body)
        done = subprocess.run(
            ["pdfsig", tmp_path / f"{name}.pdf"], capture_output=True, text=True, check=False
        )
        assert (says in done.stdout) is (name == "whole"), done.stdout


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_byte_in_what_was_signed_is_reported(signed: Signed, data: st.DataObject) -> None:
    first, size, second, rest = signed.range
    at = data.draw(st.integers(0, size + rest - 1))
    place = first + at if at < size else second + at - size
    changed = bytearray(signed.pdf)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        found = signed.desk.verify(bytes(changed))
    except Invalid:
        return
    assert any(one.is_broken for one in found), place


def test_what_is_added_behind_or_cut_off_is_reported(signed: Signed) -> None:
    for body in (
        signed.pdf + b"\n% added",
        signed.pdf + signed.plain,
        signed.pdf[:-20],
    ):
        try:
            found = signed.desk.verify(body)
        except Invalid:
            continue
        assert any(one.is_broken for one in found)


def test_a_second_signature_leaves_the_first_standing(signed: Signed) -> None:
    twice = signed.desk.sign(signed.pdf, agency="BB", at=AT)
    found = signed.desk.verify(twice)
    assert [(one.name, one.is_broken, one.trusted) for one in found] == [
        ("Signature1", False, True),
        ("Signature2", False, True),
    ]
    assert "EXERCISE BB" in found[1].signer


def test_a_draft_is_never_signed(signed: Signed) -> None:
    draft = signed.desk.render("tco-annex-1", FORMS["tco-annex-1"].sample, language="en", draft=True)
    with pytest.raises(Refused) as refused:
        signed.desk.sign(draft.pdf, agency="AA", at=AT)
    assert "DRAFT, NOT AN ORDER" in str(refused.value)
    with pytest.raises(Invalid):
        signed.desk.sign(b"%PDF-1.7 not ours", agency="AA", at=AT)
    with pytest.raises(Refused):
        PaperDesk(FORMS).sign(signed.plain, agency="AA", at=AT)
    with pytest.raises(Invalid):
        signed.desk.sign(signed.plain, agency="../AA", at=AT)


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys", Settings(home=tmp_path), no_fetch, lambda: True)
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: keys.exercise_key("AA"), range(16)))
    assert len(made) == 1
    files = sorted((tmp_path / "keys").iterdir())
    assert [one.name for one in files] == ["agency-AA.pem", "authority.pem"]
    assert all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in files)
    assert b"PRIVATE" not in keys.roots()


@pytest.fixture
def pem(signed: Signed) -> bytes:
    return signed.keys.exercise_key("AA")


def locked(pem: bytes, how: str) -> bytes:
    key, chain = load_pem_private_key(pem, None), x509.load_pem_x509_certificates(pem)
    lock = BestAvailableEncryption(b"made up")
    if how == "pkcs12":
        return pkcs12.serialize_key_and_certificates(b"made up", key, chain[0], chain[1:], lock)  # type: ignore[arg-type]
    certificates = b"".join(one.public_bytes(Encoding.PEM) for one in chain)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock) + certificates


@pytest.mark.parametrize("how", ["pkcs12", "pem"])
def test_a_key_from_a_file_signs_in_a_real_home(
    how: str, signed: Signed, pem: bytes, tmp_path: Path, tsa: Tsa
) -> None:
    (tmp_path / "key").write_bytes(locked(pem, how))
    (tmp_path / "secret").write_text("made up\n")
    (tmp_path / "roots.pem").write_bytes(signed.keys.roots())
    settings = Settings(
        home=tmp_path, sign_agency="AA", sign_key_file=str(tmp_path / "key"), sign_secret_file=str(tmp_path / "secret"),
        sign_roots_file=str(tmp_path / "roots.pem"), stamp_address="http://tsa.example/stamp",
    )  # fmt: skip
    desk = PaperDesk(FORMS, Keys(tmp_path / "keys", settings, lambda: tsa.fetch, lambda: False))
    (found,) = desk.verify(desk.sign(signed.plain, agency="AA", at=AT))
    assert (found.is_broken, found.trusted, found.stamp_trusted, found.stamped_at) == (False, True, True, AT)
    assert tsa.asked == ["application/timestamp-query"]
    assert not (tmp_path / "keys").exists()


def test_a_real_home_without_keys_says_what_to_set(signed: Signed, tmp_path: Path, pem: bytes) -> None:
    bare = Settings(home=tmp_path)
    with pytest.raises(Invalid) as wrong:
        PaperDesk(FORMS, Keys(tmp_path, bare, no_fetch, lambda: False)).sign(signed.plain, agency="AA", at=AT)
    assert "sign_key_file" in wrong.value.hint
    (tmp_path / "key").write_bytes(pem)
    keyed = Settings(home=tmp_path, sign_agency="AA", sign_key_file=str(tmp_path / "key"))
    with pytest.raises(Invalid) as wrong:
        PaperDesk(FORMS, Keys(tmp_path, keyed, no_fetch, lambda: False)).sign(
            signed.plain, agency="AA", at=AT
        )
    assert "stamp_address" in wrong.value.hint
    gone = Settings(home=tmp_path, sign_agency="AA", sign_key_file=str(tmp_path / "nowhere"))
    with pytest.raises(Outside):
        Keys(tmp_path, gone, no_fetch, lambda: False).signer("AA", AT)


def test_no_agency_is_signed_for_with_the_key_of_another(signed: Signed, pem: bytes, tmp_path: Path) -> None:
    def signer(agency: str, **named: str) -> str:
        settings = Settings(home=tmp_path, **named)
        found = Keys(tmp_path / "keys", settings, no_fetch, lambda: False).signer(agency, AT)
        assert found.signing_cert is not None
        return str(found.signing_cert.subject.human_friendly)

    (tmp_path / "AA.pem").write_bytes(pem)
    (tmp_path / "BB.pem").write_bytes(signed.keys.exercise_key("BB"))
    one, each = str(tmp_path / "AA.pem"), str(tmp_path / "{agency}.pem")
    assert "EXERCISE AA" in signer("AA", sign_key_file=one, sign_agency="AA")
    with pytest.raises(Invalid, match="signs for AA, not for BB"):
        signer("BB", sign_key_file=one, sign_agency="AA")
    with pytest.raises(Invalid, match="nothing says") as wrong:
        signer("AA", sign_key_file=one)
    assert "sign_agency" in wrong.value.hint
    assert "EXERCISE AA" in signer("AA", sign_key_file=each)
    assert "EXERCISE BB" in signer("BB", sign_key_file=each)
    with pytest.raises(Outside, match="signing key of CC"):
        signer("CC", sign_key_file=each)
    with pytest.raises(Invalid, match="no agency code"):
        signer("../AA", sign_key_file=each)
    with pytest.raises(Invalid, match="signs for AA, not for BB"):
        signer("BB", sign_token_module="/nowhere.so", sign_token="t", sign_token_key="k", sign_agency="AA")


def test_a_key_that_does_not_open_or_fit_is_refused(pem: bytes, signed: Signed) -> None:
    other = signed.keys.exercise_key("BB")
    own_key = pem[: pem.index(b"-----BEGIN CERTIFICATE")]
    others = other[other.index(b"-----BEGIN CERTIFICATE") :]
    for call in (
        lambda: from_pem(b"nonsense"),
        lambda: from_pem(own_key),
        lambda: from_pem(own_key + others),
        lambda: from_pem(locked(pem, "pem"), b"wrong"),
        lambda: from_pem(locked(pem, "pem")),
        lambda: from_pkcs12(b"nonsense"),
        lambda: from_pkcs12(locked(pem, "pkcs12"), b"wrong"),
    ):
        with pytest.raises(Invalid):
            call()


def test_a_token_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(Invalid) as wrong:
        from_token("/nowhere/module.so", "token", "key", b"1234")
    assert "python-pkcs11" in str(wrong.value)


SOFTHSM = next((one for one in Path("/usr/lib").glob("**/softhsm/libsofthsm2.so")), None)


@pytest.fixture
def token(pem: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A token in software that holds the exercise's key."""
    if SOFTHSM is None:
        pytest.skip("no token in software is installed here: apt-get install softhsm2")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "conf").write_text(f"directories.tokendir = {tmp_path}/tokens\nobjectstore.backend = file\n")
    (tmp_path / "pin").write_text("1234\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "conf"))
    made = ["softhsm2-util", "--init-token", "--free", "--label", "seal", "--pin", "1234", "--so-pin", "0000"]
    subprocess.run(made, check=True, capture_output=True)
    key = load_pem_private_key(pem, None).private_bytes(
        Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    certificate = x509.load_pem_x509_certificates(pem)[0].public_bytes(Encoding.DER)
    named = {pkcs11.Attribute.LABEL: "key", pkcs11.Attribute.TOKEN: True}
    held = pkcs11.lib(str(SOFTHSM)).get_token(token_label="seal")
    with held.open(rw=True, user_pin="1234") as session:
        session.create_object(decode_ec_private_key(key) | named | {pkcs11.Attribute.SIGN: True})
        session.create_object(decode_x509_certificate(certificate) | named)
    yield Settings(
        home=tmp_path, sign_agency="AA", sign_token_module=str(SOFTHSM), sign_token="seal", sign_token_key="key",
        sign_secret_file=str(tmp_path / "pin"), stamp_address="http://tsa.example/stamp",
    )  # fmt: skip
    from_token.cache_clear()


def test_a_key_on_a_token_signs_and_never_leaves_it(
    signed: Signed, token: Settings, tmp_path: Path, tsa: Tsa
) -> None:
    def desk(**changes: Any) -> PaperDesk:
        return PaperDesk(FORMS, Keys(tmp_path, replace(token, **changes), lambda: tsa.fetch, lambda: False))

    for wrong in ({"sign_token": "none"}, {"sign_token_key": "none"}, {"sign_token_module": "/nowhere.so"}):
        with pytest.raises(Outside):
            desk(**wrong).sign(signed.plain, agency="AA", at=AT)
    with pytest.raises(Invalid):
        desk(sign_token_key="").sign(signed.plain, agency="AA", at=AT)
    for _ in range(2):  # the session stays open
        (found,) = desk().verify(desk().sign(signed.plain, agency="AA", at=AT), roots=signed.keys.roots())
        assert (found.is_broken, found.trusted) == (False, True)


@dataclass(slots=True)
class Tsa:
    """A time-stamp authority on loopback, that can also answer badly."""

    fetch: Fetch
    answer: Callable[[bytes], tuple[int, bytes]]
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def tsa(signed: Signed) -> Iterator[Tsa]:
    stamper: Any = exercise_stamper(signed.keys.exercise_key("", stamps=True), AT)

    def right(body: bytes) -> tuple[int, bytes]:
        return 200, stamper.request_tsa_response(tsp.TimeStampReq.load(body)).dump()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.asked.append(str(self.headers["Content-Type"]))
            status, answer = made.answer(body)
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    place = ("127.0.0.1", server.server_address[1])
    fetch = GuardedFetch(Policy.LOOPBACK, hosts=lambda: {"tsa.example": place})
    made = Tsa(fetch, right)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    fetch.close()
    server.shutdown()
    server.server_close()


def test_a_time_stamp_authority_that_answers_badly_is_outside_trouble(
    signed: Signed, pem: bytes, tmp_path: Path, tsa: Tsa
) -> None:
    (tmp_path / "key").write_bytes(pem)
    settings = Settings(
        home=tmp_path,
        sign_agency="AA",
        sign_key_file=str(tmp_path / "key"),
        stamp_address="http://tsa.example/stamp",
    )
    desk = PaperDesk(FORMS, Keys(tmp_path / "keys", settings, lambda: tsa.fetch, lambda: False))
    right = tsa.answer

    def about_something_else(body: bytes) -> tuple[int, bytes]:
        asked = tsp.TimeStampReq.load(body)
        imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": b"\0" * 32}
        other = {"version": 1, "message_imprint": imprint, "nonce": asked["nonce"].native, "cert_req": True}
        return right(tsp.TimeStampReq(other).dump())

    def without_our_nonce(body: bytes) -> tuple[int, bytes]:
        asked = tsp.TimeStampReq.load(body)
        return right(
            tsp.TimeStampReq(
                {"version": 1, "message_imprint": asked["message_imprint"], "cert_req": True}
            ).dump()
        )

    rejected = bytes.fromhex("30053003020102")  # a status of rejection, and no token
    for answer in (
        lambda _: (500, b""),
        lambda _: (200, b""),
        lambda _: (200, b"nonsense"),
        lambda _: (200, rejected),
        about_something_else,
        without_our_nonce,
    ):
        tsa.answer = answer
        with pytest.raises(Outside):
            desk.sign(signed.plain, agency="AA", at=AT)
