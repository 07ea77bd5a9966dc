"""Screening at the desk: listed, own and clear told apart, the result as a file, and what changed of a watch list."""

from __future__ import annotations

import csv
import hashlib
import io
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from client_sdk.desk import watch_lists
from client_sdk.desk.watch_lists import WatchLists, is_list_name
from client_sdk.errors import ConfigError
from client_sdk.models import Purpose
from tests.client_sdk.desk.test_desk_portfolio import files_with
from tests.client_sdk.sdk_samples import default_report, person
from tests.support.command import Command
from tests.support.desk import RunningDesk, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.testing import TestRegistry
    from tests.support.desk import Answered

DIGEST = hashlib.sha256(b"consent").hexdigest()
COLUMNS = ("id_type", "id_number", "reference", "consent_form", "consent_date", "consent_digest")
LISTED, OWN, CLEAR, LATER = 401, 402, 403, 404


@pytest.fixture(scope="session")
def home(registry: TestRegistry) -> Path:
    """Of a lender with an own record; another lender has one about another person."""
    home = registry.enrol("lender-screen")
    with registry.client("lender-1") as other, registry.client("lender-screen") as client:
        other.report(default_report(LISTED))
        client.report(default_report(OWN))
    return home


@pytest.fixture(scope="module")
def officer(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with RunningDesk(home, tmp_path_factory.mktemp("screen")) as desk:
        visitor = desk.visitor()
        visitor.get("/screening")
        yield visitor


def customers(*numbers: int, consent: str = "WRITTEN") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(
        ("CN_RESIDENT_ID", person(number).number, f"customer-{number}", consent, "2025-01-01", DIGEST)
        for number in numbers
    )
    return text.getvalue().encode()


def screen(visitor: Visitor, content: bytes, **fields: str) -> tuple[str, Answered]:
    """Screen a file; return where the result is, and the result."""
    sent = visitor.post("/screening", {"purpose": "POST_LOAN_REVIEW", **fields}, {"file": content})
    return sent.headers["location"], visitor.finished(sent)


def test_customers_are_screened_and_own_records_told_apart(officer: Visitor, home: Path) -> None:
    content = (
        customers(LISTED, OWN, CLEAR) + b"CN_RESIDENT_ID,110105194912310029,wrong,WRITTEN,2025-01-01," + DIGEST.encode()
    )
    path, found = screen(officer, content)
    assert "listed by others 1 own records alone 1 no live record 1 not screened 1" in found.words
    assert "customer-401" in found.words
    assert "customer-402" not in found.words
    assert "customer-402" in officer.get(f"{path}?show=OWN").words
    assert "identity.checksum" in officer.get(f"{path}?show=REJECTED").text
    saved = officer.get(f"{path}/found.csv")
    assert saved.headers["content-disposition"] == 'attachment; filename="found.csv"'
    assert saved.text.splitlines()[0] == "row,reference,finding,rule,what_to_do"
    rows = list(csv.DictReader(io.StringIO(saved.text)))
    assert (rows[-1]["rule"], "One digit is mistyped" in rows[-1]["what_to_do"]) == ("identity.checksum", True)
    assert [(row["row"], row["finding"]) for row in rows] == [
        ("2", "LISTED"),
        ("3", "OWN"),
        ("4", "CLEAR"),
        ("5", "REJECTED"),
    ]
    assert officer.get(f"{path}/found.xlsx").body.startswith(b"PK")
    assert officer.get(f"{path}/other.csv").status == 404
    inquiry = found.text.split('<dd class="exact">')[1].split("<")[0]
    journal = Command(home).said("desk", "journal", "show").out
    assert inquiry in journal
    numbers = [person(number).number for number in (LISTED, OWN, CLEAR)]
    assert files_with(home, numbers) == []
    assert not any(number in found.text + saved.text + journal for number in numbers)


def test_a_watch_list_tells_what_has_changed_since_the_last_look(
    registry: TestRegistry, officer: Visitor, home: Path
) -> None:
    content = customers(LISTED, CLEAR, LATER)
    path, first = screen(officer, content, watch="retail")
    assert "This was the first look" in first.words
    assert "2 customer-401 listed by others now, and not before" in first.words
    (file,) = (home / "desk-watch").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    _, same = screen(officer, content, watch="retail")
    assert "Since the last look" in same.words
    assert "Nothing has changed." in same.words
    with registry.client("lender-1") as other:
        other.report(default_report(LATER))
    path, changed = screen(officer, content, watch="retail")
    assert "4 customer-404 listed by others now, and not before" in changed.words
    assert officer.get(f"{path}/changes.csv").text == "row,reference,change\n4,customer-404,LISTED\n"
    assert "retail" in officer.get("/screening").words
    # Another purpose is another list; one that is forgotten begins anew.
    assert "This was the first look" in screen(officer, content, watch="retail", purpose="COLLECTION")[1].words
    officer.post("/screening/forget", {"watch": "retail", "purpose": "POST_LOAN_REVIEW"})
    assert "This was the first look" in screen(officer, content, watch="retail")[1].words
    assert files_with(home, [person(number).number for number in (LISTED, CLEAR, LATER)]) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"purpose": "REPORTING"}, "Choose one of the list."),
        ({"watch": "../secret"}, "Name it with up to 40 letters"),
        ({"watch": "110105180001010010"}, "Name it with up to 40 letters"),
    ],
)
def test_a_form_that_is_not_whole_is_told(officer: Visitor, home: Path, fields: dict[str, str], said: str) -> None:
    refused = officer.post("/screening", {"purpose": "COLLECTION", **fields}, {"file": customers(CLEAR)})
    assert refused.status == 422
    assert said in refused.words
    assert not list(home.parent.glob("*secret*"))


def test_customers_without_a_consent_are_not_screened(officer: Visitor) -> None:
    _, refused = screen(officer, customers(CLEAR, consent="VERBAL"))
    assert "Customers are screened: failed" in refused.words
    assert "CONSENT_MISSING" in refused.text


def test_lists_are_named_bounded_and_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = WatchLists(tmp_path)
    assert lists.all() == []
    monkeypatch.setattr(watch_lists, "MOST_LISTS", 2)
    for name in ("b", "a"):
        lists.file(name, Purpose.COLLECTION).write_bytes(b"")
    (tmp_path / "desk-watch" / "PURPOSE.x.watch").write_bytes(b"")
    assert [one.name for one in lists.all()] == ["a", "b"]
    assert lists.all()[0].looked_at <= datetime.now(UTC)
    with pytest.raises(ConfigError, match="forget one first"):
        lists.file("c", Purpose.COLLECTION)
    lists.forget("a", Purpose.COLLECTION)
    lists.forget("a", Purpose.COLLECTION)
    assert [one.name for one in lists.all()] == ["b"]
    assert not is_list_name("")
    assert not is_list_name("-x")
