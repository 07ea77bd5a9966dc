"""Inquiries that an auditor has kept come back with the leaves, each from who signed it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2, transparency_pb2

from client_sdk.auditing.home import AuditHome, Position
from client_sdk.kernel.formats import dsse
from registry_server.operating.backup import BackupError
from registry_server.operating.backup.refilling import refill
from registry_server.operating.backup.restoring import restore
from registry_server.operating.register import put_register
from registry_server.operating.standing import standing_of
from registry_server.storage import inquiries
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.check import Checks
from registry_server.usecases.fsck.check import fsck
from tests.registry_server.operating.test_operating_backup import run
from tests.support.evidence_maker import inquiry_of
from tests.support.handmade_log import HandmadeLog, signer
from tests.support.registers import register_of, register_path
from tests.support.registry_world import accept

if TYPE_CHECKING:
    from pathlib import Path

    from registry_server.sequencing.ledger import Ledger
    from tests.support.lost_registry import Lost


def audited(ledger: Ledger, folder: Path, note: bytes) -> None:
    """The folder of an audit that ended with the newest leaf, as ``credit-registry audit`` leaves it."""
    home = AuditHome(folder)
    with ledger.view() as view:
        leaf_bytes = home.leaves.replace_from(0, [stored.leaf for stored in view.leaves(0, view.size)])
        size, root = view.size, view.root_of(view.size).hex()
    with ledger.database.snapshot() as work:
        signed = inquiries.signed_range(work, 0, 100)
    logged = [
        transparency_pb2.LoggedInquiry(
            leaf=item.leaf,
            inquiry=evidence_pb2.SignedPayload(payload=item.payload, key_id=item.key_id, signature=item.signature),
        ).SerializeToString()
        for item in signed
    ]
    asked_bytes = home.asked.replace_from(0, logged)
    inquiry_bytes = home.inquiries.replace_from(0, [item.leaf for item in signed])
    position = Position(
        size=size,
        root=root,
        checkpoint=note.decode(),
        leaf_bytes=leaf_bytes,
        inquiries=len(signed),
        inquiry_bytes=inquiry_bytes,
        asked_bytes=asked_bytes,
    )
    home.save(position, ())


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_an_audits_folder_brings_inquiries_back_and_a_lost_register_is_set_before_the_log_goes_on(
    lost: Lost, other_url: str, tmp_path: Path
) -> None:
    world = lost.world
    world.clock.now += 60_000
    with lost.home.ledger() as ledger:
        accept(ledger, world.report("lender-3", "new"))
        asked = inquiry_of(HandmadeLog(), "lender-1", ["somebody"])
        signature = dsse.sign(signer("lender-1 INQUIRE"), dsse.INQUIRY, asked.encode())
        item = world.inquiry(
            "lender-1", "later", payload=asked.encode(), inquiry_id=asked.inquiry_id, signature=signature
        )
        ledger.record_inquiries([item]).result()
        world.clock.now += 120_000
        ledger.heartbeat().result()
        with ledger.view() as view:
            audited(ledger, tmp_path / "audit", view.checkpoint)
            assert (view.size, view.head.inquiry_count) == (ledger.size, 2)
        lost.copy_log()
    settings = lost.settings_for(other_url)
    restore(settings, lost.backup.path, lost.secret)
    with pytest.raises(BackupError, match="inquiries 1 to 1 are neither"):
        refill(settings, lost.copy, world.clock)
    bent = AuditHome(shutil.copytree(tmp_path / "audit", tmp_path / "bent"))
    before, logged = bent.asked.read(0, (tmp_path / "bent" / "asked").stat().st_size)
    assert asked.inquiry_id in logged
    changed = transparency_pb2.LoggedInquiry.FromString(logged)
    changed.inquiry.signature = changed.inquiry.signature[::-1]
    bent.asked.replace_from(0, [before, changed.SerializeToString()])
    with pytest.raises(BackupError, match="inquiry 1 was changed in the copy"):
        refill(settings, tmp_path / "bent", world.clock)
    # No leaf holds the id of the key: another one of the same member, one of another, and one of nobody.
    for key_id in (
        signer("lender-1 REPORT").public_key.key_id,
        signer("lender-2 INQUIRE").public_key.key_id,
        bytes(32),
    ):
        changed = transparency_pb2.LoggedInquiry.FromString(logged)
        changed.inquiry.key_id = key_id
        bent.asked.replace_from(0, [before, changed.SerializeToString()])
        with pytest.raises(BackupError, match="inquiry 1 names a key in the copy that did not sign it"):
            refill(settings, tmp_path / "bent", world.clock)
    register_path(other_url).unlink()
    done = refill(settings, tmp_path / "audit", world.clock)
    assert (done.inquiries, len(done.repaired.lost)) == (2, 1)
    assert standing_of(settings).register.mismatch is not None
    told = run("register", "reset", "--home", lost.home.home, code=1)
    assert "REGISTER_MISSING: whether this database is the one that was signed last is not known" in told
    assert "If none of them has seen\nmore, nothing is lost" in told
    # What is lost is shown by no HEAD before the register says that this is the newest log.
    put_register(settings, standing_of(settings).register.confirmation, world.clock)
    assert refill(settings, tmp_path / "audit", world.clock).leaves == 0
    with Database(other_url, serving=False) as database:
        assert dict(fsck(database, register_of(other_url)).counts) == {"BINDING_MISSING": 1, "FACT_COUNT_SHORT": 2}
    with world.ledger(other_url) as ledger:
        world.erase(ledger, world.key("lender-3", "new"))
        assert Checks(ledger, 1_000_000).answer([]) == [], "nobody can give it back, so it was erased"
