"""An audit, map and directory rebuilt, against bare verifications on two cores.

Two processes verify beside the one that replays; only the offline part is timed, after the fetch.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks import prepare, world
from benchmarks.limits import auditor_verifications
from benchmarks.table import Row
from client_sdk._transport.channels import TlsMaterial, channel
from client_sdk.auditing.audit import verify
from client_sdk.auditing.fetching import fetch
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.report import AuditReport
from client_sdk.auditing.source import RegistrySource
from client_sdk.config import ClientConfig
from client_sdk.kernel.ledger.findings import Findings

if TYPE_CHECKING:
    from pathlib import Path

EACH = 15_000
PROCESSES = 2
GOAL = 0.6


def measure() -> Row:
    """Return leaves a second of the offline part over twice the bare verifications of the auditor's verifier."""
    with world.registry() as running:
        lenders = [world.lender(running, institution) for institution in world.LENDERS]
        world.stream(running, prepare.submissions(lenders, EACH))
        config = ClientConfig.from_home(running.home("auditor"))
        return _audit(config, running.folder / "audit")


def _audit(config: ClientConfig, folder: Path) -> Row:
    root = config.trust_root()
    home, findings = AuditHome(folder), Findings()
    with channel(config.registry, TlsMaterial.from_folder(config.tls_key.parent)) as opened, home.lock():
        position, _ = home.load()
        fetched = fetch(RegistrySource(opened), home, position, root.log_key, findings)
    if fetched is None:
        raise RuntimeError("nothing was fetched")
    empty = AuditReport(
        registry=root.registry,
        fingerprint=root.fingerprint,
        audited_at=datetime.now(UTC),
        previous_size=0,
        size=0,
    )
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as executor, home.lock():
        list(executor.map(abs, range(PROCESSES * 4)))
        started = time.perf_counter()
        report = verify(fetched, home, position, root, findings, replace(empty), executor)
        seconds = time.perf_counter() - started
    if findings.counts:
        raise RuntimeError("the audit found something")
    rate, limit = report.size / seconds, 2 * auditor_verifications()
    return Row("audit", rate, limit, "leaves/s", rate / limit, GOAL)
