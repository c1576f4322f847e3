"""Names: what an item is called, when two items are one, and undoing that."""

from __future__ import annotations

from typing import Annotated

import typer

from staydown.cli.common import As, Json, Reason, app_of, emit, emit_one, progress, say, who


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (names, merges, merge, split, rekey):
        app.command()(command)


def names(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="A key or canonical address of an item.")],
    as_json: Json = False,
) -> None:
    """List every name an item has had, from when to when.

    Example: staydown names telegram:channel:made_up_name
    """
    from staydown.flow.propose import chosen

    with app_of(ctx).tools.begin(write=False) as work:
        item = chosen(work, [key])[0]
        (found,) = work.items.get([item])
        rows = [
            {
                "key": row.key,
                "from": row.from_at,
                "until": row.until_at,
                "further": row.is_alias,
                "number": found.stable_id,
                "item": found.key,
            }
            for row in work.names.of(item)
        ]
    emit(rows, as_json=as_json, columns=("key", "from", "until", "further", "number"))


def merges(ctx: typer.Context, as_json: Json = False) -> None:
    """List which items proved to be one: by whom or what, why, and what was undone.

    Example: staydown merges --json
    """
    with app_of(ctx).tools.begin(write=False) as work:
        found = work.names.merges()
        keys = {
            item.id: item.key
            for item in work.items.get({item for one in found for item in (one.kept, one.merged)})
        }
    rows = [
        {
            "kept": keys[one.kept],
            "merged": keys[one.merged],
            "proof": one.proof.value,
            "by": one.by,
            "reason": one.reason,
            "at": one.at,
            "undone_at": one.undone_at,
            "undone_by": one.undone_by,
            "undone_reason": one.undone_reason,
        }
        for one in found
    ]
    emit(rows, as_json=as_json, columns=("kept", "merged", "proof", "by", "reason", "undone_at"))


def merge(
    ctx: typer.Context,
    kept: Annotated[str, typer.Argument(metavar="KEPT", help="The item that carries the sightings of both.")],
    merged: Annotated[str, typer.Argument(metavar="OTHER", help="The item that proved to be the same.")],
    reason: Reason,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Say that two items are one. It can be undone: see split.

    Example: staydown merge flock:account:old flock:account:new --reason "same pinned post" --as alice
    """
    from staydown.flow import names as verb
    from staydown.flow.propose import chosen

    app = app_of(ctx)
    with app.tools.begin() as work:
        person = who(app, work, as_)
        one, other = (chosen(work, [word])[0] for word in (kept, merged))
        number = verb.merge(work, person, one, other, reason=reason)
        (item,) = work.items.get(list(work.names.root([one]).values()))
    emit_one({"merge": number, "kept": item.key, "merged": merged}, as_json=as_json)


def split(
    ctx: typer.Context,
    merged: Annotated[
        str, typer.Argument(metavar="KEY", help="The name under which the item was merged; see merges.")
    ],
    reason: Reason,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Undo a merge: both items are themselves again, with everything that belongs to each.

    Example: staydown split flock:account:new --reason "two people after all" --as alice
    """
    from staydown.flow import names as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        person = who(app, work, as_)
        found = verb.merged_as(work, merged)
        kept, item = verb.split(app.catalogue, work, person, found, reason=reason)
        after = {one.id: one for one in work.items.get([kept, item])}
    emit_one(
        {"kept": after[kept].key, "split": after[item].key, "state": after[item].state.value}, as_json=as_json
    )


def rekey(
    ctx: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would change; change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring all keys up to date after a change of the rules of identity or of a provider's room.

    Every sighting is read anew as it was typed; items are renamed or merged, and no sighting is lost. Make a backup
    before. Broken off, it can be begun again.

    Example: staydown rekey --dry-run
    """
    from staydown.app import RULES_FACT
    from staydown.flow.rekey import rekey as verb

    app = app_of(ctx)
    with progress("reading sightings anew") as step:
        done = verb(app.tools, is_trial=dry_run, progress=step)
    if not dry_run:
        app.store.note(RULES_FACT, app.rules)
    emit_one(
        {
            "sightings": done.sightings,
            "renamed": done.renamed,
            "merged": done.merged,
            "parted": done.parted,
            "waiting": len(done.waiting),
            "unreadable": done.unreadable,
        },
        as_json=as_json,
    )
    for key in done.waiting[:20]:
        say(
            f"waits for a person: {key}: requests, holds or protections stand on what is two things, or on both of two"
        )
