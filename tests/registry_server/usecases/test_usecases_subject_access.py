"""Inquiries about a person and histories of records: page by page, to the right inquiry alone, and erased in time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from sqlalchemy import Engine, event, func, select, text

from client_sdk.kernel.formats.act import RetireKeyServicesBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import AnnotationFlag, Purpose, Role
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import Consent, ConsentForm
from registry_server.errors import RegistryError
from registry_server.rpc.convert.checks import question
from registry_server.storage import inquiries, migrations, schema
from registry_server.storage.inquiries import StoredInquiry
from registry_server.usecases.check import Checks
from registry_server.usecases.evidence import EvidencePage
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.housekeeping import Housekeeping
from registry_server.usecases.subject_access import SubjectAccess
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.support.handmade_log import seed
from tests.support.registry import inquire
from tests.support.registry_world import DAY_MS, World, accept

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from registry_server.sequencing.ledger import Ledger

OFFICE, OTHER = "office", "ombudsman"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        for office in (OFFICE, OTHER):
            world.enrol_lender(opened, office, Role.REPRESENTATIVE)
        yield opened


def put(
    ledger: Ledger,
    world: World,
    asker: str,
    persons: Sequence[str],
    name: str,
    purpose: Purpose = Purpose.LOAN_APPROVAL,
) -> bytes:
    """Put an inquiry, which is answered; return its id."""
    (page,) = Checks(ledger, 1_000_000).answer([question(inquire(world, asker, persons, name, purpose=purpose), asker)])
    assert isinstance(page, EvidencePage), page
    world.clock.now += 1_000
    return seed(f"{name} id", 16)


def access(ledger: Ledger, world: World, person: str, name: str = "access") -> bytes:
    return put(ledger, world, OFFICE, [person], name, Purpose.SUBJECT_ACCESS)


def test_inquiries_about_a_person_come_once_the_last_first(ledger: Ledger, world: World) -> None:
    first = put(ledger, world, "lender-1", ["A"], "first")
    put(ledger, world, "lender-1", ["B"], "of another")
    world.clock.now += 61_000
    ledger.heartbeat().result()
    # Named twice in one inquiry: listed once, at the first of the two places.
    twice = put(ledger, world, "lender-2", ["B", "A", "A"], "twice")
    own = access(ledger, world, "A")
    later = put(ledger, world, "lender-2", ["A"], "later")
    reader = SubjectAccess(ledger, page_asked=2)
    page = reader.askers(OFFICE, own, 0)
    assert [(item.stored.inquiry_id, item.place) for item in page.asked] == [(own, 0), (twice, 1)]
    assert page.next == 2
    last = reader.askers(OFFICE, own, page.next)
    assert [item.stored.inquiry_id for item in last.asked] == [first]
    assert last.next == 0
    # The first has a place under the HEAD, the others wait for one.
    assert [item.path is not None for item in (*page.asked, *last.asked)] == [False, False, True]
    assert later not in {item.stored.inquiry_id for item in (*page.asked, *last.asked)}
    assert reader.askers(OFFICE, own, 2**32 - 1).asked == ()


def test_an_inquiry_that_takes_a_person_for_two_is_listed_once(ledger: Ledger) -> None:
    """Otherwise its asker could keep the person from a report: no reader takes an inquiry twice."""
    first, second = seed("pseudonym, version 1"), seed("pseudonym, version 2")
    persons = ((first, seed("another, version 2")), (seed("another, version 1"), second))
    item = World.inquiry("lender-1", "of two", count=2, subjects=persons)
    ledger.record_inquiries([item]).result()
    with ledger.view() as view:
        found = view.inquiries_about([first, second], 2**62, 0, 10)
    assert [(stored.inquiry_id, place) for stored, place in found] == [(item.inquiry_id, 0)]


def test_a_refused_inquiry_leads_to_nobody(ledger: Ledger, world: World) -> None:
    asked = question(inquire(world, "lender-1", ["A"], "refused", purpose=Purpose.SUBJECT_ACCESS), "lender-1")
    (refused,) = Checks(ledger, 1_000_000).answer([asked])
    assert isinstance(refused, Exception)
    own = access(ledger, world, "A")
    assert [item.stored.inquiry_id for item in SubjectAccess(ledger).askers(OFFICE, own, 0).asked] == [own]


def test_what_belongs_to_an_answer_is_refused_once_a_record_about_the_person_has_changed(
    ledger: Ledger, world: World
) -> None:
    reader, key = SubjectAccess(ledger), world.key("lender-1", "loan")
    accept(ledger, world.report("lender-1", "loan", person="A"))
    own = access(ledger, world, "A")
    size = ledger.size
    accept(ledger, world.report("lender-1", "of another", person="B"))
    assert reader.askers(OFFICE, own, 0, size).hidden == ()
    assert len(reader.record_leaves(OFFICE, own, key, 0, size).leaves) == 1
    ledger.append([world.annotate("lender-2", key, AnnotationFlag.DISPUTED)]).result()
    for call in (partial(reader.askers, OFFICE, own, 0), partial(reader.record_leaves, OFFICE, own, key, 0)):
        with pytest.raises(RegistryError) as refused:
            call(size)
        assert (refused.value.reason, refused.value.rule) == ("HEAD_GONE", "subject-access.unchanged")
        call(ledger.size)


def test_it_is_answered_to_an_own_fresh_inquiry_about_one_person_alone(ledger: Ledger, world: World) -> None:
    reader = SubjectAccess(ledger)
    own = access(ledger, world, "A")
    loan = put(ledger, world, "lender-1", ["A"], "loan")
    with pytest.raises(AssertionError, match="inquiry\\.one-person"):
        put(ledger, world, OFFICE, ["A", "B"], "both", Purpose.SUBJECT_ACCESS)
    refused: list[tuple[str, bytes, str]] = [
        ("lender-1", own, "INQUIRY_UNKNOWN"),
        (OFFICE, bytes(16), "INQUIRY_UNKNOWN"),
        ("lender-1", loan, "PURPOSE_INVALID"),
    ]
    for peer, inquiry_id, reason in refused:
        with pytest.raises(RegistryError) as error:
            reader.askers(peer, inquiry_id, 0)
        assert error.value.complaint.reason == reason
    with pytest.raises(FormatError):
        reader.askers(OFFICE, b"short", 0)
    world.clock.now += 6 * 60_000
    with pytest.raises(RegistryError) as stale:
        reader.askers(OFFICE, own, 0)
    assert stale.value.complaint.reason == "INQUIRY_STALE"


def request(document: str, days: int = 0) -> Consent:
    return Consent(form=ConsentForm.WRITTEN, date=samples.TODAY + timedelta(days), digest=seed(document))


def ask(ledger: Ledger, world: World, *asked: tuple[str, str, str], asker: str = OFFICE, days: int = 0) -> list[str]:
    """The rules that refuse inquiries which come together, each about a person, under a document and by a name.

    The documents are dated so many days from today.
    """
    questions = [
        question(
            inquire(world, asker, [person], name, consent=request(document, days), purpose=Purpose.SUBJECT_ACCESS),
            asker,
        )
        for person, document, name in asked
    ]
    answers = Checks(ledger, 1_000_000).answer(questions)
    world.clock.now += 1_000
    return [one.complaint.rule if isinstance(one, RuleError) else "" for one in answers]


def test_a_request_counts_for_a_year_and_has_one_day(ledger: Ledger, world: World) -> None:
    assert ask(ledger, world, ("A", "old paper", "1"), days=-367) == ["request.days"]
    assert ask(ledger, world, ("A", "old paper", "2"), days=-366) == [""]
    # A newer day does not make it younger, in one batch or later, and what was refused has not used it.
    assert ask(ledger, world, ("A", "old paper", "3"), days=-1) == ["request.one-day"]
    assert ask(ledger, world, ("A", "old paper", "4"), days=-366) == [""]
    assert ask(ledger, world, ("B", "paper of B", "5"), days=1) == ["C10"]
    assert ask(ledger, world, ("B", "paper of B", "6")) == [""]
    assert fsck(ledger.database).clean


def test_a_request_speaks_for_the_person_who_signed_it_alone(ledger: Ledger, world: World) -> None:
    other = "request.one-person"
    assert ask(ledger, world, ("A", "paper of A", "1"), ("B", "paper of A", "2"), ("A", "paper of A", "3")) == [
        *("", other, "")
    ]
    assert ask(ledger, world, ("B", "paper of A", "4"), ("A", "paper of A", "5"), ("B", "paper of B", "6")) == [
        *(other, "", "")
    ]
    # What was refused is kept as refused, names nobody, and uses no request up.
    assert ask(ledger, world, ("B", "paper of A", "7"), ("A", "paper of B", "8")) == [other, other]
    assert ask(ledger, world, ("C", "paper of C", "9")) == [""]
    with ledger.database.snapshot() as work:
        kept = {stored.inquiry_id: stored for stored in inquiries.rows(work)}
    assert {
        name
        for name in "123456789"
        if (kept[seed(f"{name} id", 16)].outcome, kept[seed(f"{name} id", 16)].opening) == ("CONSENT_MISSING", None)
    } == {"2", "4", "7", "8"}
    assert fsck(ledger.database).clean
    # An office knows nothing of the papers of another one.
    assert ask(ledger, world, ("B", "paper of A", "10"), asker=OTHER) == [""]
    # Under further subject keys the person has a further pseudonym, and is the same.
    world.introduce_keys(ledger)
    assert ask(ledger, world, ("A", "paper of A", "11"), ("B", "paper of A", "12")) == ["", other]
    # It is forgotten with the inquiries.
    world.clock.now += 6 * 366 * DAY_MS
    Housekeeping(ledger).tidy()
    with ledger.database.snapshot() as work:
        assert list(inquiries.persons(work)) == []


def test_a_request_speaks_for_one_person_under_each_version_of_the_keys_alone(ledger: Ledger, world: World) -> None:
    """What ADR 0088 leaves open: nothing says of which person an earlier pseudonym was."""
    assert ask(ledger, world, ("A", "paper of A", "1"), ("C", "paper of C", "2")) == ["", ""]
    world.introduce_keys(ledger)
    # While both versions count, it serves nobody else, and is known under the later one.
    assert ask(ledger, world, ("B", "paper of A", "3"), ("A", "paper of A", "4")) == ["request.one-person", ""]
    world.decide(ledger, RetireKeyServicesBody(1))
    world.key_versions.remove(1)
    assert ask(ledger, world, ("B", "paper of A", "5"), ("A", "paper of A", "6")) == ["request.one-person", ""]
    assert ask(ledger, world, ("B", "paper of C", "7"), ("C", "paper of C", "8")) == ["", "request.one-person"]


def test_a_request_that_was_used_for_two_is_found(database_url: str) -> None:
    """A row that was changed in the database by hand would let an office use the request for another person."""
    world = World()
    with world.ledger(database_url) as ledger:
        world.enrol_lender(ledger, OFFICE, Role.REPRESENTATIVE)
        assert ask(ledger, world, ("A", "paper", "1")) == [""]
        with ledger.database.engine.begin() as work:
            work.execute(text("UPDATE inquired_persons SET request = NULL"))
        assert ask(ledger, world, ("B", "paper", "2")) == [""]
        assert set(fsck(ledger.database).counts) == {"INQUIRED_PERSON_ROWS", "INQUIRY_ROW"}


def test_requests_of_an_older_database_are_remembered(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        world.enrol_lender(ledger, OFFICE, Role.REPRESENTATIVE)
        assert ask(ledger, world, ("A", "paper", "1")) == [""]
        put(ledger, world, "lender-1", ["A"], "loan")
    command.downgrade(migrations._config(database_url), "0003")
    migrations.upgrade(database_url)
    with world.ledger(database_url) as ledger:
        assert fsck(ledger.database).clean
        assert ask(ledger, world, ("B", "paper", "2"), ("A", "paper", "3")) == ["request.one-person", ""]


def test_many_inquiries_of_an_older_database_are_read_page_by_page(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        world.enrol_lender(ledger, OFFICE, Role.REPRESENTATIVE)
        assert ask(ledger, world, ("A", "paper", "1")) == [""]
        # They come before and behind the office's, and are read all the same.
        more = [
            replace(stored_inquiry(), asker=asker, inquiry_id=number.to_bytes(16))
            for asker in "az"
            for number in range(700)
        ]
        with ledger.database.append() as work:
            inquiries.add(work, more)
            work.commit()
    command.downgrade(migrations._config(database_url), "0003")
    with recorded_statements() as statements:
        migrations.upgrade(database_url)
    assert len([one for one in statements if "FROM inquiries" in one and "LIMIT" in one]) == 3
    (update,) = [one for one in statements if one.startswith("UPDATE inquired_persons")]
    assert "received_at = " in update
    with world.ledger(database_url) as ledger, ledger.database.snapshot() as work:
        assert [row.request is not None for row in inquiries.persons(work)] == [True]


def stored_inquiry() -> StoredInquiry:
    """An inquiry of which only its place in the table counts."""
    return StoredInquiry("", b"", 0, "ANSWERED", b"", bytes(32), bytes(64), b"", None, 1, b"")


@contextmanager
def recorded_statements() -> Iterator[list[str]]:
    """The statements that are executed meanwhile, of all engines of this process."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_the_history_of_a_record_is_its_leaves_in_order(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan", person="A"), world.report("lender-1", "other", person="B"))
    dispute = world.annotate("lender-2", world.key("lender-1", "loan"), AnnotationFlag.DISPUTED)
    assert ledger.append([dispute]).result().results[0].complaint is None
    accept(ledger, world.report("lender-1", "loan", person="A"))
    own, reader = access(ledger, world, "A"), SubjectAccess(ledger, page_leaves=2)
    page = reader.record_leaves(OFFICE, own, world.key("lender-1", "loan"), 0)
    rest = reader.record_leaves(OFFICE, own, world.key("lender-1", "loan"), page.next)
    indexes = [index for index, _ in (*page.leaves, *rest.leaves)]
    assert (len(indexes), indexes) == (3, sorted(indexes))
    assert (page.next, rest.next) == (2, 0)
    for key in (world.key("lender-1", "other"), world.key("lender-1", "unknown")):
        with pytest.raises(RegistryError) as refused:
            reader.record_leaves(OFFICE, own, key, 0)
        assert refused.value.complaint.reason == "RECORD_UNKNOWN"


def test_who_was_asked_about_is_erased_with_what_opens_the_inquiry(ledger: Ledger, world: World) -> None:
    put(ledger, world, "lender-1", ["A", "B"], "old")
    persons = select(func.count()).select_from(schema.inquired_persons)

    def kept() -> int:
        with ledger.database.snapshot() as work:
            return int(work.connection.execute(persons).scalar_one())

    assert kept() == 2
    housekeeping = Housekeeping(ledger)
    housekeeping.tidy()
    assert kept() == 2
    world.clock.now += 6 * 366 * DAY_MS
    housekeeping.tidy()
    assert kept() == 0
    own = access(ledger, world, "A")
    assert len(SubjectAccess(ledger).askers(OFFICE, own, 0).asked) == 1


LIES = {
    "gone": "DELETE FROM inquired_persons WHERE place = 0",
    "another place": "UPDATE inquired_persons SET place = place + 1",
    "another asker": "UPDATE inquired_persons SET asker = 'lender-9'",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_row_that_was_changed_is_found(database_url: str, lie: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        put(ledger, world, "lender-1", ["A", "B"], "question")
        assert fsck(ledger.database).clean
        with ledger.database.engine.begin() as work:
            work.execute(text(LIES[lie]))
        assert set(fsck(ledger.database).counts) == {"INQUIRED_PERSON_ROWS"}
