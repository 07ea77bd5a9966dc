"""Who may sign in: the file of users, limits on attempts, sessions and their ends, the commands."""

from __future__ import annotations

import stat
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from client_sdk.desk.attempts import Attempts
from client_sdk.desk.kept import KeptValues
from client_sdk.desk.rights import DeskRole, Right
from client_sdk.desk.sessions import Sessions
from client_sdk.desk.start_link import StartLink
from client_sdk.desk.users import User, UserFile, is_name
from client_sdk.errors import ConfigError
from client_sdk.extras import check_extras
from tests.client_sdk.cli.test_cli_passphrase import typed
from tests.client_sdk.sdk_samples import person
from tests.support.command import Command
from tests.support.desk import RunningDesk

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry

PASSWORD = "correct horse battery"
MINUTE = 60.0


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_desk_without_its_libraries_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigError, match=r'needs uvicorn.*pip install "credit-registry\[desk\]"'):
        check_extras("the desk", "desk")


def test_users_are_added_changed_and_removed(tmp_path: Path) -> None:
    users = UserFile(tmp_path)
    assert users.read() == {}
    users.add("anna", DeskRole.OFFICER, PASSWORD)
    users.add("bo@bank.example", DeskRole.READER, PASSWORD)
    assert stat.S_IMODE(users.file.stat().st_mode) == 0o600
    assert PASSWORD not in users.file.read_text()
    found = UserFile(tmp_path).fits("anna", PASSWORD)
    assert found is not None
    assert found.role is DeskRole.OFFICER
    assert users.fits("anna", PASSWORD + "x") is None
    assert users.fits("nobody", PASSWORD) is None
    with pytest.raises(ConfigError, match="already"):
        users.add("anna", DeskRole.READER, PASSWORD)
    users.change_password("anna", "another long password")
    assert users.fits("anna", PASSWORD) is None
    changed = users.fits("anna", "another long password")
    assert changed is not None
    assert changed.tag != found.tag
    users.remove("anna")
    assert set(users.read()) == {"bo@bank.example"}
    with pytest.raises(ConfigError, match="no user of that name"):
        users.remove("anna")


def test_users_added_by_several_programs_at_once_are_all_there(tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=UserFile(tmp_path).add, args=(f"user-{place}", DeskRole.READER, PASSWORD))
        for place in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(UserFile(tmp_path).read()) == {f"user-{place}" for place in range(4)}


@pytest.mark.parametrize(
    "name", ["", "-", "1anna", "a b", "a/b", "a" * 65, "安娜", "a\n", person(1).number, "a1234567", None]
)
def test_a_name_that_could_be_something_else_is_refused(name: object) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
def test_a_password_that_is_too_short_or_too_long_is_refused(tmp_path: Path, password: str) -> None:
    with pytest.raises(ConfigError, match="12 to 256"):
        UserFile(tmp_path).add("anna", DeskRole.READER, password)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "users = 1",
        "other = 1",
        "[users.anna]\nrole = 'officer'",
        "[users.anna]\nrole = 'king'\npassword = '$argon2id$x'",
        "[users.anna]\nrole = 'officer'\npassword = 'plain'",
        "[users.'a b']\nrole = 'officer'\npassword = '$argon2id$x'",
        "\udcff",
    ],
)
def test_a_file_that_is_not_in_order_is_refused_and_nothing_of_it_is_told(tmp_path: Path, text: str) -> None:
    users = UserFile(tmp_path)
    users.file.write_bytes(text.encode(errors="surrogateescape"))
    users.file.chmod(0o600)
    with pytest.raises(ConfigError) as told:
        users.read()
    assert "plain" not in str(told.value)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    users = UserFile(tmp_path)
    users.add("anna", DeskRole.READER, PASSWORD)
    users.file.chmod(0o644)
    with pytest.raises(ConfigError, match="0600"):
        UserFile(tmp_path).read()


def test_each_role_has_the_rights_up_to_its_own() -> None:
    rights = {role: {right for right in Right if role.may(right)} for role in DeskRole}
    assert rights[DeskRole.READER] == {Right.READ}
    assert rights[DeskRole.OFFICER] == {Right.READ, Right.ACT}
    assert rights[DeskRole.APPROVER] == {Right.READ, Right.ACT, Right.APPROVE}
    assert rights[DeskRole.ADMINISTRATOR] == set(Right)


def test_attempts_are_limited_by_name_and_by_address() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    assert [attempts.begin("anna", "10.0.0.1") for _ in range(5)] == [0.0] * 5
    assert attempts.begin("Anna", "10.0.0.2") == 15 * MINUTE
    assert attempts.begin("bo", "10.0.0.1") == 0
    clock.now += 15 * MINUTE
    assert attempts.begin("anna", "10.0.0.1") == 0
    attempts.succeeded("anna", "10.0.0.1")
    for place in range(30):
        assert attempts.begin(f"user-{place}", "10.0.0.9") == 0
    assert attempts.begin("another", "10.0.0.9") > 0
    for place in range(11_000):
        attempts.begin(f"name-{place}", f"10.1.{place // 256}.{place % 256}")
    assert len(attempts._tried) == 10_000


def test_that_one_has_to_wait_is_told_once_whatever_number_of_names_are_tried() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for place in range(30):
        attempts.begin(f"user-{place}", "10.0.0.9")
    told = [attempts.tells(f"name-{place}", "10.0.0.9") for place in range(100)]
    assert told == [True] + [False] * 99
    for _ in range(5):
        attempts.begin("anna", "10.0.0.1")
    assert [attempts.tells("anna", "10.0.0.2"), attempts.tells("Anna", "10.0.0.3")] == [True, False]
    clock.now += 15 * MINUTE
    for _ in range(5):
        attempts.begin("anna", "10.0.0.1")
    assert attempts.tells("anna", "10.0.0.2")


def test_sessions_end_idle_in_time_and_by_number() -> None:
    clock = Clock()
    sessions = Sessions(15 * MINUTE, 60 * MINUTE, clock)
    anna = User("anna", DeskRole.OFFICER)
    cookie = sessions.begin(anna, local=True)
    session = sessions.find(cookie)
    assert session is not None
    for _ in range(5):
        clock.now += 10 * MINUTE
        assert sessions.find(cookie) is session
    clock.now += 10 * MINUTE
    assert sessions.find(cookie) is None
    idle = sessions.begin(anna, local=True)
    clock.now += 15 * MINUTE
    assert sessions.find(idle) is None
    many = [sessions.begin(anna, local=True) for _ in range(11)]
    assert sessions.find(many[0]) is None
    assert sessions.find(many[1]) is not None


@pytest.mark.parametrize("cookie", [None, "", "x", "x.y", "é", "x" * 10_000, "InNlc3Npb24i.AAAA"])
def test_a_cookie_that_was_not_given_out_is_nobody_s(cookie: str | None) -> None:
    sessions = Sessions(MINUTE, MINUTE)
    assert sessions.find(cookie) is None
    assert Sessions(MINUTE, MINUTE).find(sessions.begin(User("a", DeskRole.READER), local=True)) is None


def test_a_form_token_is_of_one_session_and_does_not_tell_its_key() -> None:
    sessions = Sessions(MINUTE, MINUTE)
    anna = User("anna", DeskRole.READER)
    one, other = (sessions.find(sessions.begin(anna, local=True)) for _ in range(2))
    assert one is not None
    assert other is not None
    token = sessions.token(one)
    assert sessions.is_token(one, token)
    assert not sessions.is_token(other, token)
    assert not sessions.is_token(one, "")
    assert sessions.find(token) is None


def test_what_is_kept_is_forgotten_in_time_with_its_session_and_by_number() -> None:
    clock, alive = Clock(), {"one", "two"}
    kept = KeptValues(alive.__contains__, clock)
    key = kept.keep("one", 1)
    assert kept.find("one", key, int) == 1
    assert kept.find("two", key, int) is None
    assert kept.find("one", key, str) is None
    keys = [kept.keep("two", place) for place in range(21)]
    assert kept.find("two", keys[0], int) is None
    assert kept.find("two", keys[-1], int) == 20
    alive.remove("two")
    assert kept.find("two", keys[-1], int) is None
    clock.now += 10 * MINUTE
    assert kept.find("one", key, int) is None
    assert not kept._items


def test_a_link_is_good_once_and_the_newest_alone() -> None:
    link = StartLink()
    assert not link.use("")
    older, newer = link.make(), link.make()
    assert not link.use(older)
    assert link.use(newer)
    assert not link.use(newer)
    assert not link.use("é")


@pytest.fixture(scope="session")
def home(registry: TestRegistry) -> Path:
    home = registry.enrol("lender-users")
    UserFile(home).add("anna", DeskRole.OFFICER, PASSWORD)
    UserFile(home).add("rita", DeskRole.READER, PASSWORD)
    return home


def test_people_sign_in_by_name_and_are_out_once_they_are_removed_or_changed(home: Path, tmp_path: Path) -> None:
    with RunningDesk(home, tmp_path / "log") as desk:
        assert "/start/" not in desk.log()
        visitor = desk.visitor(signed_in=False)
        assert visitor.get("/ask").headers["location"] == "/sign-in"
        wrong = visitor.post("/sign-in", {"name": "anna", "password": "wrong"})
        assert wrong.status == 401
        assert "Name or password is wrong." in wrong.words
        before = dict(visitor.cookies)
        assert visitor.post("/sign-in", {"name": "anna", "password": PASSWORD}).headers["location"] == "/"
        assert visitor.cookies != before, "a session's id is made at sign-in"
        assert visitor.get("/ask").status == 200
        assert visitor.get("/journal").status == 403
        UserFile(home).change_password("anna", PASSWORD + "2")
        assert visitor.get("/ask").status == 303
        visitor.post("/sign-in", {"name": "anna", "password": PASSWORD + "2"})
        assert visitor.get("/ask").status == 200
        old = dict(visitor.cookies)
        assert visitor.post("/sign-out").headers["location"] == "/sign-in"
        visitor.cookies = old
        assert visitor.get("/ask").status == 303, "the cookie of a session that was ended"
        reader = desk.visitor(signed_in=False)
        reader.post("/sign-in", {"name": "rita", "password": PASSWORD})
        assert reader.get("/").headers["location"] == "/today"
        assert reader.get("/ask").status == 403
        UserFile(home).remove("rita")
        assert reader.get("/records").status == 303
        guesser = desk.visitor(signed_in=False)
        said = [guesser.post("/sign-in", {"name": "anna", "password": "guess"}).status for _ in range(6)]
        assert said == [401] * 5 + [429]
        assert guesser.post("/sign-in", {"name": "anna", "password": "guess"}).status == 429
        guesser.post("/sign-in", {"name": person(1).number, "password": "x"})
    journal = Command(home).said("desk", "journal", "show").out
    assert "WRONG_NAME_OR_PASSWORD" in journal
    assert journal.count("TOO_MANY_ATTEMPTS") == 1, "or a stranger would fill the disk"
    assert person(1).number not in journal + desk.log()


def test_a_password_is_typed_at_a_terminal_alone(home: Path) -> None:
    command = Command(home)
    assert command("desk", "user", "add", "carl", "--role", "reader", given="x\n", code=2).reason == "USAGE"
    assert "carl" not in [user["name"] for user in command("desk", "user", "list").content["users"]]


def test_a_password_is_typed_twice_and_shown_nowhere(registry: TestRegistry) -> None:
    home = registry.enrol("lender-typed")
    code, said = typed(["--home", str(home), "desk", "user", "add", "dora", "--role", "officer"], [PASSWORD, PASSWORD])
    assert code == 0, said
    code, again = typed(["--home", str(home), "desk", "user", "password", "dora"], [PASSWORD + "2", PASSWORD + "2"])
    assert code == 0, again
    assert PASSWORD not in said + again
    users = UserFile(home)
    assert users.fits("dora", PASSWORD) is None
    assert users.fits("dora", PASSWORD + "2") is not None
    command = Command(home)
    assert command("desk", "user", "list").content["users"] == [{"name": "dora", "role": "officer"}]
    command("desk", "user", "remove", "dora")
    assert "Nobody" in command.said("desk", "user", "list").out
