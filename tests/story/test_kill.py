"""Workers that are killed in the middle of sending: nothing is lost, nothing arrives twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from staydown.core.states import RequestState
from staydown.testing.world import Page
from support import Desk

LIVES = 8
REQUESTS = 80


def worker(desk: Desk) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "STAYDOWN_HOME": str(desk.home), "STAYDOWN_LEASE_S": "1"}
    if desk.app.settings.database:
        environ["STAYDOWN_DATABASE"] = desk.app.settings.database
    return subprocess.Popen(
        [sys.executable, "-m", "staydown", "work", "--seconds", "60"], env=environ, stdout=subprocess.DEVNULL
    )


def approved(desk: Desk) -> list[str]:
    """Requests of one item each, to an API that is asked by key and a form that takes everything twice."""
    addresses = [desk.show(f"name{n}") for n in range(REQUESTS // 2)]
    for number in range(REQUESTS // 2):
        page = Page(presence="online", kind="paste", name="made up", text="made up")
        desk.world.pages["quill", f"/p/paste{number}x"] = page
        addresses.append(f"https://quill.exercise.example/p/paste{number}x")
    items = desk.sight(*addresses)
    desk.keep(items)
    desk.view(items)
    requests = [desk.put([item]).requests[0] for item in items]
    desk.consent(*requests)
    return [one.reference for one in requests]


@pytest.mark.timeout(200)
def test_killed_workers_lose_nothing_and_double_nothing(desk: Desk) -> None:
    references = approved(desk)
    chance = random.Random(7)
    kills = 0
    for _ in range(LIVES):
        before = len(desk.world.intakes)
        process = worker(desk)
        ends = time.monotonic() + 15
        while len(desk.world.intakes) == before and time.monotonic() < ends and process.poll() is None:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.08))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        desk.store.set_simulated(desk.world.now)
        if len(desk.world.intakes) >= REQUESTS:
            break
    time.sleep(1.1)  # real time: the last lease runs out
    desk.later(hours=4)
    taken = Counter(one.reference for one in desk.world.intakes)
    assert set(taken) == set(references), "lost"
    assert max(taken.values()) == 1, "doubled"
    with desk.store.begin(write=False) as work:
        states = {one.state for one in work.requests.listed()}
    assert states == {RequestState.RUNNING}
    assert kills >= 2
