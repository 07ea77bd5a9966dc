"""A registry that is killed at any commit tells each member once, and logs each acknowledgement once."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.words import NoticeReason, Standing
from client_sdk.testing.programs import Programs
from registry_server.sequencing.items import ItemOutcome
from registry_server.usecases.fsck.check import fsck
from tests.support.faulty_database import Fault
from tests.support.notices import acknowledgement, told
from tests.support.registry_world import World
from tests.support.reverification import reverify
from tests.support.served import module

if TYPE_CHECKING:
    from pathlib import Path

# After the commits of the start and of a report: the inquiry, the withdrawal, the acknowledgement, the next report.
STEPS = (3, 4, 5, 6)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
def test_killed_at_every_commit_of_a_correction(database_url: str, tmp_path: Path, fault: Fault, step: int) -> None:
    world = World()
    with world.ledger(database_url):
        pass
    run = module("tests.support.crashing_inbox", database_url, fault.value, str(step))
    assert Programs(tmp_path).complete(run).returncode == -signal.SIGKILL
    chain = reverify(database_url).chains[world.key("lender-1", "0")]
    with world.ledger(database_url) as ledger:
        assert fsck(ledger.database).findings == []
        notices = told(ledger, "lender-2", waiting=False)
        withdrawn = chain.standing is Standing.WITHDRAWN
        assert notices == ([(chain.index, NoticeReason.WITHDRAWN)] if withdrawn else [])
        for notice in notices:
            item = acknowledgement(ledger, "lender-2", *notice)
            results = [ledger.append([item]).result().results[0] for _ in range(2)]
            assert results[0].outcome in {ItemOutcome.ACCEPTED, ItemOutcome.REPEATED}
            assert results[1].outcome is ItemOutcome.REPEATED
        with ledger.view() as view:
            leaves = [parse_leaf(stored.leaf) for stored in view.leaves(0, view.size)]
        logged = [
            leaf for leaf in leaves if isinstance(leaf, StatementLeaf) and leaf.payload_type == dsse.ACKNOWLEDGEMENT
        ]
        assert len(logged) == len(notices)
        assert fsck(ledger.database).findings == []
    reverify(database_url)
