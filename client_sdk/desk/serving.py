"""Serving a desk: one process a home, on this machine alone unless TLS and people who sign in by name are set up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from uvicorn import Config, Server

from client_sdk.desk.api.application import make_api
from client_sdk.desk.app import make_app, moved
from client_sdk.desk.connections import BoundedConnection, Handshakes
from client_sdk.desk.desk import Desk
from client_sdk.desk.guards import DeskGuard
from client_sdk.desk.journal import JOURNAL_FILE, DeskAct, Journal
from client_sdk.desk.member_client import MemberClient
from client_sdk.desk.settings import SETTINGS_FILE, read_settings
from client_sdk.desk.users import UserFile
from client_sdk.errors import ConfigError
from client_sdk.forms import host_port, is_this_machine
from client_sdk.tables.columnar_file import end_readings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

    from client_sdk.config import ClientConfig
    from client_sdk.desk.api.gate import ApiGate
    from client_sdk.desk.settings import DeskSettings

__all__ = ["serve"]

LOCK_FILE = "desk.lock"
# Requests under way when the program ends.
_STOP_SECONDS = 10
# Jobs under way: each ends with its step. One that does not ends with the program.
_JOBS_SECONDS = 30.0
_HEAD_BYTES = 16 * 1024
_BACKLOG = 512
_TIDY_SECONDS = 30.0
_THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")


def serve(config: ClientConfig, listen: str, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; see ``client_sdk.desk.serve_desk``."""
    settings = read_settings(config.home)
    host, port = _place(listen)
    _check_exposed(host, settings, config.home)
    _check_approvers(settings, config.home)
    context = None if settings.tls is None else _context(settings, config.home)
    with _only_one(config.home), _listening(host, port, listen) as listening, closing(MemberClient(config)) as member:
        # Errors are shown, and a passphrase is asked for, where the desk is started.
        if member.founding:
            for usage in config.keys:
                config.signer(usage)
        else:
            member.open()
        journal = Journal(config.home / JOURNAL_FILE)
        try:
            if journal.mended:
                tell(f"the journal ended in {journal.mended} bytes of a line that a crash had torn: they were cut off")
            desk = Desk.of(config, settings, member, journal, int(listening.getsockname()[1]), tell)
            journal.note(DeskAct.STARTED)
            hosts = [*settings.hosts, *_THIS_MACHINE, desk.link.host]
            failed = _reporter(tell)
            api = make_api(desk, failed) if desk.lends or desk.represents else None
            if api is not None:
                desk.asking.open()
            app = DeskGuard(make_app(desk, api), hosts, partial(moved, desk), failed, secure=context is not None)
            if any(token.webhook for token in desk.tokens.read().values()):
                desk.hooks.start()
            try:
                asyncio.run(_serve(desk, api, app, listening, context))
            finally:
                desk.audits.close()
                if not desk.jobs.close(_JOBS_SECONDS, end_readings):
                    tell("a job did not stop in time: what it had signed is sent with the next report")
                desk.hooks.close()
                desk.asking.close()
                desk.approvals.close()
            journal.note(DeskAct.STOPPED)
        finally:
            journal.close()


async def _serve(
    desk: Desk, api: ApiGate | None, app: ASGIApp, listening: socket.socket, context: ssl.SSLContext | None
) -> None:
    server = _UvicornServer(
        Config(
            app,
            http=BoundedConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=_HEAD_BYTES,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_STOP_SECONDS,
        ),
        context,
    )
    # What the libraries log may hold what was sent; what matters is told by us.
    for name in ("uvicorn", "asyncio", "authlib", "httpx2"):
        logging.getLogger(name).disabled = name != "uvicorn"
        logging.getLogger(name).propagate = False
    logging.getLogger("uvicorn.error").disabled = True
    loop = asyncio.get_running_loop()

    def stop() -> None:
        # Pages that follow an audit would hold the server up.
        desk.audits.closing.set()
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    tidying = asyncio.create_task(_tidy(desk, api))
    _announce(desk)
    await server.serve([listening])
    tidying.cancel()


class _UvicornServer(Server):
    """uvicorn's server, which leaves the signals to us: raised again they would end the program before its files.

    Args:
        config: of uvicorn.
        context: of TLS; None serves in clear.
    """

    def __init__(self, config: Config, context: ssl.SSLContext | None) -> None:
        super().__init__(config)
        self._context = context
        self._accepting: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve; with TLS, connections are counted from before their handshake."""
        if self._context is None:
            await super().startup(sockets)
            return
        # It is to accept nothing by itself.
        await super().startup([])
        handshakes = Handshakes(self._context, self._connection)
        for listening in sockets or ():
            listening.listen(_BACKLOG)
            listening.setblocking(False)
            self._accepting.append(asyncio.create_task(handshakes.accept(listening)))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, and end what there is."""
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        await super().shutdown(sockets)

    def _connection(self) -> BoundedConnection:
        return BoundedConnection(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Take no more requests, and end; at once if it is said twice."""
        self.force_exit, self.should_exit = self.should_exit, True


async def _tidy(desk: Desk, api: ApiGate | None) -> None:
    """Forget what is over, also where nobody comes: facts stay in memory for minutes."""
    while True:
        await asyncio.sleep(_TIDY_SECONDS)
        desk.kept.forget_old()
        desk.jobs.forget_old()
        # It may write to the journal, and so wait for the disk.
        await asyncio.to_thread(desk.approvals.forget_old)
        if api is not None:
            api.forget_old()


def _announce(desk: Desk) -> None:
    port = desk.origin.rpartition(":")[2]
    scheme = desk.origin.partition(":")[0]
    names = [*desk.settings.hosts] or ["127.0.0.1"]
    desk.tell(f"desk ready on {scheme}://{names[0]}:{port}")
    if desk.by_name:
        desk.tell("people sign in by name")
    else:
        desk.new_link()


def _place(listen: str) -> tuple[str, int]:
    try:
        return host_port(listen, free=True)
    except ValueError as error:
        raise ConfigError(f"--listen: {error}") from None


def _check_exposed(host: str, settings: DeskSettings, home: Path) -> None:
    """Check that who reaches the desk from elsewhere does so by TLS, and signs in.

    Raises:
        ConfigError: others would reach it, and one of these is missing.
    """
    if is_this_machine(host):
        return
    missing = ["a certificate: [tls] with certificate and key"] if settings.tls is None else []
    if settings.openid is None and not UserFile(home).read():
        missing.append("people who sign in: `credit-registry desk user add NAME --role ROLE`, or [openid]")
    if not settings.hosts:
        missing.append('the name by which browsers reach it: hosts = ["desk.lender.example"]')
    if missing:
        where = f"{home / SETTINGS_FILE} lacks what a desk needs that others reach"
        raise ConfigError(f"{where}: {'; '.join(missing)}. Without them it listens on 127.0.0.1 alone")


def _check_approvers(settings: DeskSettings, home: Path) -> None:
    """Check that there can be a second pair of eyes where the settings want one.

    Raises:
        ConfigError: nobody signs in by name.
    """
    if settings.approval.wanted and settings.openid is None and not UserFile(home).read():
        need = "two persons who sign in by name: `credit-registry desk user add NAME --role approver`, or [openid]"
        raise ConfigError(f"{home / SETTINGS_FILE} has [approval], which needs {need}")


def _context(settings: DeskSettings, home: Path) -> ssl.SSLContext:
    assert settings.tls is not None  # noqa: S101 - the caller looked
    certificate, key = home / settings.tls.certificate, home / settings.tls.key
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key under a passphrase would ask for it at the terminal, where a service has none.
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else "the key is under a passphrase"
        raise ConfigError(f"{certificate} and {key} cannot be used: {text}") from None
    return context


def _no_passphrase() -> str:
    raise ValueError("a passphrase is asked for")


@contextlib.contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Let one desk at a time serve a home: two would write one journal.

    Raises:
        ConfigError: another one does.
    """
    lock = FileLock(home / LOCK_FILE, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigError(f"another desk serves {home}: one at a time, as they share its journal") from None
    except OSError as error:
        raise ConfigError(f"{home / LOCK_FILE} cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _listening(host: str, port: int, listen: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(f"{listen} cannot be listened on: {error.strerror or error}") from error
    with listening:
        yield listening


def _reporter(tell: Callable[[str], None]) -> Callable[[Exception], None]:
    """Return what reports an unforeseen error: its type alone, as its text may hold anything."""
    return lambda error: tell(f"a page was not answered: a mistake of this program ({type(error).__name__})")
