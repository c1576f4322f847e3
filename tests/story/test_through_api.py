"""The exercise played by persons who each sign in with a passkey and act over HTTP gives the figures of the flow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from staydown.app import open_app
from staydown.exercise.run import play
from staydown.store.tables_house import credentials, sessions

OWN = {"wall_seconds", "seconds_by_stage", "work_by_kind", "peak_mib", "ledger_size"}
"""Seconds and memory; and the ledger, which has an entry for each sign-in."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The figures of the flow, played once for both databases."""
    return play("small", seed=4, items=24, out=tmp_path_factory.mktemp("flow")).figures


def test_through_the_api_as_through_the_flow(
    tmp_path: Path, database: str | None, plain: dict[str, Any]
) -> None:
    signed = play("small", seed=4, items=24, out=tmp_path / "api", database=database, through="api").figures
    assert plain["items_referred"]
    differ = {key: (plain[key], signed[key]) for key in plain if key not in OWN and plain[key] != signed[key]}
    assert differ.keys() <= {"database"}
    app = open_app(tmp_path / "api" / "home", database=database)
    with app.store.begin(write=False) as work:
        people = work.conn.execute(select(func.count(credentials.c.person.distinct()))).scalar_one()
        opened = work.conn.execute(select(func.count()).select_from(sessions)).scalar_one()
    app.close()
    assert people >= 6
    assert opened >= people
