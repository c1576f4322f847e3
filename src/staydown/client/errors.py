"""Problem documents as the errors they were made from."""

from __future__ import annotations

import httpx2
from pydantic import ValidationError

from staydown.core import errors
from staydown.wire.problems import Problem


def _all(kind: type[errors.StaydownError]) -> dict[str, type[errors.StaydownError]]:
    found = {_word(kind.__name__): kind}
    for below in kind.__subclasses__():
        found |= _all(below)
    return found


def _word(name: str) -> str:
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in name).lstrip("-")


def error_of(answer: httpx2.Response) -> errors.StaydownError:
    """The error that an answer tells of, with its hint."""
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        return errors.Outside(f"{answer.url} answered {answer.status_code} with no problem document")
    kind = _all(errors.StaydownError).get(problem.type.rpartition("/")[2]) or _by_status(problem.status)
    if issubclass(kind, errors.Outside):
        return kind(problem.detail, hint=problem.hint, permanent=problem.status == 502)
    return kind(problem.detail, hint=problem.hint)


def _by_status(status: int) -> type[errors.StaydownError]:
    """Of an error that only the API knows."""
    if status in {409, 412}:
        return errors.Stale
    if status == 429:
        return errors.RateLimited
    if status in {404, 405}:
        return errors.NotFound
    return errors.Invalid if status < 500 else errors.Outside


__all__ = ["error_of"]
