"""Screening and watching through the SDK against a real registry: proved findings, breaks, changes, refused files."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from creditregistry.v1 import check_pb2

from client_sdk import AsyncClient, Client
from client_sdk._helper_process import processors
from client_sdk._member import screening
from client_sdk._protocol.inquiry import Expectation
from client_sdk._protocol.screening import PageReader, SignedScreening, sign_screening
from client_sdk._shared_work import SharedWork
from client_sdk.errors import ConfigError, ConflictError, ExecutorError, PreflightError, VerificationError
from client_sdk.kernel.formats.commitment import commit_consents
from client_sdk.kernel.formats.consent_terms import ConsentTerms
from client_sdk.kernel.formats.map_entry import subject_key
from client_sdk.kernel.formats.words import KeyUsage, KeyUse
from client_sdk.kernel.ledger.inquiry import Inquiry, Screening
from client_sdk.kernel.rules.consent import for_purpose
from client_sdk.models import (
    Consent,
    ConsentForm,
    Customer,
    Purpose,
    ScreenChange,
    ScreenChangeKind,
    ScreenFinding,
    ScreenPhase,
    ScreenProgress,
    written_consent,
)
from tests.client_sdk.sdk_samples import default_facts, default_report, person
from tests.support.blinding_children import blinding_children, kill_blinding_children

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor
    from pathlib import Path

    from client_sdk._steps import Flow
    from client_sdk._steps.driver import Step
    from client_sdk.errors import CreditRegistryError
    from client_sdk.testing import TestRegistry

R = TypeVar("R")

VERBAL = Consent(form=ConsentForm.VERBAL, date=date(2025, 1, 1), digest=b"verbal" + bytes(26))
CONSENT = written_consent(document=b"the loan contract's clause", given_on=date(2025, 1, 1))
REVIEW = Purpose.POST_LOAN_REVIEW
LISTED, OWN, CLEAR = ScreenFinding.LISTED, ScreenFinding.OWN, ScreenFinding.CLEAR


@pytest.fixture(scope="module")
def lender(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-1")) as client:
        yield client


@pytest.fixture(scope="module")
def other(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-2")) as client:
        yield client


def customers(*numbers: int) -> list[Customer]:
    return [Customer(person(number), CONSENT) for number in numbers]


def quota_left(client: Client) -> list[int]:
    return [service.inquire_quota_left or 0 for service in client.status().key_services]


class StoppedError(Exception):
    """Stands for a break of the program."""


def stop_at(phase: ScreenPhase) -> Callable[[ScreenProgress], None]:
    def told(step: ScreenProgress) -> None:
        if step.phase is phase:
            raise StoppedError

    return told


def test_each_customer_is_listed_own_or_clear(lender: Client, other: Client) -> None:
    receipt = lender.report(default_report(4_001))
    other.report(default_report(4_002))
    lender.report(default_report(4_003))
    other.report(default_report(4_003, facts=default_facts(contract="HT-2")))
    # A dispute changes what the map holds of an own record, which stays an own one.
    other.open_dispute("lender-1", receipt.record_id, evidence=[b"\xa5" * 32])
    report = lender.screen(customers(4_001, 4_002, 4_003, 4_004, 4_002), purpose=REVIEW, officer="desk-1")
    assert report.findings == (OWN, LISTED, LISTED, CLEAR, LISTED)
    assert (report.count(LISTED), report.pages, report.depth) == (3, 1, 1)
    assert other.screen(customers(4_001, 4_002), purpose=REVIEW, officer="desk-1").findings == (LISTED, OWN)


def refused_once(flow: Flow[R], error: CreditRegistryError) -> Flow[R]:
    """A flow whose first call for pages is refused."""
    value: object = None
    proceed: Callable[[Any], Step] = flow.send
    refused = False
    while True:
        try:
            step = proceed(value)
            if isinstance(getattr(step, "request", None), check_pb2.ScreenRequest) and not refused:
                refused, step = True, flow.throw(error)
        except StopIteration as end:
            result: R = end.value
            return result
        value, proceed = (yield step), flow.send


@pytest.mark.parametrize(
    ("reason", "rule", "depth"),
    [("DEPTH_INVALID", "screening.page-entries", 2), ("DEPTH_INVALID", "screening.depth", 1), ("HEAD_GONE", "", 1)],
)
def test_a_screening_that_is_refused_begins_anew_and_deeper_where_a_page_was_too_large(
    lender: Client, other: Client, reason: str, rule: str, depth: int
) -> None:
    other.report(default_report(4_006))
    flow = lender._member.screen(customers(4_006, 4_007), REVIEW, "desk-1", None, None, None)
    report = lender._run(refused_once(flow, ConflictError(reason, rule=rule)))
    assert (report.findings, report.depth) == ((LISTED, CLEAR), depth)


def test_processes_that_blind_may_die_at_any_time(
    lender: Client, other: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.report(default_report(4_008))
    monkeypatch.setattr(screening, "_ENOUGH_FOR_PROCESSES", 1)
    killed: list[int] = []

    def at_naming(step: ScreenProgress) -> None:
        if step.phase is ScreenPhase.NAMING:
            killed.append(kill_blinding_children())

    asked = customers(4_008, 4_009)
    assert lender.screen(asked, purpose=REVIEW, officer="desk-1").findings == (LISTED, CLEAR)
    assert lender.screen(asked, purpose=REVIEW, officer="desk-1", progress=at_naming).findings == (LISTED, CLEAR)
    assert killed == [min(processors(), 8)]
    assert blinding_children() == []


def test_asyncio_finds_the_same(registry: TestRegistry, other: Client) -> None:
    other.report(default_report(4_011))

    async def screened() -> tuple[ScreenFinding, ...]:
        async with AsyncClient(registry.config("lender-1")) as client:
            await client.screen(customers(4_011, 4_012), purpose=REVIEW, officer="desk-1")
            # The lock of the home was given back, though it was taken in another thread.
            report = await client.screen(customers(4_011, 4_012), purpose=REVIEW, officer="desk-1")
            return report.findings

    assert asyncio.run(screened()) == (LISTED, CLEAR)


def test_the_inquiry_is_in_the_log_and_commits_to_the_consents(lender: Client) -> None:
    report = lender.screen(customers(4_021, 4_022), purpose="POST_LOAN_REVIEW", officer="desk-1")
    # The next HEAD gives the inquiry its place.
    lender.report(default_report(4_023))
    receipt = lender.inquiry_receipt(report.inquiry_id)
    inquiry = Inquiry.parse(receipt.payload)
    assert (receipt.persons, receipt.outcome) == (2, "ANSWERED")
    assert inquiry.screening == Screening(2, 1, 1)
    assert inquiry.subject_commitments == ()
    signed = for_purpose(CONSENT, inquiry.purpose).encode()
    assert inquiry.consent_commitment == commit_consents(report.consents_opening, [signed] * 2)
    assert inquiry.consent_terms == ConsentTerms.on(CONSENT.date, inquiry.purpose)


def test_what_the_registry_is_sent_names_pages_and_no_person(lender: Client) -> None:
    session = lender._member.session
    names = lender._run(lender._member.names([person(4_031)], KeyUse.INQUIRE, REVIEW))
    (subject,) = [name.subject for name in names[0].values()]
    reader, question = asked(lender, [subject_key(subject)])
    request = reader.request(question)
    assert request is not None
    sent = request.SerializeToString()
    for secret in (subject, subject_key(subject), subject_key(subject)[:8], person(4_031).number.encode()):
        assert secret not in sent
    assert CONSENT.digest not in sent
    # One bit of the key, the same for all, at this size of the registry.
    assert list(request.prefixes) == [0]
    assert session.config.name.encode() in sent


def test_a_broken_screening_goes_on_without_asking_the_key_services_again(
    lender: Client, other: Client, tmp_path: Path
) -> None:
    other.report(default_report(4_041))
    file, people = tmp_path / "portfolio.screening", customers(4_041, 4_042, 4_043)
    with pytest.raises(StoppedError):
        lender.screen(people, purpose=REVIEW, officer="desk-1", resume=file, progress=stop_at(ScreenPhase.READING))
    assert file.stat().st_mode & 0o777 == 0o600
    kept = file.read_bytes()
    names = lender._run(lender._member.names([customer.identity for customer in people], KeyUse.INQUIRE, REVIEW))
    for customer, versions in zip(people, names, strict=True):
        assert customer.identity.number.encode() not in kept
        for name in versions.values():
            assert name.subject not in kept
            assert subject_key(name.subject) not in kept
    before = quota_left(lender)
    report = lender.screen(people, purpose=REVIEW, officer="desk-1", resume=file)
    assert report.findings == (LISTED, CLEAR, CLEAR)
    assert quota_left(lender) == before
    assert not file.exists()


def test_a_file_that_a_crash_cut_short_gives_what_is_whole(lender: Client, tmp_path: Path) -> None:
    file = tmp_path / "portfolio.screening"
    with pytest.raises(StoppedError):
        lender.screen(
            customers(4_051), purpose=REVIEW, officer="desk-1", resume=file, progress=stop_at(ScreenPhase.READING)
        )
    file.write_bytes(file.read_bytes()[:-7])
    before = quota_left(lender)
    assert lender.screen(customers(4_051), purpose=REVIEW, officer="d", resume=file).findings == (CLEAR,)
    assert quota_left(lender) == [left - 1 for left in before]


def test_files_of_another_kind_purpose_or_member_are_refused_and_left_alone(
    lender: Client, other: Client, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("do not lose this")
    notes.chmod(0o600)
    with pytest.raises(ConfigError, match="no file of a screening"):
        lender.screen(customers(4_061), purpose=REVIEW, officer="d", resume=notes)
    assert notes.read_text() == "do not lose this"
    state = tmp_path / "portfolio.watch"
    lender.watch(customers(4_061), purpose=REVIEW, officer="d", state=state)
    kept = state.read_bytes()
    for client, purpose in ((lender, Purpose.LOAN_APPROVAL), (other, REVIEW)):
        with pytest.raises(ConfigError, match="of another purpose, member or registry"):
            client.watch(customers(4_061), purpose=purpose, officer="d", state=state)
    state.chmod(0o644)
    with pytest.raises(ConfigError, match="0600"):
        lender.watch(customers(4_061), purpose=REVIEW, officer="d", state=state)
    assert state.read_bytes() == kept


def test_watching_tells_what_changed_since_the_last_look(lender: Client, other: Client, tmp_path: Path) -> None:
    state, people = tmp_path / "portfolio.watch", customers(4_071, 4_072, 4_073)
    other.report(default_report(4_071))
    first = lender.watch(people, purpose=REVIEW, officer="d", state=state)
    assert (first.since, first.changes) == (None, (ScreenChange(place=0, kind=ScreenChangeKind.LISTED),))
    before = quota_left(lender)
    again = lender.watch(people, purpose=REVIEW, officer="d", state=state)
    assert (again.since, again.changes) == (first.screening.as_of, ())
    receipt = other.report(default_report(4_072))
    lender.report(default_report(4_073))
    listed = lender.watch(people, purpose=REVIEW, officer="d", state=state)
    # Own records are no news to the member.
    assert listed.changes == (ScreenChange(place=1, kind=ScreenChangeKind.LISTED),)
    lender.open_dispute("lender-2", receipt.record_id, evidence=[b"\xa5" * 32])
    changed = lender.watch(people, purpose=REVIEW, officer="d", state=state)
    assert changed.changes == (ScreenChange(place=1, kind=ScreenChangeKind.CHANGED),)
    other.withdraw(receipt.record_id)
    gone = lender.watch(people[1:], purpose=REVIEW, officer="d", state=state)
    assert gone.changes == (ScreenChange(place=0, kind=ScreenChangeKind.GONE),)
    # The key services were asked about nobody twice but for the report.
    assert quota_left(lender) == before
    # Who left the portfolio was forgotten, and is news when coming back.
    back = lender.watch(people, purpose=REVIEW, officer="d", state=state)
    assert back.changes == (ScreenChange(place=0, kind=ScreenChangeKind.LISTED),)


def test_a_look_that_breaks_off_keeps_the_last_one(lender: Client, other: Client, tmp_path: Path) -> None:
    state, people = tmp_path / "portfolio.watch", customers(4_081, 4_082)
    lender.watch(people[:1], purpose=REVIEW, officer="d", state=state)
    other.report(default_report(4_081))
    with pytest.raises(StoppedError):
        lender.watch(people, purpose=REVIEW, officer="d", state=state, progress=stop_at(ScreenPhase.READING))
    found = lender.watch(people, purpose=REVIEW, officer="d", state=state)
    assert found.changes == (ScreenChange(place=0, kind=ScreenChangeKind.LISTED),)
    assert found.since is not None


def test_one_process_of_a_home_screens_at_a_time(lender: Client, registry: TestRegistry, tmp_path: Path) -> None:
    def second(step: ScreenProgress) -> None:
        if step.phase is ScreenPhase.READING:
            with Client(registry.config("lender-1")) as client, pytest.raises(ConfigError, match="is screening"):
                client.screen(customers(4_091), purpose=REVIEW, officer="d")

    lender.screen(customers(4_091), purpose=REVIEW, officer="d", resume=tmp_path / "file", progress=second)


@pytest.mark.parametrize(
    ("people", "purpose", "officer", "rule", "row"),
    [
        ([], REVIEW, "d", "rulebook.daily-inquired-subjects", 0),
        (customers(1), Purpose.REPORTING, "d", "inquiry.purpose", 0),
        (customers(1), Purpose.SUBJECT_ACCESS, "d", "inquiry.purpose", 0),
        (customers(1), REVIEW, " ", "officer.present", 0),
        (customers(1), REVIEW, person(1).number, "officer.digits", 0),
        (
            [
                *customers(1),
                Customer(person(2), VERBAL),
            ],
            REVIEW,
            "d",
            "C10",
            2,
        ),
        (
            [*customers(1), Customer(person(2), written_consent(document=b"clause", given_on=date(2999, 1, 1)))],
            REVIEW,
            "d",
            "C10",
            2,
        ),
    ],
)
def test_what_breaks_a_rule_is_refused_before_anything_is_sent(
    lender: Client, people: list[Customer], purpose: Purpose, officer: str, rule: str, row: int
) -> None:
    before = quota_left(lender)
    with pytest.raises(PreflightError) as refused:
        lender.screen(people, purpose=purpose, officer=officer)
    (violation,) = refused.value.violations
    assert (violation.rule, violation.row) == (rule, row)
    assert quota_left(lender) == before


def asked(client: Client, keys: list[bytes], work: SharedWork | None = None) -> tuple[PageReader, SignedScreening]:
    """A reader of the pages of some keys, and the signed screening that asks for them."""
    session = client._member.session
    reader = PageReader(keys, 1, session.log_key, work)
    question = sign_screening(
        session.config.name,
        session.config.institution,
        session.signer(KeyUsage.INQUIRE),
        Screening(len(keys), 1, len(reader.prefixes)),
        purpose=REVIEW,
        consents=[CONSENT],
        officer="d",
        issued_at=session.now_ms(),
    )
    return reader, question


def answer_to(client: Client, reader: PageReader, question: SignedScreening) -> check_pb2.ScreenResponse:
    request = reader.request(question)
    assert request is not None
    return client._member.services.inquiries.Screen(request)


def drop_entry(response: check_pb2.ScreenResponse) -> None:
    response.pages[0].entries = response.pages[0].entries[64:]


def change_value(response: check_pb2.ScreenResponse) -> None:
    response.pages[0].entries = response.pages[0].entries[:-1] + b"\x00"


def other_prefix(response: check_pb2.ScreenResponse) -> None:
    response.pages[0].prefix = 1


def no_page(response: check_pb2.ScreenResponse) -> None:
    del response.pages[:]


def two_pages(response: check_pb2.ScreenResponse) -> None:
    response.pages.add().CopyFrom(response.pages[0])


def wrong_depth(response: check_pb2.ScreenResponse) -> None:
    response.pages[0].depth = 0
    response.pages[0].siblings = b""


def other_head(response: check_pb2.ScreenResponse) -> None:
    response.head = response.head[:-1] + bytes([response.head[-1] ^ 1])


def no_signature(response: check_pb2.ScreenResponse) -> None:
    response.checkpoint = response.checkpoint.rpartition(b"\n\n")[0] + b"\n\n"


@pytest.mark.parametrize(
    "lie",
    [drop_entry, change_value, other_prefix, no_page, two_pages, wrong_depth, other_head, no_signature],
    ids=lambda lie: str(lie.__name__),
)
def test_a_page_that_was_tampered_with_is_refused(
    lender: Client, other: Client, lie: Callable[[check_pb2.ScreenResponse], None]
) -> None:
    other.report(default_report(4_101))
    (names,) = other._run(other._member.names([person(4_101)], KeyUse.INQUIRE, REVIEW))
    key = subject_key(names[1].subject)
    reader, question = asked(lender, [key])
    response = answer_to(lender, reader, question)
    session = lender._member.session
    expected = session.expectation(session.newest_seen(), None)
    lie(response)
    with pytest.raises(VerificationError):
        reader.read(response, expected)
    assert reader.found == {}


def found_by(client: Client, key: bytes, executor: Executor, lie: Callable[[check_pb2.ScreenResponse], None]) -> int:
    """How much is found under a key by pages that an executor verifies."""
    session = client._member.session
    expected = session.expectation(session.newest_seen(), None)
    with SharedWork(executor) as work:
        reader, question = asked(client, [key], work)
        response = answer_to(client, reader, question)
        lie(response)
        reader.read(response, expected)
        reader.settle()
        return len(reader.found)


def test_a_page_that_an_executor_finds_tampered_with_is_refused(lender: Client, other: Client) -> None:
    other.report(default_report(4_102))
    (names,) = other._run(other._member.names([person(4_102)], KeyUse.INQUIRE, REVIEW))
    key = subject_key(names[1].subject)
    with ThreadPoolExecutor(2) as threads:
        assert found_by(lender, key, threads, lambda _: None) == 1
        for lie in (drop_entry, change_value, wrong_depth):
            with pytest.raises(VerificationError, match="map-page"):
                found_by(lender, key, threads, lie)


def test_pages_are_verified_by_an_executor(lender: Client, other: Client, registry: TestRegistry) -> None:
    other.report(default_report(4_103))
    people = customers(4_103, 4_104)

    async def screened(executor: Executor) -> tuple[ScreenFinding, ...]:
        async with AsyncClient(registry.config("lender-1")) as client:
            report = await client.screen(people, purpose=REVIEW, officer="desk-1", executor=executor)
            return report.findings

    with ThreadPoolExecutor(2) as threads:
        report = lender.screen(people, purpose=REVIEW, officer="desk-1", executor=threads)
        assert report.findings == asyncio.run(screened(threads)) == (LISTED, CLEAR)
    # No pages are taken for verified where the executor does nothing.
    with pytest.raises(ExecutorError, match=r"pages 1 to \d+ of the map: the executor failed \(RuntimeError\)"):
        lender.screen(people, purpose=REVIEW, officer="desk-1", executor=threads)


def test_an_older_or_stale_head_is_refused(lender: Client) -> None:
    reader, question = asked(lender, [bytes(32)])
    response = answer_to(lender, reader, question)
    session = lender._member.session
    now, age = session.now_ms(), 300_000
    with pytest.raises(VerificationError, match=r"head\.age"):
        reader.read(response, Expectation(now + 2 * age, age, None))
    lender.report(default_report(4_111))
    later = session.newest_seen()
    if later is None or later.size <= int(response.checkpoint.split(b"\n")[1]):
        lender.check(person(4_111), purpose=REVIEW, consent=CONSENT, officer="d")
    with pytest.raises(VerificationError, match=r"log\.rollback"):
        reader.read(response, Expectation(session.now_ms(), age, session.newest_seen()))
