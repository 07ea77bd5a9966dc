"""A real Chromium at a desk: signing in, languages, waiting, the keyboard, and what is looked for on every page."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.desk import RunningDesk

__all__ = [
    "PATIENCE",
    "at_desk",
    "choose",
    "command_lines",
    "console",
    "keys",
    "looked_at",
    "path_of",
    "printed",
    "reach_button",
    "seen",
    "tab_to",
    "violations",
    "waited",
]

AXE = Path("tests/vectors/axe-core/axe.min.js")
WIDTHS = (1280, 390)
# Far more than a page takes on a slow machine with other work.
PATIENCE = 60
# How often it is looked, in seconds.
_LOOK = 0.1
_MOST_TABS = 80


@contextlib.contextmanager
def at_desk(browser: Chrome, desk: RunningDesk) -> Iterator[None]:
    """A browser that came by the newest link, in English.

    Where that link was used, its visit has a new one made some seconds later.
    """

    def let_in(_: Chrome) -> bool:
        host, path = desk.link()
        browser.get(f"http://{host}:{desk.port}{path}")
        return bool(browser.find_elements(By.CSS_SELECTOR, "form[action='/sign-out']"))

    WebDriverWait(browser, PATIENCE, _LOOK).until(let_in)
    choose(browser, "en")
    yield
    browser.delete_all_cookies()


def choose(browser: Chrome, language: str) -> None:
    """Switch to a language, if it is another."""
    found = browser.find_elements(By.CSS_SELECTOR, f"button[name=language][value={language}]")
    if found:
        found[0].click()
        lang = "zh-CN" if language == "zh" else "en"
        WebDriverWait(browser, PATIENCE, _LOOK).until(
            lambda one: one.find_elements(By.CSS_SELECTOR, f"html[lang={lang}]")
        )


def path_of(browser: Chrome, path: str) -> str:
    scheme, _, rest = browser.current_url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}{path}"


def waited(browser: Chrome, selector: str) -> None:
    """Wait until something is on the page; what is there instead is told."""
    with contextlib.suppress(TimeoutException):
        WebDriverWait(browser, PATIENCE, _LOOK).until(lambda one: one.find_elements(By.CSS_SELECTOR, selector))
    shown = browser.find_element(By.TAG_NAME, "body").text
    assert browser.find_elements(By.CSS_SELECTOR, selector), f"{browser.current_url} has no {selector}:\n{shown}"


def console(browser: Chrome) -> list[dict[str, str]]:
    """What the console was told since the last look."""
    return list(browser.get_log("browser"))  # type: ignore[no-untyped-call]  # the library's


def tab_to(browser: Chrome, id_: str) -> None:
    """Press Tab until a field has the focus."""
    for _ in range(_MOST_TABS):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        if browser.switch_to.active_element.get_attribute("id") == id_:
            return
    pytest.fail(f"{id_} is not reached by the keyboard")


def violations(browser: Chrome) -> list[str]:
    """What axe-core finds."""
    # A page that was looked at before, such as for print, has it already.
    if not browser.execute_script("return Boolean(window.axe)"):
        browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "axe.run({resultTypes: ['violations']}).then(found => arguments[arguments.length - 1](found.violations))"
    )
    return [f"{item['id']}: {node['html'][:200]}: {node['failureSummary']}" for item in found for node in item["nodes"]]


def looked_at(browser: Chrome) -> None:
    """Look at the page at both widths and in both languages."""
    for language, width_of_all in zip(("zh", "en"), WIDTHS, strict=True):
        choose(browser, language)
        for width in WIDTHS:
            browser.set_window_size(width, 900)
            assert not browser.execute_script(
                "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
            ), f"{browser.current_url} is wider than {width}"
            # A table whose rows are read downwards there hides no cell beside the screen.
            assert not browser.execute_script(
                "return [...document.querySelectorAll('.scrolls:has(.stacks)')]"
                ".some(one => one.scrollWidth > one.clientWidth)"
            ), f"a table of {browser.current_url} is wider than {width}"
        # What else is looked for takes a second: once in each language, and once at each width.
        browser.set_window_size(width_of_all, 900)
        assert violations(browser) == [], (browser.current_url, width_of_all, language)


def command_lines() -> bytes:
    """The command lines of this program and of all that it started: registry, key services, desk and browser."""
    # Other tests run beside this one, and what their programs are started with is none of the desk's.
    parents, lines = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # The name of the program stands in parentheses and may hold spaces; the parent is the second after it.
            _, parents[folder.name], *_ = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            lines[folder.name] = (folder / "cmdline").read_bytes()
    own = {str(os.getpid())}
    while more := {one for one, parent in parents.items() if parent in own} - own:
        own |= more
    found = b"\n".join(lines[one] for one in own if one in lines)
    assert b"chromedriver" in found
    assert b"client_sdk" in found
    return found


def keys(browser: Chrome, typed: str) -> None:
    ActionChains(browser).send_keys(typed).perform()


def reach_button(browser: Chrome) -> None:
    """Press Tab until the button of the page's own form has the focus."""
    for _ in range(_MOST_TABS):
        keys(browser, Keys.TAB)
        if browser.execute_script("return document.activeElement.matches('main form button')"):
            return
    pytest.fail("no button is reached by the keyboard")


def printed(browser: Chrome) -> None:
    """Look at the page as it is printed: without what leads elsewhere, and no wider than the paper."""
    browser.set_window_size(794, 1_123)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not browser.find_element(By.CSS_SELECTOR, "header.top").is_displayed()
        assert browser.find_element(By.TAG_NAME, "h1").is_displayed()
        assert not browser.execute_script(
            "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        ), browser.current_url
        assert violations(browser) == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def seen(browser: Chrome) -> None:
    looked_at(browser)
    printed(browser)
