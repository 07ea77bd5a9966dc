"""A person's own report on paper: in both languages, nothing hidden or turned, shown by a real browser, and printed."""

from __future__ import annotations

import re
import resource
import shutil
import stat
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from client_sdk.errors import ConfigError
from client_sdk.kernel.rules.monthly import KnownVersion, monthly_history
from client_sdk.models import (
    AnnotationFlag,
    Answer,
    ArrangementOutcome,
    ArrangementPeriod,
    AskedAbout,
    CollectionStage,
    ConsentForm,
    DefaultCause,
    DisputeOutcome,
    InstitutionName,
    JudgmentResult,
    JudgmentStage,
    Kind,
    LegalBasis,
    ListedRecord,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    Measure,
    NoticeChannel,
    Product,
    Purpose,
    RecordEvent,
    Standing,
    SubjectRecord,
    SubjectReport,
    SubjectRole,
    Unopened,
    Verdict,
    written_consent,
)
from client_sdk.subject_report import Format, Language, write_report
from client_sdk.subject_report.content import document_of
from client_sdk.subject_report.facts import visible
from client_sdk.subject_report.page import as_page
from client_sdk.subject_report.printed import as_pdf
from client_sdk.subject_report.terms import FACTS, term_of
from client_sdk.subject_report.texts import TEXTS
from tests.client_sdk.kernel.rules import facts_samples
from tests.client_sdk.sdk_samples import person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import Enum
    from pathlib import Path

    from client_sdk.models import Facts

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
AT = datetime(2026, 3, 1, 4, tzinfo=UTC)
# Markup, a bell, a character without width, one that turns the line, Arabic, and a character that no Chinese font has.
HOSTILE = '<script>alert("x")</script>&amp;\a\u200b\u202egnitset مرحبا 某银行 \U0001f600'
EVIDENCE = "report.evidence"


def record(facts: Facts | None, kind: Kind, **changes: object) -> SubjectRecord:
    listed = ListedRecord(
        issuer="lender-1",
        signer="lender-2",
        record_id=bytes(range(16)),
        version=2,
        kind=kind,
        standing=Standing.CURED if kind is Kind.DEFAULT else Standing.SATISFIED,
        index=9,
        issued_at=AT,
        logged_at=AT,
        retain_until=date(2031, 1, 2),
        transferee="lender-2",
        contested=True,
        flags=frozenset(AnnotationFlag),
        remark="paid-in-time",
        subject_statement=HOSTILE,
        facts=facts,
        unopened=None if facts is not None else Unopened.DEBT_REF_WRONG,
    )
    history = (
        RecordEvent(index=3, logged_at=AT, by="lender-1", version=1, standing=Standing.OPEN),
        RecordEvent(index=5, logged_at=AT, by="", flags=frozenset((AnnotationFlag.RESTRICTED,)), code="silent"),
        RecordEvent(index=6, logged_at=AT, by="lender-1", flags=frozenset(), outcome=DisputeOutcome.CONFIRMED),
        RecordEvent(index=7, logged_at=AT, by="office", flags=frozenset()),
    )
    versions = [KnownVersion(1, Standing.OPEN, AT.date()), KnownVersion(2, Standing.OPEN, AT.date(), facts)]
    months = monthly_history(kind, versions, AT.date())
    made = SubjectRecord(record=listed, history=history, due_on=date(2026, 3, 21), disputed_by="office", months=months)
    return replace(made, **changes)  # type: ignore[arg-type]  # the test names fields


def report(*records: SubjectRecord, asked: int = 1, had: int = 0) -> SubjectReport:
    answer = Answer(
        verdict=Verdict.LISTED if records else Verdict.CLEAR,
        registry="test",
        inquiry_id=bytes(16),
        as_of=AT,
        size=10,
        records=tuple(item.record for item in records),
        identity=person(1),
        _cut=lambda: b"evidence",
    )
    names = {"lender-1": HOSTILE, "lender-2": "Second Lender", "office": "Consumer Office"}
    return SubjectReport(
        answer=answer,
        records=records,
        asked=tuple(
            AskedAbout(
                asker="lender-1",
                inquiry_id=bytes(16),
                purpose=Purpose.LOAN_APPROVAL,
                received_at=AT,
                index=place or None,
            )
            for place in range(asked)
        ),
        members={id_: InstitutionName(id=id_, name=name, licence_number="L-1") for id_, name in names.items()},
        office="office",
        mandate=written_consent(document=b"request", given_on=date(2026, 2, 1)),
        had=had,
        free=2,
        chargeable=had >= 2,
        made_at=AT,
        time_zone="Asia/Shanghai",
        jurisdiction="cn",
        retention_years=5,
        dispute_days=20,
    )


@pytest.fixture(scope="module")
def everything() -> SubjectReport:
    """Every kind of record with every field, and one whose facts do not open."""
    return report(
        record(facts_samples.DEFAULT, Kind.DEFAULT),
        record(facts_samples.JUDGMENT, Kind.JUDGMENT),
        record(facts_samples.ENFORCEMENT, Kind.ENFORCEMENT),
        record(facts_samples.LISTING, Kind.LISTING),
        record(None, Kind.DEFAULT, due_on=None),
        asked=200,
        had=3,
    )


class References(HTMLParser):
    """Collects everything in a page that could load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "img", "link", "iframe", "object", "embed", "base", "form", "a"}:
            self.found.append(tag)
        self.found += [name for name, _ in attrs if name.startswith("on") or name in {"src", "href", "action"}]


def test_every_word_and_every_field_has_a_name_in_both_languages() -> None:
    enums: tuple[type[Enum], ...] = (
        *(Kind, Standing, Purpose, AnnotationFlag, DisputeOutcome, SubjectRole, Product, CollectionStage, LegalBasis),
        *(NoticeChannel, ConsentForm, JudgmentStage, JudgmentResult, Measure, Unopened),
        *(DefaultCause, ArrangementPeriod, ArrangementOutcome),
        *(ListingGround, ListingOrigin, ListingPerformance),
    )
    terms = [term_of(word) for enum in enums for word in enum]
    assert term_of(Standing.ARRANGED) != term_of(CollectionStage.ARRANGED)
    assert term_of(Standing.WITHDRAWN) != term_of(DisputeOutcome.WITHDRAWN)
    shown = (facts_samples.DEFAULT, facts_samples.JUDGMENT, facts_samples.ENFORCEMENT, facts_samples.LISTING)
    assert {field.name for facts in shown for field in fields(facts)} <= set(FACTS)
    for term in (*terms, *FACTS.values(), *TEXTS.values()):
        assert term.english
        assert term.of(Language.ENGLISH) == term.english
        assert term.of(Language.CHINESE) != term.english or not re.search(
            r"[A-Za-z]{2}", re.sub(r"{\w+}", "", term.english)
        )


def test_nothing_in_a_text_is_hidden_or_turns_its_neighbours() -> None:
    assert visible("a\a\u200b\u202eb") == "a[U+0007][U+200B][U+202E]b"
    assert visible("某银行 1") == "某银行 1"
    assert visible("مرحبا") == "\u2068مرحبا\u2069"


@pytest.mark.parametrize("language", Language)
def test_the_page_loads_and_runs_nothing_and_shows_what_members_wrote_as_text(
    everything: SubjectReport, language: Language
) -> None:
    page = as_page(document_of(everything, language, EVIDENCE)).decode()
    references = References()
    references.feed(page)
    assert references.found == []
    assert "&lt;script&gt;" in page
    assert not {"\a", "\u200b", "\u202e"} & set(page)
    assert person(1).number not in page
    assert f"{person(1).number[:6]}********{person(1).number[-4:]}" in page


def test_the_report_says_what_is_known_of_each_month(everything: SubjectReport) -> None:
    marked = as_page(document_of(everything, Language.ENGLISH, EVIDENCE)).decode()
    # A day is kept on one line.
    page = re.sub(r"<span>(.*?)</span>", r"\1", re.sub(r'<span class="day">(.*?)</span>', r"\1", marked))
    for said in (
        "60 days past due on 2025-09-30 (month code 2)",
        "30 days past due on 2025-08-31 (month code 1), as follows from what was reported later",
        # On a narrow screen each cell has the name of its column beside it.
        '<td data-name="Month">2025-10 to 2026-03</td><td data-name="Standing">open</td>',
    ):
        assert said in page


def test_the_report_says_until_when_and_why_and_whom_to_write_to() -> None:
    english = as_page(document_of(report(record(None, Kind.DEFAULT)), Language.ENGLISH, EVIDENCE)).decode()
    for said in (
        "2031-01-02",
        "at most 5 years",
        'must answer by <span class="day">2026-03-21</span>',
        "If it is wrong, write to",
        "free of charge",
    ):
        assert said in english or said.capitalize() in english
    chinese = as_page(document_of(report(had=2), Language.CHINESE, EVIDENCE)).decode()
    for said in ("登记系统中没有", "可以收费", "贷款审批", "2026-03-01 12:00:00 UTC+8"):
        assert said in chinese


def test_the_history_says_which_marks_a_remark_has_removed() -> None:
    stated, disputed = frozenset((AnnotationFlag.STATEMENT,)), frozenset((AnnotationFlag.DISPUTED,))
    history = (
        RecordEvent(index=3, logged_at=AT, by="lender-1", version=1, standing=Standing.OPEN),
        RecordEvent(index=4, logged_at=AT, by="office", flags=stated | disputed),
        RecordEvent(index=5, logged_at=AT, by="office", flags=disputed, code="paid"),
        RecordEvent(index=6, logged_at=AT, by="office", flags=frozenset()),
        RecordEvent(index=7, logged_at=AT, by="office", flags=frozenset()),
        RecordEvent(index=8, logged_at=AT, by="office", flags=stated, code="paid"),
    )
    document = report(record(facts_samples.DEFAULT, Kind.DEFAULT, history=history))
    english, chinese = (
        as_page(document_of(document, language, EVIDENCE)).decode() for language in (Language.ENGLISH, Language.CHINESE)
    )
    assert "disputed by the person; no longer: with the person&#39;s own statement, code paid" in english
    assert "no longer: disputed by the person<" in english
    assert "no marks<" in english
    assert english.count("code paid") == 1
    assert "本人有异议；不再：附本人声明，代码 paid" in chinese


def test_a_statement_has_not_the_code_of_a_dispute_that_is_over() -> None:
    stated, disputed = frozenset((AnnotationFlag.STATEMENT,)), frozenset((AnnotationFlag.DISPUTED,))
    history = (
        RecordEvent(index=3, logged_at=AT, by="lender-1", version=1, standing=Standing.OPEN),
        RecordEvent(index=4, logged_at=AT, by="office", flags=disputed, code="paid"),
        RecordEvent(
            index=5, logged_at=AT, by="lender-1", flags=frozenset(), code="paid", outcome=DisputeOutcome.CONFIRMED
        ),
        RecordEvent(index=6, logged_at=AT, by="office", flags=stated, code="paid"),
        RecordEvent(index=7, logged_at=AT, by="office", flags=frozenset(), code="paid"),
    )
    document = report(record(facts_samples.DEFAULT, Kind.DEFAULT, history=history))
    english = as_page(document_of(document, Language.ENGLISH, EVIDENCE)).decode()
    assert english.count(", code paid<") == 2, "that of the dispute, and of its answer"
    assert "with the person&#39;s own statement<" in english


@pytest.mark.parametrize("language", Language)
def test_the_law_is_that_of_the_jurisdiction(language: Language) -> None:
    item = record(facts_samples.DEFAULT, Kind.DEFAULT)
    running = replace(item, record=replace(item.record, retain_until=None))
    british = replace(report(item, running), jurisdiction="uk", retention_years=6, dispute_days=28)
    page = as_page(document_of(british, language, EVIDENCE)).decode()
    assert "征信业" not in page
    assert "中国人民银行" not in page
    assert ("Financial Ombudsman" if language is Language.ENGLISH else "金融申诉专员") in page
    assert "征信业管理条例" in as_page(document_of(report(item), language, EVIDENCE)).decode()


def test_what_is_hidden_stale_or_without_its_lender_is_said_to_be() -> None:
    item = record(facts_samples.CURED, Kind.DEFAULT)
    hidden = replace(item, hidden_under="amnesty-2026")
    left = replace(item, record=replace(item.record, stale=True, issuer_ended=True))
    document = document_of(report(hidden, left), Language.ENGLISH, EVIDENCE)
    assert document.verdict.endswith("2 records about you. One of them is hidden: no answer shows it.")
    _, _, first, second, *_ = document.parts
    assert first.badges[0] == "hidden: amnesty-2026"
    assert "no answer to anybody shows this record" in first.paragraphs[0]
    assert {"not updated by the lender for long", "the lender is no more"} <= set(second.badges)


@pytest.mark.parametrize("language", Language)
def test_the_printed_report_is_a_pdf_that_is_made_alike(everything: SubjectReport, language: Language) -> None:
    document = document_of(everything, language, EVIDENCE)
    printed = as_pdf(document)
    assert printed.startswith(b"%PDF-")
    assert printed == as_pdf(document)
    # Nothing that runs or leaves the document.
    assert not re.search(rb"/(JavaScript|JS|URI|Launch|EmbeddedFile)\b", printed)


@pytest.mark.parametrize("text", ["\U0001f600" * 500, "还" * 500, "W" * 500])
def test_what_is_longer_than_a_page_goes_on_on_the_next(text: str) -> None:
    item = record(replace(facts_samples.DEFAULT, approver=text), Kind.DEFAULT)
    long = replace(item, record=replace(item.record, subject_statement=text))
    for language in Language:
        assert as_pdf(document_of(report(*[long] * 3), language, EVIDENCE)).startswith(b"%PDF-")


def test_files_are_new_private_and_named_for_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    files = write_report(report(), folder)
    assert [path.name for path in files] == [
        "report.evidence",
        *("report.zh.html", "report.zh.pdf", "report.en.html", "report.en.pdf"),
    ]
    assert files[0].read_bytes() == b"evidence"
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in files)
    before = {path: path.read_bytes() for path in files}
    with pytest.raises(ConfigError, match="is not written over"):
        write_report(report(), folder, [Language.ENGLISH], [Format.HTML])
    assert {path: path.read_bytes() for path in files} == before


def test_where_the_system_refuses_a_file_nothing_of_the_report_is_left(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The evidence is shorter, and every page longer.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(ConfigError, match="cannot be written"):
            write_report(report(), tmp_path / "in" / "report", formats=[Format.HTML])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """A real Chromium that records what it complains of and what it asks the network for."""
    options = Options()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,1600"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.binary_location = next(path for name in BROWSERS if (path := shutil.which(name)))
    with webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver"))) as chrome:
        yield chrome


@pytest.mark.browser
@pytest.mark.parametrize("language", Language)
def test_a_browser_shows_the_whole_report_without_a_complaint(
    tmp_path: Path, browser: webdriver.Chrome, everything: SubjectReport, language: Language
) -> None:
    files = write_report(everything, tmp_path / "report", [language], [Format.HTML])
    browser.get(files[1].as_uri())
    assert len(browser.find_elements(By.CSS_SELECTOR, "section.record")) == 5
    assert len(browser.find_elements(By.CSS_SELECTOR, "section:not(.record) tbody tr")) == 200
    shown = browser.find_element(By.CSS_SELECTOR, "blockquote").text
    assert shown.strip("\u2068\u2069").startswith('<script>alert("x")</script>&amp;[U+0007][U+200B][U+202E]gnitset')
    overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(overflow) == 0
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]  # selenium's own


@pytest.mark.browser
def test_a_browser_shows_the_printed_report(
    tmp_path: Path, browser: webdriver.Chrome, everything: SubjectReport
) -> None:
    files = write_report(everything, tmp_path / "report", formats=[Format.PDF])
    for file in files[1:]:
        browser.get(file.as_uri())
        kind = browser.execute_script("return document.contentType")
        assert kind == "application/pdf"


@pytest.mark.parametrize(
    ("language", "said", "waits"),
    [(Language.ENGLISH, "screenings", "being logged"), (Language.CHINESE, "筛查", "登记中")],
)
def test_who_asked_says_what_is_not_listed_and_counts_from_one(language: Language, said: str, waits: str) -> None:
    made = report(asked=1)
    first = replace(made, asked=(replace(made.asked[0], index=0), made.asked[0]))
    (asked,) = [part for part in document_of(first, language, "file").parts if part.tables]
    assert said in " ".join(asked.paragraphs)
    places = [row[3] for row in asked.tables[0].rows]
    assert places[0] == "1"
    assert waits in places[1]
