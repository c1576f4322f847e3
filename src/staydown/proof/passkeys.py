"""Passkeys (WebAuthn, level 3), by the library `webauthn`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from staydown.core.errors import Refused
from staydown.core.ids import PersonId
from staydown.ports.doors import Challenge, NewKey

TIMEOUT_MS = 300_000
NOT_GOOD = "this passkey's answer is not good"


class WebAuthn:
    """Asks for passkeys and reads the answers.

    Args:
        address: The public address of the service; its host is the relying party.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._origin = parts.hostname or "", f"{parts.scheme}://{parts.netloc}"

    def to_register(self, person: PersonId, *, handle: bytes, known: Sequence[str]) -> Challenge:
        """What asks a browser to make a passkey."""
        from webauthn import generate_registration_options, options_to_json
        from webauthn.helpers import structs

        made = generate_registration_options(
            rp_id=self._host,
            rp_name="Staydown",
            user_name=person,
            user_id=handle,
            timeout=TIMEOUT_MS,
            attestation=structs.AttestationConveyancePreference.NONE,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.PREFERRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(known),
        )
        return _challenge(options_to_json(made))

    def registered(self, answer: Mapping[str, object], challenge: str) -> NewKey:
        """The passkey that an answer brings.

        Raises:
            Refused: Another challenge, origin or relying party, nobody verified, or nonsense.
        """
        from webauthn import verify_registration_response
        from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
        from webauthn.helpers.exceptions import WebAuthnException

        try:
            found = verify_registration_response(
                credential=dict(answer),
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refused(NOT_GOOD, hint="Try again from the beginning.") from error
        return NewKey(
            identifier=bytes_to_base64url(found.credential_id),
            public=found.credential_public_key,
            counter=found.sign_count,
        )

    def to_sign_in(self, *, known: Sequence[str]) -> Challenge:
        """What asks a browser to use a passkey: one of these, or any where none is named."""
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        made = generate_authentication_options(
            rp_id=self._host,
            timeout=TIMEOUT_MS,
            allow_credentials=_descriptors(known),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return _challenge(options_to_json(made))

    def identifier(self, answer: Mapping[str, object]) -> str:
        """Which passkey an answer says it is; empty where it says none."""
        word = answer.get("id")
        return (
            word
            if isinstance(word, str) and word.isascii() and word.isprintable() and len(word) <= 2048
            else ""
        )

    def counted(self, answer: Mapping[str, object], challenge: str, public: bytes) -> int:
        """The counter of a good answer; whether it went back is asked by the flow.

        Raises:
            Refused: Another challenge, origin or relying party, nobody verified, a wrong signature, or nonsense.
        """
        from webauthn import verify_authentication_response
        from webauthn.helpers import base64url_to_bytes
        from webauthn.helpers.exceptions import WebAuthnException

        try:
            found = verify_authentication_response(
                credential=dict(answer),
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=public,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refused(NOT_GOOD, hint="Try again from the beginning.") from error
        return int(found.new_sign_count)


def _descriptors(known: Sequence[str]) -> list[Any]:
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in known]


def _challenge(options: str) -> Challenge:
    read = json.loads(options)
    return Challenge(challenge=read["challenge"], options=read)
