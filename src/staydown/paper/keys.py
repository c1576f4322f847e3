"""Whose keys sign, who stamps the time, and which roots are trusted.

An exercise home makes a small authority of its own, which certifies a key for each agency and a time-stamp authority; every
certificate of it says EXERCISE. A real home names its own keys in the settings: a file (PKCS#12 or PEM) or a token
(PKCS#11), and a time-stamp authority (RFC 3161), which is asked through the program's one guarded way out.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from staydown.core.errors import Invalid, Outside
from staydown.ports import Fetch
from staydown.settings import Settings

if TYPE_CHECKING:
    from pyhanko.sign.signers import Signer
    from pyhanko.sign.timestamps import TimeStamper

AGENCY = "{agency}"
"""Stands in the name of a key file, a token or a label for the code of the agency that signs."""
_AGENCY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Keys:
    """The keys of one home.

    Args:
        folder: Where an exercise's keys lie, beside the home's other keys.
        settings: What names a real home's keys.
        fetch: The way out; asked for only when a real time stamp is.
        exercise: Whether this home is an exercise's; asked only when something is signed.
    """

    def __init__(
        self, folder: Path, settings: Settings, fetch: Callable[[], Fetch], exercise: Callable[[], bool]
    ) -> None:
        self._folder, self._settings = folder, settings
        self._fetch, self._exercise = fetch, exercise

    def signer(self, agency: str, at: datetime) -> Signer:
        """Who signs for an agency.

        Raises:
            Invalid: The settings name no key, another agency's, or one that cannot be read.
            Outside: The token does not answer.
        """
        from staydown.paper.signers import from_pem, from_pkcs12, from_token

        if self._exercise():
            return from_pem(self.exercise_key(agency))
        one = self._settings
        if not one.sign_token_module and not one.sign_key_file:
            raise Invalid(
                "no key is set to sign with",
                hint="Set sign_key_file, or sign_token_module, sign_token and sign_token_key; see docs/how-to/read-and-render-a-form.md.",
            )
        named = (one.sign_token, one.sign_token_key) if one.sign_token_module else (one.sign_key_file,)
        self._require_own(agency, named)
        secret = _secret(one.sign_secret_file.replace(AGENCY, agency))
        if one.sign_token_module:
            token, key = (name.replace(AGENCY, agency) for name in named)
            return from_token(one.sign_token_module, token, key, secret)
        body = _bytes(one.sign_key_file.replace(AGENCY, agency), f"the signing key of {agency}")
        return from_pem(body, secret) if b"-----BEGIN" in body else from_pkcs12(body, secret)

    def _require_own(self, agency: str, named: tuple[str, ...]) -> None:
        """Refuse to sign for an agency with a key that is not its own."""
        if not _AGENCY.fullmatch(agency):
            raise Invalid(f"{agency[:40]!r} is no agency code")
        if any(AGENCY in name for name in named) or self._settings.sign_agency == agency:
            return
        owner = self._settings.sign_agency
        raise Invalid(
            f"the key that is set signs for {owner}, not for {agency}"
            if owner
            else f"nothing says that the key that is set signs for {agency}",
            hint=f"Set sign_agency to the one agency whose key it is, or write {AGENCY} into the name of file or label.",
        )

    def stamper(self, at: datetime) -> TimeStamper:
        """Who stamps the time.

        Raises:
            Invalid: The settings name no time-stamp authority.
        """
        from staydown.paper.stamping import FetchStamper, exercise_stamper

        if self._exercise():
            return exercise_stamper(self.exercise_key("", stamps=True), at)
        if not self._settings.stamp_address:
            raise Invalid(
                "no time-stamp authority is set",
                hint="Set stamp_address to one that answers RFC 3161 over HTTP.",
            )
        return FetchStamper(self._fetch(), self._settings.stamp_address)

    def roots(self) -> bytes:
        """Certificates in PEM that are trusted here.

        Raises:
            Outside: The file that the settings name cannot be read.
        """
        own = self._folder / "authority.pem"
        found = [_certificates(own.read_bytes())] if own.exists() else []
        if self._settings.sign_roots_file:
            found.append(_bytes(self._settings.sign_roots_file, "the trusted roots"))
        return b"\n".join(found)

    def exercise_key(self, agency: str, *, stamps: bool = False) -> bytes:
        """Key and certificates in PEM, made when first asked for.

        Raises:
            Invalid: The agency's code cannot name a file.
        """
        from staydown.paper.authority import new_authority, new_key

        if not stamps and not _AGENCY.fullmatch(agency):
            raise Invalid(f"{agency[:40]!r} is no agency code")
        authority = self._kept("authority.pem", new_authority)
        if stamps:
            return self._kept("stamps.pem", lambda: new_key(authority, "time-stamp authority", stamps=True))
        return self._kept(f"agency-{agency}.pem", lambda: new_key(authority, agency))

    def _kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        """What lies in the file; made once, also where two ask at the same time."""
        path = self._folder / name
        try:
            if not path.exists():
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                handle, scratch = tempfile.mkstemp(dir=self._folder)  # readable by its owner alone
                with os.fdopen(handle, "wb") as file:
                    file.write(make())
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    os.link(scratch, path)
                except FileExistsError:  # somebody was faster: theirs counts
                    return path.read_bytes()
                finally:
                    Path(scratch).unlink()
            return path.read_bytes()
        except OSError as error:
            raise Outside(f"the key file {path} cannot be made or read: {error.strerror}") from error


def _certificates(pem: bytes) -> bytes:
    return b"\n".join(re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem, re.DOTALL))


def _bytes(path: str, what: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Outside(f"{what} cannot be read from {path}: {error.strerror}", permanent=True) from error


def _secret(path: str) -> bytes | None:
    return _bytes(path, "the secret of the signing key").strip() if path else None
