"""The end of a registry: what closes, what is exported and handed over, and that nothing destroyed is left anywhere."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from client_sdk.kernel.formats.act import StateBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.merkle import verify_consistency
from client_sdk.kernel.formats.words import AnnotationFlag, ClosingWay, InstitutionStatus, Standing
from client_sdk.kernel.ledger.destruction import read_destruction
from client_sdk.kernel.ledger.export_file import export_file, read_export
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.errors import RuleError
from registry_server.app import build
from registry_server.operating.wind_down import WindDownError
from registry_server.operating.wind_down.destroying import Permit, destroy
from registry_server.operating.wind_down.exporting import export, verify_export
from registry_server.operating.wind_down.taking_over import take_over
from registry_server.sequencing.committed import open_trees
from registry_server.sequencing.errors import LedgerClosedError
from registry_server.settings import SettingsError, load_settings
from registry_server.storage import head, migrations, wholesale
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.asking import check_inquiry
from registry_server.usecases.fsck.check import fsck
from tests.support.closing_home import ClosingHome
from tests.support.closing_lies import closing as closing_act
from tests.support.evidence_maker import inquiry_of
from tests.support.handmade_log import HandmadeLog
from tests.support.needles import Needles
from tests.support.registers import register_of
from tests.support.registry_world import DAY_MS, accept, submit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# More steps than any of the commands takes on these few records.
MOST_STEPS = 100


class Crash(BaseException):
    """The end of the process."""


LATER = """
from alembic import op

revision, down_revision, branch_labels, depends_on = "later", "{down}", None, None


def upgrade() -> None:
    op.execute("DELETE FROM quotas")
"""


@pytest.fixture
def closing(tmp_path: Path, database_url: str) -> ClosingHome:
    """A registry with some records, a person's statement and an inquiry."""
    closing = ClosingHome(tmp_path, database_url)
    world = closing.world
    with closing.ledger() as ledger:
        accept(ledger, world.report("lender-1", "one"), world.report("lender-1", "two"))
        accept(ledger, world.report("lender-2", "three"))
        remark = world.annotate("lender-1", world.key("lender-1", "one"), AnnotationFlag.STATEMENT, text="my own words")
        assert ledger.append([remark]).result().results[0].complaint is None
        ledger.record_inquiries([world.inquiry("lender-2", "asked", opening=b"opening of the inquiry")]).result()
    return closing


def crash(_: str) -> None:
    raise Crash


def through_crashes(command: Callable[[Callable[[str], None]], object]) -> int:
    """Run a command that dies after its next step, again and again, until none is left; return how often it died."""
    for died in range(MOST_STEPS):
        try:
            command(crash)
        except Crash:
            continue
        return died
    raise AssertionError("it never ended")


def receipt_for(closing: ClosingHome, folder: Path) -> Path:
    """Export the registry, and have the successor sign for it."""
    export(closing.settings, folder, clocks=closing.world.clock)
    receipt = folder.with_suffix(".receipt")
    take_over(load_settings(closing.successor_home), folder, receipt)
    return receipt


def secrets_of(closing: ClosingHome) -> Needles:
    """What must be forgotten: what leads to persons, what was asked and said, and the keys."""
    needles = Needles()
    with Database(closing.settings.database, serving=False) as database, database.snapshot() as work:
        for table in wholesale.DROPPED:
            with wholesale.pages(work, table) as pages:
                rows = [row for page in pages for row in page]
            for row in rows:
                held = dict(zip(table.columns.keys(), row, strict=True))
                for name in ("subject", "opening", "debt_ref", "disclosure", "text_disclosure", "signature"):
                    if isinstance(secret := held.get(name), bytes) and secret:
                        needles.add(f"{table.name}.{name}", secret)
    for path in ("log-key.pem", "ca/key.pem"):
        needles.add(path, (closing.home / path).read_bytes().splitlines()[1])
    return needles


def left(closing: ClosingHome) -> Iterator[tuple[str, bytes]]:
    """Every file of the registry's folder and of its database."""
    url = make_url(closing.settings.database)
    folders = [closing.home]
    if url.get_backend_name() == "postgresql":
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("CHECKPOINT")
            data = connection.exec_driver_sql("SHOW data_directory").scalar_one()
            oid = connection.exec_driver_sql("SELECT oid FROM pg_database WHERE datname = current_database()")
            folders.append(Path(data) / "base" / str(oid.scalar_one()))
        engine.dispose()
    else:
        folders.append(Path(str(url.database)).parent)
    for folder in folders:
        for path in folder.rglob("*"):
            # 2840 holds dead rows of what the planner had sampled, until PostgreSQL needs the room.
            if path.is_file() and not path.name.startswith("2840") and "export" not in path.parts:
                yield str(path), path.read_bytes()


def test_a_registry_that_closes_takes_corrections_until_its_day_and_nothing_after(closing: ClosingHome) -> None:
    world = closing.world
    with closing.ledger() as ledger:
        closing.close(ledger, ClosingWay.DESTROY)
        refused = submit(ledger, world.report("lender-1", "new")).results[0].complaint
        assert refused is not None
        assert (refused.reason, refused.rule) == ("REGISTRY_CLOSED", "closing.new-record")
        cured = world.report("lender-1", "one", Standing.CURED)
        accept(ledger, cured)
        world.clock.now += 3 * DAY_MS
        late = world.report("lender-1", "two", Standing.CURED)
        refused = submit(ledger, late).results[0].complaint
        assert refused is not None
        assert (refused.reason, refused.rule) == ("REGISTRY_CLOSED", "closing.last-day")
        # What was taken before is still acknowledged to who asks again.
        accept(ledger, cured)


def test_a_registry_that_closes_is_asked_until_its_day_and_not_after() -> None:
    log = HandmadeLog()
    log.act(closing_act(log))
    asked = inquiry_of(log, "lender-1", ["anybody"])
    for days, refused in ((2, False), (3, True)):
        now = log.logged_at + days * DAY_MS
        inquiry = replace(asked, issued_at=now)
        if not refused:
            check_inquiry(inquiry, log.state.directory, now)
            continue
        with pytest.raises(RuleError, match=r"closing\.last-day"):
            check_inquiry(inquiry, log.state.directory, now)


def test_a_wind_down_that_dies_at_each_step_loses_nothing_and_leaves_nothing(
    closing: ClosingHome, tmp_path: Path
) -> None:
    world, folder, receipt = closing.world, tmp_path / "export", tmp_path / "receipt"
    with closing.ledger() as ledger:
        closing.close(ledger, ClosingWay.TRANSFER)
        accept(ledger, world.report("lender-1", "two", Standing.CURED))
        world.clock.now += 3 * DAY_MS
        ledger.heartbeat().result()
        with ledger.view() as view:
            old_size, old_root, size = 3, view.root_of(3), view.size
    secrets = secrets_of(closing)
    # A draft that a crash left when the key was written.
    (closing.home / ".log-key.pem.half.new").write_bytes((closing.home / "log-key.pem").read_bytes())
    assert {name for _, data in left(closing) for name in secrets.found(data)} == secrets.names

    assert through_crashes(lambda told: export(closing.settings, folder, told, world.clock)) > 5
    exported = verify_export(folder)
    assert exported.manifest.rows["live_records"] == 3
    assert exported.manifest.size == size
    assert not exported.manifest.rows.keys() & {"alerts", "watched_persons", "certificates"}
    taken = take_over(load_settings(closing.successor_home), folder, receipt)
    assert take_over(load_settings(closing.successor_home), folder, receipt) == taken, "read, and not written again"
    with Database(closing.settings.database, serving=False) as database:
        assert fsck(database, register_of(closing.settings.database)).clean

    permit = Permit(closing.document, receipt)
    assert through_crashes(lambda told: destroy(closing.settings, permit, told, world.clock)) > 20
    done = destroy(closing.settings, permit, clocks=world.clock)
    report = json.loads((closing.home / "public" / "destruction-report.json").read_text())
    assert (report["rows"]["records"], report["rows"]["live_records"]) == (3, 3)
    assert report["export_manifest_sha256"] == exported.digest.hex()
    assert {(where, name) for where, data in left(closing) for name in secrets.found(data)} == set()
    assert not (closing.home / "log-key.pem").exists()

    # The certificate verifies from the trust root alone, and old checkpoints against what is left of the log.
    verified = read_destruction(done.certificate.read_bytes(), closing.trust_root())
    with Database(closing.settings.database, serving=False) as database:
        with database.snapshot() as work:
            row = head.read(work)
        assert row is not None
        log, _ = open_trees(database, row)
        path = log.consistency(old_size, log.size)
        assert (log.size, log.root) == (verified.checkpoint.size, verified.checkpoint.root)
        verify_consistency(old_size, log.size, path, old_root, log.root)
    with pytest.raises(SettingsError, match="is being destroyed"):
        build(closing.settings)
    # The successor still holds everything.
    assert verify_export(folder).digest == exported.digest


def test_nothing_is_appended_to_a_registry_whose_destruction_has_begun(closing: ClosingHome) -> None:
    world = closing.world
    with closing.ledger() as ledger:
        closing.close(ledger, ClosingWay.DESTROY)
        world.clock.now += 3 * DAY_MS
        ledger.heartbeat().result()
    steps: list[str] = []

    def dies_before_dropping(step: str) -> None:
        steps.append(step)
        if step == "written down that the act is in the log":
            raise Crash

    with pytest.raises(Crash):
        destroy(closing.settings, Permit(closing.document), dies_before_dropping, world.clock)
    # A process of another host, which has the database and not this folder.
    with closing.ledger() as ledger:
        with pytest.raises(LedgerClosedError):
            ledger.heartbeat().result()
        with ledger.view() as view:
            size = view.size
    closing.settings.destruction_file.rename(closing.home / "elsewhere.json")
    with pytest.raises(SettingsError, match="is being destroyed, from another folder"):
        build(closing.settings)
    (closing.home / "elsewhere.json").rename(closing.settings.destruction_file)
    done = destroy(closing.settings, Permit(closing.document), clocks=world.clock)
    assert done.verified.checkpoint.size == size


def test_a_key_that_cannot_be_destroyed_holds_up_no_other_and_is_reported_until_it_is_gone(
    closing: ClosingHome,
) -> None:
    with closing.ledger() as ledger:
        closing.close(ledger, ClosingWay.DESTROY)
        closing.world.clock.now += 3 * DAY_MS
        ledger.heartbeat().result()
    # Of a file that nobody can write any more, as a credential of systemd is.
    own = closing.home / "log-key.pem"
    descriptor = os.memfd_create("key", os.MFD_ALLOW_SEALING)
    os.write(descriptor, own.read_bytes())
    os.fchmod(descriptor, 0o600)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    sealed = f"/proc/self/fd/{descriptor}"
    own.unlink()
    settings_file = closing.home / "registry.toml"
    settings_file.write_text(settings_file.read_text() + f'log_key = "{sealed}"\n')
    permit, written = Permit(closing.document), closing.home / "public" / "destruction-report.json"
    # What keeps processes apart that renew the TLS key is none.
    closing.settings.tls_folder.mkdir(exist_ok=True)
    (closing.settings.tls_folder / "renewal.lock").touch()

    done = destroy(closing.settings, permit, clocks=closing.world.clock)
    assert set(done.keys_left) == {sealed}
    assert set(done.keys) == {"ca/certificate.pem", "ca/key.pem"}
    os.close(descriptor)
    assert json.loads(written.read_text())["keys_left"] == {sealed: "Operation not permitted"}
    assert not destroy(closing.settings, permit, clocks=closing.world.clock).keys_left
    report = json.loads(written.read_text())
    assert (report["keys_left"], sealed in report["keys"]) == ({}, True)


def test_nothing_is_destroyed_before_its_day_without_the_document_or_the_receipt(
    closing: ClosingHome, tmp_path: Path
) -> None:
    world, other = closing.world, tmp_path / "other.pdf"
    other.write_bytes(b"another document")
    with closing.ledger():
        pass

    def refused(document: Path, receipt: Path | None = None) -> str:
        with pytest.raises((RuleError, WindDownError, FormatError)) as error:
            destroy(closing.settings, Permit(document, receipt), clocks=world.clock)
        return error.value.rule if isinstance(error.value, RuleError | FormatError) else str(error.value)

    assert refused(closing.document) == "closing.decided"
    with pytest.raises(RuleError, match=r"closing\.decided"):
        export(closing.settings, tmp_path / "too-early", clocks=world.clock)
    with closing.ledger() as ledger:
        closing.close(ledger, ClosingWay.HAND_OVER)
    assert refused(closing.document) == "closing.over"
    early = receipt_for(closing, tmp_path / "early")
    with closing.ledger():
        world.clock.now += 3 * DAY_MS
    receipt = receipt_for(closing, tmp_path / "export")
    assert refused(other, receipt) == "closing.document"
    assert "give its receipt" in refused(closing.document)
    assert "was over: export again" in refused(closing.document, early)
    assert refused(closing.document, closing.document) == "hand-over.label"
    assert not (closing.home / "destruction-plan.json").exists()
    with Database(closing.settings.database, serving=False) as database:
        assert fsck(database, register_of(closing.settings.database)).clean


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_nothing_is_destroyed_that_came_after_the_export(closing: ClosingHome, tmp_path: Path) -> None:
    world = closing.world
    with closing.ledger() as ledger:
        closing.close(ledger, ClosingWay.TRANSFER)
        world.clock.now += 3 * DAY_MS

    def refused(receipt: Path) -> str:
        with pytest.raises(WindDownError) as error:
            destroy(closing.settings, Permit(closing.document, receipt), clocks=world.clock)
        assert not closing.settings.destruction_file.exists()
        return str(error.value)

    # No leaf tells of an inquiry before the next HEAD, and then none but the HEAD.
    receipt = receipt_for(closing, tmp_path / "first")
    with closing.ledger() as ledger:
        ledger.record_inquiries([world.inquiry("lender-2", "late", opening=b"opening")]).result()
    assert "1 inquiries came after the export" in refused(receipt)
    with closing.ledger() as ledger:
        ledger.heartbeat(at_once=True).result()
    assert "1 inquiries came after the export" in refused(receipt)

    receipt = receipt_for(closing, tmp_path / "second")
    with closing.ledger() as ledger:
        world.decide(ledger, StateBody("lender-3", InstitutionStatus.SUSPENDED))
    assert "came after the export: export again" in refused(receipt)

    receipt = receipt_for(closing, tmp_path / "third")
    assert verify_export(tmp_path / "third").manifest.rows["inquiries"] == 2
    assert destroy(closing.settings, Permit(closing.document, receipt), clocks=world.clock).verified


def test_an_export_writes_over_nothing_and_a_changed_one_is_refused(closing: ClosingHome, tmp_path: Path) -> None:
    world, folder = closing.world, tmp_path / "export"
    with closing.ledger() as ledger:
        closing.close(ledger, ClosingWay.TRANSFER)
    folder.mkdir(mode=0o700)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(WindDownError, match=r"notes\.txt"):
        export(closing.settings, folder, clocks=world.clock)
    (folder / "notes.txt").unlink()

    def crash_after_a_table(step: str) -> None:
        if step.endswith(" rows"):
            raise Crash

    with pytest.raises(Crash):
        export(closing.settings, folder, crash_after_a_table, world.clock)
    with closing.ledger() as ledger:
        accept(ledger, world.report("lender-1", "two", Standing.CURED))
    with pytest.raises(WindDownError, match="begun before the newest commit"):
        export(closing.settings, folder, clocks=world.clock)
    for path in folder.iterdir():
        path.unlink()
    export(closing.settings, folder, clocks=world.clock)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    receipt, again = tmp_path / "receipt", tmp_path / "again"
    take_over(load_settings(closing.successor_home), folder, receipt)
    with closing.ledger() as ledger:
        accept(ledger, world.report("lender-1", "one", Standing.CURED))
    export(closing.settings, again, clocks=world.clock)
    with pytest.raises(WindDownError, match="another export"):
        take_over(load_settings(closing.successor_home), again, receipt)
    copy, kept = folder / "registry.sqlite", (folder / "registry.sqlite").read_bytes()
    with copy.open("r+b") as file:
        file.seek(5_000)
        file.write(b"\x01")
    with pytest.raises(WindDownError, match="not the file that the manifest names"):
        verify_export(folder)
    # One who carries it changes copy and manifest alike: the registry's signature is over another manifest.
    manifest = folder / "manifest.json"
    told = manifest.read_bytes()
    manifest.write_bytes(
        told.replace(sha256(kept).hexdigest().encode(), sha256(copy.read_bytes()).hexdigest().encode())
    )
    with pytest.raises(WindDownError, match="not the manifest that"):
        verify_export(folder)
    copy.write_bytes(kept)
    manifest.write_bytes(told)
    assert verify_export(folder).digest == sha256(told).digest()


def test_an_export_of_older_tables_verifies_with_a_newer_program(
    closing: ClosingHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, newer = tmp_path / "export", tmp_path / "migrations"
    with closing.ledger() as ledger:
        closing.close(ledger, ClosingWay.TRANSFER)
    manifest = export(closing.settings, folder, clocks=closing.world.clock).manifest
    assert manifest.tables == migrations.newest()
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    # A later version of the program brings a further migration, which leads on from these tables.
    shutil.copytree(migrations._folder(), newer, ignore=shutil.ignore_patterns("__pycache__"))
    (newer / "versions" / "v0002_later.py").write_text(LATER.format(down=manifest.tables))
    with monkeypatch.context() as upgraded:
        upgraded.setattr(migrations, "_folder", lambda: newer)
        assert verify_export(folder).manifest == manifest
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept
        migrations.upgrade(f"sqlite:///{tmp_path / 'later.sqlite'}")
    # A copy whose tables are later than the program is refused by their version, and so is a manifest that names them.
    shutil.copy(tmp_path / "later.sqlite", folder / "registry.sqlite")
    told = replace(manifest, tables="later", sha256=sha256((folder / "registry.sqlite").read_bytes()).hexdigest())
    (folder / "manifest.json").write_bytes(told.encode())
    root = TrustRoot.parse((folder / "trust-root.bin").read_bytes())
    said = read_export((folder / "export.bin").read_bytes(), root)
    signed = replace(said, manifest_digest=sha256(told.encode()).digest())
    (folder / "export.bin").write_bytes(export_file(signed, closing.world.log_signer))
    with pytest.raises(WindDownError, match="tables of version later, which this registry-server does not know"):
        verify_export(folder)


def test_an_export_that_was_killed_is_finished_only_while_the_registry_holds_the_same(
    closing: ClosingHome, tmp_path: Path
) -> None:
    world, folder = closing.world, tmp_path / "export"
    with closing.ledger() as ledger:
        closing.close(ledger, ClosingWay.TRANSFER)

    def crash_after_the_copy(step: str) -> None:
        if "copied and examined" in step:
            raise Crash

    with pytest.raises(Crash):
        export(closing.settings, folder, crash_after_the_copy, world.clock)
    with closing.ledger() as ledger:
        ledger.record_inquiries([world.inquiry("lender-2", "asked later", opening=b"opening")]).result()
    with pytest.raises(WindDownError, match="begun before the newest commit"):
        export(closing.settings, folder, clocks=world.clock)
    with closing.ledger() as ledger:
        accept(ledger, world.report("lender-1", "two", Standing.CURED))
    with pytest.raises(WindDownError, match="begun before the newest commit"):
        export(closing.settings, folder, clocks=world.clock)


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("CREATE TRIGGER t AFTER INSERT ON leaves BEGIN DELETE FROM leaves; END", "trigger t"),
        ("CREATE VIEW v AS SELECT 1", "view v"),
        ("CREATE TABLE evil(x)", "table evil"),
        ("ALTER TABLE shown ADD COLUMN evil", "columns of shown"),
        ("DROP INDEX ix_inquired_persons_received_at", "index ix_inquired_persons_received_at"),
    ],
)
def test_a_copy_with_something_that_no_registry_makes_is_found(tmp_path: Path, sql: str, named: str) -> None:
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    migrations.upgrade(url)
    with Database(url, serving=False) as database:
        with database.snapshot() as work:
            assert wholesale.strangers(work) == []
        with contextlib.closing(sqlite3.connect(tmp_path / "registry.sqlite")) as connection:
            connection.execute(sql)
        with database.snapshot() as work:
            assert wholesale.strangers(work) == [named]
