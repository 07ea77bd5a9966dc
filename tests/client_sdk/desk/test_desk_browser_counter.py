"""The desk of a representative in a real Chromium: its main path by keyboard alone in both languages, accessible at
both widths and in print, and the identity number in no address, file, log or storage.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from client_sdk import Role, Verdict, verify
from client_sdk.desk.rights import DeskRole
from tests.client_sdk.desk.desk_forms import PASSWORD, at, staffed
from tests.client_sdk.sdk_samples import default_report, person
from tests.conftest import chromium
from tests.support.browsing import (
    choose,
    command_lines,
    console,
    keys,
    looked_at,
    path_of,
    printed,
    reach_button,
    seen,
    tab_to,
    waited,
)
from tests.support.desk import RunningDesk
from tests.support.waiting import awaited

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

    from client_sdk.testing import TestRegistry

pytestmark = pytest.mark.browser

TODAY = date.today()  # noqa: DTZ011 - as a person at the desk types it
MISTYPED = "11010518000101001X"
_MOST_TABS = 80


@pytest.fixture(scope="module")
def home(registry: TestRegistry) -> Path:
    return staffed(registry, "counter-seen", {"clara": DeskRole.OFFICER}, Role.REPRESENTATIVE)


@pytest.fixture(scope="module")
def running(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    with RunningDesk(home, tmp_path_factory.mktemp("counter")) as desk:
        yield desk


@pytest.fixture
def page(browser: Chrome, running: RunningDesk) -> Iterator[Chrome]:
    """A browser of the clerk, in English, on the page of what is due."""
    with at(browser, running, "clara"):
        yield browser


def sign_in(browser: Chrome, desk: RunningDesk) -> None:
    """Sign in by keyboard."""
    browser.get(f"http://localhost:{desk.port}/sign-in")
    waited(browser, "#password")
    keys(browser, f"clara{Keys.TAB}{PASSWORD}{Keys.ENTER}")
    waited(browser, "form[action='/person']")


def reported(registry: TestRegistry, number: int) -> str:
    """Report a record; return its name."""
    with registry.client("lender-1") as client:
        return f"lender-1/{client.report(default_report(number)).uuid}"


def request_of(number: int) -> str:
    """SHA-256 of what a person has signed."""
    return hashlib.sha256(b"Show me what is held about me. Person %d." % number).hexdigest()


def press(browser: Chrome, selector: str) -> None:
    """Press Tab until a link or a button has the focus, and follow it."""
    assert browser.find_elements(By.CSS_SELECTOR, selector), f"{browser.current_url} has no {selector}"
    for _ in range(_MOST_TABS):
        keys(browser, Keys.TAB)
        if browser.execute_script("return document.activeElement.matches(arguments[0])", selector):
            keys(browser, Keys.ENTER)
            return
    pytest.fail(f"{selector} is not reached by the keyboard")


def asks(browser: Chrome, number: int) -> None:
    """Type number and signed request, from the field of the number on, up to the last field of the request."""
    assert browser.switch_to.active_element.get_attribute("id") == "number"
    keys(browser, person(number).number)
    tab_to(browser, "request_date")
    keys(browser, f"{TODAY:%m%d%Y}")
    tab_to(browser, "request_digest")
    keys(browser, request_of(number))


def makes_report(browser: Chrome, number: int) -> None:
    """Make the report of a person, from any page of the desk."""
    press(browser, "nav a[href='/person']")
    waited(browser, "#request_digest")
    asks(browser, number)
    keys(browser, Keys.ENTER)
    waited(browser, ".verdict")


def read(browser: Chrome, selector: str = "main") -> str:
    return browser.find_element(By.CSS_SELECTOR, selector).text


def send(browser: Chrome, selector: str) -> None:
    """Send the form whose field has the focus, by keyboard, and wait for what comes."""
    reach_button(browser)
    keys(browser, Keys.ENTER)
    waited(browser, selector)


def saves_into(browser: Chrome, folder: Path) -> None:
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})


def saved(browser: Chrome, folder: Path, link: str, ending: str) -> bytes:
    """Follow a link by keyboard to a file that the browser saves."""
    press(browser, f"a[href$='{link}']")

    def file() -> list[Path]:
        return list(folder.glob(f"report-*.{ending}"))

    (found,) = awaited(file, lambda files: bool(files) and bool(files[0].stat().st_size))
    return found.read_bytes()


def states_and_takes_back(page: Chrome) -> None:
    """Add a statement from a report, see it in a new one, and remove it."""
    press(page, "a[href*='/statement/']")
    waited(page, "#text")
    tab_to(page, "text")
    keys(page, "I paid on the first of May.")
    send(page, ".told")
    press(page, "form[action$='/anew'] button")
    waited(page, "blockquote")
    assert read(page, "blockquote") == "I paid on the first of May."
    press(page, "form[action='/statements/remove'] button")
    waited(page, ".told")
    press(page, "form[action$='/anew'] button")
    waited(page, "main:not(:has(blockquote, .told))")


def alerts_and_ends(page: Chrome, number: int, label: str, shown: str) -> None:
    """Begin alerts from their own page, and end them."""
    press(page, "nav a[href='/alerts']")
    waited(page, "a[href='/alerts/on']")
    press(page, "a[href='/alerts/on']")
    waited(page, "#mail")
    asks(page, number)
    tab_to(page, "mail")
    keys(page, "person@mail.example")
    tab_to(page, "label")
    keys(page, label + Keys.ENTER)
    waited(page, ".told")
    assert label in read(page)
    assert shown in read(page)
    press(page, "form[action$='/off'] button")
    waited(page, "main:not(:has(.notices)) .told")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_person_is_served_by_keyboard_alone(
    registry: TestRegistry, page: Chrome, tmp_path: Path, language: str
) -> None:
    number, chinese = (951, False) if language == "en" else (952, True)
    record = reported(registry, number)
    saves_into(page, tmp_path)
    console(page)
    if chinese:
        press(page, "button[name=language]")
        waited(page, "html[lang=zh-CN]")
    # The report: asked for, read, and saved for the person.
    makes_report(page, number)
    assert ("登记系统中共有 1 条" if chinese else "The registry holds 1 record about you.") in read(page)
    assert record in read(page)
    assert "Report about yourself" in saved(page, tmp_path, "/files/en.html", "en.html").decode()
    assert saved(page, tmp_path, "/files/zh.pdf", "zh.pdf").startswith(b"%PDF-")
    evidence = saved(page, tmp_path, "/files/evidence", "evidence")
    assert verify(evidence, registry.trust_root)[0].verdict is Verdict.LISTED
    states_and_takes_back(page)
    # A dispute, under the request of the report.
    press(page, "a[href*='/dispute/']")
    waited(page, "#code")
    tab_to(page, "code")
    keys(page, Keys.ARROW_DOWN * 2)
    tab_to(page, "request")
    keys(page, Keys.SPACE)
    send(page, "form[action$='/withdraw']")
    assert ("已对记录提出异议" if chinese else "The record is disputed, at leaf") in read(page, ".told")
    alerts_and_ends(page, number, f"case-{language}", "mail.example 的邮箱" if chinese else "mail at mail.example")
    # The dispute is taken back.
    press(page, "nav a[href='/disputes']")
    waited(page, f"a[href='/disputes/of/{record}']")
    press(page, f"a[href='/disputes/of/{record}']")
    waited(page, "#sure")
    tab_to(page, "sure")
    keys(page, Keys.SPACE)
    send(page, ".told")
    assert ("异议已撤回" if chinese else "The dispute is taken back") in read(page, ".told")
    assert [entry for entry in console(page) if "favicon" not in entry["message"]] == []


def test_no_page_of_a_representative_has_a_violation(registry: TestRegistry, page: Chrome) -> None:
    record = reported(registry, 953)
    for path in ("/today", "/person", "/disputes", "/disputes/open", "/statements", "/alerts", "/alerts/on", "/inbox"):
        page.get(path_of(page, path))
        seen(page)
    page.set_window_size(1280, 900)
    makes_report(page, 953)
    seen(page)
    report = page.current_url
    for form, field in (("/statement/0", "text"), ("/dispute/0", "evidence"), ("/alerts", "mail")):
        page.get(report + form)
        waited(page, f"#{field}")
        seen(page)
        # What is wrong is told above the form and at its field.
        page.find_element(By.CSS_SELECTOR, "main form button").send_keys(Keys.ENTER)
        waited(page, f"#{field}-wrong")
        looked_at(page)
    page.get(report + "/dispute/0")
    page.find_element(By.ID, "request").send_keys(Keys.SPACE)
    page.find_element(By.CSS_SELECTOR, "main form button").send_keys(Keys.ENTER)
    waited(page, "form[action$='/withdraw']")
    seen(page)
    page.get(report + "/statement/0")
    page.find_element(By.ID, "text").send_keys("I paid.")
    page.find_element(By.CSS_SELECTOR, "main form button").send_keys(Keys.ENTER)
    waited(page, ".told")
    page.find_element(By.CSS_SELECTOR, "form[action$='/anew'] button").send_keys(Keys.ENTER)
    waited(page, "blockquote")
    seen(page)
    page.get(page.current_url + "/alerts")
    page.find_element(By.ID, "mail").send_keys("person@mail.example", Keys.ENTER)
    waited(page, "form[action$='/off']")
    seen(page)
    for path in ("/disputes", "/today"):
        page.get(path_of(page, path))
        assert record.partition("/")[2] in read(page)
        seen(page)
    page.get(path_of(page, "/person/nothing"))
    looked_at(page)


def test_a_report_is_printed_as_the_person_takes_it_home(registry: TestRegistry, page: Chrome) -> None:
    reported(registry, 954)
    makes_report(page, 954)
    printed(page)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        for selector, shown in ((".verdict", True), ("article h3", True), (".desk-only", False), (".actions", False)):
            found = page.find_elements(By.CSS_SELECTOR, selector)
            assert found, selector
            assert {one.is_displayed() for one in found} == {shown}, selector
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_record_fits_into_the_field_it_is_named_in(registry: TestRegistry, page: Chrome) -> None:
    page.set_window_size(1280, 900)
    record = reported(registry, 955)
    for path, field in (("/disputes/open", "record"), ("/statements", "record"), ("/statements", "removed")):
        page.get(path_of(page, path))
        typed = page.find_element(By.ID, field)
        typed.send_keys(record)
        assert page.execute_script("return arguments[0].scrollWidth <= arguments[0].clientWidth", typed), (path, field)
    # Going on from a report the record is no field, and is read at any width.
    makes_report(page, 955)
    press(page, "a[href*='/statement/']")
    waited(page, "#text")
    assert page.find_element(By.CSS_SELECTOR, "dd.exact").text == record


class _Walked:
    """A browser that goes every path of a counter for one person, and what it showed beside its pages."""

    def __init__(self, browser: Chrome, papers: Path, record: str) -> None:
        self._browser, self._papers, self._record = browser, papers, record
        self.addresses: list[str] = []

    def note(self) -> None:
        script = "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        self.addresses += [self._browser.current_url, self._browser.title, self._browser.execute_script(script)]

    def open(self, address: str, **typed: str) -> None:
        """Open a page and fill some of its fields; what stands there goes."""
        self._browser.get(address)
        self.fill(**typed)

    def fill(self, **typed: str) -> None:
        for name, text in typed.items():
            field = self._browser.find_element(By.ID, name)
            if text != Keys.SPACE:
                field.clear()
            field.send_keys(text)

    def send(self, selector: str) -> None:
        send(self._browser, selector)
        self.note()

    def report(self) -> str:
        """Mistype the number, then make, read and save the report; return its address."""
        press(self._browser, "nav a[href='/person']")
        waited(self._browser, "#number")
        keys(self._browser, MISTYPED + Keys.TAB)
        waited(self._browser, "#number-told .wrong")
        tab_to(self._browser, "request_date")
        keys(self._browser, f"{TODAY:%m%d%Y}")
        self.send("#number-wrong")
        makes_report(self._browser, 956)
        self.note()
        self._browser.refresh()
        waited(self._browser, ".verdict")
        self._browser.back()
        self._browser.forward()
        waited(self._browser, ".verdict")
        for link in ("en.html", "zh.html", "en.pdf", "zh.pdf"):
            saved(self._browser, self._papers, f"/files/{link}", link)
        saved(self._browser, self._papers, "/files/evidence", "evidence")
        return self._browser.current_url

    def forms(self, report: str) -> None:
        """Send each form: from the report, and from the pages where the number is typed, also into a wrong field."""
        number = person(956).number
        self.open(f"{report}/statement/0", text="I paid.")
        self.send(".told")
        self.open(f"{report}/dispute/0", request=Keys.SPACE)
        self.send("form[action$='/withdraw']")
        self.open(f"{report}/alerts", mail="person@mail.example")
        self.send("form[action$='/off']")
        self.open(path_of(self._browser, "/statements"), record=self._record, number=number, text=f"I am {number}.")
        self.send(".problems")
        self.fill(record=self._record, number=number, text="I paid in full.")
        self.send(".told")
        self.fill(removed=self._record + Keys.ENTER)
        waited(self._browser, ".told")
        self.note()
        self.open(path_of(self._browser, "/alerts/on"))
        asks(self._browser, 956)
        self.fill(label=number, mail="person@mail.example")
        self.send("#label-wrong")
        for path in ("/today", "/disputes", "/alerts", "/inbox"):
            self.open(path_of(self._browser, path))
            self.note()


def test_the_number_is_in_no_address_file_log_journal_or_storage_after_every_path_of_a_counter(
    registry: TestRegistry, home: Path, running: RunningDesk, tmp_path: Path
) -> None:
    profile, papers, record = tmp_path / "profile", tmp_path / "papers", reported(registry, 956)
    with chromium(profile) as browser:
        saves_into(browser, papers)
        sign_in(browser, running)
        choose(browser, "en")
        walked = _Walked(browser, papers, record)
        walked.forms(walked.report())
        processes = command_lines()
    files = [path for path in (*profile.rglob("*"), *home.rglob("*"), *papers.rglob("*")) if path.is_file()]
    assert any(path.name == "History" for path in files), "the profile was written"
    assert len(list(papers.iterdir())) == 5
    held = {str(path): path.read_bytes() for path in files}
    held |= {"processes": processes, "log": running.log().encode(), "addresses": "".join(walked.addresses).encode()}
    for typed in (person(956).number, MISTYPED):
        for form in (typed.encode(), typed.encode("utf-16-le")):
            assert [where for where, content in held.items() if form in content] == []
