"""A desk at which things have happened, so that every route has something to show."""

from __future__ import annotations

from datetime import timedelta

from staydown.core.ids import AgencyCode, OperationId, WebhookId
from staydown.core.people import Person, Role
from staydown.core.request import Decision, LineAnswer
from staydown.flow import answer, deconflict, operate, tell
from staydown.ports.work import ListEntry, Suggestion
from support import ALICE, BOB, CAROL, Desk, person

OLIVER = person("oliver", "FLOCK", Role.PROVIDER)
ADA = person("ada", "AA", Role.ADMINISTRATOR)
CLIVE = person("clive", "BB", Role.COORDINATOR)


def newcomers(desk: Desk, *who: Person) -> None:
    """Persons beside the cast."""
    with desk.store.begin() as work:
        work.people.add_agencies({one.agency for one in who})
        for one in who:
            work.people.add(one)


def let_things_happen(desk: Desk, *, count: int = 12) -> dict[str, list[str]]:
    """Sightings, evidence, assessments, holds, requests on all their steps; gives names by what they name."""
    newcomers(desk, OLIVER, ADA, CLIVE)
    addresses = [desk.show(f"some_{number}") for number in range(count)]
    with desk.store.begin() as work:
        operate.begin(
            work,
            BOB,
            OperationId("spring"),
            title="Spring",
            agencies=[AgencyCode("BB")],
            opens_at=work.now,
            closes_at=work.now + timedelta(days=9),
        )
    items = desk.sight(*addresses)
    desk.sight(*addresses[: count // 2], agency="BB")
    desk.keep(items)
    desk.view(items[: count - 2])
    with desk.store.begin() as work:
        operate.add_items(work, ALICE, OperationId("spring"), items[:4])
    sent = desk.put(items[:3], operation="spring").requests[0]
    with desk.store.begin() as work:
        operate.release(work, BOB, OperationId("spring"))
    desk.consent(sent)
    desk.work()
    proposed = desk.put(items[3:6]).requests[0]
    with desk.store.begin() as work:
        said = [LineAnswer(number=1, decision=Decision.REMOVED)]
        answer.answer(work, sent.id, said, by=OLIVER)
        holds, _ = deconflict.place(
            work,
            CAROL,
            items[6:9],
            reason="made up",
            until=work.now + timedelta(days=5),
            longest=timedelta(days=90),
            at_most=500,
        )
        deconflict.ask(work, ALICE, items[6], per_hour=20)
        work.kept.import_list("partner", [ListEntry(entry="1", algorithm="sha256", value="0" * 64)])
        returns = work.returns.suggest(
            [Suggestion(parent=items[0], child=items[9], score=0.8, reasons=("made up",))]
        )
        hook, _ = tell.begin(
            desk.tools,
            work,
            ADA,
            address="http://flock.exercise.example/hook",
            tags=["request:answer:noted"],
        )
    with desk.store.begin(write=False) as work:
        evidence = [str(one.id) for item in items[:4] for one in work.kept.of(item)]
        keys = [one.key for one in work.items.get(items)]
    return {
        "item": [*map(str, items), *keys],
        "evidence": evidence,
        "hold": [str(number) for number in holds],
        "reference": [sent.reference, proposed.reference],
        "return": [str(number) for number in returns],
        "operation": ["spring"],
        "webhook": [str(WebhookId(hook.id))],
        "provider": ["flock", "hearth"],
    }
