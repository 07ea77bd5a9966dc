"""An answer in words and as a time line: every word has a text, hostile texts stay texts, no label covers another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from client_sdk import errors
from client_sdk.desk.answer_words import _OUTCOMES, _REASONS, _VERDICTS, AnswerWords
from client_sdk.desk.chain import STAGES, DebtChain, Event, Span, Stage, chains_of
from client_sdk.desk.failures import error_words
from client_sdk.desk.jobs import JobsFullError
from client_sdk.desk.kept_answer import KeptAnswer
from client_sdk.desk.pages.inbox import MEANINGS
from client_sdk.desk.pages.records import STATES
from client_sdk.desk.rendering import make_templates
from client_sdk.desk.texts import Language, say_in
from client_sdk.desk.timeline import WIDTH, draw
from client_sdk.desk.withdrawal_words import REASONS
from client_sdk.models import (
    Answer,
    IdType,
    Kind,
    ListedRecord,
    NoticeReason,
    Outcome,
    Purpose,
    ReasonId,
    RecordState,
    Standing,
    Unopened,
    Verdict,
    WithdrawalReason,
)
from client_sdk.subject_report.printed import as_pdf
from client_sdk.texts.next_steps import NEXT
from tests.client_sdk.kernel.rules import facts_samples

AT = datetime(2026, 3, 1, 4, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>&amp;\a\u202egnitset'
ENGLISH = say_in(Language.ENGLISH)


def record(kind: Kind, facts: object, **changes: object) -> ListedRecord:
    made = ListedRecord(
        issuer="lender-1",
        signer="lender-1",
        record_id=bytes(16),
        version=1,
        kind=kind,
        standing=Standing.OPEN,
        index=3,
        issued_at=AT,
        logged_at=AT,
        facts=facts,  # type: ignore[arg-type]  # the samples hold each kind
        subject_statement=HOSTILE,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the test names fields


def kept(*records: ListedRecord, verdict: Verdict = Verdict.LISTED) -> KeptAnswer:
    answer = Answer(verdict=verdict, registry="test", inquiry_id=bytes(16), as_of=AT, size=9, records=records)
    return KeptAnswer(answer, answer.assess(), Purpose.LOAN_APPROVAL, IdType.PASSPORT, "anna", AT.date(), True)


EVERYTHING = (
    record(Kind.DEFAULT, facts_samples.DEFAULT),
    record(Kind.JUDGMENT, facts_samples.JUDGMENT, record_id=bytes([1]) * 16),
    record(Kind.ENFORCEMENT, facts_samples.ENFORCEMENT, record_id=bytes([2]) * 16),
    record(Kind.LISTING, facts_samples.LISTING, record_id=bytes([3]) * 16, retain_until=AT.date()),
    record(Kind.DEFAULT, None, record_id=bytes([4]) * 16, unopened=Unopened.SEALED, contested=True, stale=True),
)


def test_every_word_has_a_text() -> None:
    assert set(_REASONS) == set(ReasonId)
    assert set(_OUTCOMES) == set(Outcome)
    assert set(_VERDICTS) == set(Verdict)
    assert set(STAGES) == set(Stage)
    assert set(MEANINGS) == set(NoticeReason)
    assert set(REASONS) == set(WithdrawalReason)
    assert set(STATES) == set(RecordState)


@pytest.mark.parametrize("language", list(Language))
def test_every_kind_of_record_is_said_and_printed(language: Language) -> None:
    held = kept(*EVERYTHING)
    words = AnswerWords(held, language, say_in(language))
    parts = words.records()
    assert [len(part.pairs) >= 3 for part in parts] == [True] * 5
    assert all("\a" not in part.quote for part in parts)
    assert "\u202e" not in str(parts)
    assert as_pdf(words.document(chains_of(held.answer.records))).startswith(b"%PDF-")
    assert all(name and why for name, why, _ in words.reasons())
    clear = kept(verdict=Verdict.CLEAR)
    assert as_pdf(AnswerWords(clear, language, say_in(language)).document(())).startswith(b"%PDF-")


def test_a_statement_of_another_is_no_markup_in_the_page() -> None:
    macro = make_templates().from_string("{{ text | visible }}")
    assert macro.render(text=HOSTILE).startswith("&lt;script&gt;")


def test_a_chain_joins_the_records_of_one_debt_in_order_of_time() -> None:
    (chain,) = chains_of(EVERYTHING) if len(chains_of(EVERYTHING)) == 1 else (chains_of(EVERYTHING)[0],)
    assert list(chain.events) == sorted(chain.events)
    assert chains_of([EVERYTHING[4]]) == ()


def events(*days: date) -> DebtChain:
    found = tuple(Event(day, Stage.JUDGMENT, "a text of some length") for day in days)
    return DebtChain("C", ("lender-1",), found, (Span(Stage.JUDGMENT, days[0], days[-1], ended=False),))


@pytest.mark.parametrize(
    "days",
    [
        [date(2025, 1, 1)],
        [date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 3), date(2025, 1, 4)],
        [date(1990, 1, 1), date(2025, 12, 31)],
        [date(2020, 2, 29), date(2024, 2, 29)],
    ],
)
def test_labels_stay_in_the_picture_and_do_not_cover_another(days: list[date]) -> None:
    drawing = draw(events(*days), ENGLISH)
    boxes = []
    for label in drawing.labels:
        width = 6.2 * len(label.text)
        left = label.x - width if label.anchor == "end" else label.x
        assert left >= 0
        assert left + width <= WIDTH
        boxes.append((left, left + width, label.y))
    for place, (left, right, y) in enumerate(boxes):
        for other_left, other_right, other_y in boxes[place + 1 :]:
            assert y != other_y or right <= other_left or other_right <= left
    assert all(label.y < drawing.height for label in drawing.labels)
    assert all(left >= 0 and left + width <= WIDTH for left, _, width, _ in drawing.bars)


@pytest.mark.parametrize("reason", sorted(NEXT))
def test_each_known_reason_says_what_to_do_in_both_languages(reason: str) -> None:
    for language in Language:
        told = error_words(errors.RefusedError(reason, field="facts.amount", rule="C01"), say_in(language))
        assert told.reason == reason
        assert told.next


def test_a_request_that_served_another_person_is_not_asked_for_once_more() -> None:
    told = error_words(errors.RefusedError("CONSENT_MISSING", rule="request.one-person"), ENGLISH)
    assert told.next.startswith("This signed request was used for another person already")


@pytest.mark.parametrize(
    "error",
    [
        errors.ConfigError("desk.toml: x"),
        errors.UnavailableError("away"),
        errors.DeadlineExceededError("late"),
        errors.NotPermittedError("X"),
        errors.QuotaError("X"),
        errors.ConflictError("X"),
        errors.InvalidError("X"),
        errors.VerificationError("checkpoint", "note.key"),
        errors.RollbackError("checkpoint", "log.fork"),
        errors.KeyServiceError("a:1", "UNAVAILABLE"),
        errors.KeyServiceError("a:1", "PROOF_INVALID"),
        errors.FormatError("identity", "identity.form"),
        errors.PreflightError(()),
        errors.OutboxError("outbox.sqlite is used by another process"),
        JobsFullError("too many jobs wait or run"),
    ],
    ids=lambda error: f"{type(error).__name__}-{getattr(error, 'reason', '')}",
)
def test_each_error_is_told_with_what_to_do(error: errors.CreditRegistryError) -> None:
    told = error_words(error, ENGLISH)
    assert told.title
    assert told.next
    assert 400 <= told.status < 600


@pytest.mark.parametrize(
    ("standings", "said"),
    [
        ((Standing.CURED,), "paid or settled"),
        ((Standing.CURED, Standing.SATISFIED), "paid or settled"),
        ((Standing.ARRANGED,), "what is owed"),
        ((Standing.TRANSFERRED,), "what is owed"),
    ],
)
def test_what_is_watched_is_said_to_be_paid_only_where_all_of_it_is(standings: tuple[Standing, ...], said: str) -> None:
    kinds = {Standing.SATISFIED: (Kind.JUDGMENT, facts_samples.JUDGMENT)}
    held = kept(
        *(
            record(*kinds.get(one, (Kind.DEFAULT, facts_samples.DEFAULT)), standing=one, record_id=bytes([place]) * 16)
            for place, one in enumerate(standings)
        )
    )
    assert held.assessment.outcome.name == "WATCH"
    assert said in AnswerWords(held, Language.ENGLISH, ENGLISH).outcome
