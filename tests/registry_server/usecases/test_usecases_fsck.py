"""fsck: clean on what the server writes, and a finding for each row that was changed behind its back."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from client_sdk.dask_executor import dask_executor
from client_sdk.kernel.formats.tls_key import TlsKeyClaim, sign_claim
from client_sdk.kernel.formats.words import AnnotationFlag, Standing, TlsKeyAction, WithdrawalReason
from registry_server.storage import tls_keys
from registry_server.storage.tls_keys import StoredTlsKey
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import FsckReport, fsck
from registry_server.usecases.housekeeping import Housekeeping
from tests.conftest import postgres_database, sqlite_url
from tests.support.dask_cluster import dask_cluster
from tests.support.handmade_log import REGISTRY, seed, signer
from tests.support.registry_world import World, accept

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.support.dask_cluster import DaskCluster


def fill(url: str) -> None:
    """A log with records in every state, annotations, a lapse, inquiries with and without a place."""
    world = World()
    with world.ledger(url) as ledger:
        accept(ledger, world.report("lender-1", "open"), world.report("lender-1", "cured"))
        accept(ledger, world.report("lender-1", "cured", Standing.CURED))
        accept(ledger, world.report("lender-2", "withdrawn"))
        theft, papers = WithdrawalReason.IDENTITY_THEFT, (seed("police report"),)
        accept(ledger, world.report("lender-2", "withdrawn", Standing.WITHDRAWN, reason=theft, evidence=papers))
        accept(ledger, world.report("lender-3", "erased"))
        world.erase(ledger, world.key("lender-3", "erased"))
        key = world.key("lender-1", "open")
        dispute = world.annotate("lender-2", key, AnnotationFlag.DISPUTED)
        stated = world.annotate(
            "lender-2", key, AnnotationFlag.DISPUTED, AnnotationFlag.STATEMENT, before=dispute, text="not mine"
        )
        for item in (dispute, stated):
            assert ledger.append([item]).result().results[0].complaint is None
        ledger.record_inquiries([world.inquiry("lender-1", "sequenced")]).result()
        for _ in range(22):
            world.clock.now += 86_399_999
            ledger.heartbeat().result()
        Housekeeping(ledger).tidy()
        ledger.record_inquiries([world.inquiry("lender-1", "waiting")]).result()
    vouch_for_keys(url)


def vouch_for_keys(url: str) -> None:
    """A TLS key that lender-1 vouches for, and one of lender-2 that it has revoked."""
    world = World()
    with Database(url) as database, database.append() as work:
        for change_, name in enumerate(("lender-1", "lender-2"), 1):
            claim = TlsKeyClaim(REGISTRY, name, seed(f"TLS key of {name}"), world.clock(), TlsKeyAction.VOUCH)
            vouch = sign_claim(claim, signer(f"{name} REPORT"))
            row = StoredTlsKey(name, claim.spki_hash, change_, vouch.encode(), vouch.key_id, claim.issued_at, 1, 1)
            if name == "lender-2":
                ended = sign_claim(replace(claim, action=TlsKeyAction.REVOKE), signer(f"{name} INQUIRE"))
                row = replace(row, revoked_at=2, revocation=ended.encode())
            tls_keys.put(work, row)
        work.commit()


@pytest.fixture(scope="module")
def filled_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    filled = shutil.copyfile(sqlite_template, tmp_path_factory.mktemp("filled") / "registry.sqlite")
    fill(sqlite_url(filled))
    return filled


@pytest.fixture(scope="module")
def filled_postgres(postgres_url: str, postgres_template: str) -> Iterator[str]:
    with postgres_database(postgres_url, template=postgres_template) as url:
        fill(url)
        name = make_url(url).database
        assert name is not None
        yield name


@pytest.fixture
def filled_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A copy of the test's own of a database that was filled once."""
    if database_kind == "sqlite":
        yield sqlite_url(shutil.copyfile(request.getfixturevalue("filled_sqlite"), tmp_path / "registry.sqlite"))
        return
    filled = request.getfixturevalue("filled_postgres")
    with postgres_database(request.getfixturevalue("postgres_url"), template=filled) as url:
        yield url


def check(url: str) -> FsckReport:
    with Database(url, serving=False) as database:
        return fsck(database)


def change(url: str, *statements: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as work:
        for statement in statements:
            work.execute(text(statement))
    engine.dispose()


def test_what_the_server_writes_is_clean(database_url: str) -> None:
    fill(database_url)
    report = check(database_url)
    assert report.findings == []
    assert report.clean
    assert (report.records, report.live, report.inquiries) == (4, 2, 2)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


def test_a_cluster_finds_the_same(database_url: str, database_kind: str, cluster: DaskCluster) -> None:
    fill(database_url)
    with Database(database_url, serving=False) as database, dask_executor(cluster.address) as workers:
        shared = fsck(database, executor=workers)
        assert (shared.clean, shared.records, shared.live) == (True, 4, 2)
        statements, found = LIES["opening"]
        change(database_url, *(statement.format(zeros=ZEROS[database_kind]) for statement in statements))
        shared = fsck(database, executor=workers)
    alone = check(database_url)
    assert shared.findings == alone.findings
    assert shared.counts == alone.counts
    assert found <= set(alone.counts)


ZEROS = {"sqlite": "zeroblob(32)", "postgresql": "decode(repeat('00', 32), 'hex')"}
FIRST_LIVE = "(SELECT min(leaf_index) FROM live_records)"
# What is changed, and by which names it is found.
LIES: dict[str, tuple[Sequence[str], set[str]]] = {
    "head size": (["UPDATE head SET size = size - 1"], {"HEAD_ROW"}),
    "head frontier": (["UPDATE head SET frontier = {zeros}"], {"HEAD_ROW"}),
    "head map root": (["UPDATE head SET map_root = {zeros}"], {"HEAD_ROW"}),
    "head checkpoint": (["UPDATE head SET checkpoint = {zeros}"], {"CHECKPOINT_ROW"}),
    "head checkpoint size": (["UPDATE head SET checkpoint_size = 3"], {"CHECKPOINT_ROW"}),
    "tile": (["UPDATE tiles SET hashes = {zeros} WHERE tree = 'log'"], {"TILE_ROW"}),
    "map block": (["UPDATE map_blocks SET block = {zeros} WHERE place = 1"], {"MAP_BLOCK_ROW"}),
    "map block gone": (["DELETE FROM map_blocks"], {"MAP_BLOCK_ROW"}),
    "map block too many": (["INSERT INTO map_blocks VALUES (64, {zeros})"], {"MAP_BLOCK_ROW"}),
    "tile gone": (["DELETE FROM tiles WHERE tree = 'inquiry'"], {"TILE_ROW"}),
    "leaf gone": (["DELETE FROM leaves WHERE leaf_index = 7"], {"LEAF_ROW"}),
    "leaf changed": (["UPDATE leaves SET leaf = {zeros} WHERE leaf_index = {first}"], {"LEAF_FORM"}),
    "record standing": (["UPDATE records SET standing = 5 WHERE standing = 1"], {"RECORD_ROW"}),
    "record erased": (["UPDATE records SET erased = NOT erased"], {"RECORD_ROW"}),
    "record gone": (["DELETE FROM records WHERE leaf_index = {first}"], {"RECORD_ROW"}),
    "version gone": (["DELETE FROM versions WHERE leaf_index = {first}"], {"VERSION_ROW"}),
    "annotation gone": (["DELETE FROM annotations WHERE number = 2"], {"ANNOTATION_ROW"}),
    "act number": (["UPDATE acts SET leaf_index = leaf_index + 1 WHERE number = 1"], {"ACT_ROW"}),
    "act gone": (["DELETE FROM acts WHERE number = (SELECT max(number) FROM acts)"], {"ACT_ROW"}),
    "acts gone": (["DELETE FROM acts"], {"ACT_ROW"}),
    "leaves gone": (["DELETE FROM leaves"], {"LEAF_ROW"}),
    "binding gone": (["DELETE FROM live_records WHERE leaf_index = {first}"], {"BINDING_MISSING", "MAP_ROOT"}),
    "subject": (["UPDATE live_records SET subject = {zeros} WHERE leaf_index = {first}"], {"BINDING_WRONG"}),
    "opening": (["UPDATE live_records SET opening = {zeros}"], {"BINDING_WRONG", "MAP_ROOT"}),
    "disclosure": (["UPDATE live_records SET disclosure = {zeros}"], {"LIVE_ROW"}),
    "text": (["UPDATE live_records SET text_disclosure = {zeros}"], {"LIVE_ROW"}),
    "debt": (["UPDATE live_records SET debt_ref = {zeros} || {zeros}"], {"LIVE_ROW"}),
    "live standing": (["UPDATE live_records SET standing = 2"], {"LIVE_ROW"}),
    "hidden": (["UPDATE live_records SET hidden = 1 - hidden"], {"LIVE_ROW"}),
    "live annotation": (["UPDATE live_records SET annotation_hash = {zeros}"], {"LIVE_ROW"}),
    "live record's first leaf": (["UPDATE live_records SET record = record + 1"], {"LIVE_ROW"}),
    "waits for what is there": (
        ["INSERT INTO lost_bindings (leaf_index, issuer) SELECT leaf_index, issuer FROM live_records"],
        {"LOST_ROW"},
    ),
    "block gone": (["DELETE FROM blocked_debts"], {"BLOCKED_ROW"}),
    "block of another record": (["UPDATE blocked_debts SET record = {first}"], {"BLOCKED_ROW"}),
    "block of another time": (["UPDATE blocked_debts SET blocked_at = blocked_at + 1"], {"BLOCKED_ROW"}),
    "block of another day": (["UPDATE blocked_debts SET removed_on = '2025-01-01'"], {"BLOCKED_ROW"}),
    "TLS key": (["UPDATE tls_keys SET spki_hash = {zeros} WHERE institution = 'lender-1'"], {"TLS_KEY_ROW"}),
    "TLS key's institution": (
        ["UPDATE tls_keys SET institution = 'auditor' WHERE institution = 'lender-1'"],
        {"TLS_KEY_ROW"},
    ),
    "vouching key": (["UPDATE tls_keys SET vouching_key_id = {zeros}"], {"TLS_KEY_ROW"}),
    "vouch": (["UPDATE tls_keys SET vouch = {zeros}"], {"TLS_KEY_ROW"}),
    "revocation forgotten": (["UPDATE tls_keys SET revoked_at = 0"], {"TLS_KEY_ROW"}),
    "revocation for a vouch": (
        ["UPDATE tls_keys SET revocation = vouch, revoked_at = 1 WHERE institution = 'lender-1'"],
        {"TLS_KEY_ROW"},
    ),
    "inquiry without its place": (["UPDATE inquiries SET position = -1 WHERE position IS NULL"], {"INQUIRY_ROW"}),
    "inquiry outcome": (["UPDATE inquiries SET outcome = 'ANSWERED' || outcome"], {"INQUIRY_ROW"}),
    "inquiry leaf": (["UPDATE inquiries SET leaf = {zeros} WHERE position = 0"], {"INQUIRY_ROW", "INQUIRY_TREE"}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_row_that_was_changed_is_found(filled_url: str, database_kind: str, lie: str) -> None:
    statements, names = LIES[lie]
    change(filled_url, *(statement.format(zeros=ZEROS[database_kind], first=FIRST_LIVE) for statement in statements))
    report = check(filled_url)
    assert names <= set(report.counts), report.findings
    assert all(str(finding) for finding in report.findings)


def test_a_binding_of_an_erased_record_that_came_back_is_found(database_url: str) -> None:
    fill(database_url)
    change(
        database_url,
        "INSERT INTO live_records SELECT (SELECT leaf_index FROM records WHERE erased), record, issuer, record_id, "
        "subject, subject_key_version, opening, debt_ref, kind, standing, leaf_hash, facts_commitment, "
        "annotation_index, annotation_hash, hidden, disclosure, text_disclosure "
        "FROM live_records WHERE leaf_index = (SELECT min(leaf_index) FROM live_records)",
    )
    report = check(database_url)
    assert {"BINDING_DEAD", "LIVE_ROW"} <= set(report.counts)


def test_a_database_without_a_log_is_no_registry(database_url: str) -> None:
    report = check(database_url)
    assert [finding.reason for finding in report.findings] == ["HEAD_ROW"]
