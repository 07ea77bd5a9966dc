"""The report as text, as JSON, and as a page that a real browser shows without a word of complaint."""

from __future__ import annotations

import json
import re
import shutil
import stat
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from client_sdk.auditing.audit import audit
from client_sdk.auditing.home import AuditFinding, AuditHome
from client_sdk.auditing.report import AuditReport, as_html, as_text
from client_sdk.auditing.source import RegistrySource
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger.findings import MAX_KEPT, Finding, FindingId, Findings
from client_sdk.texts import Language, speak
from tests.support.lies import honest_log
from tests.support.transparency_server import HandmadeRegistry, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
AT = datetime(2026, 3, 1, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>&amp;"\' 某银行'


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    """The report on an honest log."""
    log = honest_log()
    with serve(HandmadeRegistry(log)) as channel:
        return audit(
            RegistrySource(channel),
            AuditHome(tmp_path_factory.mktemp("audit")),
            log.trust_root,
            now_ms=log.logged_at,
        )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    """The report on a log with two lies."""
    log = honest_log()
    log.say("lender-1", "cured", Standing.OPEN)
    log.head(entry_count=99)
    with serve(HandmadeRegistry(log)) as channel:
        return audit(
            RegistrySource(channel),
            AuditHome(tmp_path_factory.mktemp("audit")),
            log.trust_root,
            now_ms=log.logged_at,
        )


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


class References(HTMLParser):
    """Collects everything in a page that could load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "img", "link", "iframe", "object", "embed", "base", "form", "a"}:
            self.found.append(tag)
        self.found += [name for name, _ in attrs if name.startswith("on") or name in {"src", "href", "action"}]


def test_the_text_says_what_was_audited(clean: AuditReport) -> None:
    text = as_text(clean)
    assert "Nothing was found." in text
    assert f"0 to {clean.size}, {clean.size} of them new" in text
    assert clean.fingerprint in text
    assert f"at size {clean.size}" in text


def test_the_text_lists_findings(found: AuditReport) -> None:
    text = as_text(found)
    assert "2 findings, 2 of them new." in text
    assert re.search(r"TRANSITION at leaf \d+: .*got DEFAULT: CURED -> OPEN, want CURED or WITHDRAWN", text)
    assert "MAP_COUNT" in text


def test_the_json_is_for_programs(found: AuditReport) -> None:
    content = json.loads(json.dumps(found.to_dict()))
    assert content["clean"] is False
    assert content["counts"] == {"TRANSITION": 1, "MAP_COUNT": 1}
    assert [item["id"] for item in content["findings"]] == ["TRANSITION", "MAP_COUNT"]
    assert set(content["findings"][0]) == {
        *("id", "leaf_index", "field", "rule", "got", "want", "meaning", "found_at", "found_at_size"),
        *("reference", "accepted"),
    }
    assert content["institutions"][3]["id"] == "lender-1"
    assert content["institutions"][3]["live"] == 2
    assert content["acts"][0]["decision"] == "genesis"
    assert content["size"] == found.size


def test_the_page_refers_to_nothing(found: AuditReport, clean: AuditReport) -> None:
    for report in (found, clean):
        page = as_html(report)
        references = References()
        references.feed(page)
        assert references.found == []
        assert "url(" not in page
        assert "@import" not in page
        assert "default-src 'none'" in page


def test_the_page_escapes_what_others_wrote(clean: AuditReport) -> None:
    hostile = clean.institutions[0]._replace(name=HOSTILE)
    finding = Finding.of(FindingId.CHAIN, 3, HOSTILE, HOSTILE, got=HOSTILE, want=HOSTILE)
    report = replace(clean, institutions=(hostile,), findings=(AuditFinding(finding, 4, AT),), registry=HOSTILE)
    page = as_html(report)
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 8
    assert "某银行" in page


def test_the_report_is_written_to_new_files(clean: AuditReport, tmp_path: Path) -> None:
    for write, name in ((clean.write_text, "text"), (clean.write_html, "html"), (clean.write_json, "json")):
        write(tmp_path / name)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        with pytest.raises(ConfigError, match="exists already"):
            write(tmp_path / name)
    assert (tmp_path / "text").read_text("utf-8") == as_text(clean)
    assert (tmp_path / "html").read_text("utf-8") == as_html(clean)
    assert json.loads((tmp_path / "json").read_text("utf-8")) == json.loads(json.dumps(clean.to_dict()))


def test_a_log_that_is_wrong_everywhere_is_counted() -> None:
    findings = Findings(Finding.of(FindingId.SIGNATURE, index, "signature", "r") for index in range(MAX_KEPT + 7))
    findings.note(FindingId.SIGNATURE, 0, "signature", "r")
    assert len(findings) == findings.counts[FindingId.SIGNATURE] == MAX_KEPT + 7
    kept = findings.kept()
    assert len(kept) == MAX_KEPT
    report = AuditReport(
        registry="r",
        fingerprint="f",
        audited_at=AT,
        previous_size=0,
        size=0,
        findings=tuple(AuditFinding(finding, 0, AT) for finding in kept),
        counts=findings.counts,
    )
    assert "and 7 more of the same kinds" in as_text(report)
    assert "And 7 more of the same kinds." in as_html(report)


def test_text_and_page_are_chinese_where_the_program_is(clean: AuditReport, found: AuditReport) -> None:
    speak(Language.CHINESE)
    try:
        texts = [as_text(clean), as_text(found)]
        pages = [as_html(clean), as_html(found)]
        assert clean.to_dict()["findings"] == []
        assert found.to_dict()["findings"][0]["meaning"] == "A standing may not follow the one before it."  # type: ignore[index,call-overload]  # as the form has it
    finally:
        speak(Language.ENGLISH)
    assert "未发现问题。" in texts[0]
    assert "2 项发现，其中新增 2 项。" in texts[1]
    assert re.search(r"TRANSITION（条目 \d+）：.*实为 DEFAULT: CURED -> OPEN，应为", texts[1])
    # What is left are names, code words and paths of fields: a sentence has two English words in a row.
    for page in pages:
        assert '<html lang="zh">' in page
        shown = re.sub(r"<style>.*?</style>|<code>.*?</code>|<[^>]*>", "|", page, flags=re.DOTALL)
        assert not re.findall(r"\b(?:the|is|and|Leaf|Member|Signed)\b", shown)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_the_findings(
    found: AuditReport, browser: webdriver.Chrome, tmp_path: Path, scheme: str
) -> None:
    page = tmp_path / "report.html"
    page.write_text(as_html(found), encoding="utf-8")
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    _log(browser, "performance")
    browser.get(page.as_uri())
    rows = browser.find_elements(By.CSS_SELECTOR, "#findings tbody tr")
    assert [row.find_element(By.TAG_NAME, "th").text for row in rows] == ["TRANSITION", "MAP_COUNT"]
    assert all(row.is_displayed() for row in rows)
    assert browser.find_element(By.ID, "verdict").text == "2 findings, 2 of them new."
    lightness = sum(_colour(browser, "background-color")) - sum(_colour(browser, "color"))
    assert (lightness > 300) if scheme == "light" else (lightness < -300)
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert _log(browser, "browser") == []
    assert _asked_for(browser) == {page.as_uri()}


@pytest.mark.browser
def test_a_browser_shows_a_clean_report_on_a_narrow_screen(
    clean: AuditReport, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text(as_html(clean), encoding="utf-8")
    browser.set_window_size(500, 900)
    browser.get(page.as_uri())
    assert browser.find_element(By.ID, "verdict").text == "Nothing was found."
    assert browser.find_elements(By.ID, "findings") == []
    assert len(browser.find_elements(By.CSS_SELECTOR, "#institutions tbody tr")) == 6
    assert len(browser.find_elements(By.CSS_SELECTOR, "#acts tbody tr")) == 5
    # Wide tables scroll inside their frames; the page itself does not.
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert _log(browser, "browser") == []


def _log(browser: webdriver.Chrome, kind: str) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = browser.get_log(kind)  # type: ignore[no-untyped-call]  # selenium left it untyped
    return entries


def _colour(browser: webdriver.Chrome, name: str) -> list[int]:
    value = browser.find_element(By.TAG_NAME, "body").value_of_css_property(name)
    return [int(part) for part in re.findall(r"\d+", value)[:3]]


def _asked_for(browser: webdriver.Chrome) -> set[str]:
    messages = [json.loads(entry["message"])["message"] for entry in _log(browser, "performance")]
    return {
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    }
