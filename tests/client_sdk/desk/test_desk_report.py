"""Reporting one record at the desk: every kind by its form, the rules while one types, the plan, refusals, receipts."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk import DefaultFacts, Kind, Standing
from client_sdk.desk.form import Form
from client_sdk.desk.money import minor_units
from client_sdk.desk.record_columns import cells_of, columns_of, typed_of_cells, typed_of_form
from client_sdk.desk.rule_words import violation_words, warning_words
from client_sdk.desk.texts import Language, say_in
from client_sdk.errors import PreflightError
from client_sdk.lending.column_guide import GUIDE, standings_of
from client_sdk.lending.columns import report_of
from client_sdk.lending.rows import facts_cells, row_of
from client_sdk.models import RejectedRow, RowWarning, Violation
from tests.client_sdk.desk.desk_forms import CONSENT, DOCUMENTS, NOTICE, typed_of
from tests.client_sdk.sdk_samples import default_report, listing_report, person, suit
from tests.support.command import Command
from tests.support.desk import RunningDesk, Visitor, typed_in
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.models import Report
    from client_sdk.testing import TestRegistry

ENGLISH = say_in(Language.ENGLISH)
NEVER = "No rule is broken that can be seen from here."


@pytest.fixture(scope="session")
def home(registry: TestRegistry) -> Path:
    return registry.enrol("lender-form")


@pytest.fixture(scope="module")
def officer(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """Somebody at the desk of a lender that has reported nothing."""
    with RunningDesk(home, tmp_path_factory.mktemp("form")) as running:
        visitor = running.visitor()
        visitor.get("/report")
        yield visitor


def form_of(kind: Kind) -> str:
    return f"/report/{kind.name.lower()}"


def reported(officer: Visitor, report: Report) -> str:
    """Report by the form; return the number of the record."""
    # What is public by law needs neither notice nor consent.
    documents = DOCUMENTS if report.facts is None or report.facts.notice is not None else {}
    planned = officer.post(form_of(report.kind), typed_of(report), documents)
    assert planned.status == 303, planned.words
    officer.follow(planned)
    sent = officer.post(planned.headers["location"])
    assert "is logged at leaf" in officer.follow(sent).words
    return sent.headers["location"].removeprefix("/records/")


def test_a_default_is_reported_once_its_plan_was_shown_and_its_receipt_is_saved(
    registry: TestRegistry, home: Path, officer: Visitor
) -> None:
    assert 'href="/report/default"' in officer.get("/report").text
    empty = typed_in(officer.get("/report/default").text)
    assert set(typed_of(default_report(31))) - {"notice_digest", "consent_digest"} <= set(empty)
    planned = officer.post("/report/default", typed_of(default_report(31)), DOCUMENTS)
    plan = officer.follow(planned)
    for said in ("Report a record", "1,230.00 CNY", "principal 1,200.00", "borrower", "HT31", "Sign and send"):
        assert said in plan.words, said
    assert f"number ending in {person(31).number[-4:]}" in plan.words
    assert person(31).number not in plan.text
    sent = officer.post(planned.headers["location"])
    done = officer.follow(sent)
    assert "Version 1 is logged at leaf" in done.words
    uuid = sent.headers["location"].removeprefix("/records/")
    with registry.client("lender-form") as client:
        (held,) = [one for one in client.records(identity=person(31)) if str(one.uuid) == uuid]
        assert isinstance(held.facts, DefaultFacts)
        assert held.facts.amounts.total == 123_000
        assert held.facts.notice is not None
        assert held.facts.notice.digest == hashlib.sha256(NOTICE).digest()
        assert held.facts.consent is not None
        assert held.facts.consent.digest == hashlib.sha256(CONSENT).digest()
        proof = client.receipt(held.record_id, 1).tlog_proof()
    saved = officer.get(f"/records/{uuid}/receipts/1")
    assert saved.text.splitlines()[0] == proof.splitlines()[0]
    assert f'filename="receipt-{uuid}-1.tlog-proof"' in saved.headers["content-disposition"]
    again = officer.follow(officer.post(planned.headers["location"]))
    assert "The registry had version 1 already" in again.words
    journal = Command(home).said("desk", "journal", "show").out
    assert "REPORT_RECORD" in journal
    assert "SAVE_RECEIPT" in journal
    assert uuid in journal
    assert person(31).number not in journal


def test_every_kind_and_its_further_versions_are_reported(registry: TestRegistry, officer: Visitor) -> None:
    everything = [*suit(32)[:4], listing_report(32), *suit(32)[4:]]
    for report in everything:
        uuid = reported(officer, report)
        with registry.client("lender-form") as client:
            (held,) = [one for one in client.records(identity=person(32)) if str(one.uuid) == uuid]
        assert (held.kind, held.standing) == (report.kind, report.standing)
        assert held.facts is not None
        assert report.facts is not None
        apart = {"notice_digest", "consent_digest"}
        want, got = facts_cells(report.facts), facts_cells(held.facts)
        assert {name: got[name] for name in got if name not in apart} == {
            name: want[name] for name in want if name not in apart
        }


def test_a_further_version_begins_with_what_the_record_holds(officer: Visitor) -> None:
    uuid = reported(officer, default_report(33))
    number = {"id_type": "CN_RESIDENT_ID", "number": person(33).number}
    opened = officer.follow(officer.post(f"/records/{uuid}/open", number))
    (path,) = re.findall(r'href="(/records/[^"]+/further)"', opened.text)
    typed = typed_in(officer.get(path).text)
    assert typed["principal"] == "1,200.00"
    assert typed["contract"] == "HT33"
    assert typed["number"] == typed["reference"] == ""
    changes = {"number": person(33).number, "reference": "loan-33", "as_of": "2025-05-31", "days_past_due": "61"}
    # What is kept otherwise than it is typed is said.
    changes |= {"contract": "ht-33"}
    planned = officer.post("/report/default", typed | changes)
    plan = officer.follow(planned)
    assert "This is a further version of a record of yours: the registry holds version 1, open." in plan.words
    assert f'href="/records/{uuid}"' in plan.text
    assert "The number of the contract is kept by its letters and digits alone: HT33." in plan.words
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>", plan.text)
    assert ("Days overdue", "29", "61") in rows
    assert not any("1,200.00" in row for row in rows), "what stays is no change"
    assert "Version 2 is logged" in officer.follow(officer.post(planned.headers["location"])).words


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"number": "11010518000101001X"}, "number", "One digit is mistyped"),
        ({"number": ""}, "number", "Fill this in."),
        ({"reference": ""}, "reference", "Fill this in."),
        ({"principal": "1.2"}, "principal", "Give an amount such as 12,500.00"),
        ({"currency": "XXX"}, "currency", "Give the three letters of a currency"),
        ({"standing": "STAYED"}, "standing", "Choose one of the list."),
        ({"product": ""}, "product", "Fill this in."),
        ({"as_of": "2199-01-01"}, "as_of", "This day is in the future"),
        ({"days_past_due": "soon"}, "days_past_due", "Give a whole number from 0."),
        ({"days_past_due": "9000"}, "days_past_due", "So many days cannot have passed"),
        ({"notice_sent_at": "2199-01-01T10:00"}, "notice_sent_at", "sent before the report, long enough"),
        ({"notice_sent_at": "yesterday"}, "notice_sent_at", "Give a day and a time"),
        ({"notice_channel": ""}, "notice_channel", "Fill this in."),
        ({"consent_form": ""}, "consent_form", "Fill this in."),
        ({"consent_form": "VERBAL"}, "consent_form", "A consent in writing is needed"),
        ({"consent_date": "2199-01-01"}, "consent_date", "this day is in the future"),
        ({"currency": "JPY", "principal": "12.50"}, "principal", "JPY has no places after the point"),
        ({"subject_role": "GUARANTOR"}, "called_on", "Give the day on which the guarantor was called on"),
        ({"contacts": "SMS"}, "contacts", "Write channels with their counts"),
        ({"original_creditor": "x"}, "original_creditor", "Compare the code of the first lender"),
        ({"attempt": "99999999999"}, "attempt", "Found"),
    ],
)
def test_a_refusal_keeps_what_was_typed_but_the_number_and_names_the_field(
    officer: Visitor, changes: dict[str, str], field: str, said: str
) -> None:
    typed = typed_of(default_report(34), **changes)
    refused = officer.post("/report/default", typed, DOCUMENTS)
    assert refused.status == 422
    assert "Nothing was reported" in refused.words
    assert said in refused.words
    assert f'href="#{field}"' in refused.text
    assert f'id="{field}-wrong"' in refused.text
    shown = typed_in(refused.text)
    assert shown["number"] == ""
    assert not typed["number"] or typed["number"] not in refused.text
    kept = set(typed) - {"number", "notice_digest", "consent_digest", *changes}
    assert {name: shown[name] for name in kept} == {name: typed[name] for name in kept}
    assert shown["notice_digest"] == hashlib.sha256(NOTICE).hexdigest(), "the document need not be chosen again"
    officer.language = "zh"
    try:
        chinese = officer.post("/report/default", typed, DOCUMENTS)
        assert "未报送" in chinese.words
        assert said not in chinese.words
    finally:
        officer.language = "en"


def test_all_mistakes_are_named_at_once_though_some_values_cannot_be_read(officer: Visitor) -> None:
    unread = {"principal": "1.2", "as_of": "soon", "notice_sent_at": "yesterday", "number": "11010518000101001X"}
    broken = {"approver": " ", "original_creditor": "x", "subject_role": "GUARANTOR", "consent_date": "2199-01-01"}
    typed = typed_of(default_report(34), **unread, **broken)
    named = {*unread, "approver", "original_creditor", "called_on", "consent_date"}
    refused = officer.post("/report/default", typed, DOCUMENTS)
    assert set(re.findall(r'id="([a-z_]+)-wrong"', refused.text)) == named
    assert "So many days" not in refused.words, "days cannot be judged without the day of the facts"
    told = officer.post("/report/default/rules", typed, headers={"HX-Request": "true"})
    assert set(re.findall(r'href="#([a-z_]+)"', told.text)) == named | {"notice_digest", "consent_digest"}


def test_the_list_of_mistakes_names_fields_as_the_page_does_and_leads_to_them(officer: Visitor) -> None:
    unread = {"principal": "1.2", "as_of": "soon", "number": "11010518000101001X", "called_on": "", "approver": " "}
    broken = unread | {"subject_role": "GUARANTOR"}
    for language, joint in (("en", ": "), ("zh", "："), ("en", ": ")):
        officer.language = language
        refused = officer.post("/report/default", typed_of(default_report(34), **broken), DOCUMENTS).text
        summary = refused[refused.index('class="problems"') : refused.index("<h1>")]
        labels = dict(re.findall(r'<label for="([a-z_]+)">([^<]+)</label>', refused))
        listed = re.findall(r'<li><a href="#([a-z_]+)">([^<]+)</a></li>', summary)
        assert [name for name, _ in listed] == ["number", "as_of", "approver", "principal", "called_on"]
        assert all(text.startswith(labels[name] + joint) for name, text in listed)
        assert len(labels) == len(set(labels.values())), "two fields of one name cannot be told apart"


@pytest.mark.parametrize("chosen", ["notice_digest", "consent_digest"])
def test_a_document_and_the_sha_256_of_another_are_refused_with_both(officer: Visitor, chosen: str) -> None:
    document, other = DOCUMENTS[f"{chosen}_file"], hashlib.sha256(b"another").hexdigest()
    typed = typed_of(default_report(34), **{chosen: other})
    refused = officer.post("/report/default", typed, DOCUMENTS)
    assert refused.status == 422
    assert re.findall(r'<li><a href="#([a-z_]+)">', refused.text) == [chosen]
    assert f"has the SHA-256 {hashlib.sha256(document).hexdigest()}, and this is another one: {other}" in refused.words
    assert typed_in(refused.text)[chosen] == other
    unread = officer.post("/report/default", typed | {chosen: "110105180001010010"}, DOCUMENTS)
    assert "Give a SHA-256 as 64 hexadecimal digits." in unread.words
    agreed = officer.post("/report/default", typed | {chosen: hashlib.sha256(document).hexdigest().upper()}, DOCUMENTS)
    assert agreed.status == 303


def test_the_rules_are_told_while_one_types_and_nothing_is_kept(officer: Visitor) -> None:
    path, whole = "/report/default/rules", typed_of(default_report(35))
    nothing = officer.post(path, {"id_type": "CN_RESIDENT_ID"}, headers={"HX-Request": "true"})
    assert nothing.status == 200
    assert "Still empty:" in nothing.words
    assert "Not in order yet" not in nothing.words, "what was not typed yet is not called wrong"
    begun = {"standing": "OPEN", "id_type": "LEI", "currency": "cny", "principal": "1,200.00", "fees": "0.50"}
    some = officer.post(path, begun | {"days_past_due": "x"}, headers={"HX-Request": "true"})
    assert "In all: 1,200.50 CNY" in some.words
    assert 'href="#days_past_due"' in some.text
    digest = hashlib.sha256(NOTICE).hexdigest()
    digests = {"notice_digest": digest, "consent_digest": digest}
    late = officer.post(path, whole | digests | {"notice_sent_at": "2199-01-01T10:00"}, headers={"HX-Request": "true"})
    assert "Notice sent at: The notice must have been sent before the report" in late.words
    right = officer.post(path, whole | digests, headers={"HX-Request": "true"})
    assert NEVER in right.words
    assert officer.post("/report/nothing/rules", {}, headers={"HX-Request": "true"}).status == 200


def test_what_the_registry_refuses_is_shown_in_the_form_as_it_was_typed(
    registry: TestRegistry, officer: Visitor
) -> None:
    planned = officer.post("/report/default", typed_of(default_report(36)), DOCUMENTS)
    officer.follow(planned)
    with registry.client("lender-2") as other:
        other.report(default_report(36))
    refused = officer.post(planned.headers["location"])
    assert refused.status == 422
    assert "DEBT_TAKEN" in refused.words
    assert "Another live record names this debt" in refused.words
    shown = typed_in(refused.text)
    assert (shown["reference"], shown["number"]) == ("loan-36", "")
    assert shown["id_type"] == "CN_RESIDENT_ID"


def test_a_registry_that_is_away_leaves_the_plan_to_be_sent_again(registry: TestRegistry, officer: Visitor) -> None:
    planned = officer.post("/report/default", typed_of(default_report(37)), DOCUMENTS)
    registry.stop("registry")
    try:
        away = officer.post(planned.headers["location"])
        assert away.status == 503
        kept = officer.post("/report/default", typed_of(default_report(38)), DOCUMENTS)
        assert typed_in(kept.text)["reference"] == "loan-38"
        assert "The registry does not answer" in kept.words
    finally:
        registry.start_registry()
    sent: list[str] = []

    def is_sent() -> bool:
        # The channel waits before it tries anew.
        sent.append(officer.post(planned.headers["location"]).headers.get("location", ""))
        return bool(sent[-1])

    wait_until(is_sent)
    assert "is logged at leaf" in officer.get(sent[-1]).words


def test_a_warning_and_a_repetition_are_shown_in_the_plan(officer: Visitor) -> None:
    report = default_report(39)
    reported(officer, report)
    same = officer.follow(officer.post("/report/default", typed_of(report), DOCUMENTS))
    assert "The registry holds exactly this already." in same.words
    assert "Sign and send" not in same.words
    assert report.facts is not None
    hundredfold = replace(report.facts, amounts=replace(report.facts.amounts, principal=12_000_000))
    plan = officer.follow(officer.post("/report/default", typed_of(replace(report, facts=hundredfold)), DOCUMENTS))
    amounts = "(Given: 120,000.00 CNY; Held: 1,200.00 CNY)"
    assert "Principal: exactly 100 times as much as, or as little as a hundredth of, the version before" in plan.words
    assert amounts in plan.words
    officer.language = "zh"
    try:
        chinese = officer.follow(
            officer.post("/report/default", typed_of(replace(report, facts=hundredfold)), DOCUMENTS)
        )
    finally:
        officer.language = "en"
    assert "本金：恰为前一版本的 100 倍，或恰为其百分之一" in chinese.words
    assert "（填写：120,000.00 CNY；" in chinese.words


@pytest.mark.parametrize("currency", ["RMB", "", "JPY"])
def test_a_wrong_currency_hides_no_mistake_in_an_amount(officer: Visitor, currency: str) -> None:
    typed = typed_of(default_report(34), currency=currency, principal="12,50.00", interest="0")
    refused = officer.post("/report/default", typed, DOCUMENTS)
    named = set(re.findall(r'id="([a-z_]+)-wrong"', refused.text))
    assert named >= {"principal"} | ({"currency"} if currency != "JPY" else set())
    advice = "Give a whole amount such as 12,500: JPY has no places" if currency == "JPY" else "such as 12,500.00"
    assert advice in refused.words


def test_a_plan_can_be_changed_and_is_gone_for_others(officer: Visitor) -> None:
    planned = officer.post("/report/default", typed_of(default_report(40)), DOCUMENTS)
    form = typed_in(officer.get(f"{planned.headers['location']}/change").text)
    assert (form["reference"], form["number"]) == ("loan-40", "")
    for path in ("/reports/nothing", "/reports/nothing/change"):
        assert officer.get(path).status == 404
    assert officer.post("/reports/nothing").status == 404
    assert officer.get("/report/nothing").headers["location"] == "/report"
    assert officer.post("/report/nothing").headers["location"] == "/report"


def test_records_are_paged_and_narrowed_by_kind_and_standing(registry: TestRegistry, tmp_path: Path) -> None:
    home = registry.enrol("lender-pages")
    reports = [default_report(place) for place in range(1_000, 1_055)]
    with registry.client("lender-pages") as client:
        assert client.report_many(reports, one_signature=True).accepted == 55
        for report in suit(1_100)[:4]:
            client.report(report)
        everything = [record.uuid for record in client.records()]
        assert [record.uuid for record in client.records(most=7)] == everything[:7]
        assert [record.uuid for record in client.records(most=1_000)] == everything
        for odd in (0, -1, True, "7"):
            with pytest.raises(PreflightError):
                next(client.records(most=odd))  # type: ignore[arg-type]  # as a program may give it
    with RunningDesk(home, tmp_path / "log") as running:
        visitor = running.visitor()
        first = visitor.get("/records")
        assert first.text.count('<td><a href="/records/') == 50
        (after,) = re.findall(r'href="(/records\?[^"]+)" rel="next"', first.text)
        second = visitor.get(after.replace("&amp;", "&"))
        assert second.text.count('<td><a href="/records/') == 8
        assert "Next page" not in second.words
        assert "Page before" in second.words
        judged = visitor.get("/records?kind=JUDGMENT")
        assert judged.text.count('<td><a href="/records/') == 1
        enforced = visitor.get("/records?kind=ENFORCEMENT&standing=SATISFIED")
        assert "There is none of these here." in enforced.words
        narrowed = visitor.get("/records?kind=DEFAULT&standing=OPEN&page=2")
        assert narrowed.text.count('<td><a href="/records/') == 6
        for asked in ("page=0", "page=-1", "page=x", "page=99999999", "page=%C2%B2", "kind=x&standing=y"):
            assert visitor.get(f"/records?{asked}").status == 200, asked


@pytest.mark.parametrize("report", [*suit(1)[2:6], listing_report(1), default_report(1)])
def test_what_is_typed_for_a_report_reads_as_the_same_cells(report: Report) -> None:
    row = row_of(report)
    texts = typed_of(report) | {name: row.get(name, "") for name in ("notice_digest", "consent_digest")}
    typed, twice = typed_of_form(Form(texts), columns_of(report.kind))
    cells, wrong = cells_of(typed, ENGLISH)
    assert (wrong, twice) == ({}, [])
    person_cells = {name: row[name] for name in ("kind", "id_type", "id_number")}
    read = report_of(cells | person_cells, 0)
    assert not isinstance(read, RejectedRow)
    assert row_of(read) == row


@pytest.mark.parametrize("kind", Kind)
def test_the_form_has_every_column_of_its_kind_and_the_standings_that_hold_facts(kind: Kind) -> None:
    apart = {"kind", "id_type", "id_number", "issuing_state"}
    assert set(columns_of(kind)) == {name for name, column in GUIDE.items() if column.is_of(kind)} - apart
    assert Standing.OPEN in standings_of(kind)
    assert not {Standing.WITHDRAWN, Standing.SET_ASIDE} & set(standings_of(kind))


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12,500.00", "CNY", 1_250_000),
        ("12500", "CNY", 1_250_000),
        ("1,000", "JPY", 1_000),
        ("0", "CNY", 0),
        ("1.5", "CNY", None),
        ("1,5", "CNY", None),
        ("1000.0", "JPY", None),
        ("12,50.00", "CNY", None),
        ("-1", "CNY", None),
        ("", "CNY", None),
        ("１２", "CNY", None),
        ("1.²²", "CNY", None),
        ("9" * 40, "CNY", None),
    ],
)
def test_an_amount_is_read_in_one_way_or_not_at_all(text: str, currency: str, minor: int | None) -> None:
    assert minor_units(text, currency) == minor


def test_a_time_is_kept_to_the_millisecond_and_one_that_was_there_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    try:
        cells = {"notice_sent_at": "2025-01-02T00:00:00.123000+00:00"}
        typed = typed_of_cells(cells)
        assert typed == {"notice_sent_at": "2025-01-02T01:00:00.123"}
        assert cells_of(typed, ENGLISH)[0]["notice_sent_at"].startswith("2025-01-02T01:00:00.123")
        for changed in ("2025-10-26T02:30", "2025-03-30T02:30"):
            assert "notice_sent_at" in cells_of({"notice_sent_at": changed}, ENGLISH)[1]
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


@pytest.mark.parametrize(
    ("language", "warned", "broken"),
    [
        (Language.ENGLISH, "from “First day overdue” to “As of”", "Wanted: not before “Filed on”, 2025-07-01"),
        (Language.CHINESE, "不等于“首次逾期日”至“信息截至”的 328 天", "不早于“立案日”，即 2025-07-01"),
    ],
)
def test_what_a_rule_says_has_the_names_of_the_page(language: Language, warned: str, broken: str) -> None:
    say = say_in(language)
    text = "not the 328 days from first_delinquency_on to as_of; right only where a part was paid meanwhile"
    assert warned in warning_words(RowWarning(row=0, column="days_past_due", rule="days.dates", text=text), say)
    want = "not before facts.filed_on, 2025-07-01"
    late = Violation(row=0, reason="DATE_INVALID", field="facts.judged_on", rule="date.order", want=want)
    assert broken in violation_words(late, say)
    assert "date.order" in violation_words(late, say), "the id of a rule stays"
    lines = RowWarning(row=0, column="as_of", rule="x", text="longer than the rulebook's stale_days")
    assert "stale_days" in warning_words(lines, say), "what is no field of the page stays"
