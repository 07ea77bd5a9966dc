"""Key services as their operators make them: real folders, keys and certificates, served in a thread of the test.

site = KeyServiceSite(tmp_path / "key-service-a", "key-service-a")       init
log = Logbook(services=[site.service])                                   genesis
with serve(LogbookRegistry(log), authority.server()) as registry:
    site.install(authority, log.trust_root, registry)
    with site.running(tls=authority.member("lender-1")) as channel: ...  the directory is followed
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from creditregistry.v1 import evaluation_pb2
from creditregistry.v1.subject_key_service_pb2_grpc import SubjectKeyServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from client_sdk._transport.channels import channel
from client_sdk.kernel.ledger.key_service_file import KeyServiceFile
from client_sdk.testing.ports import free_address
from registry_server.subject_key_service import setup
from registry_server.subject_key_service.server import serve
from registry_server.subject_key_service.settings import KeyServiceFolder, make_settings, read_settings, settings_toml
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import grpc

    from client_sdk._transport.channels import TlsMaterial
    from client_sdk.kernel.formats.state import KeyService
    from client_sdk.kernel.ledger.trust_root import TrustRoot
    from tests.support.tls import Authority

# A loaded machine takes its time to start a program.
WAIT_SECONDS = 120.0
POLL_SECONDS = 0.02


def wall_clock_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class KeyServiceSite:
    """One key service with its folder."""

    def __init__(self, home: Path, name: str, url: str = "") -> None:
        self.folder = KeyServiceFolder(home)
        self.url = url or free_address()
        self.name = name
        settings = make_settings(
            {"name": name, "url": self.url, "listen": self.url, "poll_seconds": POLL_SECONDS, "processes": 1}
        )
        self.file = KeyServiceFile.parse(setup.create(self.folder, settings).read_bytes())

    @property
    def service(self) -> KeyService:
        """What the genesis act names."""
        return self.file.service

    def install(self, authority: Authority, root: TrustRoot, registry: str, database_url: str = "") -> None:
        """Give back what the administrators would."""
        certificate = authority.certify(self.file.csr)
        setup.install(self.folder, certificate, authority.ca, root.encode(), registry, database_url)

    def set(self, **values: object) -> None:
        """Change settings, as the operator does in the file."""
        changed = read_settings(self.folder).model_copy(update=values)
        self.folder.settings.write_bytes(settings_toml(changed))

    @contextmanager
    def serving(self, now_ms: Callable[[], int] = wall_clock_ms) -> Iterator[None]:
        """Serve in a thread while the block lasts; it listens, and may have read no directory."""
        ready = threading.Event()
        stops: list[Callable[[], object]] = []
        problems: list[BaseException] = []

        async def run() -> None:
            stop, loop = asyncio.Event(), asyncio.get_running_loop()
            stops.append(lambda: loop.call_soon_threadsafe(stop.set))
            await serve(self.folder, read_settings(self.folder), lambda _: ready.set(), stop, now_ms)

        def work() -> None:
            try:
                asyncio.run(run())
            except BaseException as error:  # noqa: BLE001 - raised again where the test waits
                problems.append(error)
            finally:
                ready.set()

        thread = threading.Thread(target=work, name=self.name)
        thread.start()
        try:
            assert ready.wait(WAIT_SECONDS)
            if problems:
                raise problems[0]
            yield
        finally:
            if thread.is_alive():
                stops[0]()
            thread.join(WAIT_SECONDS)
        assert not thread.is_alive()
        if problems:
            raise problems[0]

    @contextmanager
    def running(self, tls: TlsMaterial, now_ms: Callable[[], int] = wall_clock_ms) -> Iterator[grpc.Channel]:
        """Serve, and wait until the directory is followed; yield a channel of a member."""
        with self.serving(now_ms), channel(self.url, tls) as opened:
            wait_until_healthy(opened)
            yield opened


def wait_until_healthy(opened: grpc.Channel) -> None:
    """Wait until a key service says that it can be relied on."""
    health = health_pb2_grpc.HealthStub(opened)

    def serves() -> bool:
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=WAIT_SECONDS, wait_for_ready=True)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    wait_until(serves)


def wait_until_followed(opened: grpc.Channel, as_of_ms: int) -> None:
    """Wait until a key service has followed the directory to a HEAD of that moment."""
    stub = SubjectKeyServiceStub(opened)
    wait_until(lambda: stub.GetStatus(evaluation_pb2.GetStatusRequest()).directory_as_of >= as_of_ms)
