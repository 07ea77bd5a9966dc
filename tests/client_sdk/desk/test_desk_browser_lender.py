"""Reports, approvals and disputes in a real Chromium: accessible at both widths and in print, in both languages, by
keyboard alone, with the rules told while one types, and the identity number in no address, file, log or storage.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from client_sdk import Kind, Role
from client_sdk.desk.rights import DeskRole
from client_sdk.lending.column_guide import WORDS
from tests.client_sdk.desk.desk_forms import at, staffed, typed_of
from tests.client_sdk.sdk_samples import default_facts, default_report, person
from tests.conftest import chromium
from tests.support.browsing import (
    PATIENCE,
    choose,
    command_lines,
    console,
    keys,
    path_of,
    reach_button,
    seen,
    tab_to,
    violations,
    waited,
)
from tests.support.desk import RunningDesk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

    from client_sdk.models import Report
    from client_sdk.testing import TestRegistry

pytestmark = pytest.mark.browser

DIGEST = hashlib.sha256(b"document").hexdigest()
TYPED = {"notice_digest": DIGEST, "consent_digest": DIGEST}


@pytest.fixture(scope="session")
def home(registry: TestRegistry) -> Path:
    made = staffed(registry, "lender-seen", {"anna": DeskRole.OFFICER, "bo": DeskRole.APPROVER})
    (made / "desk.toml").write_text('[approval.above]\nCNY = "5,000.00"\n')
    return made


@pytest.fixture(scope="module")
def running(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    with RunningDesk(home, tmp_path_factory.mktemp("seen")) as desk:
        yield desk


@pytest.fixture
def page(browser: Chrome, running: RunningDesk) -> Iterator[Chrome]:
    """A browser of the officer, in English."""
    with at(browser, running, "anna"):
        yield browser


def fill(browser: Chrome, report: Report, **changes: str) -> None:
    """Fill the form of a report, as fast as a program can."""
    for name, text in typed_of(report, **TYPED, **changes).items():
        if not text:
            continue
        column, _, word = name.partition(".")
        if word:
            browser.find_element(By.ID, f"{column}-{word}").click()
            continue
        field = browser.find_element(By.ID, name)
        if field.tag_name == "select":
            Select(field).select_by_value(text)
        elif field.get_attribute("type") in {"date", "datetime-local"}:
            browser.execute_script(
                "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', {bubbles: true}))",
                field,
                text,
            )
        else:
            field.clear()
            field.send_keys(text)


def send(browser: Chrome, action: str) -> None:
    browser.find_element(By.CSS_SELECTOR, f"form[action^='{action}'] button:not(.grave)").click()


def big(number: int) -> Report:
    return default_report(number, facts=default_facts(contract=f"HT-{number}", principal=900_000))


def test_the_forms_of_all_kinds_have_no_violation(page: Chrome) -> None:
    page.get(path_of(page, "/report"))
    seen(page)
    for kind in Kind:
        page.get(path_of(page, f"/report/{kind.name.lower()}"))
        waited(page, "#number")
        seen(page)
    page.find_element(By.CSS_SELECTOR, "details > summary").click()
    assert violations(page) == []
    assert len(page.find_elements(By.CSS_SELECTOR, "#grounds input[type=checkbox]")) == len(WORDS["grounds"])


def test_the_rules_are_told_while_one_types_and_a_refusal_leads_to_its_field(page: Chrome) -> None:
    console(page)
    page.get(path_of(page, "/report/default"))
    waited(page, "#number")
    days = page.find_element(By.ID, "days_past_due")
    days.send_keys("soon", Keys.TAB)
    waited(page, "#rules a[href='#days_past_due']")
    assert "Give a whole number from 0." in page.find_element(By.ID, "rules").text
    assert violations(page) == []
    days.clear()
    fill(page, default_report(71), number="11010518000101001X")
    page.find_element(By.ID, "principal").send_keys(Keys.TAB)
    waited(page, "#number-told .wrong")
    waited(page, "#rules a[href='#number']")
    WebDriverWait(page, PATIENCE).until(lambda one: "In all: 1,230.00 CNY" in one.find_element(By.ID, "rules").text)
    page.find_element(By.ID, "number").clear()
    page.find_element(By.ID, "number").send_keys(person(71).number, Keys.TAB)
    WebDriverWait(page, PATIENCE).until(lambda one: "No rule is broken" in one.find_element(By.ID, "rules").text)
    assert [entry for entry in console(page) if "favicon" not in entry["message"]] == []
    page.find_element(By.ID, "days_past_due").clear()
    page.find_element(By.ID, "days_past_due").send_keys("9000")
    send(page, "/report/")
    waited(page, "#days_past_due-wrong")
    assert page.find_element(By.ID, "number").get_attribute("value") == ""
    assert page.find_element(By.ID, "reference").get_attribute("value") == "loan-71"
    assert violations(page) == []
    page.find_element(By.CSS_SELECTOR, ".problems a[href='#days_past_due']").click()
    assert page.switch_to.active_element.get_attribute("id") == "days_past_due"


def test_a_chosen_document_does_not_disturb_the_rules(page: Chrome, tmp_path: Path) -> None:
    document = tmp_path / "notice.pdf"
    document.write_bytes(b"x" * 200_000)
    page.get(path_of(page, "/report/default"))
    waited(page, "#number")
    page.find_element(By.ID, "notice_digest_file").send_keys(str(document))
    page.find_element(By.ID, "fees").send_keys("x", Keys.TAB)
    page.find_element(By.ID, "currency").send_keys("CNY", Keys.TAB)
    waited(page, "#rules a[href='#fees']")
    page.find_element(By.ID, "number").send_keys("11010518000101001X", Keys.TAB)
    waited(page, "#number-told .wrong")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_default_is_reported_by_keyboard_alone(page: Chrome, language: str) -> None:
    choose(page, language)
    page.get(path_of(page, "/report/default"))
    waited(page, "#number")
    assert page.switch_to.active_element.get_attribute("id") == "number"
    number = 72 if language == "en" else 73
    keys(page, person(number).number)
    for field, typed in (
        ("reference", f"loan-{number}"),
        ("subject_role", Keys.ARROW_DOWN),
        ("original_creditor", "91350100M000100Y43"),
        ("contract", f"HT-{number}"),
        ("as_of", "04302025"),
        ("legal_basis", Keys.ARROW_DOWN),
        ("currency", "CNY"),
        ("principal", "1,200.00"),
        ("interest", "30"),
        ("product", Keys.ARROW_DOWN),
        ("first_delinquency_on", "03312025"),
        ("days_past_due", "30"),
        ("collection_stage", Keys.ARROW_DOWN),
        ("notice_channel", Keys.ARROW_DOWN),
        ("notice_sent_at", f"01022025{Keys.ARROW_RIGHT}1000AM"),
        ("notice_digest", DIGEST),
        ("consent_form", Keys.ARROW_DOWN),
        ("consent_date", "01012024"),
    ):
        tab_to(page, field)
        keys(page, typed)
    sent_at = page.find_element(By.ID, "notice_sent_at").get_attribute("value") or ""
    assert sent_at.startswith("2025-01-02T10:00")
    tab_to(page, "consent_digest")
    keys(page, DIGEST + Keys.ENTER)
    waited(page, "form[action^='/reports/']")
    said = page.find_element(By.TAG_NAME, "main").text
    assert "1,230.00 CNY" in said
    assert ("签名并发送" if language == "zh" else "Sign and send") in said
    reach_button(page)
    keys(page, Keys.ENTER)
    waited(page, ".told")
    assert ("第 1 版" if language == "zh" else "Version 1 is logged") in page.find_element(By.CLASS_NAME, "told").text


def test_what_waits_is_seen_and_approved_without_a_violation(browser: Chrome, running: RunningDesk) -> None:
    with at(browser, running, "anna"):
        browser.get(path_of(browser, "/report/default"))
        fill(browser, big(74))
        send(browser, "/report/")
        waited(browser, "form[action^='/reports/']")
        seen(browser)
        send(browser, "/reports/")
        waited(browser, "form[action$='/take-back']")
        seen(browser)
        browser.get(path_of(browser, "/approvals"))
        seen(browser)
    with at(browser, running, "bo"):
        browser.get(path_of(browser, "/approvals"))
        seen(browser)
        browser.find_element(By.CSS_SELECTOR, "a[href^='/approvals/']").click()
        waited(browser, "form[action$='/approve']")
        seen(browser)
        browser.find_element(By.CSS_SELECTOR, "form[action$='/return'] button").click()
        waited(browser, "#word-wrong")
        assert violations(browser) == []
        reach_button(browser)
        keys(browser, Keys.ENTER)
        waited(browser, ".told")
        seen(browser)


def test_disputes_and_notices_have_no_violation(
    registry: TestRegistry, page: Chrome, home: Path, tmp_path: Path
) -> None:
    registry.enrol("office-seen", Role.REPRESENTATIVE)
    with registry.client("lender-seen") as client, registry.client("office-seen") as office:
        _, receipt = (client.report(default_report(number)) for number in (95, 96))
        for record in client.records():
            office.open_dispute("lender-seen", record.record_id, code="paid-in-time", evidence=[b"\xa5" * 32])
    page.get(path_of(page, "/disputes"))
    seen(page)
    page.get(path_of(page, f"/disputes/{receipt.uuid}"))
    seen(page)
    page.find_element(By.CSS_SELECTOR, "form[action$='/answer'] button").click()
    waited(page, "#evidence-wrong")
    assert violations(page) == []
    page.get(path_of(page, "/inbox"))
    page.find_element(By.CSS_SELECTOR, ".notices strong a").click()
    waited(page, "form[action$='/acknowledge']")
    seen(page)
    paper = tmp_path / "contract.pdf"
    paper.write_bytes(b"contract")
    page.get(path_of(page, f"/disputes/{receipt.uuid}"))
    Select(page.find_element(By.ID, "outcome")).select_by_value("CONFIRMED")
    page.find_element(By.ID, "evidence").send_keys(str(paper))
    page.find_element(By.CSS_SELECTOR, "form[action$='/answer'] button").click()
    waited(page, ".told")
    seen(page)
    page.get(path_of(page, "/records?kind=DEFAULT"))
    seen(page)
    assert home.is_dir()


def test_the_number_is_in_no_address_file_log_journal_or_storage_after_every_path(
    registry: TestRegistry, home: Path, running: RunningDesk, tmp_path: Path
) -> None:
    profile, number, other = tmp_path / "profile", person(77).number, person(78).number
    addresses: list[str] = []

    def note(browser: Chrome) -> None:
        script = "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        addresses.extend((browser.current_url, browser.title, browser.execute_script(script)))

    with chromium(profile) as browser:
        with at(browser, running, "anna"):
            browser.get(path_of(browser, "/report/default"))
            fill(browser, default_report(77), days_past_due="9000")
            waited(browser, "#rules p")
            send(browser, "/report/")
            waited(browser, "#days_past_due-wrong")
            note(browser)
            for report in (default_report(77), big(78)):
                browser.get(path_of(browser, "/report/default"))
                fill(browser, report)
                send(browser, "/report/")
                waited(browser, "form[action^='/reports/']")
                note(browser)
                assert report.identity.number not in browser.page_source
                browser.refresh()
                browser.find_element(By.PARTIAL_LINK_TEXT, "Change it").click()
                waited(browser, "#number")
                assert report.identity.number not in browser.page_source
                browser.back()
                waited(browser, "form[action^='/reports/']")
                send(browser, "/reports/")
                waited(browser, ".told")
                note(browser)
            browser.get(path_of(browser, "/approvals"))
        with at(browser, running, "bo"):
            browser.get(path_of(browser, "/approvals"))
            browser.find_element(By.CSS_SELECTOR, "a[href^='/approvals/']").click()
            waited(browser, "form[action$='/return']")
            browser.find_element(By.ID, "word").send_keys("no", Keys.ENTER)
            waited(browser, ".told")
            note(browser)
        with at(browser, running, "anna"):
            browser.get(path_of(browser, "/approvals"))
            browser.find_element(By.CSS_SELECTOR, "a[href^='/approvals/']").click()
            browser.find_element(By.CSS_SELECTOR, "a[href$='/again']").click()
            waited(browser, "#number")
            note(browser)
        processes = command_lines()
    files = [path for path in (*profile.rglob("*"), *home.rglob("*")) if path.is_file()]
    assert any(path.name == "History" for path in files), "the profile was written"
    held = {str(path): path.read_bytes() for path in files}
    held |= {"processes": processes, "log": running.log().encode(), "addresses": "".join(addresses).encode()}
    for typed in (number, other):
        for form in (typed.encode(), typed.encode("utf-16-le")):
            assert [where for where, content in held.items() if form in content] == []
