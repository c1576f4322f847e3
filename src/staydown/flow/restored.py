"""restored: what a store that came back from a backup may not take for granted.

It does not know what happened after the backup was taken. A request that it holds for approved may have left. Where
the receiver can be asked, dispatch asks first. Where it cannot, the approval ends: a person has to say again that it
may leave, and then it is marked as a possible repeat.
"""

from __future__ import annotations

from staydown.core.states import RequestState
from staydown.flow import approve
from staydown.ports.tools import Tools
from staydown.ports.work import Work, WorkKind

OWN_FOLDER = "files"
"""The courier that is asked by looking into our own outbox, which is as old as the backup."""


def restored(tools: Tools, work: Work, *, made_at: str, size: int, root: str) -> int:
    """Put on record that the store was restored; gives how many requests wait for a person again.

    Args:
        tools: What the verbs act with.
        work: One open transaction.
        made_at: When the backup was taken.
        size: Of the ledger in the backup.
        root: Of the ledger in the backup.
    """
    held = [
        one
        for one in work.requests.listed(state=RequestState.APPROVED)
        if one.courier == OWN_FOLDER or not tools.couriers[one.courier].can_be_asked
    ]
    facts = {"backup_of": made_at, "size": size, "root": root}
    work.ledger.append("store:backup:restored", "store", {"held_back": [one.id for one in held]}, facts=facts)
    approve.expire(work, held)
    work.queue.cancel(WorkKind.DISPATCH, [one.id for one in held])
    return len(held)
