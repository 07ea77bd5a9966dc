"""Files of many persons in a real Chromium: dropped and sent by keyboard alone, pages without a violation, no trace."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from client_sdk.desk.pages.quality import months_of, plot_of
from client_sdk.desk.rendering import make_templates
from client_sdk.desk.texts import Language, say_in
from tests.client_sdk.desk.desk_forms import csv_of
from tests.client_sdk.desk.test_desk_browser import signed_in
from tests.client_sdk.desk.test_desk_portfolio import rows_of
from tests.client_sdk.desk.test_desk_screening import customers
from tests.client_sdk.desk.test_desk_today import MONTHS
from tests.client_sdk.sdk_samples import default_report, person
from tests.conftest import chromium
from tests.support.browsing import (
    PATIENCE,
    choose,
    command_lines,
    console,
    looked_at,
    path_of,
    tab_to,
    violations,
    waited,
)
from tests.support.desk import RunningDesk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.testing import TestRegistry

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def running(registry: TestRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A desk of a lender with an own record; another lender has one about another person."""
    home = registry.enrol("lender-files")
    with registry.client("lender-1") as other, registry.client("lender-files") as client:
        other.report(default_report(501))
        client.report(default_report(502))
    with RunningDesk(home, tmp_path_factory.mktemp("files")) as desk:
        yield desk


def choose_file(browser: Chrome, file: Path) -> None:
    browser.find_element(By.ID, "file").send_keys(str(file))


def press(browser: Chrome, text: str) -> None:
    """Reach a button by Tab, and press Enter."""
    for _ in range(60):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        reached = browser.switch_to.active_element
        if reached.tag_name == "button" and text in reached.text:
            ActionChains(browser).send_keys(Keys.ENTER).perform()
            return
    pytest.fail(f"{text} is not reached by the keyboard")


def said(browser: Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "main").text


def wait_for(browser: Chrome, text: str) -> None:
    """Wait for a text; the page of a job loads itself again meanwhile."""
    waiting = WebDriverWait(browser, 3 * PATIENCE, ignored_exceptions=[StaleElementReferenceException])
    waiting.until(lambda one: text in said(one), text)


def test_a_portfolio_is_dropped_corrected_and_sent_by_keyboard(
    browser: Chrome, running: RunningDesk, tmp_path: Path
) -> None:
    rows = rows_of(*range(510, 570))
    rows[3]["days_past_due"] = "many"
    rows[4]["principal"] = "x"
    file = tmp_path / "dropped.csv"
    file.write_bytes(csv_of(rows))
    with signed_in(browser, running):
        browser.get(path_of(browser, "/portfolio"))
        console(browser)
        tab_to(browser, "file")
        choose_file(browser, file)
        press(browser, "Check the file")
        wait_for(browser, "Sign and send 58 rows")
        looked_at(browser)
        # To switch the language leads to the page without its query.
        browser.get(f"{browser.current_url}?show=all")
        waited(browser, "a[rel=next]")
        browser.find_element(By.CSS_SELECTOR, "a[rel=next]").send_keys(Keys.ENTER)
        wait_for(browser, "Page 2 of 2")
        tab_to(browser, "one_signature")
        ActionChains(browser).send_keys(Keys.SPACE).perform()
        press(browser, "Sign and send 58 rows")
        wait_for(browser, "What became of the portfolio")
        assert "Rows that were not accepted" in said(browser)
        looked_at(browser)
        wait_for(browser, "Signatures\n1")
        assert [entry for entry in console(browser) if "favicon" not in entry["message"]] == []
        browser.get(path_of(browser, "/portfolio"))
        browser.find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
        choose_file(browser, file)
        browser.find_element(By.ID, "mapping").send_keys(str(file))
        press(browser, "Check the file")
        waited(browser, "#mapping-wrong")
        assert violations(browser) == []


def test_a_file_that_cannot_be_read_leads_on_by_keyboard(browser: Chrome, running: RunningDesk, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    (row,) = rows_of(579)
    lines = (",".join(row).replace("id_number", "证件号码"), ",".join(row.values()))
    file.write_text("\n".join(lines), encoding="utf-8")
    with signed_in(browser, running):
        # What was told before this test is not of it.
        console(browser)
        browser.get(path_of(browser, "/portfolio"))
        choose_file(browser, file)
        press(browser, "Check the file")
        wait_for(browser, "The file cannot be read as it is")
        looked_at(browser)
        choose(browser, "en")
        label = browser.find_element(By.XPATH, "//label[text()='证件号码']")
        field = browser.find_element(By.ID, label.get_attribute("for"))
        field.send_keys("Identity number of the person")
        browser.find_element(By.ID, "amounts").send_keys("in minor units")
        press(browser, "Read the file so")
        wait_for(browser, "Sign and send 1 row")
        assert [entry for entry in console(browser) if "favicon" not in entry["message"]] == []


def test_progress_is_shown_while_it_goes_and_the_work_is_stopped(
    registry: TestRegistry, browser: Chrome, running: RunningDesk, tmp_path: Path
) -> None:
    file = tmp_path / "dropped.csv"
    file.write_bytes(csv_of(rows_of(*range(571, 576))))
    with signed_in(browser, running):
        browser.get(path_of(browser, "/portfolio"))
        choose_file(browser, file)
        press(browser, "Check the file")
        wait_for(browser, "Sign and send 5 rows")
        os.kill(registry.process_id("key-service-a"), signal.SIGSTOP)
        try:
            press(browser, "Sign and send 5 rows")
            waited(browser, "progress")
            # The page asks by itself how far it is.
            wait_for(browser, "Sending what was signed before")
            assert violations(browser) == []
            press(browser, "Stop")
            wait_for(browser, "Stops with its next step")
        finally:
            os.kill(registry.process_id("key-service-a"), signal.SIGCONT)
        wait_for(browser, "A portfolio is sent: stopped")
        looked_at(browser)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_customers_are_screened_by_keyboard(
    browser: Chrome, running: RunningDesk, tmp_path: Path, language: str
) -> None:
    file = tmp_path / "customers.csv"
    file.write_bytes(customers(501, 502, 503))
    with signed_in(browser, running):
        browser.get(path_of(browser, "/screening"))
        choose(browser, language)
        tab_to(browser, "file")
        choose_file(browser, file)
        tab_to(browser, "watch")
        ActionChains(browser).send_keys(f"list-{language}", Keys.ENTER).perform()
        wait_for(browser, "筛查结果" if language == "zh" else "What the screening found")
        assert "customer-501" in said(browser)
        looked_at(browser)
        browser.get(path_of(browser, "/screening"))
        assert f"list-{language}" in said(browser)
        looked_at(browser)
        browser.get(path_of(browser, "/today"))
        looked_at(browser)


def test_a_month_and_its_plot_have_no_violation(browser: Chrome, running: RunningDesk, tmp_path: Path) -> None:
    """The page of a desk whose months are over, put in place of that of one whose months are not."""
    with signed_in(browser, running):
        for language in Language:
            say = say_in(language)
            choose(browser, language.value)
            browser.get(path_of(browser, "/quality"))
            section = (
                make_templates()
                .get_template("quality_months.html.j2")
                .render(say=say, months=months_of(MONTHS, say), plot=plot_of(MONTHS, say))
            )
            browser.execute_script("document.getElementById('months').innerHTML = arguments[0]", section)
            for width in (1280, 390):
                browser.set_window_size(width, 900)
                assert violations(browser) == []
                assert not browser.execute_script(
                    "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
                )


def test_no_number_of_a_file_is_in_an_address_history_storage_log_journal_or_file(
    registry: TestRegistry, running: RunningDesk, tmp_path: Path
) -> None:
    profile, file, screened = tmp_path / "profile", tmp_path / "dropped.csv", tmp_path / "screened.csv"
    rows = rows_of(581, 582)
    rows[1]["days_past_due"] = "many"
    file.write_bytes(csv_of(rows))
    screened.write_bytes(customers(583))
    seen = []
    with chromium(profile) as browser, signed_in(browser, running):
        browser.get(path_of(browser, "/portfolio"))
        choose_file(browser, file)
        press(browser, "Check the file")
        wait_for(browser, "Sign and send 1 row")
        seen += [browser.current_url, browser.title, browser.page_source]
        press(browser, "Sign and send 1 row")
        wait_for(browser, "What became of the portfolio")
        seen += [browser.current_url, browser.page_source]
        browser.back()
        browser.forward()
        browser.get(path_of(browser, "/screening"))
        choose_file(browser, screened)
        browser.find_element(By.ID, "watch").send_keys("searched", Keys.ENTER)
        wait_for(browser, "What the screening found")
        seen += [browser.current_url, browser.page_source]
        for path in ("/today", "/quality"):
            browser.get(path_of(browser, path))
            seen.append(browser.page_source)
        script = "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        seen.append(browser.execute_script(script))
        processes = command_lines()
    files = [path for path in (*profile.rglob("*"), *registry.home("lender-files").rglob("*")) if path.is_file()]
    assert any(path.name == "History" for path in files), "the profile was written"
    assert any(path.suffix == ".watch" for path in files), "the watch list was kept"
    held = {str(path): path.read_bytes() for path in files}
    held |= {"processes": processes, "log": running.log().encode(), "pages": "".join(seen).encode()}
    for number in (person(place).number for place in (581, 582, 583)):
        for form in (number.encode(), number.encode("utf-16-le")):
            assert [where for where, content in held.items() if form in content] == []
