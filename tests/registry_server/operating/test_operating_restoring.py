"""A lost database comes back: whole, verified, refilled to what was signed last, and without whom the log erased."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import submission_pb2 as pb
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import NullPool

from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.witness_request import witness_request
from client_sdk.kernel.formats.words import AnnotationFlag, Standing
from client_sdk.models.examined import Grade
from registry_server.errors import RegistryError
from registry_server.operating.backup import BackupError
from registry_server.operating.backup.container import BackupWriter
from registry_server.operating.backup.keys import read_public_key
from registry_server.operating.backup.making import make_backup
from registry_server.operating.backup.refilling import refill
from registry_server.operating.backup.restoring import restore
from registry_server.operating.doctor import examine
from registry_server.operating.register import put_register
from registry_server.operating.standing import standing_of
from registry_server.sequencing.errors import InconsistentError, RegisterMismatchError
from registry_server.sequencing.items import ItemOutcome
from registry_server.sequencing.ledger import Ledger
from registry_server.storage import schema, wholesale
from registry_server.storage.errors import StorageError
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.check import Checks
from registry_server.usecases.fsck.check import fsck
from tests.conftest import execute
from tests.registry_server.operating.test_operating_backup import read, run, through_kills
from tests.registry_server.usecases.test_usecases_witnessing import KEYS, real, served
from tests.support.handmade_log import seed
from tests.support.lost_registry import Lost, new_database
from tests.support.registers import ORIGIN, register_of
from tests.support.registry_world import DAY_MS, Clock, accept, submit, submit_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from registry_server.operating.backup.container import Row
    from registry_server.storage.driver import Value


def files_of(url: str) -> Iterator[bytes]:
    """The bytes of every file of a database."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(str(parsed.database))
        yield from (file.read_bytes() for file in path.parent.glob(f"{path.name}*") if file.is_file())
        return
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("CHECKPOINT")
        data = connection.exec_driver_sql("SHOW data_directory").scalar_one()
        oid = connection.exec_driver_sql("SELECT oid FROM pg_database WHERE datname = current_database()").scalar_one()
    engine.dispose()
    for file in (Path(data) / "base" / str(oid)).iterdir():
        # 2840 holds dead rows of what the planner had sampled, until PostgreSQL needs the room.
        if file.is_file() and not file.name.startswith("2840"):
            yield file.read_bytes()


def test_a_lost_database_is_restored_refilled_and_forgets_whom_the_log_erased(lost: Lost, other_url: str) -> None:
    settings, world = lost.settings_for(other_url), lost.world
    standing = restore(settings, lost.backup.path, lost.secret)
    assert standing.missing == (lost.backup.header.size, lost.size)
    assert not standing.may_be_served
    assert set().union(*map(lost.needles.found, files_of(other_url))) == lost.needles.names
    with Database(other_url) as database, pytest.raises(RegisterMismatchError, match="REGISTER_AHEAD"):
        Ledger.open(database, register_of(other_url), world.log_signer, world.clock)

    done = refill(settings, lost.copy)
    assert (done.leaves, done.inquiries) == (lost.size - lost.backup.header.size, 1)
    assert done.repaired.lost == {}
    assert set().union(*map(lost.needles.found, files_of(other_url))) == set()
    assert standing_of(settings).may_be_served
    with Database(other_url, serving=False) as database:
        assert fsck(database, register_of(other_url)).findings == []
    again = refill(settings, lost.copy)
    assert (again.leaves, again.repaired.rows) == (0, {})
    # The log goes on, and still knows what was sent before.
    with world.ledger(other_url) as ledger:
        accept(ledger, world.report("lender-1", "kept", Standing.CURED))
        accept(ledger, world.report("lender-3", "new"))
        with ledger.view() as view:
            assert view.root_of(lost.size) == lost.root
    with Database(other_url, serving=False) as database:
        assert fsck(database, register_of(other_url)).findings == []


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_what_a_refill_that_broke_off_left_in_the_files_is_gone_after_the_next(lost: Lost, other_url: str) -> None:
    settings = lost.settings_for(other_url)
    restore(settings, lost.backup.path, lost.secret)
    engine = create_engine(other_url, poolclass=NullPool)
    with engine.connect() as reader:
        # It keeps the table from being written anew, and nothing else.
        reader.exec_driver_sql("LOCK TABLE live_records IN ACCESS SHARE MODE")
        with pytest.raises(StorageError):
            refill(settings, lost.copy)
    engine.dispose()
    assert set().union(*map(lost.needles.found, files_of(other_url))) == lost.needles.names
    again = refill(settings, lost.copy)
    assert (again.leaves, again.repaired.rows) == (0, {})
    assert set().union(*map(lost.needles.found, files_of(other_url))) == set()


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_backup_of_one_kind_of_database_is_restored_into_the_other(
    lost: Lost, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with new_database("postgresql", tmp_path, request) as url:
        settings = lost.settings_for(url)
        restore(settings, lost.backup.path, lost.secret)
        assert refill(settings, lost.copy).repaired.lost == {}
        assert standing_of(settings).may_be_served


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_what_is_too_old_foreign_damaged_or_not_empty_is_refused(lost: Lost, other_url: str, tmp_path: Path) -> None:
    clock, path = Clock(lost.backup.header.made_at_ms), lost.backup.path
    with pytest.raises(BackupError, match="not empty"):
        restore(lost.home.settings, path, lost.secret, clocks=clock)
    settings = lost.settings_for(other_url)
    data = path.read_bytes()

    def refused(words: str, content: bytes = data) -> None:
        path.write_bytes(content)
        with pytest.raises(BackupError, match=words):
            restore(settings, path, lost.secret, clocks=clock)

    refused("cut short", data[:-1])
    refused("damaged", data[:-1] + bytes((data[-1] ^ 1,)))
    refused("is of other/log/1", data.replace(ORIGIN.encode(), b"other/log/1"))
    clock.now += 36 * DAY_MS
    refused("36 days old: after 35 days")
    clock.now -= 40 * DAY_MS
    refused("96.0 hours from now")
    clock.now += 4 * DAY_MS
    # Nothing of any of them is left.
    path.write_bytes(data)
    assert restore(settings, path, lost.secret, clocks=clock).missing is not None

    shutil.copytree(lost.copy, tmp_path / "bent")
    (bundle,) = [file for file in (tmp_path / "bent" / "tile" / "entries").rglob("*") if file.is_file()]
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"\0")
    with pytest.raises(BackupError, match="contradicts"):
        refill(settings, tmp_path / "bent")
    with pytest.raises(BackupError, match="holds neither"):
        refill(settings, tmp_path)
    assert standing_of(settings).missing == (lost.backup.header.size, lost.size)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_database_that_fails_while_a_restore_is_verified_says_nothing_against_the_backup(
    lost: Lost, other_url: str
) -> None:
    settings, url = lost.settings_for(other_url), make_url(other_url)

    def cut(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        """End the session that reads the first leaves back."""
        if "FROM leaves" in statement and "count(" not in statement:
            event.remove(Engine, "before_cursor_execute", cut)
            session = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            execute(url, f"SELECT pg_terminate_backend({session})")

    event.listen(Engine, "before_cursor_execute", cut)
    with pytest.raises(StorageError, match="gone"):
        restore(settings, lost.backup.path, lost.secret)
    with Database(other_url, serving=False) as database, database.snapshot() as work:
        assert wholesale.rows_of(work, schema.leaves) == 0
    assert restore(settings, lost.backup.path, lost.secret).missing == (lost.backup.header.size, lost.size)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_restore_and_a_refill_that_are_killed_at_any_step_are_done_again(lost: Lost, other_url: str) -> None:
    settings = lost.settings_for(other_url)
    folder = Path(str(make_url(other_url).database)).parent
    begun = ("restore", "--home", str(lost.home.home), str(lost.backup.path), "--key", str(lost.secret))
    states = [json.loads(line) for line in through_kills(other_url, folder, *begun)[:-1]]
    assert {state["leaves"] for state in states} <= {0, lost.backup.header.size}
    assert all(state["clean"] for state in states)
    refilled = ("refill", "--home", str(lost.home.home), str(lost.copy))
    states = [json.loads(line) for line in through_kills(other_url, folder, *refilled)[:-1]]
    assert {state["leaves"] for state in states} == {lost.backup.header.size, lost.size}
    assert all(state["clean"] for state in states)
    assert standing_of(settings).may_be_served


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_the_commands_tell_what_is_missing_and_what_was_put_right(lost: Lost, other_url: str) -> None:
    lost.settings_for(other_url)
    home, size = ("--home", lost.home.home), lost.backup.header.size
    told = run("restore", *home, lost.backup.path, "--key", lost.secret, code=1)
    assert f"{size} leaves restored, and everything verified\n" in told
    assert f"leaves {size} to {lost.size - 1} are missing: registry-server refill DIR" in told
    shown = json.loads(run("refill", *home, lost.copy, "--json"))
    assert (shown["size"], shown["leaves"], shown["may_be_served"]) == (lost.size, lost.size - size, True)
    assert "the database begins with what was signed last" in run("refill", *home, lost.copy)
    assert run("fsck", *home, "--repair-derived") == "every derived row is what the log says\n"
    run("fsck", *home, "--write", code=1)
    engine = create_engine(other_url, poolclass=NullPool)
    with engine.begin() as work:
        work.exec_driver_sql("DELETE FROM versions")
    engine.dispose()
    assert "versions: 4 rows are wrong" in run("fsck", *home, "--repair-derived", code=1)
    assert "versions: 4 rows put right" in run("fsck", *home, "--repair-derived", "--write")
    assert json.loads(run("fsck", *home, "--repair-derived", "--json"))["rows"] == {}


def test_records_that_only_the_log_has_are_given_back_by_their_issuer_alone_and_nothing_is_answered_before(
    lost: Lost, other_url: str
) -> None:
    world = lost.world
    lost.world.clock.now += 60_000
    with lost.home.ledger() as ledger:
        new, updated = world.report("lender-3", "new"), world.report("lender-1", "kept", Standing.CURED)
        accept(ledger, new)
        accept(ledger, updated)
        lost.copy_log()
    settings = lost.settings_for(other_url)
    restore(settings, lost.backup.path, lost.secret)
    world.clock.now += 60_000
    assert {key: len(each) for key, each in refill(settings, lost.copy, world.clock).repaired.lost.items()} == {
        "lender-1": 1,
        "lender-3": 1,
    }
    assert refill(settings, lost.copy, world.clock).leaves == 0
    (waiting,) = [item for item in examine(settings, world.clock) if item.check == "records"]
    assert (waiting.grade, "lender-1 1, lender-3 1" in waiting.found) == (Grade.FAIL, True)
    assert standing_of(settings).may_be_served
    with Database(other_url, serving=False) as database:
        assert dict(fsck(database).counts) == {"BINDING_MISSING": 2, "FACT_COUNT_SHORT": 4}
    with world.ledger(other_url) as ledger:
        with pytest.raises(RegistryError, match="RECORDS_LOST"):
            Checks(ledger, 1_000_000).answer([])
        # The debt of a lost record is not known: a record that begins to run could be its second one.
        contract = f"LN{seed('new', 4).hex().upper()}"
        again = world.report("lender-2", "again", person="person of new", contract=contract)
        early = submit(ledger, again).results[0].complaint
        assert early is not None
        assert (early.reason, early.rule) == ("RECORDS_LOST", "restore.whole")
        other = submit_as("lender-2", ledger, new).results[0].complaint
        assert other is not None
        assert other.reason == "PEER_MISMATCH"
        bent = pb.Submission.FromString(new.SerializeToString())
        bent.binding.opening = bytes(32)
        assert submit(ledger, bent).results[0].complaint is not None
        (size,) = {ledger.size}
        for submission in (new, updated):
            assert submit(ledger, submission).results[0].outcome is ItemOutcome.REPEATED
        assert ledger.size == size + 2, "a HEAD each, and no further leaf"
        accept(ledger, new)
        assert ledger.size == size + 2
        taken = submit(ledger, again).results[0].complaint
        assert taken is not None
        assert taken.reason == "DEBT_TAKEN"
        assert Checks(ledger, 1_000_000).answer([]) == []
    with Database(other_url, serving=False) as database:
        assert fsck(database, register_of(other_url)).findings == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_witnesses_tell_what_is_missing_where_the_register_does_not(lost: Lost, other_url: str, tmp_path: Path) -> None:
    remembers, new = real(0, tmp_path / "w"), real(1, tmp_path / "w")
    seen = sign_checkpoint(ORIGIN, lost.size, lost.root, lost.world.log_signer)
    assert remembers(witness_request(0, [], seen))[0] == 200
    settings = lost.settings_for(other_url)
    with served(remembers, new, lambda _: (500, b"")) as witnesses:
        names = [
            f"witness w{n} {key.text()} {one.url}" for n, (key, one) in enumerate(zip(KEYS, witnesses, strict=True))
        ]
        (lost.home.home / "witnesses").write_text("\n".join([*names, "group all 2 w0 w1 w2", "quorum all"]))
        file = lost.home.home / "registry.toml"
        file.write_text(file.read_text() + 'witness_policy = "witnesses"\n')
        settings = lost.home.settings
        restore(settings, lost.backup.path, lost.secret)
        put_register(settings, standing_of(settings).register.confirmation)
        standing = standing_of(settings)
        assert standing.register.mismatch is None, "an operator has set it"
        assert [witness.size for witness in standing.witnesses] == [lost.size, 0, 0]
        assert standing.missing == (lost.backup.header.size, lost.size)
        assert not standing.may_be_served
        refill(settings, lost.copy)
        assert standing_of(settings).may_be_served


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_witness_that_lies_about_what_it_has_seen_stops_a_restored_registry_no_longer_than_its_operator_lets_it(
    lost: Lost, other_url: str
) -> None:
    world = lost.world
    world.clock.now += 60_000
    with lost.home.ledger() as ledger:
        accept(ledger, world.report("lender-3", "new"))
        lost.copy_log()
    lost.settings_for(other_url)
    home = ("--home", lost.home.home)
    with served(lambda _: (409, b"99999999999999999\n")) as (liar,):
        (lost.home.home / "witnesses").write_text(f"witness w0 {KEYS[0].text()} {liar.url}\nquorum w0\n")
        file = lost.home.home / "registry.toml"
        file.write_text(file.read_text() + 'witness_policy = "witnesses"\n')
        settings = lost.home.settings
        restore(settings, lost.backup.path, lost.secret)
        assert len(refill(settings, lost.copy, world.clock).repaired.lost) == 1
        told = run("refill", *home, lost.copy, code=1)
        confirmation = standing_of(settings).register.confirmation
    assert "lender-3: persons and facts of its records are lost, 1 from leaf " in told
    assert "the register has not seen them, witness w0 says that it has cosigned them" in told
    assert f"registry-server register reset --confirm {confirmation}\n" in told
    with (
        Database(other_url) as database,
        pytest.raises(InconsistentError, match="see registry-server register show and refill"),
    ):
        Ledger.open(database, register_of(other_url), world.log_signer, world.clock)
    put_register(settings, confirmation, world.clock)
    with world.ledger(other_url) as ledger:
        accept(ledger, world.report("lender-1", "kept", Standing.CURED))
        with pytest.raises(RegistryError, match="RECORDS_LOST"):
            Checks(ledger, 1_000_000).answer([])


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_backup_made_with_the_public_key_alone_is_believed_for_nothing_that_does_not_verify(
    lost: Lost, other_url: str, tmp_path: Path
) -> None:
    settings, clock = lost.settings_for(other_url), Clock(lost.backup.header.made_at_ms)
    rows, forged = read(lost.backup.path, lost.secret), tmp_path / "forged.backup"
    columns = [column.name for column in schema.live_records.columns]

    def refused(words: str, table: str, forge: Callable[[list[Row]], list[Row]]) -> None:
        with forged.open("wb") as file:
            writer = BackupWriter(file, lost.backup.header, read_public_key(lost.public))
            for each in schema.metadata.sorted_tables:
                page = rows.get(each.name, [])
                writer.write(each, forge(page) if each.name == table else page)
            writer.end()
        with pytest.raises(BackupError, match=words):
            restore(settings, forged, lost.secret, clocks=clock)

    def changed(name: str, value: Value) -> Callable[[list[Row]], list[Row]]:
        at = columns.index(name)
        return lambda page: [(*row[:at], value, *row[at + 1 :]) for row in page]

    def none(_: list[Row]) -> list[Row]:
        return []

    refused("LEAF_ROW at leaf 0", "leaves", none)
    refused("ACT_ROW at act 0", "acts", none)
    refused("LIVE_ROW .* record", "live_records", changed("record", 1))
    refused(
        "LOST_ROW",
        "lost_bindings",
        lambda _: [(row[columns.index("leaf_index")], "lender-1") for row in rows["live_records"][:1]],
    )
    refused("was damaged", "live_records", changed("record", 2**63))
    refused("was damaged", "live_records", changed("issuer", "lender\0"))
    assert restore(settings, lost.backup.path, lost.secret, clocks=clock).missing is not None


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_backup_of_records_that_are_waited_for_is_restored_and_one_that_hides_it_is_not(
    lost: Lost, other_url: str, tmp_path: Path
) -> None:
    world = lost.world
    world.clock.now += 60_000
    with lost.home.ledger() as ledger:
        accept(ledger, world.report("lender-3", "new"))
        remark = world.annotate("lender-2", world.key("lender-1", "kept"), AnnotationFlag.STATEMENT, text="I paid")
        assert ledger.append([remark]).result().results[0].complaint is None
        lost.copy_log()
    settings = lost.settings_for(other_url)
    restore(settings, lost.backup.path, lost.secret)
    assert len(refill(settings, lost.copy, world.clock).repaired.lost_texts) == 1
    again = make_backup(settings, tmp_path / "backups", lost.public)
    rows, forged = read(again.path, lost.secret), tmp_path / "forged.backup"
    assert len(rows.pop("lost_bindings")) == 1
    with forged.open("wb") as file:
        writer = BackupWriter(file, again.header, read_public_key(lost.public))
        for name, page in rows.items():
            writer.write(schema.metadata.tables[name], page)
        writer.end()
    Path(str(make_url(other_url).database)).unlink()
    with pytest.raises(BackupError, match="BINDING_MISSING"):
        restore(settings, forged, lost.secret)
    assert restore(settings, again.path, lost.secret).may_be_served
    with Database(other_url, serving=False) as database:
        report = fsck(database, register_of(other_url))
    assert report.counts.keys() == {"BINDING_MISSING", "FACT_COUNT_SHORT", "TEXT_LOST"}
    with world.ledger(other_url) as ledger:
        # Not RECORD_ENDED, after which the lender would report the debt once more.
        refused = submit(ledger, world.report("lender-3", "new", Standing.CURED)).results[0].complaint
        assert refused is not None
        assert (refused.reason, refused.rule) == ("RECORDS_LOST", "restore.whole")
        world.erase(ledger, world.key("lender-3", "new"))
    with Database(other_url, serving=False) as database:
        assert fsck(database).sound, "what is lost for good hinders no export"
