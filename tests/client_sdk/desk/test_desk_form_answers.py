"""What answers a form: never a page, as a browser keeps what was sent to the page that it shows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from starlette.responses import PlainTextResponse

from client_sdk.desk.guards import FAILED_PATH, DeskGuard

if TYPE_CHECKING:
    from tests.support.desk import RunningDesk, Visitor


@pytest.fixture(scope="module")
def officer(desk: RunningDesk) -> Visitor:
    visitor = desk.visitor()
    visitor.get("/ask")
    return visitor


@pytest.mark.parametrize(("path", "status"), [("/ask/nowhere", 404), ("/disputes", 404), ("/journal", 404)])
def test_no_page_is_the_answer_to_a_form_that_leads_nowhere(officer: Visitor, path: str, status: int) -> None:
    # A browser keeps on its disk what was sent to the page that it shows, such as a person's number.
    body, kind = b"number=1", {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    sent = officer.send("POST", path, body, kind)
    assert sent.status == 303
    assert officer.follow(sent).status == status


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/ask", {}, 303),
        ("POST", "/ask", {"hx-request": "true"}, 500),
        ("GET", "/ask", {}, 500),
        ("POST", "/api/v1/checks", {}, 500),
    ],
)
def test_a_mistake_of_the_program_is_no_answer_to_a_form(
    method: str, path: str, headers: dict[str, str], status: int
) -> None:
    async def mistaken(*_: object) -> None:
        raise ValueError("a mistake")

    told: list[Exception] = []
    guard = DeskGuard(mistaken, ["desk.example"], lambda _: PlainTextResponse(""), told.append, secure=False)
    every = {"host": "desk.example", "sec-fetch-site": "same-origin", **headers}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in every.items()],
    }
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"number=1", "more_body": False}

    asyncio.run(guard(scope, receive, send))  # type: ignore[arg-type]  # messages as a server has them
    assert (sent[0]["status"], len(told)) == (status, 1)


def test_what_became_of_such_a_form_is_said(officer: Visitor) -> None:
    page = officer.get(FAILED_PATH)
    assert (page.status, "A mistake of this program" in page.words) == (500, True)
