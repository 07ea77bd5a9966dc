"""Fsck of notices, and of who was shown what: what the server writes is clean, and each wrong row is found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.words import AnnotationFlag, Standing
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.registry_server.usecases.test_usecases_fsck import change
from tests.support.notices import acknowledgement, show, told
from tests.support.production import BREACH
from tests.support.registry_world import World, accept

if TYPE_CHECKING:
    from tests.conftest import DatabaseKind

ZEROS = {"sqlite": "zeroblob(32)", "postgresql": "decode(repeat('00', 32), 'hex')"}
LIES = {
    "reason": ("UPDATE notices SET reason = 3 WHERE member = 'lender-2'", "NOTICE_ROW"),
    "leaf": ("UPDATE notices SET leaf_index = 1 WHERE member = 'lender-1'", "NOTICE_ROW"),
    "record": ("UPDATE notices SET record = record + 1 WHERE member = 'lender-1'", "NOTICE_ROW"),
    "acknowledgement": ("UPDATE notices SET acknowledged_index = 1 WHERE acknowledged_index > 0", "NOTICE_ROW"),
    "opening": ("UPDATE notices SET opening = {zeros} WHERE acknowledged_index > 0", "NOTICE_ROW"),
    "member": ("UPDATE notices SET member = 'lender-3' WHERE acknowledged_index > 0", "NOTICE_ROW"),
    "breach": ("UPDATE notices SET record = 0 WHERE reason = 6", "NOTICE_ROW"),
    "breach of another": ("UPDATE notices SET member = 'lender-2' WHERE reason = 6", "NOTICE_ROW"),
    "shown version": ("UPDATE shown SET leaf_index = leaf_index + 1", "SHOWN_ROW"),
    "shown record": ("UPDATE shown SET record = record + 1", "SHOWN_ROW"),
}


def fill(url: str) -> None:
    world = World()
    with world.ledger(url) as ledger:
        accept(ledger, world.report("lender-1", "withdrawn"), world.report("lender-1", "disputed"))
        withdrawn, disputed = (world.key("lender-1", name) for name in ("withdrawn", "disputed"))
        show(ledger, "lender-2", "both", withdrawn, disputed)
        accept(ledger, world.report("lender-1", "withdrawn", Standing.WITHDRAWN))
        ledger.append([world.annotate("lender-3", disputed, AnnotationFlag.DISPUTED)]).result()
        (notice,) = told(ledger, "lender-2")
        world.decide(ledger, replace(BREACH, noticed_at=world.clock(), members=("lender-3",)))
        assert ledger.append([acknowledgement(ledger, "lender-2", *notice)]).result().results[0].complaint is None


def found(url: str) -> set[str]:
    with Database(url, serving=False) as database:
        return {finding.reason for finding in fsck(database).findings}


def test_what_the_server_writes_of_an_inbox_is_clean(database_url: str) -> None:
    fill(database_url)
    assert found(database_url) == set()


@pytest.mark.parametrize("lie", LIES)
def test_a_wrong_row_of_an_inbox_is_found(database_url: str, database_kind: DatabaseKind, lie: str) -> None:
    fill(database_url)
    statement, reason = LIES[lie]
    change(database_url, statement.format(zeros=ZEROS[database_kind]))
    assert found(database_url) == {reason}
