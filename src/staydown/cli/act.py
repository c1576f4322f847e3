"""Walking the path by hand: preserve, assess, hold, propose, approve, answer, withdraw, confirm-return."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from staydown.cli.common import (
    As,
    Json,
    OperationOption,
    Purpose,
    Reason,
    app_of,
    emit,
    emit_one,
    looked,
    signs_in,
    until,
    who,
)
from staydown.core.errors import Invalid, Outside
from staydown.core.rights import Relation, Verb

if TYPE_CHECKING:
    from staydown.core.ids import ItemId, RequestId
    from staydown.ports.work import Work

Keys = Annotated[list[str], typer.Argument(metavar="KEY...", help="Keys or canonical addresses of items.")]
References = Annotated[list[str], typer.Argument(metavar="REFERENCE...", help="References of requests.")]
Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="The request's reference.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in (
        ("preserve", preserve),
        ("evidence", evidence),
        ("waive-evidence", waive),
        ("assess", assess),
        ("hold", hold),
        ("release-hold", release_hold),
        ("ask-hold", ask_hold),
        ("propose", propose),
        ("approve", approve),
        ("send-back", send_back),
        ("answer", answer),
        ("withdraw", withdraw),
        ("confirm-return", confirm_return),
    ):
        app.command(name)(command)


def _items(work: Work, words: list[str]) -> list[ItemId]:
    from staydown.flow.propose import chosen

    return chosen(work, words)


def _requests(work: Work, references: list[str]) -> list[RequestId]:
    return [work.requests.by_reference(reference) for reference in references]


def preserve(ctx: typer.Context, keys: Keys, as_: As = "", as_json: Json = False) -> None:
    """Ask for items to be kept: bytes, headers, time and hash. A worker does it.

    Example: staydown preserve web:site:example.org --as alice && staydown work --once
    """
    from staydown.flow import preserve as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        count = verb.ask(work, who(app, work, as_), _items(work, keys))
    emit_one({"asked": count}, as_json=as_json)


def evidence(
    ctx: typer.Context,
    key: str,
    out: Annotated[
        Path | None, typer.Option(help="A folder to write the kept bytes into, as plain files.")
    ] = None,
    purpose: Purpose = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """List what is kept of an item, and write the bytes out to be read. They are never shown as a page here.

    Example: staydown evidence flock:account:some_one --out kept --as alice
    """
    app = app_of(ctx)
    with app.tools.begin(write=signs_in(app)) as work:
        person = who(app, work, as_)
        person.require(Verb.OPEN_EVIDENCE, Relation.SHARED)
        found = work.kept.of(_items(work, [key])[0])
        looked(app, work, person, Verb.OPEN_EVIDENCE, [f"evidence:{one.id}" for one in found], purpose)
    rows = [
        {
            "evidence": one.id,
            "at": one.capture.at,
            "sha256": one.capture.sha256,
            "size_bytes": one.capture.size_bytes,
            "media_type": one.capture.media_type,
            "address": one.capture.address,
        }
        for one in found
    ]
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
            for one in found:
                (out / f"{one.capture.sha256}.txt").write_bytes(app.vault.get(one.capture.sha256))
        except OSError as error:
            raise Outside(f"{out} cannot be written: {error.strerror}") from error
    emit(rows, as_json=as_json)


def waive(ctx: typer.Context, keys: Keys, reason: Reason, as_: As = "", as_json: Json = False) -> None:
    """Record why items may be acted on without kept evidence.

    Example: staydown waive-evidence web:site:example.org --reason "kept by the court, file 7" --as alice
    """
    from staydown.flow import preserve as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        ids = _items(work, keys)
        verb.waive(work, who(app, work, as_), ids, reason=reason)
    emit_one({"waived": len(ids)}, as_json=as_json)


def assess(
    ctx: typer.Context,
    keys: Keys,
    verdict: Annotated[str, typer.Option(help="terrorist, clear, exempt or unsure.")],
    reason: Reason,
    education: Annotated[str, typer.Option(help="Spread for education? no, yes or unsure.")],
    journalism: Annotated[str, typer.Option(help="For journalism? no, yes or unsure.")],
    art: Annotated[str, typer.Option(help="For art? no, yes or unsure.")],
    research: Annotated[str, typer.Option(help="For research? no, yes or unsure.")],
    counter_speech: Annotated[str, typer.Option(help="To prevent or counter terrorism? no, yes or unsure.")],
    ground: Annotated[
        str | None, typer.Option(help="a, b, c, d or e of Art. 2(7), with the verdict terrorist.")
    ] = None,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Write down what you found. Every question about an exempt purpose has to be answered; there is no default.

    Example: staydown assess flock:account:some_one --verdict terrorist --ground a --education no --journalism no
    --art no --research no --counter-speech no --reason "calls for attacks by name" --as alice
    """
    from staydown.core.assessment import Assessment, Ground, Purpose, PurposeAnswer, Verdict
    from staydown.flow.assess import assess as verb

    said = {
        Purpose.EDUCATION: education,
        Purpose.JOURNALISM: journalism,
        Purpose.ART: art,
        Purpose.RESEARCH: research,
        Purpose.COUNTER_SPEECH: counter_speech,
    }
    try:
        found, on = Verdict(verdict), Ground(ground) if ground else None
        answers = {purpose: PurposeAnswer(word) for purpose, word in said.items()}
    except ValueError as error:
        raise Invalid(str(error), hint="See staydown assess --help for the words.") from error
    app = app_of(ctx)
    with app.tools.begin() as work:
        person = who(app, work, as_)
        ids = _items(work, keys)
        made = [
            Assessment(
                item=item,
                by=person.id,
                agency=person.agency,
                verdict=found,
                ground=on,
                purposes=answers,
                reason=reason,
            )
            for item in ids
        ]
        verb(work, person, made)
        rows = [{"key": one.key, "state": one.state.value} for one in work.items.get(ids)]
    emit(rows, as_json=as_json)


def hold(
    ctx: typer.Context,
    keys: Keys,
    reason: Reason,
    until_: Annotated[str, typer.Option("--until", help="An instant, or a length such as 48h or 14d.")],
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Ask all agencies to wait. Only deconfliction officers see whose hold it is.

    Example: staydown hold flock:account:some_one --reason "under observation" --until 14d --as carol
    """
    from datetime import timedelta

    from staydown.flow import deconflict

    app = app_of(ctx)
    with app.tools.begin() as work:
        ids = _items(work, keys)
        numbers, late = deconflict.place(
            work,
            who(app, work, as_),
            ids,
            reason=reason,
            until=until(until_, work.now),
            longest=timedelta(days=app.settings.hold_days),
            at_most=app.settings.holds_per_agency,
        )
        rows = [{"hold": number, "too_late_for": sorted(late)} for number in numbers]
    emit(rows, as_json=as_json)


def release_hold(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(min=1, max=2**62)],
    reason: Reason,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Let go of your agency's hold.

    Example: staydown release-hold 3 --reason "arrest made" --as carol
    """
    from staydown.core.ids import HoldId
    from staydown.flow import deconflict

    app = app_of(ctx)
    with app.tools.begin() as work:
        deconflict.release(work, who(app, work, as_), HoldId(number), reason=reason)
    emit_one({"hold": number, "state": "released"}, as_json=as_json)


def ask_hold(ctx: typer.Context, key: str, as_: As = "", as_json: Json = False) -> None:
    """Ask whether an item has to wait. You need an own, assessed sighting; the holder sees the question.

    Example: staydown ask-hold flock:account:some_one --as alice
    """
    from staydown.flow import deconflict

    app = app_of(ctx)
    with app.tools.begin() as work:
        item = _items(work, [key])[0]
        wait = deconflict.ask(work, who(app, work, as_), item, per_hour=app.settings.questions_per_hour)
    emit_one({"key": key, "answer": "wait" if wait else "clear"}, as_json=as_json)


def propose(
    ctx: typer.Context,
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]...", help="Default: all that is ready.")
    ] = None,
    operation: OperationOption = None,
    language: Annotated[str, typer.Option(help="Used where the provider accepts it.")] = "en",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Put assessed items into requests, one provider each, for a second person to approve.

    Example: staydown propose --as alice
    """
    from staydown.core.ids import operation_id
    from staydown.flow import propose as verb

    app = app_of(ctx)
    named = operation_id(operation) if operation else None
    with app.tools.begin() as work:
        person = who(app, work, as_)
        ids = _items(work, keys) if keys else verb.proposable(work, person, operation=named)
        done = verb.propose(app.tools, work, person, ids, operation=named, language=language)
        lines = work.requests.lines([one.id for one in done.requests])
        names = {one.id: one.key for one in work.items.get(list(done.left_out))}
    rows: list[dict[str, object]] = [
        {
            "reference": one.reference,
            "provider": one.provider,
            "items": len(lines[one.id]),
            "item": None,
            "left_out": None,
        }
        for one in done.requests
    ]
    rows += [
        {"reference": None, "provider": None, "items": None, "item": names[i], "left_out": why}
        for i, why in done.left_out.items()
    ]
    if not as_json:
        rows = [
            {name: value for name, value in row.items() if name != "item"}
            | {"items": row["items"] or row["item"]}
            for row in rows
        ]
    emit(rows, as_json=as_json)


def approve(
    ctx: typer.Context,
    references: References,
    digest: Annotated[
        str | None, typer.Option(help="What `request show` printed; refuses if it changed since.")
    ] = None,
    looked: Annotated[
        str,
        typer.Option(
            help="Lines you looked at, such as 1,4, where not all: only for media that are the same bytes."
        ),
    ] = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Give the second consent, over exactly the text, addressee, contact point and courier shown.

    Example: staydown request show SD-1-000001 && staydown approve SD-1-000001 --as bob
    """
    from staydown.flow.approve import approve as verb

    if (digest or looked) and len(references) != 1:
        raise Invalid("--digest and --looked go with one reference")
    numbers = [word.strip() for word in looked.split(",")] if looked else None
    if numbers is not None and not all(word.isdecimal() for word in numbers):
        raise Invalid(f"{looked[:60]!r} names no lines", hint="Such as --looked 1,4.")
    app = app_of(ctx)
    with app.tools.begin() as work:
        ids = _requests(work, references)
        verb(
            app.tools,
            work,
            who(app, work, as_),
            ids,
            seen=digest,
            looked=[int(word) for word in numbers] if numbers is not None else None,
        )
        approvals = work.requests.approvals(ids)
        rows = [
            {
                "reference": one.reference,
                "state": one.state.value,
                "expires_at": approvals[one.id].expires_at,
                "digest": approvals[one.id].digest,
            }
            for one in work.requests.get(ids)
        ]
    emit(rows, as_json=as_json)


def send_back(
    ctx: typer.Context, reference: Reference, reason: Reason, as_: As = "", as_json: Json = False
) -> None:
    """Say no to a proposed request; its items are free for another one.

    Example: staydown send-back SD-1-000001 --reason "line 3 is a news report" --as bob
    """
    from staydown.flow.approve import send_back as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        verb(work, who(app, work, as_), work.requests.by_reference(reference), reason=reason)
    emit_one({"reference": reference, "state": "withdrawn"}, as_json=as_json)


def answer(
    ctx: typer.Context,
    reference: Reference,
    line: Annotated[list[str], typer.Option(help="NUMBER=removed|restricted|refused, several times.")],
    reason: Annotated[str, typer.Option(help="What the provider said.")] = "",
    on_terms: Annotated[
        bool, typer.Option("--on-terms", help="It acted on the ground of its own terms, not of law.")
    ] = False,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note what a provider said that answered by mail or telephone.

    Example: staydown answer SD-1-000001 --line 1=removed --line 2=refused --as alice
    """
    from staydown.core.request import Decision, LineAnswer
    from staydown.flow.answer import answer as verb

    given = []
    for text in line:
        number, _, word = text.partition("=")
        if not number.isdecimal() or word not in set(Decision):
            raise Invalid(f"{text!r} is no answer to a line", hint="Such as 2=refused.")
        given.append(
            LineAnswer(number=int(number), decision=Decision(word), reason=reason, on_terms=on_terms)
        )
    app = app_of(ctx)
    with app.tools.begin() as work:
        request = work.requests.by_reference(reference)
        verb(work, request, given, by=who(app, work, as_), place=app.settings.place)
        state = work.requests.one(request).state.value
    emit_one({"reference": reference, "state": state, "lines": len(given)}, as_json=as_json)


def withdraw(
    ctx: typer.Context,
    reference: Reference,
    reason: Reason,
    key: Annotated[
        list[str] | None, typer.Option(help="Only these items; default: the whole request.")
    ] = None,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Take a request back, at any time, after removal too: the provider is told and asked to put things back.

    Example: staydown withdraw SD-1-000001 --reason "wrong channel" --as alice
    """
    from staydown.flow.withdraw import withdraw as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        request = work.requests.by_reference(reference)
        items = _items(work, key) if key else []
        count = verb(app.tools, work, who(app, work, as_), request, reason=reason, items=items)
        state = work.requests.one(request).state.value
    emit_one({"reference": reference, "state": state, "items": count}, as_json=as_json)


def confirm_return(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(min=1, max=2**62, help="As `staydown returns` lists it.")],
    reject: Annotated[bool, typer.Option("--reject", help="Say that it is not the same thing.")] = False,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Say whether a suggested return is the removed thing come back. A machine never does.

    Example: staydown confirm-return 4 --as alice
    """
    from staydown.core.ids import ReturnId
    from staydown.flow import watch

    app = app_of(ctx)
    with app.tools.begin() as work:
        watch.decide(work, who(app, work, as_), ReturnId(number), is_return=not reject)
        found = work.returns.get([ReturnId(number)])[ReturnId(number)]
        child = work.items.get([found.child])[0]
    emit_one(
        {"return": number, "state": found.state.value, "child": child.key, "lineage": child.lineage},
        as_json=as_json,
    )
