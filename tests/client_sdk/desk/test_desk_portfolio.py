"""A portfolio at the desk: dropped, held against the rules by row, corrected, sent, stopped and killed on the way."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from client_sdk.desk import dropped
from client_sdk.desk.dropped import bounded
from client_sdk.desk.rights import DeskRole
from client_sdk.desk.rule_words import advice_of_rule
from client_sdk.desk.texts import Language, say_in
from client_sdk.desk.users import UserFile
from client_sdk.errors import PreflightError
from client_sdk.home_standing import pending_reports
from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.rows import row_of
from tests.client_sdk.desk.desk_forms import csv_of, drop
from tests.client_sdk.sdk_samples import default_report, history, person
from tests.client_sdk.tables.workbooks import portfolio_book, saved
from tests.support.command import Command
from tests.support.desk import RunningDesk, Visitor
from tests.support.file_readers import file_readers
from tests.support.waiting import awaited, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from client_sdk.testing import TestRegistry
    from tests.support.desk import Answered

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def home(registry: TestRegistry) -> Path:
    return registry.enrol("lender-folio")


@pytest.fixture(scope="module")
def running(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    with RunningDesk(home, tmp_path_factory.mktemp("folio")) as desk:
        yield desk


@pytest.fixture(scope="module")
def officer(running: RunningDesk) -> Visitor:
    visitor = running.visitor()
    visitor.get("/portfolio")
    return visitor


def rows_of(*numbers: int) -> list[dict[str, str]]:
    return [row_of(default_report(number)) for number in numbers]


def send(visitor: Visitor, path: str, fields: Mapping[str, str] | None = None) -> Answered:
    return visitor.finished(visitor.post(f"{path}/send", fields))


def files_with(home: Path, numbers: list[str]) -> list[Path]:
    """Files of a home that hold one of these numbers."""
    held = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    return [path for path, content in held.items() if any(number.encode() in content for number in numbers)]


def test_a_portfolio_is_checked_corrected_dropped_again_and_sent(
    registry: TestRegistry, officer: Visitor, running: RunningDesk, home: Path
) -> None:
    rows = rows_of(301, 302, 303)
    rows[1]["days_past_due"] = "many"
    path, checked = drop(officer, csv_of(rows))
    assert "UTF-8 with commas" in checked.words
    assert "Sign and send 2 rows" in checked.words
    assert (
        "Days overdue: Give a whole number from 0. (Rule: column.integer; Found: 4 characters: letters" in checked.words
    )
    assert "loan-302" in checked.words
    assert "loan-301" not in checked.words, "what is rejected is shown first"
    every = officer.get(f"{path}?show=all")
    assert all(f"loan-{number}" in every.words for number in (301, 302, 303))
    assert "Default · open" in every.words
    assert "There are no such rows." in officer.get(f"{path}?show=warned&page=99").words
    # What was rejected comes in the same columns, is corrected there, and is dropped again.
    reasons = officer.get(f"{path}/reasons.csv").text.splitlines()
    assert reasons[0] == "row,reason,field,rule,got,want,what_to_do"
    assert reasons[1].startswith("3,")
    assert "Days overdue: Give a whole number from 0." in reasons[1]
    saved_rows = officer.get(f"{path}/rows.csv")
    assert saved_rows.headers["content-disposition"] == 'attachment; filename="rejected-rows.csv"'
    (left,) = csv.DictReader(io.StringIO(saved_rows.text))
    assert left == {**dict.fromkeys(COLUMNS, ""), **rows[1]}
    left["days_past_due"] = "29"
    _, good = drop(officer, csv_of([left]))
    assert "Sign and send 1 row " in good.words
    done = send(officer, path)
    assert "logged now 2" in done.words
    assert "rejected 1" in done.words
    assert 'rows.csv"' in done.text
    assert "This work is not here any more" in officer.get(path).words, "the file lies with the new job alone"
    again_path, _ = drop(officer, csv_of([*rows_of(301, 303), left]))
    whole = send(officer, again_path)
    assert "The registry now holds every row." in whole.words
    assert "logged now 1 held by the registry before 2" in whole.words
    with registry.client("lender-folio") as client:
        assert len(list(client.records())) == 3
    journal = Command(home).said("desk", "journal", "show").out
    assert "rows=3" in journal
    assert "accepted=2" in journal
    numbers = [person(number).number for number in (301, 302, 303)]
    assert not any(number in journal + running.log() for number in numbers)
    assert files_with(home, numbers) == []


def test_one_signature_stands_for_many(officer: Visitor) -> None:
    content = csv_of([row_of(report) for number in (311, 312) for report in history(number)])
    path, checked = drop(officer, content)
    assert "paid up" in checked.words
    done = send(officer, path, {"one_signature": "yes"})
    assert "logged now 6" in done.words
    assert "Signatures 1" in done.words


@pytest.mark.parametrize("form", ["xlsx", "gzip", "gb18030"])
def test_a_file_is_read_by_what_it_holds(officer: Visitor, form: str) -> None:
    rows = rows_of(321)
    content = {
        "xlsx": lambda: saved(portfolio_book(*rows)),
        "gzip": lambda: gzip.compress(csv_of(rows)),
        "gb18030": lambda: csv_of([{**rows[0], "reference": "借据一号"}]).decode().encode("gb18030"),
    }[form]()
    _, checked = drop(officer, content)
    assert "Sign and send 1 row " in checked.words
    assert {"xlsx": "Excel", "gzip": "UTF-8", "gb18030": "借据一号"}[form] in checked.words


def test_a_mapping_and_a_sheet_are_taken(officer: Visitor) -> None:
    rows = rows_of(322)
    content = csv_of(rows).replace(b"id_number", "证件号码".encode(), 1)
    names = "".join(f'"{name}" = "{name}"\n' for name in COLUMNS if name != "id_number")
    mapping = f'[columns]\n"证件号码" = "id_number"\n{names}'.encode()
    sent = officer.post("/portfolio", {}, {"file": content, "mapping": mapping})
    assert "Sign and send 1 row " in officer.finished(sent).words
    named = officer.post("/portfolio", {"sheet": "none"}, {"file": saved(portfolio_book(*rows))})
    assert "The file cannot be read as it is" in officer.finished(named).words
    assert "A portfolio is checked : failed" in officer.get("/portfolio").words


@pytest.mark.parametrize(
    ("fields", "files", "said"),
    [
        ({}, {"file": b""}, "Choose a file that is not empty."),
        ({"encoding": "latin-1"}, {"file": b"x"}, "Choose one of the list."),
        ({}, {"file": b"x", "mapping": b"[columns"}, "This mapping is not in order"),
    ],
)
def test_a_form_that_is_not_whole_is_told(
    officer: Visitor, fields: dict[str, str], files: dict[str, bytes], said: str
) -> None:
    refused = officer.post("/portfolio", fields, files)
    assert refused.status == 422
    assert said in refused.words


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n", "columns.known"),
        (csv_of([]), "at least one row"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "file."),
        (person(330).number.encode() + b",x\n", "columns.known"),
    ],
)
def test_a_file_that_is_no_portfolio_is_told_with_what_to_do(officer: Visitor, content: bytes, said: str) -> None:
    path, refused = drop(officer, content)
    assert "The file cannot be read as it is" in refused.words
    assert said in refused.text
    assert "Nothing was signed or sent." in refused.words
    assert person(330).number not in refused.text
    assert officer.post(f"{path}/send").headers["location"] == path
    assert officer.get(f"{path}/rows.csv").status == 404


def test_a_file_that_is_too_long_is_refused_before_it_is_read(officer: Visitor) -> None:
    boundary = "multipart/form-data; boundary=x"
    refused = officer.send(
        "POST",
        "/portfolio",
        b"",
        {
            "Origin": f"http://{officer.host}",
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": boundary,
            "Content-Length": str(dropped.DROPPED_BYTES + 1),
        },
    )
    assert "What was sent is too long." in officer.follow(refused).words


def test_more_rows_than_the_desk_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(dropped, "MOST_ROWS", 1_200)
    assert list(bounded(range(1_200), told.append)) == list(range(1_200))
    assert told == list(range(1, 1_201))
    with pytest.raises(PreflightError, match=r"file\.rows"):
        list(bounded(range(1_201), told.append))
    with pytest.raises(PreflightError, match="no row"):
        list(bounded([], told.append))


def frozen_while_sending(registry: TestRegistry, officer: Visitor, content: bytes) -> str:
    """Send a portfolio while a key service answers nothing; return where the job is shown, once it waits for that."""
    path, _ = drop(officer, content)
    os.kill(registry.process_id("key-service-a"), signal.SIGSTOP)
    job = officer.post(f"{path}/send").headers["location"]
    awaited(lambda: officer.get(job).words, lambda words: "Sending what was signed before" in words)
    return job


def test_a_portfolio_is_stopped_in_the_middle_and_sent_whole_afterwards(
    registry: TestRegistry, officer: Visitor, home: Path
) -> None:
    content = csv_of(rows_of(*range(341, 361)))
    job = frozen_while_sending(registry, officer, content)
    try:
        key = job.rpartition("/")[2]
        assert officer.post(f"/jobs/{key}/stop").headers["location"] == job
        assert "Stops with its next step" in officer.get(f"/jobs/{key}/progress").words
    finally:
        os.kill(registry.process_id("key-service-a"), signal.SIGCONT)
    ended = officer.finished(officer.post(f"/jobs/{key}/stop"))
    assert "A portfolio is sent: stopped" in ended.words
    assert "nothing is lost, and nothing is doubled" in ended.words
    assert "JobStoppedError" in Command(home).said("desk", "journal", "show").out
    again, _ = drop(officer, content)
    whole = send(officer, again)
    assert "The registry now holds every row." in whole.words
    assert "rejected 0" in whole.words


def test_a_desk_that_is_killed_while_it_sends_leaves_no_file_and_the_same_one_completes(
    registry: TestRegistry, tmp_path: Path
) -> None:
    home = registry.enrol("lender-killed")
    content = csv_of(rows_of(*range(371, 391)))
    with RunningDesk(home, tmp_path / "log") as desk:
        officer = desk.visitor()
        officer.get("/portfolio")
        frozen_while_sending(registry, officer, content)
        try:
            desk.stop(by=signal.SIGKILL)
        finally:
            os.kill(registry.process_id("key-service-a"), signal.SIGCONT)
        assert files_with(home, [person(number).number for number in range(371, 391)]) == []
        waiting = pending_reports(registry.config("lender-killed"))
        desk.start()
        officer = desk.visitor()
        today = officer.get("/today")
        assert (
            f"waiting for a receipt of the registry: {waiting}" if waiting else "none waits for a receipt"
        ) in today.words
        path, _ = drop(officer, content)
        assert "The registry now holds every row." in send(officer, path).words
    assert pending_reports(registry.config("lender-killed")) == 0
    with registry.client("lender-killed") as client:
        assert [one.version for one in client.records()] == [1] * 20


def test_a_job_is_its_owners_alone_and_outlives_the_session(registry: TestRegistry, tmp_path: Path) -> None:
    home = registry.enrol("lender-owners")
    for name in ("anna", "berta"):
        UserFile(home).add(name, DeskRole.OFFICER, PASSWORD)
    UserFile(home).add("rita", DeskRole.READER, PASSWORD)
    with RunningDesk(home, tmp_path / "log") as desk:

        def came(name: str) -> Visitor:
            visitor = desk.visitor(signed_in=False)
            visitor.post("/sign-in", {"name": name, "password": PASSWORD})
            visitor.get("/today")
            return visitor

        anna = came("anna")
        path, _ = drop(anna, csv_of(rows_of(391)))
        assert path in came("anna").get("/today").text
        berta = came("berta")
        assert berta.get(path).status == 404
        assert berta.get(f"{path}/rows.csv").status == 404
        assert berta.post(f"{path}/send").headers["location"] == path
        assert path not in berta.get("/today").text
        rita = came("rita")
        assert rita.get("/portfolio").status == 403
        assert "Ask about a person" not in rita.get("/today").words


def hanging(desk: RunningDesk, visitor: Visitor) -> list[int]:
    """Drop a file whose reading hangs: the process that reads it is halted, it neither goes on nor ends."""
    file = io.BytesIO()
    (row,) = rows_of(309)
    pq.write_table(pa.table({name: [text] * 50_000 for name, text in row.items()}), file)
    visitor.get("/portfolio")
    visitor.post("/portfolio", {}, {"file": file.getvalue()})
    seen: list[list[int]] = []

    def is_halted() -> bool:
        """Halt what reads; one that has said all that was wanted of it is ended meanwhile."""
        seen.append(file_readers(desk.pid))
        for reader in seen[-1]:
            with suppress(ProcessLookupError):
                os.kill(reader, signal.SIGSTOP)
        return len(seen) > 1 and seen[-1] == seen[-2] != []

    wait_until(is_halted)
    return seen[-1]


def test_a_desk_ends_in_its_time_where_the_reading_of_a_file_hangs(registry: TestRegistry, tmp_path: Path) -> None:
    with RunningDesk(registry.enrol("lender-hangs"), tmp_path / "desk") as desk:
        readers = hanging(desk, desk.visitor())
        # It is ended by SIGKILL where it does not end in time, and then has no exit code of its own.
        assert desk.stop() == 0
        assert "Traceback" not in desk.log()
    wait_until(lambda: not any(Path(f"/proc/{reader}").exists() for reader in readers))


def test_a_file_that_cannot_be_read_is_not_lost_where_too_much_work_is_under_way(
    registry: TestRegistry, tmp_path: Path
) -> None:
    with RunningDesk(registry.enrol("lender-busy"), tmp_path / "desk") as desk:
        visitor = desk.visitor()
        visitor.get("/portfolio")
        path, unread = drop(visitor, b"x,y\n1,2\n")
        hanging(desk, visitor)
        visitor.post("/portfolio", {}, {"file": csv_of(rows_of(308))})
        full = visitor.post(f"{path}/again", {"column.0": "reference"}, {})
        assert (full.status, "Too much work is under way" in full.words) == (429, True)
        assert visitor.get(path).words == unread.words


def test_each_rule_that_warns_of_a_row_says_what_to_look_at() -> None:
    text = Path("client_sdk/lending/row_warnings.py").read_text("utf-8")
    found = set(re.findall(r'(?:rule=|yield [a-z_]+, |yield "[a-z_]+", )"([A-Za-z0-9.-]+)"', text))
    assert {"basis.rejected", "days.dates", "N04", "number.identity", "money.hundredfold"} <= found
    for rule in found:
        assert advice_of_rule(rule, say_in(Language.ENGLISH)), rule
