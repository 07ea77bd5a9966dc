"""A registry on the databases of deploy/: two processes, two key services, four lenders that report and ask."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Self

from client_sdk.config import CONFIG_FILE
from client_sdk.errors import ConfigError
from client_sdk.testing import TestRegistry
from client_sdk.testing.programs import Programs
from tests.cluster.databases import NODES, Databases
from tests.cluster.namespaces import mount
from tests.cluster.supervised import Supervised
from tests.cluster.waiting import wait_for
from tests.torture.journal import Journal
from tests.torture.lender import FINISH_SECONDS, LENDERS, first_of
from tests.torture.site import KEY_SERVICES

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.kernel.formats.checkpoint import Checkpoint

__all__ = ["LENDERS", "REGISTRIES", "ClusterSite"]

# Name and address of each process of the registry; the names are those of deploy/.
REGISTRIES = {"registry-1": "127.0.0.21", "registry-2": "127.0.0.22"}
_BOTH = ",".join(f"{name}:7443" for name in REGISTRIES)
BALANCER = ("balancer", "127.0.0.20")
# What members are told.
_WAYS = (_BOTH, f"{BALANCER[0]}:7443")
_DISK = "3g"
# Seconds.
_SHRINK = 0.2
_READY_SECONDS = 60.0
_ASK_SECONDS = 2.0
# Seconds between two rounds of a lender, so that the machine's two processors keep up and gaps are seen.
_PAUSE = "0.3"


class ClusterSite:
    """All programs, in namespaces of their own; a context.

    Databases, registries and key services keep what they have on one disk in memory, which can be full. Lenders have
    another one: they are other companies. Two of them know the addresses of both processes, two that of the balancer.

    Args:
        folder: where everything lies.

    Attributes:
        databases: the machines of the databases.
        registry: keys, members and key services of the registry; its own process serves during the founding alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._disk = folder / "disk"
        self._site = folder / "site"
        self._stack = ExitStack()
        self._disk.mkdir(parents=True)
        mount("-t", "tmpfs", "-o", f"size={_DISK},mode=755", "tmpfs", self._disk)
        self._name_machines()
        self._supervised = Supervised(folder)
        self.databases = Databases(self._supervised, self._disk)
        os.environ["PGPASSFILE"] = str(self.databases.password_file)
        environment = {
            "REGISTRY_DATABASE_URL": self.databases.pooled_url,
            "REGISTRY_DATABASE_READ_URL": self.databases.standby_url,
            "REGISTRY_HOSTS": json.dumps([BALANCER[0], *REGISTRIES]),
        }
        self.registry = TestRegistry(
            folder=self._site, lenders=LENDERS, key_services=KEY_SERVICES, environment=environment
        )
        urls = {"registry-1": self.databases.pooled_url, "registry-2": self.databases.direct_url}
        self._registries = {
            name: Programs(self._site, {**environment, "REGISTRY_DATABASE_URL": url}) for name, url in urls.items()
        }
        self._lenders = Programs(self._site)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._supervised)
            self.databases.start()
            stack.enter_context(self.registry)
            for programs in (*self._registries.values(), self._lenders):
                stack.enter_context(programs)
            self._settle_in()
            for lender in LENDERS:
                files = (self.registry.home(lender), self._journal_file(lender), self._stop_file)
                words = (*map(str, files), str(first_of(lender)), _PAUSE)
                self._lenders.launch(lender, (sys.executable, "-m", "tests.torture.lender", *words))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def database_url(self) -> str:
        """Where the registry keeps what it has, as a command on any machine reaches it."""
        return self.databases.direct_url

    def journal(self, lender: str) -> Journal:
        """Return what a lender has done."""
        return Journal(self._journal_file(lender))

    def cosigned(self) -> dict[str, Checkpoint]:
        """Return nothing: this registry has no witnesses."""
        return {}

    def start_registry(self, name: str) -> None:
        """Start a process of the registry."""
        where = ("--listen", f"{name}:7443", "--metrics", f"{name}:9443")
        self._registries[name].launch(name, ("registry-server", "serve", "--home", "registry", *where))

    def kill_registry(self, name: str) -> None:
        """End a process of the registry at once."""
        self._registries[name].stop(name, by=signal.SIGKILL)

    def is_ready(self, name: str) -> bool:
        """Return whether a process of the registry says that it serves.

        Raises:
            ConfigError: it has ended by itself.
        """
        self._registries[name].check()
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{name}:9443/readyz", timeout=_ASK_SECONDS):
            return True
        return False

    def check(self) -> None:
        """Check that no program of ours has ended by itself.

        Raises:
            ConfigError: one has; its log is part of the message, or named.
        """
        for programs in (*self._registries.values(), self._lenders):
            programs.check()
        for name in KEY_SERVICES:
            try:
                os.kill(self.registry.process_id(name), 0)
            except ProcessLookupError:
                raise ConfigError(f"{name} has ended by itself; its log is {self._site / name}.log") from None

    def fill_disk(self, seconds: float) -> None:
        """Leave no room on the disk of databases, registries and key services for so long, whatever they delete."""
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                self._resize_disk(str(shutil.disk_usage(self._disk).used))
                time.sleep(_SHRINK)
        finally:
            self._resize_disk(_DISK)

    def _resize_disk(self, size: str) -> None:
        # Refused where something was written since the size was read; the next look comes soon.
        with contextlib.suppress(subprocess.CalledProcessError):
            mount("-o", f"remount,size={size}", self._disk)

    def finish(self) -> None:
        """Stop the lenders, once nothing that they sent is uncertain.

        Raises:
            RuntimeError: one does not come to an end.
        """
        self._stop_file.touch()
        # The signal changes nothing: what is waited for is that they end.
        codes = self._lenders.stop(*LENDERS, by=signal.SIGCONT, patience=FINISH_SECONDS)
        if any(codes):
            raise RuntimeError(f"the lenders ended with {codes}; see {self.folder}")

    def _name_machines(self) -> None:
        """Give the machines the names that deploy/ calls them by, and PgBouncer a folder for passwords."""
        names = (("localhost", "127.0.0.1"), ("primary", "127.0.0.1"), BALANCER, *REGISTRIES.items(), *NODES.items())
        hosts = self._disk / "hosts"
        hosts.write_text("".join(f"{address} {name}\n" for name, address in names))
        mount("--bind", hosts, "/etc/hosts")
        mount("-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", "/etc/pgbouncer")

    def _settle_in(self) -> None:
        """Move registry and key services to the disk that can be full, and start the registry's two processes."""
        self.registry.stop("registry")
        for name in KEY_SERVICES:
            self.registry.stop(name)
            self._tell(name)
        for name in ("registry", *KEY_SERVICES):
            shutil.copytree(self._site / name, self._disk / name)
            mount("--bind", self._disk / name, self._site / name)
        for name in REGISTRIES:
            self.start_registry(name)
        for name in REGISTRIES:
            wait_for(partial(self.is_ready, name), f"{name} is not ready", _READY_SECONDS)
        for name in KEY_SERVICES:
            self.registry.start_key_service(name)
        for number, member in enumerate((*LENDERS, "auditor")):
            told = replace(self.registry.config(member), registry=_WAYS[number % len(_WAYS)])
            (told.home / CONFIG_FILE).write_text(told.to_toml())

    def _tell(self, key_service: str) -> None:
        """Tell a key service both addresses, as its operator does."""
        public = self._site / "registry" / "public"
        files = ("--certificate", public / "certificates" / f"{key_service}.pem", "--ca", public / "ca.pem")
        words = (*files, "--trust-root", public / "trust-root.bin", "--registry", _BOTH)
        self._registries["registry-1"].run(("subject-key-service", "install", "--home", key_service, *map(str, words)))

    @property
    def _stop_file(self) -> Path:
        return self.folder / "stop"

    def _journal_file(self, lender: str) -> Path:
        return self.folder / f"{lender}.journal"
