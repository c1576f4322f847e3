"""Errors as problem documents (RFC 9457): whose fault it is, what to do next, and where the rule stands."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from staydown.core import errors
from staydown.wire.problems import MEDIA_TYPE, Fault, Problem

log = logging.getLogger("staydown.api")


class Unfit(errors.Invalid):
    """It can be read, and is not of the form that is asked for."""


class TooLarge(errors.Invalid):
    """The body is longer than what is taken."""

    default_hint = "Send less at a time; sightings can be streamed as application/x-ndjson."


class WrongMedia(errors.Invalid):
    """The body is of a type that this route does not take."""

    default_hint = "Send application/json, and say so in Content-Type."


class Unread(errors.Invalid):
    """The caller did not say which version was read."""

    default_hint = "Read it, and give its ETag back in If-Match."


class ReadBefore(errors.Stale):
    """It is not the version that the caller read."""

    default_hint = "Read it again, then decide again."


STATUS: Sequence[tuple[type[errors.StaydownError], int]] = (
    (errors.NotSignedIn, 401),
    (Unfit, 422),
    (TooLarge, 413),
    (WrongMedia, 415),
    (Unread, 428),
    (ReadBefore, 412),
    (errors.Invalid, 400),
    (errors.NotFound, 404),
    (errors.IllegalStep, 409),
    (errors.RateLimited, 429),
    (errors.Refused, 403),
    (errors.Stale, 409),
    (errors.Broken, 500),
)
"""The first that fits decides."""

SOURCES: Sequence[tuple[type[errors.StaydownError], str]] = (
    (errors.NoGround, "Regulation (EU) 2021/784, Art. 1(3) and 2(7)"),
    (errors.SameEyes, "docs/decisions/0006"),
    (errors.OnHold, "Regulation (EU) 2021/784, Art. 14(1)"),
    (errors.NoEvidence, "Regulation (EU) 2021/784, Art. 6"),
)
"""Where the rule stands, where it has a place."""

A_MINUTE = timedelta(minutes=1)
BEARER = {"WWW-Authenticate": "Bearer"}


def status_of(error: errors.StaydownError) -> int:
    """The HTTP status that an error stands for."""
    if isinstance(error, errors.Outside):
        return 502 if error.permanent else 503
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def word(title: str) -> str:
    """What a type of problem is called in its address."""
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in title).lstrip("-")


def problem_of(error: errors.StaydownError) -> Problem:
    """What a caller is told of an error."""
    name = type(error).__name__
    return Problem(
        type=f"/problems/{word(name)}",
        title=word(name).replace("-", " ").capitalize(),
        status=status_of(error),
        detail=str(error)[:2000] or name,
        hint=error.hint,
        source=next((source for kind, source in SOURCES if isinstance(error, kind)), None),
    )


def told(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as an answer."""
    return Response(
        problem.model_dump_json(),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def refusal(error: errors.StaydownError) -> Response:
    """An error as an answer; one of our own, or of the record, goes to the log too."""
    problem = problem_of(error)
    if problem.status >= 500:
        log.error("api.trouble status=%d reason=%s: %s", problem.status, type(error).__name__, error)
    extra: dict[str, str] = {}
    if problem.status == 401:
        extra = BEARER
    elif problem.status in {429, 503}:
        extra = {"Retry-After": str(ceil(getattr(error, "after", A_MINUTE).total_seconds()))}
    return told(problem, extra)


def _plain(status: int, detail: str) -> Problem:
    """A problem that no error of ours stands behind, such as a route that is not there."""
    phrase = HTTPStatus(status).phrase
    hints = {
        404: "See /v1/openapi.json for what can be asked.",
        405: "The header Allow says what can be asked.",
    }
    return Problem(
        type=f"/problems/{phrase.lower().replace(' ', '-')}",
        title=phrase.capitalize(),
        status=status,
        detail=detail or phrase,
        hint=hints.get(status, "Correct the input and send it again."),
        source=None,
    )


def faults_of(found: Sequence[Any]) -> list[Fault]:
    """The faults that validation found, without what was sent."""
    return [
        Fault(
            place=".".join(str(part) for part in one.get("loc", ()))[:300]
            .encode("utf-8", "replace")
            .decode(),
            reason=str(one.get("msg", "malformed"))[:300].encode("utf-8", "replace").decode(),
        )
        for one in list(found)[:50]
    ]


def install(api: FastAPI) -> None:
    """Let every error leave as a problem document."""

    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.StaydownError)
        return refusal(error)

    async def unfit(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = faults_of(error.errors())
        problem = problem_of(Unfit("; ".join(f"{one.place}: {one.reason}" for one in faults[:5])))
        return told(problem.model_copy(update={"faults": faults}))

    async def plain(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return told(_plain(error.status_code, str(error.detail)), dict(error.headers or {}))

    async def own(_request: Request, error: Exception) -> Response:
        log.error("api.own_error reason=%s: %s", type(error).__name__, error, exc_info=error)
        problem = _plain(500, "this program met an error of its own; it is in the log")
        return told(problem.model_copy(update={"hint": "Repeat it later; tell whoever runs this server."}))

    api.add_exception_handler(errors.StaydownError, ours)
    api.add_exception_handler(RequestValidationError, unfit)
    api.add_exception_handler(HTTPException, plain)
    api.add_exception_handler(Exception, own)
