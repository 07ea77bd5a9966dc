"""Point-in-time recovery by PostgreSQL's own means, with the checks that follow a restore by ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.words import Standing
from registry_server.operating.backup.refilling import refill
from registry_server.operating.standing import standing_of
from registry_server.sequencing.errors import RegisterMismatch, RegisterMismatchError
from registry_server.sequencing.items import ItemOutcome
from registry_server.sequencing.ledger import Ledger
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.conftest import migrate, postgres_database
from tests.postgres_server import postgres_server
from tests.support.archived import Archived
from tests.support.lost_registry import Lost
from tests.support.registers import register_of
from tests.support.registry_world import accept, submit

if TYPE_CHECKING:
    from pathlib import Path


def test_a_database_of_an_earlier_moment_is_refused_refilled_and_goes_on(tmp_path: Path) -> None:
    with postgres_server(durable=True) as server, postgres_database(server) as url, Archived(url) as archived:
        migrate(url)
        archived.back_up()
        lost = Lost(tmp_path, url)
        world = lost.world
        with lost.home.ledger() as ledger:
            archived.mark("before")
            at = ledger.size
            new = world.report("lender-3", "new")
            accept(ledger, new)
            lost.copy_log()
            with ledger.view() as view:
                size, root = view.size, view.root_of(view.size)
        archived.lose()
        with archived.restored("before") as earlier:
            settings = lost.settings_for(earlier)
            standing = standing_of(settings)
            assert standing.missing == (at, size)
            with Database(earlier) as database:
                with pytest.raises(RegisterMismatchError) as refused:
                    Ledger.open(database, register_of(earlier), world.log_signer, world.clock)
                assert refused.value.mismatch is RegisterMismatch.AHEAD
            done = refill(settings, lost.copy, world.clock)
            assert (done.leaves, len(done.repaired.lost)) == (size - at, 1)
            with world.ledger(earlier) as ledger:
                # Its lender gives back what no copy of the log has.
                assert submit(ledger, new).results[0].outcome is ItemOutcome.REPEATED
                accept(ledger, world.report("lender-1", "kept", Standing.CURED))
                with ledger.view() as view:
                    assert view.root_of(size) == root
            with Database(earlier, serving=False) as database:
                assert fsck(database, register_of(earlier)).findings == []
