"""The journal, for administrators: its newest lines."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from client_sdk.desk.journal import DeskAct, read_journal
from client_sdk.desk.rights import Right
from client_sdk.desk.visit import DeskPage, Visit

if TYPE_CHECKING:
    from starlette.responses import Response

__all__ = ["PAGES"]

_NEWEST = 200


def _newest(visit: Visit) -> Response:
    journal = visit.desk.journal
    journal.note(DeskAct.READ_JOURNAL, visit.user.name)
    lines = deque((line for line, _ in read_journal(journal.file)), _NEWEST)
    return visit.show("journal.html.j2", lines=[*reversed(lines)], last=journal.last, newest=_NEWEST)


PAGES = (DeskPage("GET", "/journal", Right.ADMINISTER, _newest),)
