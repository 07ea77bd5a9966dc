"""An approval that was signed and whose answer did not come: it may be logged, and nobody says that it is not."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from client_sdk.config import ClientConfig
from client_sdk.desk.rights import DeskRole
from client_sdk.desk.users import UserFile
from client_sdk.home_standing import pending_reports
from tests.client_sdk.desk.desk_forms import PASSWORD, person_at
from tests.client_sdk.desk.test_desk_approvals import big, proposed
from tests.support.desk import RunningDesk, Visitor

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry


def test_what_is_signed_and_has_no_answer_is_neither_returned_nor_taken_back(
    registry: TestRegistry, tmp_path: Path
) -> None:
    home = registry.enrol("lender-signed")
    for name, role in (("anna", DeskRole.OFFICER), ("bo", DeskRole.APPROVER)):
        UserFile(home).add(name, role, PASSWORD)
    (home / "desk.toml").write_text("[approval]\nall = true\n")
    with RunningDesk(home, tmp_path) as running:
        at = {name: person_at(running, name) for name in ("anna", "bo")}
        _approve_without_an_answer(registry, home, at)


def _approve_without_an_answer(registry: TestRegistry, home: Path, at: dict[str, Visitor]) -> None:
    path = proposed(at["anna"], big(58))
    with closing(sqlite3.connect(registry.folder / "registry" / "registry.sqlite", isolation_level=None)) as database:
        # The registry can read, and log nothing.
        database.execute("BEGIN IMMEDIATE")
        late = at["bo"].post(f"{path}/approve")
        database.execute("ROLLBACK")
    assert late.status >= 500, late.words
    assert pending_reports(ClientConfig.from_home(home)) == 1
    for answered in (at["bo"].post(f"{path}/return", {"word": "x"}), at["anna"].post(f"{path}/take-back")):
        assert answered.status == 409
        assert "It is signed, and its answer did not come" in answered.words
    for name in ("anna", "bo"):
        page = at[name].get(path)
        assert "It is signed" in page.words
        assert not {f"{path}/return", f"{path}/take-back"} & set(re.findall(r'action="([^"]+)"', page.text))
    # It was logged as soon as the registry could, or is now.
    assert " at leaf " in at["bo"].follow(at["bo"].post(f"{path}/approve")).words
