"""Everything that is killed: a registry with its database, two key services, two witnesses and four lenders."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.checkpoint import parse_body
from client_sdk.testing import TestRegistry
from client_sdk.testing.programs import Programs, Server
from client_sdk.witness import WitnessFolder
from tests.support.waiting import wait_until
from tests.support.witnesses import found_witnesses
from tests.torture.journal import Journal
from tests.torture.lender import FINISH_SECONDS, LENDERS, first_of
from tests.torture.postgres import Postgres

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.witness import LogRow

__all__ = ["LENDERS", "TorturedSite"]

KEY_SERVICES = ("key-service-a", "key-service-b")
WITNESSES = ("witness-1", "witness-2")


class TorturedSite:
    """All programs, each of which can be killed and started again by name; a context.

    Args:
        folder: where everything lies.
        database: sqlite or postgresql.

    Attributes:
        registry: the registry, its key services and its members.
        victims: names of all that can be killed.
    """

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self._postgres = Postgres() if database == "postgresql" else None
        policy = folder / "witnesses"
        environment = {"REGISTRY_WITNESS_POLICY": str(policy)}
        folder.mkdir(parents=True)
        policy.write_text("quorum none\n")
        if self._postgres is not None:
            environment["REGISTRY_DATABASE_URL"] = self._postgres.url
        site = folder / "site"
        self.registry = TestRegistry(folder=site, lenders=LENDERS, key_services=KEY_SERVICES, environment=environment)
        self._programs = Programs(site)
        self._witnesses: dict[str, Server] = {}
        self._stack = ExitStack()
        self.victims = ("registry", *KEY_SERVICES, *WITNESSES, *LENDERS, *(["database"] if self._postgres else []))

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if self._postgres is not None:
                stack.enter_context(self._postgres)
            stack.enter_context(self.registry)
            stack.enter_context(self._programs)
            self._make_witnesses()
            for lender in LENDERS:
                self.start(lender)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def database_url(self) -> str:
        """Where the registry keeps what it has."""
        file = self.registry.registry_home / "registry.sqlite"
        return f"sqlite:///{file}" if self._postgres is None else self._postgres.url

    def journal(self, lender: str) -> Journal:
        """Return what a lender has done."""
        return Journal(self._journal_file(lender))

    def check(self) -> None:
        """Check that no program has ended by itself.

        Raises:
            ConfigError: one has; its log is part of the message.
        """
        for programs in (self.registry._programs, self._programs):
            programs.check()

    def kill(self, name: str) -> None:
        """End a program at once."""
        if name == "database":
            assert self._postgres is not None
            self._postgres.kill()
        elif name in {"registry", *KEY_SERVICES}:
            self.registry.stop(name, kill=True)
        else:
            self._programs.stop(name, by=signal.SIGKILL)

    def start(self, name: str) -> None:
        """Start a program, and wait until it can be used."""
        if name == "database":
            assert self._postgres is not None
            self._postgres.start()
        elif name == "registry":
            self.registry.start_registry()
        elif name in KEY_SERVICES:
            self.registry.start_key_service(name)
        elif name in self._witnesses:
            self._programs.start(self._witnesses[name])
        else:
            files = (self.registry.home(name), self._journal_file(name), self._stop_file)
            words = (*map(str, files), str(first_of(name)))
            self._programs.launch(name, (sys.executable, "-m", "tests.torture.lender", *words))

    def finish(self) -> None:
        """Stop the lenders, once nothing that they sent is uncertain.

        Raises:
            RuntimeError: one does not come to an end.
        """
        self._stop_file.touch()
        # The signal changes nothing: what is waited for is that they end.
        codes = self._programs.stop(*LENDERS, by=signal.SIGCONT, patience=FINISH_SECONDS)
        if any(codes):
            raise RuntimeError(f"the lenders ended with {codes}; see {self.folder}")

    def cosigned(self) -> dict[str, Checkpoint]:
        """Return the newest checkpoint that each witness has cosigned, once each has cosigned one."""
        rows = {name: self._row_of(name) for name in WITNESSES}
        if not all(rows.values()):
            # One that was away is fed again after half a minute at most.
            wait_until(lambda: all(self._row_of(name) for name in WITNESSES))
            rows = {name: self._row_of(name) for name in WITNESSES}
        return {name: parse_body(note.parse(row.checkpoint).text).checkpoint for name, row in rows.items() if row}

    def _row_of(self, witness: str) -> LogRow | None:
        folder = WitnessFolder(self._programs.folder / witness)
        return folder.rows().read(folder.settings().logs[0].name)

    @property
    def _stop_file(self) -> Path:
        return self.folder / "stop"

    def _journal_file(self, lender: str) -> Path:
        return self.folder / f"{lender}.journal"

    def _make_witnesses(self) -> None:
        """Found the witnesses, and have the registry feed them from its next start on."""
        found = found_witnesses(self._programs, self.registry.trust_root, WITNESSES)
        self._witnesses = found.servers
        self._programs.start(*self._witnesses.values())
        (self.folder / "witnesses").write_text(found.policy)
        self.registry.stop("registry")
        self.registry.start_registry()
