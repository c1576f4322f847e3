"""Signers from a key in PEM, in PKCS#12, or on a token (PKCS#11)."""

from __future__ import annotations

import asyncio
import contextlib
from functools import lru_cache
from typing import TYPE_CHECKING

from staydown.core.errors import Invalid, Outside

if TYPE_CHECKING:
    from pyhanko.sign.signers import Signer, SimpleSigner


@lru_cache(maxsize=16)
def from_pem(body: bytes, secret: bytes | None = None) -> SimpleSigner:
    """A signer from a private key and its certificates, the signer's own first.

    Raises:
        Invalid: They cannot be read, or do not belong together.
    """
    from asn1crypto import keys, x509
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )
    from cryptography.x509 import load_pem_x509_certificates
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    try:
        key = load_pem_private_key(body, secret)
        chain = load_pem_x509_certificates(body)
    except (ValueError, TypeError) as error:
        raise Invalid(
            f"the signing key cannot be read: {error}",
            hint="The file holds one private key and its certificates in PEM; sign_secret_file opens an encrypted one.",
        ) from error
    if key.public_key() != chain[0].public_key():
        raise Invalid("the signing key and the first certificate do not belong together")
    parsed = [x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in chain]
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(parsed)
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return SimpleSigner(parsed[0], keys.PrivateKeyInfo.load(private), store)


def from_pkcs12(body: bytes, secret: bytes | None = None) -> SimpleSigner:
    """A signer from a PKCS#12 file.

    Raises:
        Invalid: It does not open, or lacks a key or certificate.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    try:
        key, own, others = load_key_and_certificates(body, secret)
    except (ValueError, TypeError) as error:
        raise Invalid(
            f"the signing key does not open: {error}",
            hint="It is a PKCS#12 file; its password stands in sign_secret_file.",
        ) from error
    if key is None or own is None:
        raise Invalid("the PKCS#12 file holds no key with a certificate")
    parts = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())]
    parts += [one.public_bytes(Encoding.PEM) for one in (own, *others)]
    return from_pem(b"".join(parts))


@lru_cache(maxsize=64)  # one for each agency that signs
def from_token(module: str, token: str, key: str, pin: bytes | None) -> Signer:
    """A signer on a token, such as a card or a hardware module; the key never leaves it.

    The session stays open as long as the program runs, or until the token gives trouble.

    Args:
        module: The path of the token's own PKCS#11 library.
        token: The token's label.
        key: The label of key and certificate on it.
        pin: What opens it.

    Raises:
        Invalid: The package python-pkcs11 is not installed, or a setting is missing.
        Outside: The token does not answer.
    """
    try:
        from pkcs11.exceptions import PKCS11Error
        from pyhanko.config.pkcs11 import TokenCriteria
        from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session
    except ImportError as error:
        raise Invalid(
            "signing with a token needs the package python-pkcs11",
            hint="Install it into the same environment: pip install python-pkcs11.",
        ) from error
    if not token or not key:
        raise Invalid(
            "sign_token and sign_token_key are not set", hint="They are the labels of token and key."
        )
    try:
        session = open_pkcs11_session(
            module, token_criteria=TokenCriteria(label=token), user_pin=pin.decode() if pin else None
        )
    except (PKCS11Error, OSError, RuntimeError, ValueError) as error:
        raise _trouble(token, key, error) from error
    try:
        found = PKCS11Signer(session, cert_label=key, key_label=key)
        asyncio.run(found.ensure_objects_loaded())  # type: ignore[no-untyped-call]
        is_curve = found.signing_cert is not None and found.signing_cert.public_key.algorithm == "ec"
        if is_curve:  # many tokens sign a hash on a curve, and do not hash themselves
            found = PKCS11Signer(session, cert_label=key, key_label=key, use_raw_mechanism=True)
    except (PKCS11Error, OSError, RuntimeError, ValueError) as error:
        session.close()
        raise _trouble(token, key, error) from error
    return found


def _trouble(token: str, key: str, error: Exception) -> Outside:
    return Outside(
        f"the token {token!r} does not answer, or has no key {key!r}: {type(error).__name__} {error}".strip(),
        hint="Is it plugged in, and are sign_token_module, sign_token, sign_token_key and sign_secret_file right?",
    )


def let_go(signer: Signer) -> None:
    """Forget a token that gave trouble: the next signature opens it anew."""
    from_token.cache_clear()
    session = getattr(signer, "pkcs11_session", None)
    if session is not None:
        with contextlib.suppress(*token_errors()):  # it may be gone already
            session.close()


def token_errors() -> tuple[type[Exception], ...]:
    """What a token raises while it signs; nothing where the package for tokens is not installed."""
    try:
        from pkcs11.exceptions import PKCS11Error
    except ImportError:
        return ()
    return (PKCS11Error,)
