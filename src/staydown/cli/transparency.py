"""The rows that the law wants reported each year."""

from __future__ import annotations

from typing import Annotated

import typer

from staydown.cli.common import Json, app_of, emit, require_one_house


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(transparency)


def transparency(
    ctx: typer.Context,
    year: Annotated[int, typer.Option(help="The calendar year.")],
    of: Annotated[str, typer.Option("--of", help="The agency whose report it is.")],
    article: Annotated[str, typer.Option(help="Only rows that begin so, such as tco-8.")] = "",
    provider: Annotated[str, typer.Option(help="Only what concerns one provider.")] = "",
    state: Annotated[str, typer.Option(help="Whose calendar year it is; default: the agency's.")] = "",
    public: Annotated[bool, typer.Option("--public", help="Leave out counts below five.")] = False,
    as_json: Json = False,
) -> None:
    """Print what was counted in a year, row by row; what nobody counted stands as 0, what is told in words as empty.

    Example: staydown transparency --year 2026 --of NL --article tco-8 --public
    """
    from staydown.core.errors import NotFound
    from staydown.core.ids import agency_code
    from staydown.flow import count

    require_one_house(app_of(ctx))
    with app_of(ctx).store.begin(write=False) as work:
        agency = agency_code(of)
        if agency not in {one.code for one in work.people.agencies()}:
            raise NotFound(f"there is no agency {agency}", hint="staydown agency list shows which there are.")
        office = work.offices.get(agency)
        found = count.transparency(
            work,
            agency,
            year,
            article=article,
            provider=provider,
            state=state or (office.state if office else ""),
            public=public,
        )
    rows = [
        {
            "row": one.row.id,
            "label": one.row.label,
            "count": one.count,
            "of": one.row.of.value,
            "median_s": one.median_s,
            "suppressed": one.is_suppressed,
            "part_of": one.row.part_of,
            "by": one.row.by.value,
            "source": one.row.source,
            "exercise": app_of(ctx).store.exercise,
        }
        for one in found
    ]
    emit(rows, as_json=as_json, columns=("row", "count", "of", "median_s", "suppressed", "source"))
