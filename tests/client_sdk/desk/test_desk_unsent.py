"""A form whose session ended before it was sent: nothing is sent, and its sender comes back to it after sign-in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from client_sdk import Role
from client_sdk.desk.journal import JOURNAL_FILE, read_journal
from client_sdk.desk.rights import DeskRole
from tests.client_sdk.desk.desk_forms import PASSWORD, staffed
from tests.client_sdk.sdk_samples import person
from tests.support.browsing import path_of, waited
from tests.support.desk import RunningDesk, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

    from client_sdk.testing import TestRegistry

NOTHING = "Nothing was sent"
RECORD = "lender-1/01234567-89ab-8def-8123-456789abcdef"


@pytest.fixture(scope="module")
def home(registry: TestRegistry) -> Path:
    return staffed(registry, "counter-unsent", {"clara": DeskRole.OFFICER}, Role.REPRESENTATIVE)


@pytest.fixture(scope="module")
def running(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    with RunningDesk(home, tmp_path_factory.mktemp("unsent")) as desk:
        yield desk


def signed_in(desk: RunningDesk) -> Visitor:
    visitor = desk.visitor(signed_in=False)
    sign_in(visitor)
    visitor.get("/person")
    return visitor


def sign_in(visitor: Visitor) -> str:
    """Sign in by name; return where that leads in the end."""
    answered = visitor.post("/sign-in", {"name": "clara", "password": PASSWORD})
    assert answered.headers["location"] == "/"
    return str(visitor.get("/").headers["location"])


@pytest.mark.parametrize(
    ("sent", "page"),
    [
        ("/person", "/person"),
        ("/alerts/on", "/alerts/on"),
        ("/statements/remove", "/statements"),
        (f"/disputes/of/{RECORD}/withdraw", f"/disputes/of/{RECORD}"),
        ("/inbox/7/acknowledge", "/inbox/7"),
    ],
)
def test_who_sends_a_form_after_signing_out_elsewhere_comes_back_to_it(
    running: RunningDesk, sent: str, page: str
) -> None:
    visitor = signed_in(running)
    assert visitor.post("/sign-out").headers["location"] == "/sign-in"
    lost = visitor.post(sent, {"number": person(1).number})
    assert lost.headers["location"] == "/sign-in"
    assert person(1).number not in "".join(visitor.cookies.values())
    assert "Nothing was sent: your session had ended." in visitor.follow(lost).words
    assert sign_in(visitor) == page
    shown = visitor.get(page)
    assert "Nothing was sent: your session had ended. Fill in the form once more." in shown.words
    assert NOTHING not in visitor.get("/person").words, "it is told once"
    assert visitor.get("/").headers["location"] == "/today"


def test_a_form_without_a_page_of_its_own_leads_to_the_first_page(running: RunningDesk) -> None:
    visitor = signed_in(running)
    visitor.post("/sign-out")
    # Who signs out of a session that has ended has lost nothing.
    assert NOTHING not in visitor.follow(visitor.post("/sign-out")).words
    visitor.post(f"/alerts/{'0' * 32}/off")
    assert sign_in(visitor) == "/alerts"
    visitor.get("/alerts")
    visitor.post("/sign-out")
    visitor.post("/number")
    assert sign_in(visitor) == "/today"
    assert NOTHING in visitor.get("/today").words
    assert visitor.get("/").headers["location"] == "/today"
    assert NOTHING not in visitor.get("/today").words


def test_a_form_of_an_earlier_session_leads_back_to_itself(running: RunningDesk, home: Path) -> None:
    visitor = signed_in(running)
    old = visitor.token
    visitor.post("/sign-out")
    sign_in(visitor)
    lost = visitor.post("/person", {"token": old, "number": person(1).number})
    assert (lost.status, lost.headers["location"]) == (303, "/person")
    assert "Nothing was sent: the form was of a session that has ended." in visitor.follow(lost).words
    # What a script of the page asks for takes the whole page along.
    part = visitor.post(
        "/number",
        {"token": old},
        headers={"HX-Request": "true", "HX-Current-URL": f"http://{visitor.host}/statements"},
    )
    assert (part.status, part.headers["hx-redirect"]) == (401, "/statements")
    assert NOTHING in visitor.get("/statements").words
    assert "ASK" not in {line.act for line, _ in read_journal(home / JOURNAL_FILE)}


@pytest.mark.parametrize(
    ("page", "back"),
    [
        ("/statements", "/statements"),
        ("/alerts/on", "/alerts/on"),
        ("/api/v1/inbox", "/person"),
        ("/api/openapi.json", "/person"),
        ("/static/desk.css", "/person"),
        ("/shown/a-key", "/person"),
        ("/sign-in", "/person"),
        ("/start/a-token", "/person"),
        ("/person/a-key/files/report.pdf", "/person/a-key"),
        ("/nowhere", "/person"),
        ("//evil.example/person", "/person"),
        ("", "/person"),
    ],
)
def test_a_form_leads_back_to_pages_that_may_show_one_alone(running: RunningDesk, page: str, back: str) -> None:
    visitor = signed_in(running)
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://{visitor.host}{page}"}
    sent = visitor.post("/person", {"token": "of an earlier session"}, headers=headers)
    assert (sent.status, sent.headers["hx-redirect"]) == (401, back)
    visitor.post("/sign-out")
    visitor.post("/person", headers=headers)
    assert sign_in(visitor) == back


def test_nobody_else_names_where_a_sign_in_leads(running: RunningDesk) -> None:
    visitor = running.visitor(signed_in=False)
    visitor.cookies["desk-unsent"] = "https://evil.example/"
    assert NOTHING not in visitor.get("/sign-in").words
    assert sign_in(visitor) == "/today"


def test_a_form_that_outlives_its_desk_says_where_to_sign_in(registry: TestRegistry, tmp_path: Path) -> None:
    home = registry.enrol("counter-anew", Role.REPRESENTATIVE)
    with RunningDesk(home, tmp_path / "first") as desk:
        visitor = desk.visitor()
        visitor.get("/person")
        port = desk.port
    with RunningDesk(home, tmp_path / "second", f"127.0.0.1:{port}") as desk:
        # A browser keeps on its disk what was sent to the page that it shows: the answer to the form is none.
        lost = visitor.follow(visitor.post("/person", {"number": person(1).number}))
        assert "Nothing was sent The desk was started anew" in lost.words
        (link,) = re.findall(r'href="([^"]+)"', lost.text)
        assert link == f"http://localhost:{port}/sign-in"
        visitor.cookies["desk-language"] = "zh"
        assert "工作台已重新启动" in visitor.get("/person").words
        stranger = Visitor(port, f"localhost:{port}")
        assert "Open the link" in stranger.get("/sign-in").words
        assert desk.link()


@pytest.mark.browser
def test_a_browser_is_led_to_sign_in_and_back(running: RunningDesk, browser: Chrome) -> None:
    browser.get(f"http://localhost:{running.port}/sign-in")
    waited(browser, "#name")
    browser.find_element(By.ID, "name").send_keys("clara", Keys.TAB, PASSWORD, Keys.ENTER)
    waited(browser, "form[action='/person']")
    browser.get(path_of(browser, "/disputes/open"))
    waited(browser, "#record")
    browser.find_element(By.ID, "record").send_keys(RECORD)
    browser.delete_cookie("desk-session")
    browser.find_element(By.CSS_SELECTOR, "main form button").click()
    waited(browser, "#name")
    assert NOTHING in browser.find_element(By.TAG_NAME, "main").text
    browser.find_element(By.ID, "name").send_keys("clara", Keys.TAB, PASSWORD, Keys.ENTER)
    waited(browser, "#record")
    assert browser.current_url.endswith("/disputes/open")
    assert "Fill in the form once more" in browser.find_element(By.CSS_SELECTOR, ".told").text
    browser.delete_all_cookies()
