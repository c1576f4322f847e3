"""match: a machine's suggestion that something is known, with score and reason; nobody decides here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from staydown.core.ids import ItemId
from staydown.core.people import Person
from staydown.core.rights import Verb
from staydown.ports import Matcher
from staydown.ports.work import ListEntry, Work


def import_list(work: Work, person: Person, name: str, entries: Sequence[ListEntry]) -> int:
    """Take in a partner's list of fingerprints; gives how many it now has.

    Raises:
        NotEntitled: The person is no analyst or coordinator.
    """
    person.require(Verb.IMPORT_LIST)
    count = work.kept.import_list(name, entries)
    work.ledger.append("list:entries:imported", f"list:{name}", {"by": person.id, "entries": len(entries)})
    return count


def run(work: Work, matchers: Mapping[str, Matcher], ids: Sequence[ItemId]) -> int:
    """Compare the items' fingerprints with every list; gives how many new matches were noted."""
    count = 0
    if not ids:
        return count
    for name, matcher in sorted(matchers.items()):
        found = work.kept.exact_matches(ids, matcher.algorithms)
        if not found:
            continue
        reasons = [(one, 1.0, f"{one.algorithm} of {one.what} stands in list {one.list}") for one in found]
        work.kept.add_matches(name, reasons)
        for one, score, reason in reasons:
            detail = {
                "entry": one.entry,
                "list": one.list,
                "matcher": name,
                "reason": reason,
                "score": str(score),
            }
            work.ledger.append("item:match:suggested", f"item:{one.item}", detail)
        count += len(found)
    return count
