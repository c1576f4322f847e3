"""The database server ended at once, as by a crash, and started again while a worker sends.

The worker is the real command in a process of its own. It has to live through it, lose nothing and double nothing, and
end in order when told to.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from staydown.bench import checker
from staydown.bench.kill import arrived, finish, refill
from staydown.bench.postgres import server
from staydown.bench.stage import LEASE_S, stage
from staydown.bench.topics import Options
from staydown.bench.victim import Victims
from staydown.core.errors import Outside

RESTARTS = 20
COURIERS = ("api", "webform", "mail")
SPARE = 120
WORKER_S = 3600
ENDS_S = 60.0


def steps(options: Options) -> int:
    """As many as restarts."""
    return options.size or RESTARTS


def measure(options: Options) -> dict[str, object]:
    """Restart the server, which is always one of its own, so many times under one worker."""
    times, began = options.size or RESTARTS, time.monotonic()
    with server(options) as found, found.database() as address:
        home = options.scratch / "home"
        with stage(home, database=address, couriers=COURIERS) as scene:
            worker = _worker(home, address)
            sends_after: list[float] = []
            try:
                for _ in range(times):
                    refill(scene, COURIERS, SPARE)
                    _wait(arrived(scene, len(scene.arrivals)))
                    if found.restart is not None:
                        found.restart()
                    before, up = len(scene.arrivals), time.monotonic()
                    _wait(arrived(scene, before))
                    sends_after.append(time.monotonic() - up)
                    options.progress(1)
                is_alive = worker.poll() is None
                worker.send_signal(signal.SIGTERM)
                code = worker.wait(ENDS_S)
            finally:
                worker.kill()
                worker.wait()
            held = _held(address)
            time.sleep(LEASE_S)
            with Victims(home, address) as victims:
                finish(scene, victims)
            verdict = checker.judge(scene.database, scene.approved, scene.arrivals, home)
    return {
        "database": "postgresql",
        "restarts": times,
        "worker_lived": is_alive,
        "exit_code_after_sigterm": code,
        "leases_held_after_sigterm": held,
        **verdict,
        "longest_s_until_next_send": round(max(sends_after), 2),
        "holds": checker.holds(verdict) and is_alive and code == 0 and not held,
        "seconds": round(time.monotonic() - began, 1),
    }


def _worker(home: Path, address: str) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "STAYDOWN_DATABASE": address}
    words = ["--home", str(home), "work", "--seconds", str(WORKER_S)]
    return subprocess.Popen(  # noqa: S603  # our own interpreter on our own command
        [sys.executable, "-m", "staydown", *words],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _held(address: str) -> int:
    with checker.query_on(address) as query:
        return int(query("SELECT COUNT(*) FROM work WHERE lease_by IS NOT NULL")[0][0])


def _wait(has_arrived: bool) -> None:
    if not has_arrived:
        raise Outside("nothing arrives any more", hint="Look whether the worker lives.")
