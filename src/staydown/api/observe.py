"""What operators see: one line of log and a few counts for each call, without content and without names."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from staydown.api.health import Standing, standing
from staydown.core.errors import StaydownError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from staydown.app import App

log = logging.getLogger("staydown.api")
REQUEST_ID = b"x-request-id"
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0)
"""Seconds."""


class Counts:
    """The counts of one process, in a registry of their own."""

    def __init__(self, app: App) -> None:
        self.registry = CollectorRegistry()
        self.calls = Counter(
            "staydown_http_requests", "Calls answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "staydown_http_seconds",
            "Time to the end of an answer.",
            ["route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_House(app))


class _House(Collector):
    """What the store says, asked when somebody looks."""

    def __init__(self, app: App) -> None:
        self._app = app

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked of the store before somebody looks."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment; without a store only that there is none."""
        try:
            found = standing(self._app)
        except StaydownError as error:
            log.error("metrics.no_store reason=%s", error)
            found = None
        yield _gauge("staydown_store_up", "Whether the store answers.", float(found is not None))
        if found is not None:
            yield from _gauges(found)


def _gauges(found: Standing) -> Iterator[Metric]:
    yield _gauge("staydown_queue_waiting", "Rows of work that are due.", found.waiting)
    yield _gauge("staydown_queue_behind_seconds", "How late the oldest due row of work is.", found.behind_s)
    yield _gauge("staydown_alarms_open", "Alarms that nobody has taken.", found.alarms_open)
    yield _gauge("staydown_ledger_entries", "Entries of the ledger.", found.ledger_size)


def _gauge(name: str, words: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, words)
    family.add_metric([], value)
    return family


class Observer:
    """Middleware: numbers each call, times it, counts it and writes one line about it."""

    def __init__(self, inner: ASGIApp, counts: Counts) -> None:
        self._inner, self._counts = inner, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, and note how it went."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        number = _number(scope)
        began, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID, number)]
            await send(message)

        try:
            await self._inner(scope, receive, sending)
        finally:
            spent = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "none")
            self._counts.calls.labels(_method(scope), route, str(status)).inc()
            self._counts.seconds.labels(route).observe(spent)
            log.info(
                "http.answered request=%s method=%s route=%s status=%d ms=%.1f",
                number.decode(),
                _method(scope),
                route,
                status,
                spent * 1000,
            )


def _number(scope: Scope) -> bytes:
    """The number that a proxy gave the call, or a new one."""
    given = next((value for name, value in scope["headers"] if name == REQUEST_ID), b"")
    return given if _GIVEN.fullmatch(given) else secrets.token_hex(8).encode()


def _method(scope: Scope) -> str:
    """The method, from a short list, so that a stranger cannot make as many counts as they like."""
    method = str(scope["method"])
    return method if method in {"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"} else "other"
