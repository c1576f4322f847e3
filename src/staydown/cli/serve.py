"""serve: the pages and the API, and a worker beside them, in one process."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated

import typer

from staydown.cli.common import app_of, say
from staydown.core.errors import Invalid, Refused, StaydownError

if TYPE_CHECKING:
    from staydown.app import App

log = logging.getLogger("staydown.serve")
HEADERS_BYTES = 32 * 1024
GRACE_S = 10
"""How long calls under way have when the server is told to stop."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(serve)


def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8017,
    tls_cert: Annotated[str, typer.Option(help="A certificate chain, as PEM.")] = "",
    tls_key: Annotated[str, typer.Option(help="Its key, as PEM.")] = "",
    proxy: Annotated[
        list[str] | None,
        typer.Option(help="The IP address of a reverse proxy whose X-Forwarded-For and -Proto are believed."),
    ] = None,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Metrics on this port of 127.0.0.1; 0: none.")
    ] = 0,
    with_worker: Annotated[
        bool, typer.Option("--work/--no-work", help="Whether a worker runs beside it, in this process.")
    ] = True,
) -> None:
    """Serve the pages and the API. One process is enough; more may share a PostgreSQL store.

    It listens on this machine only. For others, put a reverse proxy with TLS before it, or give it a certificate.

    Example: staydown serve --port 8017
    """
    import uvicorn

    from staydown.api.app import make_api
    from staydown.cli.logs import log_json
    from staydown.web.pages import router

    app = app_of(ctx)
    _require_safe(app, host, has_tls=bool(tls_cert and tls_key), proxies=proxy or [])
    log_json(verbose=logging.getLogger().getEffectiveLevel() <= logging.INFO)
    api = make_api(app, more=(router,))
    config = uvicorn.Config(
        api,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy or [],
        ssl_certfile=tls_cert or None,
        ssl_keyfile=tls_key or None,
        h11_max_incomplete_event_size=HEADERS_BYTES,
        timeout_graceful_shutdown=GRACE_S,
        lifespan="off",
    )
    if metrics_port:
        from prometheus_client import start_http_server

        start_http_server(metrics_port, addr="127.0.0.1", registry=api.state.counts.registry)
    for one in (
        signal.SIGTERM,
        signal.SIGINT,
    ):  # uvicorn hands its signals on when it is done: the worker ends too
        signal.signal(one, lambda *_: None)
    server = _Server(config, app)
    with _worker(app) if with_worker else _nobody():
        server.run()
    app.close()


def _require_safe(app: App, host: str, *, has_tls: bool, proxies: list[str]) -> None:
    """Refuse to open a house whose doors are not set up.

    Raises:
        Refused: Nobody could sign in, or words would travel in clear.
        Invalid: An address is none.
    """
    for one in (host, *proxies):
        try:
            ip_address(one)
        except ValueError:
            if one != "localhost":
                raise Invalid(f"{one!r} is no IP address", hint="Such as 127.0.0.1, or ::1.") from None
    address = app.settings.address
    is_here = host == "localhost" or ip_address(host).is_loopback
    if not is_here and not has_tls:  # a proxy named beside it does not keep others from coming in clear
        raise Refused(
            f"on {host} words and sessions would travel in clear",
            hint="Give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy with TLS.",
        )
    if not address.startswith("https://") and not (is_here and _names_this_machine(address)):
        raise Refused(
            f"the address {address} is not https", hint="Set address in staydown.toml to what browsers open."
        )
    if app.store.exercise:
        return
    if app.store.noted("sign_in") != "on":
        raise Refused(
            "nobody can sign in yet",
            hint="Let the first administrator in: staydown admin first NAME --agency CODE.",
        )


def _names_this_machine(address: str) -> bool:
    from urllib.parse import urlsplit

    return urlsplit(address).hostname in {"localhost", "127.0.0.1", "::1"}


class _Server:
    """The HTTP server; says where it listens once it does."""

    def __init__(self, config: object, app: App) -> None:
        import uvicorn

        self._server = uvicorn.Server(config)  # type: ignore[arg-type]
        self._app = app

    def run(self) -> None:
        """Serve until told to stop."""
        said = threading.Thread(target=self._say, daemon=True)
        said.start()
        self._server.run()

    def _say(self) -> None:
        while not self._server.started:
            if self._server.should_exit:
                return
            threading.Event().wait(0.02)
        for server in self._server.servers:
            for one in server.sockets:
                host, port = one.getsockname()[:2]
                say(f"staydown: listening on {host} port {port}; browsers open {self._app.settings.address}")


@contextmanager
def _nobody() -> Iterator[None]:
    yield


@contextmanager
def _worker(app: App) -> Iterator[None]:
    """A worker in a thread; when it meets what nobody may go on with, it says so and the pages stay up."""
    from staydown.store.engine import wait_for_work
    from staydown.worker.loop import run, worker_name

    stop, tools, engine = threading.Event(), app.tools, app.store.engine

    def working() -> None:
        try:
            run(tools, worker_name(), stop=stop, rest=lambda wait: wait_for_work(engine, wait))
        except StaydownError as error:
            log.critical("serve.worker_ended reason=%s: %s", error, error.hint)

    thread = threading.Thread(target=working, name="staydown-worker")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
