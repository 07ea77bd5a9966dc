"""The pages of auditors and administrators in a real Chromium: main path of each by keyboard, no violation of
accessibility on a screen of either width and in print, in both languages.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from client_sdk.acts import RulebookBody
from client_sdk.desk.proposed_acts import KINDS
from client_sdk.testing import TestRegistry
from tests.client_sdk.desk.test_desk_audit import signed
from tests.client_sdk.desk.test_desk_founding import began
from tests.client_sdk.sdk_samples import suit
from tests.support.browsing import (
    PATIENCE,
    at_desk,
    choose,
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

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def governed() -> Iterator[TestRegistry]:
    """A registry of its own, with some records."""
    with TestRegistry() as running:
        with running.client("lender-1") as client:
            for report in suit(1)[:5]:
                client.report(report)
        yield running


def looked_at_also_printed(browser: Chrome) -> None:
    """Look at the page at both widths, in both languages, and in print."""
    looked_at(browser)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert violations(browser) == [], (browser.current_url, "print")
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_an_auditor_audits_by_keyboard_and_sees_the_progress(
    governed: TestRegistry, browser: Chrome, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with RunningDesk(governed.home("auditor"), tmp_path_factory.mktemp("desk")) as desk, at_desk(browser, desk):
        waited(browser, "form[action='/audit/start']")
        looked_at_also_printed(browser)
        console(browser)
        tab_to(browser, "audit-once")
        ActionChains(browser).send_keys(Keys.ENTER).perform()
        # The script of the page takes what the desk sends: nobody loads the page again.
        waited(browser, "#progress #ended, #progress progress")
        WebDriverWait(browser, PATIENCE).until(lambda one: one.find_elements(By.CSS_SELECTOR, "#progress #ended"))
        assert browser.current_url.endswith("/audit")
        assert not browser.find_element(By.CSS_SELECTOR, "form[action='/audit/stop']").is_displayed()
        assert violations(browser) == []
        assert [entry for entry in console(browser) if "favicon" not in entry["message"]] == []
        browser.find_element(By.CSS_SELECTOR, "#ended a").send_keys(Keys.ENTER)
        waited(browser, "a[href='/audit/report.pdf']")
        looked_at_also_printed(browser)
        for path in ("/log", "/inquiries", "/forks"):
            browser.get(path_of(browser, path))
            looked_at_also_printed(browser)
        one, other = tmp_path_factory.mktemp("notes") / "one.note", tmp_path_factory.mktemp("notes") / "other.note"
        one.write_bytes(signed(governed, 9, bytes(32)).raw)
        other.write_bytes(signed(governed, 9, b"\x01" * 32).raw)
        browser.find_element(By.ID, "first").send_keys(str(one))
        browser.find_element(By.ID, "second").send_keys(str(other))
        browser.find_element(By.CSS_SELECTOR, "form[action='/forks'] button").send_keys(Keys.ENTER)
        waited(browser, "path.branch-2")
        looked_at_also_printed(browser)


def proposes_by_keyboard(browser: Chrome) -> None:
    """Look at every form of an act, and suspend a member: all but the signature, which ends what waits."""
    for path in ("/propose", *(f"/propose/{kind}" for kind in KINDS)):
        browser.get(path_of(browser, path))
        looked_at_also_printed(browser)
    browser.get(path_of(browser, "/propose/state"))
    choose(browser, "en")
    tab_to(browser, "member")
    ActionChains(browser).send_keys("lender-2", Keys.TAB, "suspended", Keys.TAB, Keys.ENTER).perform()
    waited(browser, "#read")
    looked_at_also_printed(browser)
    choose(browser, "en")
    browser.find_element(By.CSS_SELECTOR, "form[action^='/propose/prepared/'] button").send_keys(Keys.ENTER)
    waited(browser, "#read-wrong")
    assert violations(browser) == []


def test_an_administrator_reads_and_approves_by_keyboard(
    governed: TestRegistry, browser: Chrome, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with governed.client("admin-1") as client:
        changed = replace(client.directory().rulebook, dispute_days=15)
        client.propose(RulebookBody(changed))
    with RunningDesk(governed.home("admin-2"), tmp_path_factory.mktemp("desk")) as desk, at_desk(browser, desk):
        waited(browser, "a[href^='/proposals/']")
        looked_at_also_printed(browser)
        for path in ("/members", "/members/lender-1", "/acts", "/acts/0", "/health"):
            browser.get(path_of(browser, path))
            looked_at_also_printed(browser)
        proposes_by_keyboard(browser)
        browser.get(path_of(browser, "/proposals"))
        choose(browser, "en")
        browser.find_element(By.CSS_SELECTOR, "a[href^='/proposals/']").send_keys(Keys.ENTER)
        waited(browser, "#read")
        looked_at_also_printed(browser)
        choose(browser, "en")
        # Without the tick nothing is signed, and the field says so.
        browser.find_element(By.CSS_SELECTOR, "form[action$='/approve'] button").send_keys(Keys.ENTER)
        waited(browser, "#read-wrong")
        assert violations(browser) == []
        tab_to(browser, "read")
        ActionChains(browser).send_keys(Keys.SPACE, Keys.TAB, Keys.ENTER).perform()
        waited(browser, ".told")
        assert "is logged at leaf" in browser.find_element(By.CSS_SELECTOR, ".told").text


def test_an_administrator_compares_and_signs_a_genesis_by_keyboard(
    browser: Chrome, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for site, _ in began(tmp_path_factory.mktemp("founding")):
        with RunningDesk(site.folder / "admin-1", tmp_path_factory.mktemp("desk")) as desk, at_desk(browser, desk):
            waited(browser, "#genesis")
            looked_at_also_printed(browser)
            choose(browser, "en")
            browser.find_element(By.ID, "genesis").send_keys(str(site.genesis))
            browser.find_element(By.CSS_SELECTOR, "form[action='/founding/genesis'] button").send_keys(Keys.ENTER)
            waited(browser, "#compared-1")
            looked_at_also_printed(browser)
            choose(browser, "en")
            browser.find_element(By.CSS_SELECTOR, "form[action^='/founding/genesis/'] button").send_keys(Keys.ENTER)
            waited(browser, "#compared-1-wrong")
            assert violations(browser) == []
            for place in range(1, 6):
                tab_to(browser, f"compared-{place}")
                ActionChains(browser).send_keys(Keys.SPACE).perform()
            ActionChains(browser).send_keys(Keys.TAB, Keys.ENTER).perform()
            waited(browser, "a[href$='/file']")
            looked_at_also_printed(browser)
