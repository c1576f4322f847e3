"""Reading addresses on one core: ours with all rooms, beside can-ada's bare parser, w3lib and courlan.

The peers do less: none knows a provider, undoes a defanged spelling or looks inside a redirector. What they do is
what others take for identity: parse, or put parameters in order. Addresses are made as they are read, so that memory
tells of the reading alone.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import can_ada

from staydown.bench.topics import Options, peer
from staydown.core.errors import Broken
from staydown.core.item import Refusal
from staydown.registry import load_rooms

SIZE = 1_000_000
ROUNDS = 3
GOAL = 100_000
BATCH = 10_000
PEER_SHARE = 20
"""The slow peers are given one address in so many: their rate does not depend on how many there are."""

SORTS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "plain web": (
        44,
        (
            "https://www.{name}.example/news/{number}.html",
            "http://{name}.example/",
            "https://{name}.example/a/{name}?id={number}&page=2",
            "https://cdn.{name}.example/files/{number}/{name}.mp4",
        ),
    ),
    "provider": (
        30,
        (
            "https://t.me/{name}/{number}",
            "https://t.me/s/{name}",
            "https://x.com/{name}/status/{number}",
            "https://www.youtube.com/watch?v={video}",
            "https://www.facebook.com/{name}/posts/{number}",
            "https://archive.org/details/{name}",
            "https://{name}.wordpress.com/2026/03/02/{name}/",
            "https://www.reddit.com/r/{name}/comments/{code}/{name}/",
            "https://vk.com/wall-{number}_{number}",
            "https://mega.nz/file/{code8}#{video}{video}",
        ),
    ),
    "tracking": (
        10,
        (
            "https://www.{name}.example/p/{number}?utm_source=x&utm_medium=y&fbclid={video}",
            "https://twitter.com/{name}/status/{number}?s=20&t={video}",
        ),
    ),
    "defanged": (8, ("hxxps://www.{name}[.]example/{number}", "hxxp://t[.]me/{name}", "t.me/{name}")),
    "escaped": (4, ("https://{name}.example/%D8%A7%D9%84/{number}", "https://{name}.example/ä/{number}")),
    "redirector": (
        4,
        (
            "https://www.google.com/url?q=https%3A%2F%2Ft.me%2F{name}&sa=D",
            "https://web.archive.org/web/20260302090000/https://{name}.example/{number}",
        ),
    ),
}
"""Sorts of addresses: share in a hundred, and forms."""


def steps(options: Options) -> int:
    """Batches of every round."""
    return (options.rounds or ROUNDS) * max((options.size or SIZE) // BATCH, 1)


def measure(options: Options) -> Mapping[str, object]:
    """Addresses a second on one core, and what memory does meanwhile.

    Raises:
        Outside: A peer is not installed.
        Broken: An address was refused; then no figure counts.
    """
    w3lib, courlan = peer("w3lib.url"), peer("courlan")
    size, rounds = options.size or SIZE, options.rounds or ROUNDS
    rates: list[float] = []
    bare: list[float] = []
    others: dict[str, list[float]] = {"w3lib": [], "courlan": []}
    memory: list[tuple[float, float]] = []
    for _ in range(rounds):
        seconds, resident = _ours(options, size)
        rates.append(size / seconds)
        memory.append(resident)
        sample = [
            one for number, one in enumerate(addresses(size, options.chance)) if number % PEER_SHARE == 0
        ]
        bare.append(_rate(_tried(lambda one: can_ada.parse(one).href), sample))
        others["w3lib"].append(_rate(_tried(w3lib.canonicalize_url), sample))
        others["courlan"].append(_rate(_tried(courlan.normalize_url), sample))
    ours, peers = statistics.median(rates), {name: statistics.median(found) for name, found in others.items()}
    parse = statistics.median(bare)
    return {
        "what": "addresses identified on one core, with all rooms",
        "peer_is": "w3lib.url.canonicalize_url",
        "addresses": size,
        "rounds": rounds,
        "unit": "addresses a second",
        "goal": GOAL,
        "goal_is": "addresses a second at least",
        "ours": round(ours, 1),
        "peer": round(peers["w3lib"], 1),
        "ratio": round(ours / peers["w3lib"], 2),
        "courlan": round(peers["courlan"], 1),
        "ratio_to_courlan": round(ours / peers["courlan"], 2),
        "can_ada_parse_alone": round(parse, 1),
        "times_slower_than_parse_alone": round(parse / ours, 2),
        "by_sort": _by_sort(options.chance),
        "resident_mib_after_a_tenth": round(statistics.median(first for first, _ in memory), 1),
        "resident_mib_at_the_end": round(statistics.median(last for _, last in memory), 1),
    }


def addresses(size: int, seed: int) -> Iterator[str]:
    """Made-up addresses of all sorts in their shares."""
    chance = random.Random(seed)  # noqa: S311  # made-up data
    forms = [form for share, several in SORTS.values() for form in _spread(several, share)]
    for number in range(1, size + 1):
        yield _filled(forms[chance.randrange(len(forms))], number)


def _spread(forms: Sequence[str], share: int) -> Iterator[str]:
    for number in range(share):
        yield forms[number % len(forms)]


def _filled(form: str, number: int) -> str:
    mixed = number * 2_654_435_761 % 2**32
    return form.format(
        name=f"n{number:x}q{mixed:x}",
        number=number,
        video=f"{mixed:08x}{number % 4096:03x}",
        code=f"{number:07x}"[-7:],
        code8=f"{mixed:08x}",
    )


def _ours(options: Options, size: int) -> tuple[float, tuple[float, float]]:
    """Seconds that reading took, and the resident memory after a tenth and at the end, in MiB."""
    rooms = load_rooms()
    seconds, first, made = 0.0, 0.0, addresses(size, options.chance)
    done = 0
    while done < size:
        batch = [next(made) for _ in range(min(BATCH, size - done))]
        began = time.perf_counter()
        for one in batch:  # as `staydown identify` does: none is kept
            found = rooms.identify(one)
            if isinstance(found, Refusal):
                raise Broken(f"{found.raw} was refused: {found.reason}")
        seconds += time.perf_counter() - began
        done += len(batch)
        if not first and done >= size / 10:
            first = _resident_mib()
        options.progress(1)
    return seconds, (first, _resident_mib())


def _by_sort(seed: int) -> dict[str, float]:
    """Addresses a second of each sort by itself."""
    rooms = load_rooms()
    found = {}
    for name, (_, forms) in SORTS.items():
        sample = [_filled(forms[number % len(forms)], number + seed) for number in range(1, 20_001)]
        for one in sample[: len(forms)]:
            rooms.identify(one)
        found[name] = round(_rate(rooms.identify, sample), 1)
    return found


def _tried(how: Callable[[str], object]) -> Callable[[str], object]:
    """What a peer does with an address; where it cannot read one it says so, which costs it no less."""

    def act(address: str) -> object:
        try:
            return how(address)
        except ValueError:
            return None

    return act


def _rate(how: Callable[[str], object], sample: Sequence[str]) -> float:
    began = time.perf_counter()
    for one in sample:
        how(one)
    return len(sample) / (time.perf_counter() - began)


def _resident_mib() -> float:
    """Memory that this process holds now, in MiB; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * 4096 / 2**20
