"""Walls between agencies on PostgreSQL: each transaction says for whom it acts, and sees no further.

They are the second wall: the flow and the faces ask the table of rights first. Whoever can run any SQL as the
application can say another agency, so they stop errors of the program, not an injection.

SQLite has no such walls; there the first one stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, text

ROLE = "staydown_app"
"""The role that transactions work in: it owns nothing and bypasses nothing."""
HOUSE = "*"
"""Acts for no agency but for the house: workers, sign-in, figures over all."""
_OPTION = "staydown_agency"

P = ParamSpec("P")
R = TypeVar("R")


class _Bound(Protocol):
    _conn: Connection


S = TypeVar("S", bound=_Bound)


def has_role(conn: Connection) -> bool:
    """Whether this login may work in the application's role."""
    found = conn.execute(
        text(
            "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role AND pg_has_role(current_user, oid, 'MEMBER'))"
        ),
        {"role": ROLE},
    )
    return bool(found.scalar_one())


WALLED = (
    "accesses", "alarm_calls", "alarm_items", "alarms", "answers", "approvals", "assessments", "authorities", "ceremonies", "clock_events", "clocks", "counted", "credentials",
    "delegations", "dispatches", "duties", "holds", "idempotency", "invitations", "ledger_details", "letters",
    "offices", "order_events", "orders", "papers", "persons", "questions", "rates", "request_items", "requests", "scrutinies",
    "sessions", "sightings", "signatures", "tokens", "webhooks",
    "withdrawal_items", "withdrawals",
)  # fmt: skip
"""Tables whose rows belong to one agency, or to the house."""
SECOND = {"ledger_details": "staydown_written", "offices": "staydown_read"}
"""Tables with a second rule: everybody adds details to the ledger, and everybody reads what stands on forms."""


def missing(conn: Connection) -> list[str]:
    """What of the walls does not stand, in words."""
    rows = conn.execute(
        text(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,"
            " ARRAY(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid) FROM pg_class c"
            " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'"
        )
    )
    found = {name: (forced, set(rules)) for name, forced, rules in rows}
    faults = []
    for name in WALLED:
        forced, rules = found.get(name, (False, set()))
        if not forced:
            faults.append(f"row-level security is not forced on {name}")
        if rules != {"staydown_wall"} | ({SECOND[name]} if name in SECOND else set()):
            faults.append(f"{name} has other rules than ours")
    return faults


def enter(conn: Connection, agency: str, *, role: bool) -> None:
    """Say, at the beginning of a transaction, for whom it acts."""
    if conn.dialect.name != "postgresql":
        return
    conn.info[_OPTION] = agency
    words = "set_config('staydown.agency', :agency, true)" + (
        f", set_config('role', '{ROLE}', true)" if role else ""
    )
    conn.execute(text(f"SELECT {words}"), {"agency": agency})  # two fixed phrases


@contextmanager
def lifted(conn: Connection) -> Iterator[None]:
    """Look across all agencies for a moment, such as for holds of others that say "wait"."""
    agency = conn.info.get(_OPTION, HOUSE) if conn.dialect.name == "postgresql" else HOUSE
    if agency == HOUSE:
        yield
        return
    _say(conn, HOUSE)
    try:
        yield
    finally:
        if not conn.invalidated and conn.in_transaction():
            _say(conn, agency, quietly=True)


def _say(conn: Connection, agency: str, *, quietly: bool = False) -> None:
    from sqlalchemy.exc import DBAPIError

    conn.info[_OPTION] = agency
    try:
        conn.execute(text("SELECT set_config('staydown.agency', :agency, true)"), {"agency": agency})
    except DBAPIError:
        if not quietly:  # after an error the transaction is void, and its end restores everything
            raise


@contextmanager
def unforced(conn: Connection) -> Iterator[None]:
    """Let the owner of the tables past the walls, where whole tables are copied in: PostgreSQL copies into no table
    whose walls hold for whoever copies."""
    named = "SELECT format('%I', relname) FROM pg_class WHERE relforcerowsecurity AND relnamespace = current_schema()::regnamespace"
    walled = list(conn.execute(text(named)).scalars())
    for table in walled:
        conn.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
    yield
    for table in walled:
        conn.execute(text(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"))


def across(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Mark a query that has to look across all agencies; what it gives back must tell no secret of theirs."""

    @wraps(method)
    def looking(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with lifted(self._conn):
            return method(self, *args, **kwargs)

    looking.__dict__["looks_across"] = True
    return looking


def across_all(kind: type[Any]) -> type[Any]:
    """Mark all public methods of a class."""
    for name, method in list(vars(kind).items()):
        if callable(method) and not name.startswith("_"):
            setattr(kind, name, across(method))
    return kind
