"""Any history of reports, annotations, acts, repetitions and restarts leaves a log that verifies from storage alone."""

from __future__ import annotations

import shutil
from itertools import count
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from client_sdk.kernel.formats.words import AnnotationFlag, Standing
from registry_server.sequencing.items import ItemOutcome
from registry_server.sequencing.ledger import Ledger
from registry_server.storage.unit_of_work import Database
from tests.conftest import sqlite_url
from tests.support.registers import register_of
from tests.support.registry_world import LENDERS, World, accept, submit
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from creditregistry.v1 import submission_pb2 as pb

    from client_sdk.kernel.formats.statement import RecordKey

_FOLDERS = count()
ENDINGS = (Standing.CURED, Standing.WITHDRAWN)
steps = st.lists(
    st.tuples(
        st.sampled_from(("open", "open", "end", "update", "rekey", "annotate", "erase", "repeat", "restart", "beat")),
        st.integers(0, 30),
    ),
    max_size=25,
)


class History:
    """A registry and what its members have done so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.world = World()
        self.running: dict[RecordKey, tuple[str, str]] = {}
        self.alive: dict[RecordKey, tuple[str, str]] = {}
        self.sent: list[tuple[str, pb.Submission]] = []

    def step(self, ledger: Ledger, action: str, number: int) -> None:
        """Do one thing to one of the records; nothing where there is none to do it to."""
        if action == "open":
            issuer, name = LENDERS[number % 3], f"loan {len(self.sent)}"
            self.report(ledger, issuer, name, Standing.OPEN, person=f"person {number % 4}")
            self.running[self.world.key(issuer, name)] = self.alive[self.world.key(issuer, name)] = (issuer, name)
        elif action == "beat":
            self.world.clock.now += 40_000
            ledger.heartbeat().result()
        elif action == "repeat" and self.sent:
            lender, message = self.sent[number % len(self.sent)]
            (record,) = submit(ledger, message).results
            assert record.outcome is ItemOutcome.REPEATED, lender
        elif action in {"end", "update", "rekey"} and self.running:
            self.advance(ledger, action, number)
        elif self.alive:
            key = sorted(self.alive)[number % len(self.alive)]
            if action == "erase":
                self.world.erase(ledger, key)
                del self.alive[key]
                self.running.pop(key, None)
            elif action == "annotate":
                # The first of a chain is taken, one more under the same number is not.
                flagged = self.world.annotate(LENDERS[number % 3], key, AnnotationFlag.DISPUTED)
                ledger.append([flagged]).result()

    def advance(self, ledger: Ledger, action: str, number: int) -> None:
        key = sorted(self.running)[number % len(self.running)]
        issuer, name = self.running[key]
        if action == "rekey":
            version = self.world.introduce_keys(ledger) if number % 2 else self.world.key_versions[-1]
            self.report(ledger, issuer, name, self.world.newest[key].statement.standing, key_version=version)
            return
        standing = ENDINGS[number % 2] if action == "end" else Standing.ARRANGED
        self.report(ledger, issuer, name, standing)
        if action == "end":
            del self.running[key]
        if standing is Standing.WITHDRAWN:
            del self.alive[key]

    def report(
        self,
        ledger: Ledger,
        issuer: str,
        name: str,
        standing: Standing,
        *,
        person: str = "",
        key_version: int | None = None,
    ) -> None:
        message = self.world.report(issuer, name, standing, person=person, key_version=key_version)
        accept(ledger, message)
        self.sent.append((issuer, message))


@settings(max_examples=12)
@given(steps)
def test_any_history_verifies(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, int]]
) -> None:
    path = tmp_path_factory.mktemp(f"history-{next(_FOLDERS)}") / "registry.sqlite"
    shutil.copyfile(sqlite_template, path)
    told = History(sqlite_url(path))
    with told.world.ledger(told.url) as ledger:
        pass
    remaining = iter(history)
    going_on = True
    while going_on:
        going_on = False
        with (
            Database(told.url) as database,
            Ledger.open(database, register_of(told.url), told.world.log_signer, told.world.clock) as ledger,
        ):
            for action, number in remaining:
                if action == "restart":
                    going_on = True
                    break
                told.step(ledger, action, number)
    replay = reverify(told.url)
    assert {chain.key for chain in replay.live()} == set(told.alive)
