"""Group commit: one transaction for all that waits, and no statement for a single record (P7)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.merkle import verify_inclusion
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import AnnotationFlag, LapseKind, Standing
from client_sdk.kernel.ledger.inquiry_tree import ANSWERED, InquiryLeaf
from client_sdk.kernel.ledger.submission import Submission
from client_sdk.kernel.rules.errors import RuleError
from registry_server.sequencing.errors import ClockError
from registry_server.sequencing.inquire import MAX_REFUSED_INQUIRIES
from registry_server.sequencing.items import ItemOutcome, LapseItem
from registry_server.sequencing.ledger import Ledger
from registry_server.storage import head, inquiries
from registry_server.storage.errors import StorageError
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.submit import Submitting
from tests.support.registers import register_of
from tests.support.registry_world import DAY_MS, World, accept, submit
from tests.support.reverification import reverify
from tests.support.stalling import stall
from tests.support.troubles import unwritable
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        yield opened
    reverify(database_url)


class Counter:
    """Counts statements and commits of a database."""

    def __init__(self, ledger: Ledger) -> None:
        self.statements: list[str] = []
        self.commits = 0
        engine = ledger.database.engine
        event.listen(engine, "before_cursor_execute", self._execute)
        event.listen(engine, "commit", self._commit)

    def _execute(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.statements.append(statement)

    def _commit(self, _connection: Any) -> None:
        self.commits += 1

    def of(self, ledger: Ledger, count: int, world: World, name: str) -> tuple[int, int]:
        """Statements and commits for that many records."""
        reports = [world.report("lender-1", f"{name} {n}") for n in range(count)]
        self.statements.clear()
        self.commits = 0
        accept(ledger, *reports)
        return len(self.statements), self.commits


def test_p7_a_batch_is_one_transaction_and_no_statement_is_for_one_record(ledger: Ledger, world: World) -> None:
    counter = Counter(ledger)
    counter.of(ledger, 4, world, "first")
    few = counter.of(ledger, 4, world, "few")
    many = counter.of(ledger, 200, world, "many")
    # The log's transaction; the checkpoint is stored by the next one, or by a heartbeat.
    assert few == many
    assert many[1] == 1
    assert many[0] <= 24


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_what_a_member_says_is_logged_before_the_lapses_that_wait_with_it(ledger: Ledger, world: World) -> None:
    accept(ledger, *(world.report("lender-1", name, Standing.OPEN) for name in ("due", "remarked")))
    accept(ledger, world.report("lender-1", "due", Standing.CURED))
    remark = world.annotate("lender-2", world.key("lender-1", "remarked"), AnnotationFlag.DISPUTED)
    world.clock.now += 6 * 366 * DAY_MS
    with ledger.database.append():
        # The writer waits for this transaction, and all these for the writer.
        ledger.heartbeat(at_once=True)
        lapsed = ledger.append([LapseItem(world.key("lender-1", "due"), LapseKind.ERASED, "retention-ended")])
        said = ledger.append([remark])
    (first,), (second,) = said.result().results, lapsed.result().results
    assert first.place is not None
    assert second.place is not None
    assert first.place.leaf_index < second.place.leaf_index
    assert said.result().checkpoint != lapsed.result().checkpoint


def test_p7_further_versions_need_no_statement_of_their_own(ledger: Ledger, world: World) -> None:
    accept(ledger, *(world.report("lender-1", str(n)) for n in range(150)))
    counter = Counter(ledger)
    accept(ledger, *(world.report("lender-1", str(n), Standing.CURED) for n in range(50)))
    few = len(counter.statements)
    counter.statements.clear()
    accept(ledger, *(world.report("lender-1", str(n), Standing.CURED) for n in range(50, 150)))
    assert len(counter.statements) == few


def test_calls_that_wait_share_a_transaction(ledger: Ledger, world: World) -> None:
    reports = [world.report("lender-1", f"loan {n}") for n in range(64)]
    submitting = Submitting(ledger)
    prepared = [submitting.prepare("lender-1", [Submission.of(report)]) for report in reports]
    counter = Counter(ledger)
    with ledger.database.append():
        # The writer has to wait, and what comes in meanwhile gathers.
        futures = [submitting.enqueue(one) for one in prepared]
    sizes = {future.result().checkpoint for future in futures}
    # Also those that came while the writer waited for its turn.
    assert len(sizes) == 1
    assert counter.commits == 1


def test_every_receipt_of_a_batch_leads_to_its_checkpoint(ledger: Ledger, world: World) -> None:
    accept(ledger, *(world.report("lender-1", f"before {n}") for n in range(30)))
    done = submit(ledger, *(world.report("lender-1", f"loan {n}") for n in range(250)))
    with ledger.view() as view:
        assert done.checkpoint == view.checkpoint
        for record in done.results:
            assert record.place is not None
            verify_inclusion(
                leaf_hash(record.place.leaf), record.place.leaf_index, view.size, record.place.path, view.root
            )


def test_readers_see_whole_commits_only(ledger: Ledger, world: World) -> None:
    stop = threading.Event()
    problems: list[BaseException] = []

    def read() -> None:
        try:
            while not stop.is_set():
                with ledger.view() as view:
                    bindings = [*view.live_bindings()]
                    directory = view.directory
                    others = len(directory.institutions) + len(directory.contributions) + 1
                    assert len(bindings) == view.head.entry_count - others
                    verify_inclusion(leaf_hash(view.head_leaf), view.size - 1, view.size, view.head_path, view.root)
                    assert view.checkpoint.startswith(f"registry.example/log/1\n{view.size}\n".encode())
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            problems.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(25):
        accept(ledger, *(world.report("lender-1", f"loan {number} {n}") for n in range(3)))
    stop.set()
    for reader in readers:
        reader.join()
    assert problems == []


def test_a_heartbeat_is_due_once_a_period(ledger: Ledger, world: World) -> None:
    with ledger.view() as view:
        size = view.size
    ledger.heartbeat().result()
    with ledger.view() as view:
        assert view.size == size
    world.clock.now += 60_000
    for _ in range(2):
        ledger.heartbeat().result()
        with ledger.view() as view:
            assert view.size == size + 1


def test_inquiries_are_kept_counted_once_and_sequenced(ledger: Ledger, world: World) -> None:
    one, refused = world.inquiry("lender-1", "one"), world.inquiry("lender-1", "two", outcome="CONSENT_MISSING")
    first = ledger.record_inquiries([one, refused]).result()
    assert [(result.outcome, result.repeated) for result in first] == [(ANSWERED, False), ("CONSENT_MISSING", False)]
    world.clock.now += 1_000
    again = ledger.record_inquiries([one, refused]).result()
    assert [(result.outcome, result.repeated) for result in again] == [(ANSWERED, True), ("CONSENT_MISSING", True)]
    assert again[0].received_at == first[0].received_at
    assert again[1].refusal is not None
    with ledger.view() as view:
        stored = view.inquiry("lender-1", one.inquiry_id)
        assert stored is not None
        assert stored.position is None
        with pytest.raises(RuleError, match="INQUIRY_WAITING"):
            view.inquiry_place(stored)
        assert view.signed_inquiries(0, 10) == []
    accept(ledger, world.report("lender-1", "loan"))
    with ledger.view() as view:
        assert view.head.inquiry_count == 2
        stored = view.inquiry("lender-1", one.inquiry_id)
        assert stored is not None
        assert stored.position is not None
        leaf = InquiryLeaf.of(first[0].received_at, ANSWERED, one.payload, one.signature).encode()
        assert stored.leaf == leaf == view.signed_inquiries(0, 10)[stored.position].leaf
        position, path = view.inquiry_place(stored)
        assert position == stored.position
        verify_inclusion(leaf_hash(leaf), position, 2, path, view.head.inquiry_root)


def test_a_value_that_the_database_does_not_take_fails_its_own_call_only(ledger: Ledger, world: World) -> None:
    with ledger.database.append():
        # The writer has to wait, and both gather.
        bad = ledger.record_inquiries([world.inquiry("lender-1", "bad", count=2**63)])
        good = ledger.record_inquiries([world.inquiry("lender-2", "good")])
    (result,) = good.result()
    assert result.outcome == ANSWERED
    assert isinstance(bad.exception(), StorageError | OverflowError)
    # Nothing is wrong with the database.
    assert ledger.write_failure is None


def test_a_write_that_failed_is_told_until_a_heartbeat_is_stored(
    ledger: Ledger, world: World, database_url: str
) -> None:
    accept(ledger, world.report("lender-1", "loan"))
    with ledger.view() as view:
        size = view.size
    with unwritable(database_url):
        failed = ledger.record_inquiries([world.inquiry("lender-1", "one")]).exception()
        assert isinstance(failed, StorageError)
        assert ledger.write_failure is failed
    # However young the newest HEAD is, one more shows that writing works; then there is no need of another.
    # Each session that was opened meanwhile is given up when it is first written to.
    for _ in range(3):
        if ledger.heartbeat().exception() is None:
            break
    assert ledger.write_failure is None
    ledger.heartbeat().result()
    with ledger.view() as view:
        assert view.size == size + 1


def test_an_inquiry_id_is_used_once(ledger: Ledger, world: World) -> None:
    one = world.inquiry("lender-1", "one")
    ledger.record_inquiries([one]).result()
    (other,) = ledger.record_inquiries([world.inquiry("lender-1", "one", payload=b"other bytes")]).result()
    assert other.refusal is not None
    assert other.refusal.reason == "INQUIRY_TAKEN"
    # Another asker's id is another inquiry.
    (theirs,) = ledger.record_inquiries([world.inquiry("lender-2", "one")]).result()
    assert theirs.refusal is None


def test_asked_subjects_of_a_day_have_a_limit(database_url: str) -> None:
    world = World(Rulebook(daily_inquired_subjects=5))
    with world.ledger(database_url) as ledger:
        items = [world.inquiry("lender-1", name, count=3) for name in ("one", "two")]
        first, second = ledger.record_inquiries(items).result()
        assert (first.outcome, second.outcome) == (ANSWERED, "QUOTA_EXCEEDED")
        assert second.refusal is not None
        (small,) = ledger.record_inquiries([world.inquiry("lender-1", "three", count=2)]).result()
        assert small.outcome == ANSWERED
        (theirs,) = ledger.record_inquiries([world.inquiry("lender-2", "four", count=5)]).result()
        assert theirs.outcome == ANSWERED
        world.clock.now += 60_000
        ledger.heartbeat().result()
        with ledger.view() as view:
            assert view.head.inquiry_count == 4
    reverify(database_url)


def test_a_stored_batch_is_answered_the_same_again(ledger: Ledger, world: World) -> None:
    reports = [world.report("lender-1", f"loan {n}") for n in range(20)]
    first = submit(ledger, *reports)
    again = submit(ledger, *reports)
    assert [record.outcome for record in again.results] == [ItemOutcome.REPEATED] * 20
    assert again.checkpoint == first.checkpoint
    assert [record.place for record in again.results] == [record.place for record in first.results]


def test_refused_inquiries_beyond_the_day_s_number_are_not_kept(ledger: Ledger, world: World) -> None:
    many = [
        world.inquiry("lender-1", f"refused {number}", outcome="INSTITUTION_SUSPENDED", opening=b"")
        for number in range(MAX_REFUSED_INQUIRIES + 2)
    ]
    results = ledger.record_inquiries(many[:600]).result() + ledger.record_inquiries(many[600:]).result()
    assert [result.kept for result in results] == [True] * MAX_REFUSED_INQUIRIES + [False] * 2
    refusal = results[-1].refusal
    assert refusal is not None
    assert (refusal.reason, refusal.rule) == ("QUOTA_EXCEEDED", "inquiry.refused-quota")
    assert "INSTITUTION_SUSPENDED" in refusal.want
    # What may be answered is answered, another member's refused ones are kept, and a new day begins anew.
    (answered,) = ledger.record_inquiries([world.inquiry("lender-1", "in order")]).result()
    (theirs,) = ledger.record_inquiries([world.inquiry("lender-2", "refused", outcome="KEY_USAGE")]).result()
    assert (answered.outcome, theirs.kept) == (ANSWERED, True)
    world.clock.now += DAY_MS
    (later,) = ledger.record_inquiries(many[-1:]).result()
    assert later.kept
    with ledger.database.snapshot() as work:
        assert len(list(inquiries.rows(work))) == MAX_REFUSED_INQUIRIES + 3


def stored_size(ledger: Ledger) -> int:
    with ledger.database.snapshot() as work:
        row = head.read(work)
    assert row is not None
    return row.checkpoint_size


def test_a_heartbeat_stores_the_checkpoint_though_its_clock_is_wrong(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"))
    assert stored_size(ledger) < ledger.size
    world.clock.jump(10 * DAY_MS)

    def is_stored_by_a_heartbeat() -> bool:
        with pytest.raises(ClockError):
            ledger.heartbeat(at_once=True).result()
        return stored_size(ledger) == ledger.size

    # Where the database is busy the next heartbeat stores it.
    wait_until(is_stored_by_a_heartbeat)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_stop_waits_for_no_database_that_hangs(database_url: str, world: World) -> None:
    """Nothing is queued, and what is not stored is stored at the next start."""
    with world.ledger(database_url):
        pass
    with stall(database_url) as between, ThreadPoolExecutor(1) as stopping, Database(between.url) as database:
        ledger = Ledger.open(database, register_of(database_url), world.log_signer, world.clock)
        accept(ledger, world.report("lender-1", "loan"))
        between.stall()
        stopped = stopping.submit(ledger.close)
        try:
            stopped.result(timeout=30)
        finally:
            between.go_on()
    with world.ledger(database_url) as ledger:
        assert stored_size(ledger) == ledger.size
    reverify(database_url)
