"""What all routes share: the home they serve, transactions of the caller's agency, answers that can be had again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel

from staydown.api.gate import Caller
from staydown.api.problems import ReadBefore, Unfit, Unread
from staydown.app import App
from staydown.core.errors import Collision, NotFound
from staydown.core.ids import ItemId
from staydown.core.rights import Verb
from staydown.flow.look import looked

if TYPE_CHECKING:
    from staydown.store.engine import SqlWork
    from staydown.store.replays import Replay

TRIES = 3
"""How often a transaction that gave way to another one begins anew."""
REPLAYED = "Idempotency-Replayed"


def app_of(request: Request) -> App:
    """The home that this server serves."""
    return cast("App", request.app.state.app)


TheApp = Annotated[App, Depends(app_of)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked, and under which key it may be asked again."""

    key: str | None
    route: str
    digest: bytes


IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Sent again with the same key within a day, a request acts once and has the same answer.",
    ),
]


async def _asked(request: Request, idempotency_key: IdempotencyKey = None) -> Asked:
    digest = hashlib.sha256(request.url.query.encode() + b"\n" + await request.body()).digest()
    return Asked(key=idempotency_key, route=f"{request.method} {request.url.path}", digest=digest)


Once = Annotated[Asked, Depends(_asked)]
IfMatch = Annotated[str | None, Header(max_length=200, description="The ETag of what was read.")]
IfNoneMatch = Annotated[str | None, Header(max_length=200, description="The ETag of what is there already.")]


def answer(told: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as an answer."""
    body = told.__pydantic_serializer__.to_json(told)
    return Response(body, status_code=status, media_type="application/json", headers=dict(headers or {}))


def act(
    app: App,
    caller: Caller,
    asked: Asked,
    do: Callable[[SqlWork], BaseModel],
    *,
    status: int = 201,
    keep: Callable[[Any], BaseModel] | None = None,
) -> Response:
    """Do something in one transaction together with the answer kept for who asks again.

    Args:
        keep: What is kept in place of the answer, where that holds a secret.

    Raises:
        Unfit: The key was used for something else.
        IllegalStep: The first try with this key is still under way.
    """
    for left in reversed(range(TRIES)):
        try:
            with app.store.begin(of=caller.person.agency) as work:
                if asked.key and (
                    known := work.replays.claim(
                        caller.person.id, asked.key, route=asked.route, digest=asked.digest
                    )
                ):
                    return again(known, asked.digest)
                told = do(work)
                done = answer(told, status=status)
                if asked.key:
                    kept = bytes(answer(keep(told)).body) if keep else bytes(done.body)
                    work.replays.settle(
                        caller.person.id, asked.key, digest=asked.digest, status=status, headers={}, body=kept
                    )
            return done
        except Collision:
            if not left:
                raise
    raise AssertionError("the last try gives or raises")


def again(known: Replay, digest: bytes) -> Response:
    """The answer that was given before.

    Raises:
        Unfit: The key was used for something else.
    """
    if known.digest != digest:
        raise Unfit(
            "this Idempotency-Key was used for another request", hint="Take a new key for a new request."
        )
    headers = {**known.headers, REPLAYED: "true"}
    return Response(known.body, status_code=known.status, media_type="application/json", headers=headers)


def noted(
    work: SqlWork, caller: Caller, verb: Verb, subjects: Sequence[str], *, count: int | None = None
) -> None:
    """Write down a look at sensitive data, once for each call."""
    shown = len(subjects) if count is None else count
    looked(work, caller.person, verb, subjects, count=shown, purpose=caller.purpose)


def items_of(work: SqlWork, words: Sequence[str]) -> list[ItemId]:
    """Items by number, key or canonical address, each once.

    Raises:
        NotFound: One of them is not known.
    """
    found: dict[str, ItemId] = work.views.numbers(words)
    rest = [word for word in words if word not in found]
    if rest:
        found |= work.items.find(rest)
    if missing := [word for word in words if word not in found]:
        raise NotFound(f"no item is known as {missing[0][:120]!r}", hint="See GET /v1/items.")
    return list(dict.fromkeys(found[word] for word in words))


def item_of(work: SqlWork, word: str) -> ItemId:
    """One item by number, key or canonical address.

    Raises:
        NotFound: It is not known.
    """
    return items_of(work, [word])[0]


def require_match(given: str | None, etag: str) -> None:
    """Refuse a change of what was read in another version.

    Raises:
        Unread: The caller did not say what was read.
        ReadBefore: It has changed since.
    """
    if given is None:
        raise Unread("this needs the version that was read, in If-Match")
    if etag not in _tags(given):
        raise ReadBefore("it has changed since it was read")


def is_known(given: str | None, etag: str) -> bool:
    """Whether the caller has this version already."""
    return given is not None and not _tags(given).isdisjoint({etag, "*"})


def _tags(given: str) -> frozenset[str]:
    return frozenset(one.strip().removeprefix("W/") for one in given.split(","))


def subjects(noun: str, numbers: Sequence[object]) -> list[str]:
    """Ids as accesses and the ledger write them."""
    return [f"{noun}:{number}" for number in numbers]
