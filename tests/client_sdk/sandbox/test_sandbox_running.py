"""The sandbox as a newcomer has it: one command, every desk, whom to ask about, and nothing left at its end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from client_sdk import Auditor, Client
from client_sdk.acts import InstitutionBody
from client_sdk.models import Kind, NoticeReason
from client_sdk.sandbox.filling import MEMBERS
from client_sdk.testing.ports import listens
from client_sdk.testing.site import Site
from tests.support.desk import Visitor
from tests.support.sandbox import ENDS, RunningSandbox, started_sandbox
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

PATIENCE = 60
LIMIT = 300
COMMAND = str(Path(sys.executable).with_name("credit-registry"))
DESKS = ("lender-1", "lender-2", "office", "auditor", "admin-1")
LENDER, OFFICE, AUDITOR, ADMINISTRATOR = 1, 2, 3, 4


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One that runs; its end is looked at by the test of README's first command, and by those that start their own."""
    with started_sandbox(tmp_path_factory.mktemp("sandbox") / "temporary") as running:
        running.await_said(ENDS)
        yield running


def test_it_says_that_it_is_not_for_real_persons_before_anything_else(sandbox: RunningSandbox) -> None:
    assert "not for real persons" in sandbox.said.splitlines()[0]


def test_it_speaks_chinese_where_that_is_wanted(tmp_path: Path) -> None:
    with started_sandbox(tmp_path / "temporary", "--lang", "zh") as running:
        running.await_said("按 Ctrl-C 结束。")
        assert running.end() == 0
    names = "|".join(sorted((party.title for party in MEMBERS), key=len, reverse=True))
    for line in running.said.splitlines():
        assert re.search(r"[\u4e00-\u9fff]|^$", line), line
        said = re.sub(rf"{names}|Edge|credit-registry .*|LISTED|CLEAR|BLACKLISTED|WATCH|NOT_ADVERSE", "", line)
        assert not re.search(r"[a-z]{2,} [a-z]{2,}", said), line


def test_every_desk_is_there_for_who_has_its_link_and_for_nobody_else(sandbox: RunningSandbox) -> None:
    assert [member for member in DESKS if f", {member})" in sandbox.said] == list(DESKS)
    assert len(sandbox.ports) == len(sandbox.links) == len(DESKS)
    for port in sandbox.ports:
        stranger = Visitor(port, f"127.0.0.1:{port}")
        assert stranger.get("/journal").headers["location"] == "/sign-in"
        assert "Sign in" in stranger.get("/sign-in").words


def test_the_first_page_of_an_administrator_opens(sandbox: RunningSandbox) -> None:
    link = urlsplit(sandbox.links[ADMINISTRATOR])
    visitor = Visitor(sandbox.ports[ADMINISTRATOR], link.netloc)
    answered = visitor.get(link.path)
    while answered.status == 303:
        answered = visitor.follow(answered)
    assert answered.status == 200
    assert "admin-1" in answered.words


@pytest.mark.browser
def test_a_newcomer_asks_about_each_of_the_people_that_are_named(sandbox: RunningSandbox, browser: Chrome) -> None:
    browser.get(sandbox.links[LENDER])
    WebDriverWait(browser, PATIENCE).until(lambda one: one.current_url.endswith("/today"))
    base = "{0.scheme}://{0.netloc}".format(urlsplit(browser.current_url))
    yesterday = (datetime.now(UTC) - timedelta(1)).date().isoformat()
    assert len(sandbox.people) >= 4
    for number, verdict, outcome, _ in sandbox.people:
        browser.get(f"{base}/ask")
        browser.find_element(By.ID, "number").send_keys(number)
        browser.execute_script("document.getElementById('consent_date').value = arguments[0]", yesterday)
        browser.find_element(By.ID, "consent_file").send_keys(str(sandbox.folder / "consent.txt"))
        browser.find_element(By.CSS_SELECTOR, "form[action='/ask'] button").click()
        WebDriverWait(browser, PATIENCE).until(lambda one: one.current_url != f"{base}/ask")
        shown = browser.find_element(By.TAG_NAME, "main").text
        assert f"\n{verdict.capitalize()}: " in shown, shown
        assert f"\n{outcome.capitalize().replace('_', ' ')}" in shown, shown
    browser.delete_all_cookies()


def test_the_office_makes_the_report_of_the_person_that_is_named(sandbox: RunningSandbox) -> None:
    link = urlsplit(sandbox.links[OFFICE])
    visitor = Visitor(sandbox.ports[OFFICE], link.netloc)
    assert visitor.get(link.path).status == 303
    visitor.get("/person")
    (number,) = re.findall(r"^ +(\d{17}[\dX]) +disputes a record of lender-1$", sandbox.said, re.MULTILINE)
    today = datetime.now().astimezone().date().isoformat()
    typed = {"id_type": "CN_RESIDENT_ID", "number": number, "request_date": today}
    asked = visitor.post("/person", typed, {"request_file": (sandbox.folder / "request.txt").read_bytes()})
    assert asked.status == 303, asked.words
    report = visitor.follow(asked)
    assert "Report about yourself" in report.words
    assert "See the dispute" in report.words
    assert number not in report.text


def test_a_link_that_was_used_is_followed_by_a_new_one_which_is_told(sandbox: RunningSandbox) -> None:
    link = urlsplit(sandbox.links[AUDITOR])
    visitor = Visitor(sandbox.ports[AUDITOR], link.netloc)
    assert visitor.get(link.path).status == 303
    assert visitor.get("/journal").status == 200
    other = Visitor(sandbox.ports[AUDITOR], link.netloc)

    def told_a_new_one() -> bool:
        # Whoever comes has one made, some seconds after the last was used.
        other.get("/sign-in")
        return "auditor, a new link: " in sandbox.said

    wait_until(told_a_new_one)
    assert other.get(urlsplit(sandbox.links[-1]).path).status == 303


def test_it_is_filled_with_what_each_member_finds_at_its_desk(sandbox: RunningSandbox) -> None:
    with Client.from_home(sandbox.folder / "lender-1") as client:
        assert {view.kind for view in client.records()} >= {Kind.DEFAULT, Kind.JUDGMENT, Kind.ENFORCEMENT}
        (dispute,) = client.disputes()
        assert dispute.due_on is not None
        assert NoticeReason.DISPUTED in {notice.reason for notice in client.inbox()}
    with Client.from_home(sandbox.folder / "lender-2") as client:
        assert NoticeReason.CORRECTED in {notice.reason for notice in client.inbox()}
    with Client.from_home(sandbox.folder / "admin-1") as client:
        (waiting,) = client.proposals()
        assert isinstance(waiting.act.body, InstitutionBody)
        assert client.approve(waiting).logged
    assert Auditor.from_home(sandbox.folder / "auditor").audit().findings == ()


def test_what_was_killed_is_deleted_by_the_next_run(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    with started_sandbox(temporary) as running:
        running.await_said("not for real persons")
        running.end(signal.SIGKILL)
    assert list(temporary.glob("credit-registry-sandbox-*"))
    other = temporary / "credit-registry-sandbox-of-another-program"
    other.mkdir()
    with started_sandbox(temporary) as running:
        running.await_said("not for real persons")
        assert running.end() == 130
    assert list(temporary.glob("credit-registry-sandbox-*")) == [other]


def test_what_is_ended_before_it_is_ready_leaves_nothing_either(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for words in ((), ("--keep", str(kept))):
        with started_sandbox(tmp_path / "temporary", *words) as running:
            running.await_said("not for real persons")
            assert running.end() == 130
        assert list((tmp_path / "temporary").iterdir()) == []
    assert [path.name for path in kept.iterdir()] == ["lock"]


def run_kept(tmp_path: Path, ended_by: signal.Signals) -> tuple[str, int]:
    """Run a sandbox that is kept; return what it said, and the size of its log."""
    words = ("--keep", str(tmp_path / "kept"))
    with started_sandbox(tmp_path / "temporary", *words) as running:
        running.await_said(ENDS)
        assert running.folder == tmp_path / "kept"
        with Client.from_home(running.folder / "auditor") as client:
            size = client.status().size
        second = subprocess.run(
            [COMMAND, "sandbox", *words], capture_output=True, text=True, check=False, timeout=LIMIT
        )
        assert (second.returncode, "another run" in second.stderr) == (5, True), second.stderr
        ports = [*running.ports, *Site.load(running.folder).ports.values()]
        assert all(map(listens, ports))
        assert running.end(ended_by) == 0
    assert not any(map(listens, ports))
    assert running.said.endswith(f"Everything was stopped; it is kept in {tmp_path / 'kept'}.\n")
    return running.said, size


def test_what_is_kept_is_started_again_with_all_that_it_holds(tmp_path: Path) -> None:
    said, size = run_kept(tmp_path, signal.SIGINT)
    assert "Waiting: a dispute" in said
    again, grown = run_kept(tmp_path, signal.SIGTERM)
    assert "Waiting: a dispute" not in again
    assert size <= grown < 2 * size


@pytest.mark.parametrize("made", ["thesis.txt", "lock", "site.json"])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, made: str) -> None:
    for name in (made, "another.txt"):
        (tmp_path / name).write_text("years of work")
    done = subprocess.run(
        [COMMAND, "sandbox", "--keep", str(tmp_path)], capture_output=True, text=True, check=False, timeout=LIMIT
    )
    assert done.returncode == 5
    assert "holds something else" in done.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.read_text()} == {
        made: "years of work",
        "another.txt": "years of work",
    }


def test_without_its_extras_it_says_what_to_install() -> None:
    program = (
        "import sys\n"
        "sys.modules['uvicorn'] = sys.modules['sqlalchemy'] = None\n"
        "sys.argv = ['credit-registry', 'sandbox']\n"
        "from client_sdk.cli import main; main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=LIMIT)
    assert done.returncode == 5
    assert "sqlalchemy, uvicorn" in done.stderr
    assert 'pip install "credit-registry[server,desk]"' in done.stderr
