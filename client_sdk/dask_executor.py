"""A Dask cluster as an executor, for work that outgrows one machine: audits, ``fsck`` and the pages of screenings.

with dask_executor("tls://scheduler.auditor.example:8786") as executor:
    report = Auditor.from_home("auditor").audit(executor=executor)

A cluster runs whatever reaches its scheduler, so it must be the caller's own: beyond this machine it is reached by TLS
alone. Certificates are Dask's own settings: ``distributed.comm.tls`` in its files, or variables of the environment that
begin with ``DASK_DISTRIBUTED__COMM__TLS__``. Scheduler and workers have this version of the program installed, with the
extra [dask].
"""

from __future__ import annotations

import logging
import socket
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from client_sdk._address import host_port, is_this_machine
from client_sdk._shared_work import ExecutorError, kinds_of
from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from distributed import Client, Security

__all__ = ["dask_executor"]

P = ParamSpec("P")
R = TypeVar("R")

WORKER_SECONDS = 30.0
# How long a scheduler has to answer.
_CONNECT_SECONDS = 10.0
_SCHEMES = ("tcp", "tls")


@contextmanager
def dask_executor(address: str, *, worker_seconds: float = WORKER_SECONDS) -> Iterator[Executor]:
    """Connect to a Dask cluster, and let go of it at the end of the block.

    Args:
        address: of its scheduler: ``tls://HOST:PORT``, or ``tcp://HOST:PORT`` on this machine.
        worker_seconds: how long a cluster without workers has to get one.

    Raises:
        ConfigError: the address has another form or is not on this machine and without TLS, Dask is not installed, or
            its settings of TLS are not in order.
        ExecutorError: no scheduler answers there, or it has no worker.
    """
    _check_address(address)
    with _without_tracebacks():
        client = _connected(address, worker_seconds)
        try:
            yield _ClusterExecutor(client)
        finally:
            client.close()


class _ClusterExecutor(Executor):
    """Has work done by a cluster; what is under way at its end ends with the client.

    Dask's own executor (``Client.get_executor``) tells a result as an error where the worker that has it dies while it
    is fetched; the cluster computes it again.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def submit(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Begin to have it done."""
        remote = self._client.submit(work, *args, pure=False, **kwargs)
        loop = self._client.loop
        if loop is None:
            raise RuntimeError("the client of the cluster is closed")
        future: Future[R] = Future()
        future.add_done_callback(lambda done: remote.cancel() if done.cancelled() else None)
        loop.add_callback(_settle, remote, future)
        return future


async def _settle(remote: Awaitable[R], future: Future[R]) -> None:
    """Hand on what becomes of work, in the event loop of the client."""
    try:
        result = await remote
    except BaseException as error:  # noqa: BLE001 - that it was cancelled as well
        if future.set_running_or_notify_cancel():
            future.set_exception(error)
    else:
        if future.set_running_or_notify_cancel():
            future.set_result(result)


@contextmanager
def _without_tracebacks() -> Iterator[None]:
    """Keep Dask's client from writing a traceback to standard error beside the error that tells what went wrong."""
    logger = logging.getLogger("distributed.client")

    def refuse(_: logging.LogRecord) -> bool:
        return False

    logger.addFilter(refuse)
    try:
        yield
    finally:
        logger.removeFilter(refuse)


def _check_address(address: str) -> None:
    scheme, _, place = address.partition("://")
    if not place or scheme not in _SCHEMES:
        raise ConfigError("Dask scheduler: want tls://HOST:PORT, or tcp://HOST:PORT on this machine")
    try:
        host = host_port(place).host
    except ValueError as error:
        raise ConfigError(f"Dask scheduler: after {scheme}:// {error}") from None
    if scheme == "tcp" and not is_this_machine(host):
        raise ConfigError(
            f"Dask scheduler: {host} is another machine, which is reached by tls:// alone: without it, each program "
            "that reaches the scheduler reads what it is given and runs programs on the workers"
        )


def _connected(address: str, worker_seconds: float) -> Client:
    """Return a client of the cluster, once a worker is there."""
    try:
        from distributed import Client, Security  # noqa: PLC0415 - an extra, and it takes half a second
    except ImportError:
        raise ConfigError("Dask is not installed: pip install 'credit-registry[dask]'") from None
    security = Security()
    _check_security(address, security)
    try:
        _hear(address)
        client = Client(address, security=security, timeout=_CONNECT_SECONDS, set_as_default=False)
    except OSError as error:
        raise ExecutorError(f"the Dask scheduler at {address}", f"it does not answer ({kinds_of(error)})") from error
    try:
        client.wait_for_workers(1, timeout=worker_seconds)
    except TimeoutError:
        client.close()
        problem = f"it has had no worker for {worker_seconds:g} seconds"
        raise ExecutorError(f"the Dask scheduler at {address}", problem) from None
    return client


def _check_security(address: str, security: Security) -> None:
    """Check that Dask's settings have what TLS needs.

    Raises:
        ConfigError: they have not.
    """
    if not address.startswith("tls://"):
        return
    problem = ""
    try:
        if security.get_connection_args("client").get("ssl_context") is not None:
            return
    except (OSError, ValueError) as error:  # a file cannot be read, or is no certificate
        problem = f" ({kinds_of(error)})"
    raise ConfigError(
        "Dask's settings of TLS are not in order: want distributed.comm.tls.ca-file, and client.key and client.cert "
        f"below distributed.comm.tls{problem}"
    )


def _hear(address: str) -> None:
    """Wait for what a scheduler says first; Dask itself would wait for ever for one that says nothing.

    Under TLS nobody speaks before the handshake, which Dask ends in time.

    Raises:
        OSError: nobody is there, or nothing is heard.
    """
    scheme, _, place = address.partition("://")
    if scheme == "tcp":
        with socket.create_connection(host_port(place), _CONNECT_SECONDS) as connection:
            if not connection.recv(1):
                raise ConnectionResetError
