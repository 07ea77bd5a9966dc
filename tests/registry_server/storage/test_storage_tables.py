"""What the functions on tables write and read, and what they leave behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from client_sdk.kernel.formats.leaf import Approval
from client_sdk.kernel.formats.words import Standing
from registry_server.storage import inquiries, leaves, live, proposals, quotas, schema, tls_keys
from registry_server.storage.driver import delete_keys, insert, select_in, upsert
from registry_server.storage.errors import StorageError, StorageFault
from registry_server.storage.leaves import StoredLeaf, StoredTile
from registry_server.storage.proposals import StoredProposal
from registry_server.storage.quotas import STATEMENTS, QuotaKey
from registry_server.storage.tls_keys import StoredCertificate, StoredTlsKey
from registry_server.storage.unit_of_work import Database
from tests.support.held import FULL_VACUUM
from tests.support.registry_world import World, accept, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        yield opened


def test_what_is_not_committed_is_not_there(database: Database) -> None:
    with database.append() as work:
        leaves.add_leaves(work, [StoredLeaf(0, b"leaf")])
    with database.append() as work:
        assert leaves.leaf_range(work, 0, 10) == []
        leaves.add_leaves(work, [StoredLeaf(0, b"leaf"), StoredLeaf(1, b"other")])
        work.commit()
    with database.snapshot() as work:
        assert leaves.leaf_range(work, 0, 10) == [(0, b"leaf"), (1, b"other")]
        assert [*leaves.leaves(work, 1)] == [(1, b"other")]
        assert leaves.leaves_at(work, [1, 7]) == {1: b"other"}


def test_a_failed_block_is_rolled_back_and_the_next_one_works(database: Database) -> None:
    def fail() -> None:
        with database.append() as work:
            leaves.add_leaves(work, [StoredLeaf(0, b"leaf")])
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with database.append() as work:
        leaves.add_leaves(work, [StoredLeaf(0, b"again")])
        work.commit()


def test_a_broken_constraint_is_a_storage_error(database: Database) -> None:
    with database.append() as work:
        leaves.add_leaves(work, [StoredLeaf(0, b"leaf")])
        work.commit()
    with pytest.raises(StorageError) as failed, database.append() as work:
        leaves.add_leaves(work, [StoredLeaf(0, b"another")])
    assert failed.value.fault in {StorageFault.VALUE, StorageFault.BUSY}
    assert "another" not in str(failed.value)


def test_a_snapshot_sees_one_state(database: Database) -> None:
    with database.snapshot() as before:
        assert leaves.leaf_range(before, 0, 10) == []
        with database.append() as work:
            leaves.add_leaves(work, [StoredLeaf(0, b"leaf")])
            work.commit()
        assert leaves.leaf_range(before, 0, 10) == []
    with database.snapshot() as after:
        assert len(leaves.leaf_range(after, 0, 10)) == 1


def test_a_snapshot_does_not_write_on_postgresql(database: Database) -> None:
    if database.on_postgresql:
        with pytest.raises(StorageError), database.snapshot() as work:
            leaves.add_leaves(work, [StoredLeaf(0, b"leaf")])


def test_a_wider_tile_takes_the_place_of_the_narrower(database: Database) -> None:
    with database.append() as work:
        leaves.put_tiles(work, [StoredTile("log", 0, 0, bytes(32)), StoredTile("inquiry", 0, 0, bytes(32))])
        leaves.put_tiles(work, [StoredTile("log", 0, 0, bytes(64)), StoredTile("log", 1, 0, bytes(32))])
        assert leaves.tile(work, "log", 0, 0) == bytes(64)
        assert leaves.tile(work, "log", 0, 1) is None
        assert [tile[:3] for tile in leaves.tiles(work, "log")] == [("log", 0, 0), ("log", 1, 0)]


def test_many_keys_are_found_in_one_statement(database: Database) -> None:
    with database.append() as work:
        insert(work, schema.leaves, [(number, b"%d" % number) for number in range(3_000)])
        keys = [(number,) for number in range(0, 6_000, 2)]
        rows = select_in(work, "SELECT leaf_index, leaf FROM leaves", (schema.leaves.c.leaf_index,), keys)
        assert sorted(rows) == [(number, b"%d" % number) for number in range(0, 3_000, 2)]
        delete_keys(work, schema.leaves, list(range(2_990)))
        assert [leaf.leaf_index for leaf in leaves.leaf_range(work, 0, 9_999)] == list(range(2_990, 3_000))
        upsert(work, schema.leaves, [(2_999, b"new"), (3_000, b"newer")])
        assert leaves.leaves_at(work, [2_999, 3_000]) == {2_999: b"new", 3_000: b"newer"}


def test_nothing_in_gives_nothing(database: Database) -> None:
    with database.append() as work:
        insert(work, schema.leaves, [])
        delete_keys(work, schema.leaves, [])
        assert leaves.leaves_at(work, []) == {}
        assert live.by_subjects(work, []) == []
        assert quotas.used(work, []) == {}


def test_quotas_add_up(database: Database) -> None:
    key = QuotaKey("lender-1", STATEMENTS, "2025-10-01")
    with database.append() as work:
        assert quotas.used(work, [key]) == {key: 0}
        quotas.add(work, {key: 3})
        quotas.add(work, {key: 4, key._replace(day="2025-10-02"): 1})
        assert quotas.used(work, [key]) == {key: 7}
        assert quotas.forget_before(work, "2025-10-02") == 1
        assert quotas.used(work, [key]) == {key: 0}


def test_proposals_gather_approvals_and_lapse(database: Database) -> None:
    first, second = Approval(b"\x01" * 32, b"signature"), Approval(b"\x02" * 32, b"another one")
    with database.append() as work:
        proposals.add(work, StoredProposal(b"id", 7, "admin-1", b"payload", (first,), 10, 20))
        proposals.approve(work, b"id", [second, first])
        found = proposals.get(work, b"id")
        assert found is not None
        assert found.approvals == (first, second)
        assert proposals.waiting(work, 19) == [found]
        assert proposals.waiting(work, 20) == []
        assert proposals.forget_lapsed(work, 20) == 1
        assert proposals.get(work, b"id") is None
        proposals.add(work, StoredProposal(b"id", 7, "admin-1", b"payload", (), 10, 20))
        proposals.forget_up_to(work, 6)
        assert len(proposals.waiting(work, 0)) == 1
        proposals.forget_up_to(work, 7)
        assert proposals.waiting(work, 0) == []


def test_openings_of_inquiries_are_forgotten(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        ledger.record_inquiries([world.inquiry("lender-1", "one")]).result()
        with ledger.database.append() as work:
            assert inquiries.forget_openings(work, world.clock.now) == 0
            assert inquiries.forget_openings(work, world.clock.now + 1) == 1
            work.commit()
        with ledger.view() as view:
            stored = view.inquiry("lender-1", world.inquiry("lender-1", "one").inquiry_id)
            assert stored is not None
            assert stored.opening is None


def test_bindings_do_not_show_themselves(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "loan"))
        with ledger.view() as view:
            (sealed,) = view.live_records([subject_of("person of loan")])[subject_of("person of loan")]
            assert str(subject_of("person of loan")) not in f"{sealed.row!r} {[*view.live_bindings()]!r}"


@pytest.mark.parametrize("ending", ["erased", "withdrawn"])
def test_after_an_ending_no_file_holds_what_led_to_the_subject(
    tmp_path: Path, sqlite_template: Path, ending: str
) -> None:
    folder = tmp_path / "registry"
    folder.mkdir()
    path = folder / "registry.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    world = World()
    with world.ledger(f"sqlite:///{path}") as ledger:
        report = world.report("lender-1", "loan")
        secrets = (report.binding.subject, report.binding.opening, report.binding.debt_ref, report.disclosure[:64])
        accept(ledger, report)
        held = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
        assert all(secret in held for secret in secrets)
        if ending == "erased":
            world.erase(ledger, world.key("lender-1", "loan"))
        else:
            accept(ledger, world.report("lender-1", "loan", Standing.WITHDRAWN))
            world.clock.now += 60_000
            ledger.heartbeat().result()
        held = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
        assert not any(secret in held for secret in secrets)


def test_deletion_reaches_the_disk_on_postgresql(database_url: str) -> None:
    with Database(database_url) as database:
        assert database.purge((schema.live_records,))
        with database.snapshot() as work:
            work.connection.execute(text("SELECT 1"))


def test_tls_keys_are_numbered_by_their_changes_and_each_has_one_row(database: Database) -> None:
    first, second = StoredTlsKey("lender-1", b"1" * 32, vouch=b"vouch"), StoredTlsKey("lender-2", b"1" * 32)
    with database.append() as work:
        assert (tls_keys.newest_change(work), tls_keys.get(work, "lender-1", b"1" * 32)) == (0, None)
        first, second = tls_keys.put(work, first), tls_keys.put(work, second)
        assert (first.change, second.change) == (1, 2)
        work.commit()
    with database.append() as work:
        changed = tls_keys.put(work, replace(first, revoked_at=7, revocation=b"revocation"))
        assert changed == replace(first, change=3, revoked_at=7, revocation=b"revocation")
        work.commit()
    with database.snapshot() as work:
        assert tls_keys.get(work, "lender-1", b"1" * 32) == changed
        assert tls_keys.changed_since(work, 0) == [second, changed]
        assert tls_keys.changed_since(work, 2) == [changed]
        assert tls_keys.newest_change(work) == 3


def test_a_vouch_has_one_certificate_and_the_newest_are_listed_first(database: Database) -> None:
    rows = [
        StoredCertificate(bytes([n]) * 32, "lender-1", b"k" * 32, n, n + 9, b"i" * 32, "admin-1", b"pem")
        for n in (1, 2, 3)
    ]
    with database.append() as work:
        for row in rows:
            tls_keys.add_certificate(work, row)
        work.commit()
    with database.snapshot() as work:
        assert tls_keys.certificate(work, rows[0].vouch_hash) == rows[0]
        assert tls_keys.certificate(work, bytes(32)) is None
        assert tls_keys.certificates_of(work, "lender-1", 2) == [rows[2], rows[1]]
        assert tls_keys.certificates_of(work, "lender-2", 2) == []
    with pytest.raises(StorageError), database.append() as work:
        tls_keys.add_certificate(work, rows[0])


def test_the_operator_is_told_to_vacuum_every_table_that_tells_of_persons() -> None:
    assert FULL_VACUUM in Path("docs/operating.md").read_text()
