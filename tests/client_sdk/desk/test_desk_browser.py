"""The desk in a real Chromium: no violation of accessibility on a screen of either width, the ask path by keyboard
alone, in both languages, and the identity number nowhere but in the memory of the page it was typed into.
"""

from __future__ import annotations

import contextlib
import hashlib
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from client_sdk.desk.pages import PAGES, ROLE_PAGES, propose, report
from client_sdk.desk.proposed_acts import KINDS
from client_sdk.models import Kind, Role
from tests.client_sdk.sdk_samples import default_report, person
from tests.conftest import chromium
from tests.support.browsing import (
    at_desk,
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
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from client_sdk.desk.visit import DeskPage
    from client_sdk.testing import TestRegistry

pytestmark = pytest.mark.browser

NUMBER = person(1).number
YESTERDAY = date.today() - timedelta(1)  # noqa: DTZ011 - as a person at the desk types it


@pytest.fixture
def page(browser: Chrome, desk: RunningDesk) -> Iterator[Chrome]:
    """A browser that came by the one-time link, in English."""
    with signed_in(browser, desk):
        yield browser


@contextlib.contextmanager
def signed_in(browser: Chrome, desk: RunningDesk) -> Iterator[None]:
    """A browser at the form for one person."""
    with at_desk(browser, desk):
        browser.get(path_of(browser, "/ask"))
        yield


def ask(browser: Chrome, number: str = NUMBER) -> None:
    """Fill the form and send it."""
    browser.find_element(By.ID, "number").send_keys(number)
    browser.execute_script("document.getElementById('consent_date').value = arguments[0]", YESTERDAY.isoformat())
    browser.find_element(By.ID, "consent_digest").send_keys(hashlib.sha256(b"consent").hexdigest())
    browser.find_element(By.CSS_SELECTOR, "form[action='/ask'] button").click()


def wider_than_a_phone(browser: Chrome, pages: Iterable[DeskPage]) -> list[str]:
    """Of the pages without a place in their path, those that are wider than 390 px in one of the languages."""
    browser.set_window_size(390, 900)
    paths = sorted({page.path for page in pages if page.method == "GET" and "{" not in page.path})
    assert len(paths) > 2
    found = []
    for language in ("zh", "en"):
        choose(browser, language)
        for path in paths:
            browser.get(path_of(browser, path))
            wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
            found += [f"{path} {language}"] * bool(browser.execute_script(wide))
    return found


@pytest.mark.parametrize(
    ("member", "role"), [("lender-1", Role.LENDER), ("auditor", Role.AUDITOR), ("admin-3", Role.ADMINISTRATOR)]
)
def test_no_page_is_wider_than_a_phone(
    registry: TestRegistry, browser: Chrome, tmp_path: Path, member: str, role: Role
) -> None:
    with RunningDesk(registry.home(member), tmp_path / "log") as desk, at_desk(browser, desk):
        kinds = [page._replace(path=f"/report/{kind.name.lower()}") for page in report.PAGES[:1] for kind in Kind]
        forms = [page._replace(path=f"/propose/{kind}") for page in propose.PAGES[:1] for kind in KINDS]
        more = {Role.LENDER: kinds, Role.ADMINISTRATOR: forms}.get(role, [])
        assert wider_than_a_phone(browser, (*PAGES, *ROLE_PAGES[role], *more)) == []


def test_an_edge_beyond_which_there_is_more_is_in_shadow(page: Chrome) -> None:
    """On a phone a picture that is cut off looked as if it ended there."""
    page.set_window_size(390, 900)
    page.get(path_of(page, "/journal"))
    shown = """
        const region = document.querySelector('.scrolls'), style = getComputedStyle(region);
        region.innerHTML = '<svg class="picture" width="760" height="80"></svg>';
        return [region.scrollWidth > region.clientWidth, style.backgroundAttachment, style.backgroundImage];
    """
    wide, attachment, images = page.execute_script(shown)
    assert wide
    # Covers of the page's own colour move with the picture and uncover the shadows, which stay at the edges.
    assert attachment == "local, local, scroll, scroll"
    assert images.count("linear-gradient(to right") == images.count("linear-gradient(to left") == 2
    page.set_window_size(1280, 900)


def test_no_page_has_a_violation_of_accessibility(page: Chrome) -> None:
    for path in (
        "/today",
        "/ask",
        "/portfolio",
        "/screening",
        "/quality",
        "/records",
        "/inbox",
        "/journal",
        "/nothing",
    ):
        page.get(path_of(page, path))
        looked_at(page)
    page.get(path_of(page, "/ask"))
    ask(page, "11010518000101001X")
    waited(page, "[aria-invalid]")
    assert violations(page) == []
    page.get(path_of(page, "/ask"))
    ask(page)
    waited(page, "svg.timeline")
    looked_at(page)


def test_the_pages_of_an_own_record_have_no_violation(registry: TestRegistry, browser: Chrome, tmp_path: Path) -> None:
    with registry.client("lender-1") as client:
        uuid = client.report(default_report(21)).uuid
    with RunningDesk(registry.home("lender-1"), tmp_path / "log") as desk, signed_in(browser, desk):
        browser.get(path_of(browser, f"/records/{uuid}"))
        looked_at(browser)
        browser.find_element(By.ID, "number").send_keys(person(21).number, Keys.ENTER)
        waited(browser, "a[href$='/correct']")
        looked_at(browser)
        browser.find_element(By.CSS_SELECTOR, "a[href$='/correct']").click()
        waited(browser, "#principal")
        looked_at(browser)
        principal = browser.find_element(By.ID, "principal")
        principal.clear()
        principal.send_keys("1.5", Keys.ENTER)
        waited(browser, "#principal-wrong")
        assert violations(browser) == []
        principal = browser.find_element(By.ID, "principal")
        principal.clear()
        principal.send_keys("120,000.00", Keys.ENTER)
        waited(browser, "form[action^='/corrections/']")
        looked_at(browser)


def test_the_page_of_a_stranger_has_no_violation(browser: Chrome, desk: RunningDesk) -> None:
    browser.get(f"http://127.0.0.1:{desk.port}/")
    looked_at(browser)


def test_a_mistyped_number_is_told_before_anything_is_sent(page: Chrome) -> None:
    console(page)
    page.find_element(By.ID, "number").send_keys("11010518000101001X", Keys.TAB)
    waited(page, "#number-told .wrong")
    assert "One digit is mistyped" in page.find_element(By.ID, "number-told").text
    assert violations(page) == []
    page.find_element(By.ID, "number").clear()
    page.find_element(By.ID, "number").send_keys(NUMBER, Keys.TAB)
    waited(page, "#number-told .hint")
    assert page.current_url.endswith("/ask")
    assert console(page) == []


def test_nothing_is_loaded_from_elsewhere_and_the_console_is_silent(page: Chrome) -> None:
    console(page)
    ask(page)
    waited(page, "svg.timeline")
    loaded = page.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert {name.partition("/static/")[0] for name in loaded} <= {path_of(page, "")}
    told = [entry for entry in console(page) if "favicon" not in entry["message"]]
    assert told == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_person_is_asked_about_by_keyboard_alone(page: Chrome, language: str) -> None:
    choose(page, language)
    page.get(path_of(page, "/ask"))
    waited(page, "#number")
    keys = ActionChains(page)
    assert page.switch_to.active_element.get_attribute("id") == "number"
    keys.send_keys(NUMBER).perform()
    tab_to(page, "purpose")
    ActionChains(page).send_keys(Keys.ARROW_DOWN).perform()
    tab_to(page, "consent_date")
    typed = f"{YESTERDAY:%m%d%Y}"
    ActionChains(page).send_keys(typed).perform()
    assert page.find_element(By.ID, "consent_date").get_attribute("value") == YESTERDAY.isoformat()
    tab_to(page, "consent_digest")
    ActionChains(page).send_keys(hashlib.sha256(b"consent").hexdigest(), Keys.ENTER).perform()
    waited(page, "svg.timeline")
    said = page.find_element(By.TAG_NAME, "main").text
    assert ("有记录" if language == "zh" else "Listed") in said
    assert ("担保资格审查" if language == "zh" else "to review a guarantor") in said
    # What is folded opens by the keyboard.
    page.find_element(By.TAG_NAME, "body").click()
    for _ in range(80):
        ActionChains(page).send_keys(Keys.TAB).perform()
        if page.switch_to.active_element.tag_name == "summary":
            break
    ActionChains(page).send_keys(Keys.ENTER).perform()
    assert page.find_element(By.TAG_NAME, "details").get_attribute("open") is not None


def test_the_number_is_in_no_address_history_storage_log_journal_or_list_of_processes(
    registry: TestRegistry, desk: RunningDesk, tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    with chromium(profile) as browser, signed_in(browser, desk):
        addresses = []
        browser.find_element(By.ID, "number").send_keys("11010518000101001X", Keys.TAB)
        waited(browser, "#number-told .wrong")
        browser.find_element(By.ID, "number").clear()
        ask(browser, "11010518000101001X")
        waited(browser, "[aria-invalid]")
        addresses.append(browser.current_url)
        ask(browser)
        waited(browser, "svg.timeline")
        addresses += [browser.current_url, browser.title]
        browser.refresh()
        waited(browser, "svg.timeline")
        browser.back()
        browser.forward()
        waited(browser, "svg.timeline")
        stored = browser.execute_script(
            "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        )
        addresses.append(stored)
        processes = command_lines()
        assert NUMBER not in browser.page_source
    files = [path for path in (*profile.rglob("*"), *registry.home("lender-2").rglob("*")) if path.is_file()]
    assert any(path.name == "History" for path in files), "the profile was written"
    held = {str(path): path.read_bytes() for path in files}
    held |= {"processes": processes, "log": desk.log().encode(), "addresses": "".join(addresses).encode()}
    for number in (NUMBER, "11010518000101001X"):
        for form in (number.encode(), number.encode("utf-16-le")):
            assert [where for where, content in held.items() if form in content] == []
