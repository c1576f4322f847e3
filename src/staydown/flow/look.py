"""look: who looked at sensitive data, and the hourly seal that makes a changed log show.

The log serves checks of lawfulness, self-monitoring, integrity and criminal proceedings, and nothing else
(Directive (EU) 2016/680, Art. 25(2)): it is shown to the own agency's auditors alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta

from staydown.core.house import AccessKind
from staydown.core.people import Person
from staydown.core.rights import Verb
from staydown.core.time import EPOCH
from staydown.ports.tools import Tools
from staydown.ports.work import Task, Work, WorkKind

SEALED = "access:hour:sealed"
AFTER = timedelta(minutes=10)
"""How long after its end an hour is sealed: whoever was reading then has finished writing it down."""


def looked(
    work: Work,
    person: Person,
    verb: Verb,
    subjects: Sequence[str],
    *,
    count: int,
    purpose: str,
    kind: AccessKind = AccessKind.CONSULTATION,
    recipient: str = "",
) -> None:
    """Write down a look at sensitive data, in the transaction that looks.

    Raises:
        Invalid: No purpose was given.

    Source: Directive (EU) 2016/680, Art. 25(1).
    """
    work.accesses.note(kind, person, verb, subjects, count=count, purpose=purpose, recipient=recipient)
    hour = (work.now - EPOCH) // timedelta(hours=1)
    work.queue.add_by(WorkKind.SEAL, {hour: EPOCH + timedelta(hours=hour + 1) + AFTER})


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Seal the hours that are over."""
    with tools.begin() as work:
        work.queue.done(tasks)
        for hour in work.accesses.unsealed((work.now - AFTER - EPOCH) // timedelta(hours=1)):
            seal = work.accesses.seal(hour)
            facts = {"hour": hour, "rows": seal.rows, "digest": seal.digest.hex()}
            work.ledger.append(SEALED, f"access:{hour}", {}, facts=facts)


def seal_in(entry: bytes) -> tuple[int, tuple[int, str]] | None:
    """The hour that an entry of the ledger seals, with its rows and hash; None where it is about something else."""
    if SEALED.encode() not in entry:
        return None
    read = json.loads(entry)
    if read.get("tag") != SEALED:
        return None
    return read["facts"]["hour"], (read["facts"]["rows"], read["facts"]["digest"])


def faults(work: Work, said: dict[int, tuple[int, str]]) -> Iterator[str]:
    """Hold each sealed hour against its rows and against what the ledger says of it; in words what does not fit.

    Args:
        said: Rows and hash by hour, as `seal_in` read them off the ledger.
    """
    for seal in work.accesses.hours():
        now = work.accesses.digest(seal.hour)
        if said.pop(seal.hour, None) != (seal.rows, seal.digest.hex()):
            yield f"the seal on the looks of hour {seal.hour} is not the one in the ledger"
        if (now.rows, now.digest) != (seal.rows, seal.digest):
            yield f"the looks of hour {seal.hour} are not the ones that were sealed"
    for hour in said:
        yield f"the ledger speaks of a seal on hour {hour} that is gone"
