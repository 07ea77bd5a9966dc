"""The offline part of an audit, after the fetch: what the rows about audits measure."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from client_sdk._transport.channels import TlsMaterial, channel
from client_sdk.auditing.audit import verify
from client_sdk.auditing.fetching import fetch
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.report import AuditReport
from client_sdk.auditing.source import RegistrySource
from client_sdk.config import ClientConfig
from client_sdk.kernel.ledger.findings import Findings
from client_sdk.kernel.ledger.state_store import MemoryStore

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from client_sdk.testing import TestRegistry

__all__ = ["FetchedAudit"]


class FetchedAudit:
    """An audit of a registry from its first leaf, fetched and not verified yet.

    Args:
        running: the registry.

    Attributes:
        size: number of its leaves.
    """

    def __init__(self, running: TestRegistry) -> None:
        config = ClientConfig.from_home(running.home("auditor"))
        self._root = config.trust_root()
        self._home = AuditHome(running.folder / "audit")
        findings = Findings()
        with channel(config.registry, TlsMaterial.from_folder(config.tls_key.parent)) as opened, self._home.lock():
            self._position, _ = self._home.load()
            key = self._root.log_key
            fetched = fetch(RegistrySource(opened), self._home, self._position, key, findings, MemoryStore())
        if fetched is None:
            raise RuntimeError("nothing was fetched")
        self._fetched, self.size = fetched, fetched.size

    def rate(self, executor: Executor) -> float:
        """Verify all of it; return leaves a second.

        Raises:
            RuntimeError: something was found.
        """
        findings = Findings()
        empty = AuditReport(
            registry=self._root.registry,
            fingerprint=self._root.fingerprint,
            audited_at=datetime.now(UTC),
            previous_size=0,
            size=0,
        )
        with self._home.lock(), self._home.state() as store:
            started = time.perf_counter()
            report = verify(self._fetched, self._home, self._position, self._root, findings, empty, store, executor)
            seconds = time.perf_counter() - started
        if findings.counts:
            raise RuntimeError("the audit found something")
        return report.size / seconds
