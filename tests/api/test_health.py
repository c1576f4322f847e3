"""A server whose store is gone is alive, and not ready."""

from __future__ import annotations

import httpx2

from serving import serving
from support import Desk


def test_without_its_store_it_is_alive_and_not_ready(desk: Desk, database: str | None) -> None:
    with serving(desk.app) as address, httpx2.Client(base_url=address, timeout=30) as client:
        assert client.get("/health/ready").json() == {"ready": True, "reason": None}
        desk.app.store.engine.dispose()
        if database is None:
            path = desk.home / "staydown.sqlite"
            path.rename(desk.home / "away")
            path.mkdir()
        else:
            desk.app.store.engine.url = desk.app.store.engine.url.set(database="nowhere")
            desk.app.store.engine.pool = desk.app.store.engine.pool.recreate()
            desk.app.store.engine.pool._creator = _refused
        ready, behind = client.get("/health/ready"), client.get("/health/behind")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        assert ready.json()["reason"]
        assert (behind.status_code, behind.json()["waiting"]) == (503, None)
        assert client.get("/health/alive").json() == {"alive": True}
        lost = client.get("/v1/items", headers={"Authorization": "Bearer sds_made-up"})
        assert lost.status_code == 503
        assert lost.headers["retry-after"]


def _refused(*_: object) -> object:
    import psycopg

    return psycopg.connect("host=127.0.0.1 port=1 connect_timeout=1")
