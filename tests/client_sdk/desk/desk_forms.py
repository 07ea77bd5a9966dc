"""People at a desk who sign in by name, and reports as they type them into the form or drop them as a file."""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from client_sdk import Role
from client_sdk.desk.record_columns import typed_of_cells
from client_sdk.desk.users import UserFile
from client_sdk.lending.column_guide import WORDS
from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.rows import row_of
from tests.support.browsing import choose, waited

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from selenium.webdriver import Chrome

    from client_sdk.desk.rights import DeskRole
    from client_sdk.models import Report
    from client_sdk.testing import TestRegistry
    from tests.support.desk import Answered, RunningDesk, Visitor

NOTICE, CONSENT = b"We shall report your debt.", b"I agree that you report me."
DOCUMENTS = {"notice_digest_file": NOTICE, "consent_digest_file": CONSENT}
PASSWORD = "correct horse battery"


def typed_of(report: Report, **changes: str) -> dict[str, str]:
    """What is typed to report; documents are chosen as files instead of their digests."""
    typed = typed_of_cells(row_of(report))
    for column in ("measures", "grounds"):
        chosen = typed.pop(column, "").split()
        typed |= {f"{column}.{word.name}": "yes" for word in WORDS[column] if word.name in chosen}
    typed |= {"number": typed.pop("id_number")} | {"notice_digest": "", "consent_digest": ""}
    return {name: text for name, text in typed.items() if name != "kind"} | changes


def staffed(registry: TestRegistry, institution: str, people: Mapping[str, DeskRole], role: Role = Role.LENDER) -> Path:
    """Enrol a member, at whose desk people sign in by name; return its home."""
    home = registry.enrol(institution, role)
    for name, right in people.items():
        UserFile(home).add(name, right, PASSWORD)
    return home


@contextmanager
def at(browser: Chrome, desk: RunningDesk, name: str) -> Iterator[None]:
    """A browser in which a person has signed in by name with the keyboard, in English."""
    browser.get(f"http://localhost:{desk.port}/sign-in")
    waited(browser, "#password")
    browser.find_element(By.ID, "name").send_keys(name, Keys.TAB, PASSWORD, Keys.ENTER)
    waited(browser, "form[action='/sign-out']")
    choose(browser, "en")
    try:
        yield
    finally:
        browser.delete_all_cookies()


def person_at(desk: RunningDesk, name: str) -> Visitor:
    """A person who has signed in by name."""
    visitor = desk.visitor(signed_in=False)
    visitor.get("/sign-in")
    assert visitor.post("/sign-in", {"name": name, "password": PASSWORD}).headers["location"] == "/"
    visitor.get("/records")
    return visitor


def csv_of(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def drop(visitor: Visitor, content: bytes, fields: Mapping[str, str] | None = None) -> tuple[str, Answered]:
    """Drop a file; return where it is shown, and what was found."""
    sent = visitor.post("/portfolio", fields, {"file": content})
    return sent.headers["location"], visitor.finished(sent)
