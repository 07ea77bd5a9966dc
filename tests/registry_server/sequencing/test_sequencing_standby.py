"""A real primary and a real streaming standby: what is read where, and what never is."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from registry_server.sequencing.ledger import Ledger
from registry_server.sequencing.standby import StandbyFault
from registry_server.storage import tls_keys
from registry_server.storage.errors import StorageError, StorageFault
from registry_server.storage.register import FileRegister
from registry_server.storage.tls_keys import StoredTlsKey
from registry_server.storage.unit_of_work import STANDBY_ANSWER_SECONDS, Database
from registry_server.usecases.standing import PeerStanding
from registry_server.usecases.transparency import Transparency
from tests.conftest import migrate, postgres_database
from tests.postgres_server import postgres_server
from tests.support.registers import ORIGIN, register_of, register_path
from tests.support.registry_world import World, accept
from tests.support.reverification import reverify
from tests.support.standby import Server, standby
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAG_SECONDS = 60.0


class Pair:
    """A registry's database with its standby, and ledgers that read both."""

    def __init__(self, primary: Server, following: Server) -> None:
        self.world = World()
        self.primary = primary
        self.standby = following
        self.answer_seconds = STANDBY_ANSWER_SECONDS
        self._numbers = itertools.count()

    def report(self, ledger: Ledger, count: int = 1) -> None:
        """Log records."""
        for _ in range(count):
            accept(ledger, self.world.report("lender-1", f"loan {next(self._numbers)}"))

    @contextmanager
    def ledger(self, max_lag: float = LAG_SECONDS) -> Iterator[Ledger]:
        """A process that reads the standby too, and waits for it for so long."""
        with self.world.ledger(self.primary.url) as ledger, self.reading(ledger, max_lag):
            yield ledger

    @contextmanager
    def another(self) -> Iterator[Ledger]:
        """A second process beside it."""
        with (
            Database(self.primary.url, serving=False) as database,
            Ledger.open(database, register_of(self.primary.url), self.world.log_signer, self.world.clock) as ledger,
            self.reading(ledger, LAG_SECONDS),
        ):
            yield ledger

    @contextmanager
    def reading(self, ledger: Ledger, max_lag: float) -> Iterator[None]:
        """Let a ledger read the standby."""
        with Database(self.standby.url, serving=False, answer_seconds=self.answer_seconds) as following:
            ledger.read_also(following, max_lag)
            yield


@pytest.fixture
def pair() -> Iterator[Pair]:
    with postgres_server(durable=True) as server, postgres_database(server) as url:
        migrate(url)
        with standby(url) as following:
            yield Pair(Server(url), following)
            Server(url).started()
        reverify(url)


def shown(ledger: Ledger) -> tuple[int, bool]:
    """The size of what is read, and whether it is read from the standby."""
    with ledger.recent() as view:
        assert view.head_leaf == view.leaves_at([view.size - 1])[view.size - 1]
        return view.size, view.of_standby


def counted(ledger: Ledger, fault: StandbyFault | None) -> int:
    assert ledger.standby is not None
    return ledger.standby.reads()[fault]


def test_what_is_read_from_the_standby_is_what_the_primary_shows(pair: Pair) -> None:
    with pair.ledger() as ledger:
        pair.report(ledger, 3)
        with ledger.recent() as read, ledger.view() as newest:
            assert read.of_standby
            assert not newest.of_standby
            assert read.checkpoint == newest.checkpoint
            assert read.head_path == newest.head_path
            assert read.map_proof(["lender-1"]) == newest.map_proof(["lender-1"])
            assert [*read.leaves(0, read.size)] == [*newest.leaves(0, newest.size)]
            assert read.live_bindings() == newest.live_bindings()
            assert read.own_records_between("lender-1", -1, read.size, 9) == newest.own_records_between(
                "lender-1", -1, newest.size, 9
            )
        assert counted(ledger, None) == 1


def test_no_answer_is_older_than_what_was_acknowledged_before_the_call(pair: Pair) -> None:
    with pair.ledger() as ledger, pair.another() as other:
        over, sizes, acknowledged = threading.Event(), list[tuple[int, int]](), [0]

        def read(reader: Ledger) -> None:
            while not over.is_set():
                before = acknowledged[0]
                sizes.append((before, shown(reader)[0]))

        readers = [threading.Thread(target=read, args=(reader,)) for reader in (ledger, other)]
        for reader in readers:
            reader.start()
        for appender in (ledger, other) * 10:
            # What is committed counts once the register holds it, which is before it is acknowledged.
            pair.report(appender)
            acknowledged[0] = appender.size
        over.set()
        for reader in readers:
            reader.join()
        assert all(size >= before for before, size in sizes)
        assert counted(ledger, None)
        assert counted(other, None)


def test_a_standby_that_stays_behind_is_left_for_the_primary_until_it_has_caught_up(pair: Pair) -> None:
    with pair.ledger(max_lag=0.1) as ledger:
        assert ledger.standby is not None
        pair.standby.catch_up(pair.primary)
        assert shown(ledger)[1]
        pair.standby.pause()
        pair.report(ledger)
        assert shown(ledger) == (ledger.size, False)
        assert counted(ledger, StandbyFault.BEHIND) == 1
        figures = ledger.standby.figures()
        assert figures["registry_standby_up"] == 0
        assert figures["registry_standby_age_seconds"] > 0
        assert figures["registry_standby_leaves"] < ledger.size
        pair.standby.resume()
        pair.standby.catch_up(pair.primary)
        assert shown(ledger) == (ledger.size, True)
        assert ledger.standby.age() == 0


def test_a_standby_that_hangs_is_left_for_the_primary(pair: Pair) -> None:
    """It keeps every connection, and answers none: neither those that wait in the middle nor those that are kept."""
    pair.answer_seconds = 1.0
    readers = 6
    with pair.ledger() as ledger, ThreadPoolExecutor(readers) as reading:
        pair.report(ledger)
        pair.standby.catch_up(pair.primary)
        with ExitStack() as together:
            # So many connections are kept.
            views = [together.enter_context(ledger.recent()) for _ in range(readers)]
            assert all(view.of_standby for view in views)
        with ExitStack() as hanging:

            def read_on() -> None:
                with ledger.recent() as view:
                    assert view.of_standby
                    hanging.enter_context(pair.standby.hanging())
                    view.live_bindings()

            with pytest.raises(StorageError) as failed:
                read_on()
            assert failed.value.fault is StorageFault.GONE
            read = [reading.submit(shown, ledger) for _ in range(3 * readers)]
            assert [each.result() for each in read] == [(ledger.size, False)] * len(read)
        wait_until(lambda: shown(ledger) == (ledger.size, True))


def test_reads_go_on_while_the_primary_is_away_and_nothing_is_logged(pair: Pair) -> None:
    with pair.ledger() as ledger:
        pair.report(ledger, 300)
        size = ledger.size
    with pair.ledger() as ledger:
        pair.standby.catch_up(pair.primary)
        pair.primary.stop()
        with pytest.raises(StorageError), ledger.view():
            pass
        with pytest.raises(StorageError):
            pair.report(ledger)
        assert shown(ledger) == (size, True)
        # Of the first leaves, whose tile this process has never read.
        answer = Transparency(ledger).checkpoint(known_size=3)
        assert answer.consistency
        with ledger.surviving() as view:
            assert view.of_standby
        pair.primary.start()
        wait_until(lambda: surviving(ledger))
        pair.report(ledger)
        assert shown(ledger)[0] > size


def surviving(ledger: Ledger) -> bool:
    """Whether the primary answers again."""
    try:
        with ledger.view():
            return True
    except StorageError:
        return False


def test_what_another_process_signed_last_is_read_from_the_standby_alone(pair: Pair) -> None:
    with pair.ledger() as ledger, pair.another() as other:
        pair.report(other)
        assert ledger.size < other.size
        pair.standby.catch_up(pair.primary)
        pair.primary.stop()
        assert shown(ledger) == (other.size, True)


def test_below_the_register_nothing_is_read_from_the_standby_whoever_is_away(pair: Pair) -> None:
    with pair.ledger(max_lag=0.1) as ledger, pair.another() as other:
        pair.standby.catch_up(pair.primary)
        pair.standby.pause()
        pair.report(other)
        pair.primary.stop()
        with pytest.raises(StorageError), ledger.recent():
            pass
        pair.standby.resume()
        wait_until(lambda: has_caught_up(ledger))
        assert shown(ledger) == (other.size, True)


def has_caught_up(ledger: Ledger) -> bool:
    try:
        return shown(ledger)[1]
    except StorageError:
        return False


def test_without_a_register_nothing_is_read_from_the_standby(pair: Pair) -> None:
    with pair.ledger() as ledger:
        path = register_path(pair.primary.url)
        away = path.rename(path.with_name("away"))
        assert shown(ledger) == (ledger.size, False)
        assert counted(ledger, StandbyFault.REGISTER) == 1
        away.rename(path)
        assert shown(ledger)[1]


def test_a_standby_that_is_gone_is_left_alone_and_found_again(pair: Pair) -> None:
    with pair.ledger() as ledger:
        assert shown(ledger)[1]
        pair.standby.stop()
        assert shown(ledger) == (ledger.size, False)
        assert counted(ledger, StandbyFault.UNREACHABLE) == 1
        pair.report(ledger)
        pair.standby.start()
        wait_until(lambda: shown(ledger)[1])


def test_a_standby_that_was_promoted_and_went_its_own_way_is_never_read(pair: Pair, tmp_path: Path) -> None:
    with pair.ledger(max_lag=0.1) as ledger, ExitStack() as elsewhere:
        pair.standby.catch_up(pair.primary)
        pair.standby.promote()
        assert shown(ledger)[1], "promoted, it still holds what was signed"
        copied = FileRegister(tmp_path / "checkpoint", ORIGIN)
        held = register_of(pair.primary.url).read()
        assert held is not None
        copied.create(held)
        database = elsewhere.enter_context(Database(pair.standby.url, serving=False))
        world = World()
        fork = elsewhere.enter_context(Ledger.open(database, copied, world.log_signer, pair.world.clock))
        accept(fork, world.report("lender-2", "elsewhere"))
        assert shown(ledger) == (ledger.size, False), "it holds more than the register, which nobody signed"
        pair.report(ledger)
        assert shown(ledger) == (ledger.size, False)
        assert counted(ledger, StandbyFault.DIVERGED)
        pair.primary.stop()
        with pytest.raises(StorageError), ledger.recent():
            pass


def test_a_standby_that_lacks_a_change_of_tls_keys_admits_nobody(pair: Pair) -> None:
    with pair.ledger() as ledger:
        standing = PeerStanding(ledger)
        pair.standby.catch_up(pair.primary)
        pair.standby.pause()
        with ledger.database.append() as work:
            tls_keys.put(work, StoredTlsKey("lender-1", bytes(32)))
            work.commit()
        standing.refresh()
        assert standing.knows("lender-1", bytes(32))
        pair.primary.stop()
        assert shown(ledger)[1], "of the log it lacks nothing"
        with pytest.raises(StorageError) as failed:
            standing.refresh()
        assert failed.value.fault is StorageFault.STANDBY
        pair.standby.resume()
        wait_until(lambda: is_read(standing))
        assert standing.fresh
        assert standing.knows("lender-1", bytes(32))


def is_read(standing: PeerStanding) -> bool:
    try:
        standing.refresh()
    except StorageError:
        return False
    return True
