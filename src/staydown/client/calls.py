"""How the API is asked: once, again where the connection broke, and page by page."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Self, TypeVar

import httpx2
from pydantic import BaseModel

from staydown.client.errors import error_of
from staydown.core.errors import Outside
from staydown.wire.base import Page

Model = TypeVar("Model", bound=BaseModel)
TRIES = 4
FIRST_WAIT_S = 0.2
"""Before the second try, doubled each time."""


class Calls:
    """Connections to one server, with the word of whoever asks."""

    def __init__(self, address: str, word: str, *, purpose: str = "", timeout_s: float = 60.0) -> None:
        headers = {"Authorization": f"Bearer {word}"} | ({"Staydown-Purpose": purpose} if purpose else {})
        self._http = httpx2.Client(base_url=address, headers=headers, timeout=timeout_s)
        self._seen: dict[str, tuple[str, bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _get(self, path: str, kind: type[Model]) -> Model:
        return kind.model_validate_json(self._again(lambda: self._http.get(path)).content)

    def _known(self, path: str) -> bytes:
        """The answer, taken from memory where the server says that it is still so."""
        tag, had = self._seen.get(path, ("", b""))
        headers = {"If-None-Match": tag} if tag else {}
        answer = self._again(lambda: self._http.get(path, headers=headers))
        if answer.status_code == 304:
            return had
        self._seen[path] = (answer.headers.get("etag", ""), answer.content)
        return answer.content

    def _post(
        self, path: str, given: BaseModel | None, kind: type[Model], headers: Mapping[str, str] | None = None
    ) -> Model:
        told = {"Idempotency-Key": secrets.token_urlsafe(18), **(headers or {})}
        body = given.model_dump_json(exclude_unset=True) if given is not None else None
        if body is not None:
            told["Content-Type"] = "application/json"
        answer = self._again(lambda: self._http.post(path, content=body, headers=told))
        return kind.model_validate_json(answer.content)

    def _pages(self, path: str, kind: type[Model], **wanted: str | bool | int | None) -> Iterator[Model]:
        asked = {name: _plain(value) for name, value in wanted.items() if value is not None}
        while True:
            answer = self._again(lambda: self._http.get(path, params=asked))
            page = Page[kind].model_validate_json(answer.content)  # type: ignore[valid-type]
            yield from page.rows
            if page.next is None:
                return
            asked["cursor"] = page.next

    def _again(self, ask: Callable[[], httpx2.Response]) -> httpx2.Response:
        """Ask, and ask again where the connection broke: reading changes nothing, and writing has its key."""
        for left in reversed(range(TRIES)):
            try:
                return _good(ask())
            except httpx2.TransportError as error:
                if not left:
                    raise _unreachable(error) from error
                time.sleep(FIRST_WAIT_S * 2 ** (TRIES - 1 - left))
        raise AssertionError("the last try gives or raises")

    @staticmethod
    def _once(ask: Callable[[], httpx2.Response]) -> httpx2.Response:
        try:
            return _good(ask())
        except httpx2.TransportError as error:
            raise _unreachable(error) from error


def _good(answer: httpx2.Response) -> httpx2.Response:
    if answer.status_code >= 400:
        raise error_of(answer)
    return answer


def _unreachable(error: httpx2.TransportError) -> Outside:
    return Outside(f"the server cannot be reached: {error}", hint="Send it again when it is there.")


def _plain(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
