"""The first page, and what the registry counted of a lender: what is due, what waits, quality, reciprocity."""

from __future__ import annotations

import ssl
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from client_sdk.desk.pages.quality import level_rows, months_of, plot_of
from client_sdk.desk.pages.today import MOST_NOTICES, answers_among
from client_sdk.desk.rights import DeskRole
from client_sdk.desk.texts import Language, say_in
from client_sdk.desk.users import UserFile
from client_sdk.lending.outbox import Outbox, Pending
from client_sdk.models import (
    Kind,
    LevelStanding,
    MemberQuality,
    Notice,
    NoticeReason,
    QualityEvent,
    QualityMonth,
    Reciprocity,
)
from tests.client_sdk.sdk_samples import default_report
from tests.support.desk import RunningDesk, Visitor
from tests.support.tls import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.testing import TestRegistry

MONTHS = MemberQuality(
    size=9,
    before="2026-06",
    months=(
        QualityMonth(
            month="2026-04",
            member="lender-1",
            score=9_000,
            counts={QualityEvent.STATEMENT: 40, QualityEvent.CORRECTION: 3, QualityEvent.REFUSED: 2},
            refused={"date.order": 2},
        ),
        QualityMonth(month="2026-05", member="lender-1", score=10_000, counts={QualityEvent.STATEMENT: 7}, refused={}),
    ),
)


@pytest.fixture(scope="session")
def officer(registry: TestRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with RunningDesk(registry.enrol("lender-today"), tmp_path_factory.mktemp("today")) as desk:
        visitor = desk.visitor()
        visitor.get("/today")
        yield visitor


def test_the_first_page_says_what_waits(registry: TestRegistry, officer: Visitor) -> None:
    assert officer.get("/").headers["location"] == "/today"
    page = officer.get("/today")
    for said in ("No dispute waits for an answer.", "notices that wait: 0", "none waits for a receipt", "good until"):
        assert said in page.words
    assert "ends soon" not in page.words
    with registry.client("lender-today") as client:
        record = client.report(default_report(421))
    assert record.uuid.hex not in officer.get("/today").text
    assert officer.get("/quality").status == 200


def test_the_first_page_says_what_this_machine_knows_where_the_registry_is_away(
    registry: TestRegistry, officer: Visitor
) -> None:
    registry.stop("registry")
    try:
        page = officer.get("/today")
    finally:
        registry.start_registry()
    assert page.status == 200
    assert "The registry does not answer" in page.words
    assert "none waits for a receipt" in page.words
    assert "good until" in page.words
    assert "No dispute waits" not in page.words, "nobody knows"


def notice(number: int, reason: NoticeReason) -> Notice:
    return Notice(
        number=number,
        reason=reason,
        issuer="lender-1",
        record_id=bytes(16),
        logged_at=datetime(2026, 1, 1, tzinfo=UTC),
        inquiry_id=b"",
        asked_at=None,
        shown_index=None,
        acknowledged_index=None,
        leaf=b"",
        path=(),
        checkpoint=b"",
    )


@pytest.mark.parametrize(("before", "numbers", "behind"), [(MOST_NOTICES - 2, 2, False), (MOST_NOTICES - 1, 1, True)])
def test_answers_come_newest_first_and_notices_beyond_those_looked_through_are_told(
    before: int, numbers: int, *, behind: bool
) -> None:
    others = [notice(number, NoticeReason.CORRECTED) for number in range(before)]
    answers = [notice(before + place, NoticeReason.ANSWERED) for place in range(2)]
    found, more = answers_among([*others, *answers])
    assert ([one.number for one in found], more) == ([one.number for one in answers[:numbers]][::-1], behind)


def test_a_month_that_is_not_over_is_not_counted_and_levels_say_what_is_missing(officer: Visitor) -> None:
    page = officer.get("/quality")
    assert "Nothing was counted yet: a month is shown once it is over." in page.words
    assert "Levels that are reached: " in page.words
    officer.language = "zh"
    try:
        assert "提供与获得" in officer.get("/quality").words
    finally:
        officer.language = "en"


def test_the_first_page_says_that_signed_reports_wait(registry: TestRegistry, officer: Visitor) -> None:
    config = registry.config("lender-today")
    record = bytes(6) + b"\x80\x00\x80" + bytes(7)
    with Outbox(config.outbox_file, config.name, config.institution) as outbox:
        outbox.add([Pending(config.institution, record, version, b"signed") for version in (1, 2)])
        assert "waiting for a receipt of the registry: 2; report the same file again" in officer.get("/today").words
        outbox.settle(b"", 0, [], [(config.institution, record, version) for version in (1, 2)])
    assert "none waits for a receipt" in officer.get("/today").words


def test_a_certificate_that_ends_soon_is_marked(registry: TestRegistry, tmp_path: Path) -> None:
    home = registry.enrol("lender-soon")
    UserFile(home).add("anna", DeskRole.OFFICER, "correct horse battery")
    made = Authority().issue(hosts=("localhost",), lifetime=timedelta(days=20))
    for name, content in (("desk.pem", made.certificate), ("desk-key.pem", made.key), ("ca.pem", made.ca)):
        (home / name).write_bytes(content)
    (home / "desk.toml").write_text('[tls]\ncertificate = "desk.pem"\nkey = "desk-key.pem"\n')
    with RunningDesk(home, tmp_path / "log") as desk:
        context = ssl.create_default_context(cafile=home / "ca.pem")
        visitor = Visitor(desk.port, f"localhost:{desk.port}", context=context)
        visitor.post("/sign-in", {"name": "anna", "password": "correct horse battery"})
        page = visitor.get("/today")
    assert page.words.count("ends soon: renew it") == 1
    assert page.words.index("Of this desk") < page.words.index("ends soon: renew it")


@pytest.mark.parametrize("language", list(Language))
def test_months_are_said_the_newest_first_with_what_cost_most_first(language: Language) -> None:
    say = say_in(language)
    newest, older = months_of(MONTHS, say)
    assert (newest.month, newest.score, newest.refused) == ("2026-05", "100.00 %", [])
    assert (older.score, older.refused) == ("90.00 %", [("date.order", "2")])
    assert [row[1:] for row in older.events] == [("3", "2"), ("2", "1"), ("40", "")]
    plot = plot_of(MONTHS, say)
    assert say("Weight of what was wrong, by month") in plot
    assert say("corrections") in plot
    assert ("CORRECTION" in plot) is False


def test_each_event_has_a_text() -> None:
    counts = dict.fromkeys(QualityEvent, 1)
    month = QualityMonth(month="2026-05", member="lender-1", score=1, counts=counts, refused={})
    found = MemberQuality(size=1, before="2026-06", months=(month,))
    for language in Language:
        assert len(months_of(found, say_in(language))[0].events) == len(QualityEvent)


def test_what_is_missing_for_a_level_is_said() -> None:
    today = date(2026, 6, 1)
    levels = (
        LevelStanding(Kind.DEFAULT, (Kind.DEFAULT,), today - timedelta(9), today + timedelta(9), reached=True),
        LevelStanding(Kind.JUDGMENT, (Kind.JUDGMENT, Kind.ENFORCEMENT), None, None, reached=False),
    )
    held = Reciprocity(levels=levels, grace_until=None, held_back=frozenset((Kind.JUDGMENT,)), as_of=today)
    say = say_in(Language.ENGLISH)
    first, second = level_rows(held, Language.ENGLISH, say)
    assert first == ("Default", "2026-05-23", "2026-06-10", "Default", "reached")
    assert second == ("Judgment", "never", "", "Judgment, Enforcement", "report or update: Judgment")
    open_ = Reciprocity(levels=levels, grace_until=today, held_back=frozenset(), as_of=today)
    assert level_rows(open_, Language.ENGLISH, say)[1][-1] == "not reached; nothing is held back now"
