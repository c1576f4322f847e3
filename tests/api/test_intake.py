"""Sightings over the API: lists, streams, broken lines, repeats."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from api.conftest import Callers
from staydown.api import bulk
from support import Desk

NDJSON = {"Content-Type": "application/x-ndjson"}


def line(number: int, **more: object) -> bytes:
    """One sighting as it is streamed."""
    told = {
        "url": f"https://flock.exercise.example/@made_{number}",
        "seen_at": "2026-03-02T08:00:00Z",
        **more,
    }
    return json.dumps(told).encode() + b"\n"


def test_bad_lines_lose_no_good_ones(api: Callers) -> None:
    body = b"".join(
        (
            line(1),
            b"\n",
            b"no json\n",
            line(2, agency="BB"),
            line(3, seen_at="2026-03-02T08:00:00"),
            line(4, note="\0"),
            line(5, note="x" * 70_000),
            line(6, seen_at="2027-01-01T00:00:00Z"),
            b'{"url": "javascript:alert(1)"}\n',
            b"[" * 100_000 + b"\n",
            line(7).rstrip(),
        )
    )
    told = api.alice.post("/v1/sightings", content=body, headers=NDJSON).json()
    assert (told["sightings"], told["items_new"], told["refused"]) == (2, 2, 8)
    assert [one["line"] for one in told["refused_lines"]] == [3, 4, 5, 6, 7, 8, 9, 10]
    rows = api.alice.get("/v1/sightings").json()["rows"]
    assert [one["url"][-6:] for one in rows] == ["made_1", "made_7"]
    assert api.carol.get("/v1/sightings").json()["rows"] == []


def test_the_same_again_stays_one(api: Callers) -> None:
    body = b"".join(line(number) for number in range(50)) + b'{"url": "https://flock.exercise.example/@x"}\n'
    first = api.alice.post("/v1/sightings", content=body, headers=NDJSON).json()
    again = api.alice.post("/v1/sightings", content=body, headers=NDJSON).json()
    assert (first["sightings"], first["items_new"], first["items_known"]) == (51, 51, 0)
    assert (again["sightings"], again["items_new"], again["items_known"]) == (0, 0, 51)
    others = api.carol.post("/v1/sightings", content=body, headers=NDJSON).json()
    assert (others["sightings"], others["items_new"]) == (51, 0)


def test_a_broken_stream_leaves_whole_batches(api: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BATCH", 10)

    def broken() -> Iterator[bytes]:
        for number in range(25):
            yield line(number)
        raise ConnectionAbortedError("made up")

    with pytest.raises((ConnectionAbortedError, httpx2.HTTPError)):
        api.alice.post("/v1/sightings", content=broken(), headers={**NDJSON, "Idempotency-Key": "b"})
    whole = b"".join(line(number) for number in range(25))
    for _ in range(200):  # the server notices in its own time
        done = api.alice.post("/v1/sightings", content=whole, headers={**NDJSON, "Idempotency-Key": "b"})
        if done.status_code == 200:
            break
    assert done.status_code == 200, done.text
    assert len(api.alice.get("/v1/sightings").json()["rows"]) == 25
    assert done.json()["items_new"] + done.json()["items_known"] == 25


def test_a_list_is_checked_as_a_whole(api: Callers) -> None:
    good = {"url": "https://flock.exercise.example/@a"}
    for bad in (
        {"url": 1},
        {"url": ""},
        {**good, "agency": "BB"},
        {**good, "seen_at": "2026-03-02"},
        {},
        None,
    ):
        refused = api.alice.post("/v1/sightings", json=[good, bad])
        assert refused.status_code == 422, refused.text
    assert api.alice.post("/v1/sightings", json=[good] * 1001).status_code == 422
    assert api.alice.post("/v1/sightings", json=good).status_code == 422
    assert api.alice.post("/v1/sightings", content=b"").status_code == 422
    assert (
        api.alice.post("/v1/sightings", content=b"x", headers={"Content-Type": "text/csv"}).status_code == 415
    )
    assert api.alice.get("/v1/items").json()["rows"] == []
    assert api.alice.post("/v1/sightings", json=[good]).json()["items_new"] == 1


def test_a_stream_under_a_key_acts_once(api: Callers) -> None:
    body, keyed = line(1) + line(2), {**NDJSON, "Idempotency-Key": "k1"}
    first = api.alice.post("/v1/sightings", content=body, headers=keyed)
    again = api.alice.post("/v1/sightings", content=body, headers=keyed)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    other = api.alice.post("/v1/sightings", content=body + line(3), headers=keyed)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/unfit")


def test_on_an_operation_one_takes_part_in(api: Callers, desk: Desk) -> None:
    window = {"opens_at": "2026-03-02T00:00:00Z", "closes_at": "2026-03-09T00:00:00Z"}
    api.bob.post("/v1/operations", json={"id": "spring", "title": "Spring", **window})
    told = api.alice.post("/v1/sightings?operation=spring", content=line(1), headers=NDJSON)
    assert told.json()["items_new"] == 1, told.text
    assert len(api.alice.get("/v1/items?operation=spring").json()["rows"]) == 1
    assert (
        api.carol.post("/v1/sightings?operation=spring", content=line(2), headers=NDJSON).status_code == 404
    )


def read(chunks: list[bytes]) -> list[tuple[int, object]]:
    """What is read off a stream that comes in these pieces."""

    async def told() -> list[tuple[int, object]]:
        async def stream() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        return [one async for block in bulk.blocks(stream()) for one in bulk.records(block)]

    return asyncio.run(told())


def test_lines_are_the_same_wherever_chunks_end(monkeypatch: pytest.MonkeyPatch) -> None:
    long = line(3, note="x" * 70_000)
    whole = line(1) + b"\n\r\n" + long + b"nonsense\n" + line(6) + b"  \n" + line(8).rstrip()
    for batch in (1, 3, 5_000):
        monkeypatch.setattr(bulk, "BATCH", batch)
        for size in (97, 4096, len(whole)):
            found = read([whole[at : at + size] for at in range(0, len(whole), size)])
            assert [number for number, _ in found] == [1, 4, 5, 6, 8]
            assert [isinstance(one, str) for _, one in found] == [False, True, True, False, False]


def test_the_quick_way_reads_what_the_slow_one_reads() -> None:
    good = b"".join(line(number) for number in range(100))
    (block,) = [bulk.Block(7, good)]
    assert bulk.records(block) == [(7 + n, bulk.decoded(one)) for n, one in enumerate(good.splitlines())]
    padded = line(1)[:-1] + b" " * bulk.LINE_BYTES + b"\n"
    assert isinstance(bulk.records(bulk.Block(1, good + padded))[-1][1], str)
    two_in_one = line(1)[:-1] + line(2)
    assert isinstance(bulk.records(bulk.Block(1, good + two_in_one))[-1][1], str)
    assert read([]) == []
    assert read([b"\n" * 10]) == []
