"""Text from outside, made fit to be stored and printed everywhere."""

from __future__ import annotations

import hashlib

_UNFIT = dict.fromkeys((0, *range(55296, 57344)), "�")


def clean(text: str) -> str:
    """The text with NUL and lone surrogates replaced: some databases and all encoders refuse them."""
    return text if text.isascii() and "\0" not in text else text.translate(_UNFIT)


def bounded(text: str, longest: int) -> str:
    """The text, or its beginning with a hash of the whole where it is longer than `longest` characters."""
    if len(text) <= longest:
        return text
    return f"{text[: longest - 25]}#{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:24]}"
