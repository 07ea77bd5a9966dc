"""Who may do what at a desk: each role and page, each scope and call of the API, held to a table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from client_sdk.desk.api.application import API_PATH
from client_sdk.desk.api.tokens import TokenFile
from client_sdk.desk.pages import PAGES, ROLE_PAGES
from client_sdk.desk.rights import ApiScope, DeskRole, Right
from client_sdk.desk.users import UserFile
from client_sdk.models import Role
from tests.client_sdk.desk.desk_forms import PASSWORD
from tests.support.desk import RunningDesk, Visitor, filled
from tests.support.program import Program, raw, routes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.desk.visit import DeskPage
    from client_sdk.testing import TestRegistry

# Pages by the least role that sees them; nobody signs in for the first ones.
EVERYBODY = """
GET /sign-in  POST /sign-in  GET /sign-in/openid  GET /sign-in/openid/return  GET /start/{token}  POST /language
"""
READER = """
GET /  POST /sign-out  GET /today  GET /records  POST /records  GET /records/{record:uuid}
GET /records/{record:uuid}/receipts/{version:number}  GET /disputes  GET /disputes/{record:uuid}
GET /inbox  GET /inbox/{number:number}  GET /quality
GET /audit  GET /audit/progress  GET /audit/report.html  GET /audit/report.pdf  GET /log  GET /inquiries  GET /forks
GET /disputes/of/{issuer}/{record:uuid}  GET /alerts
GET /proposals  GET /proposals/{key:digest}  GET /members  GET /members/{member}  GET /acts  GET /acts/{number:number}
GET /health  GET /founding  GET /founding/enrolment
"""
OFFICER = """
GET /ask  POST /ask  POST /number  GET /answers/{key}  GET /answers/{key}/evidence  GET /answers/{key}/pdf
GET /report  GET /report/{kind}  POST /report/{kind}  POST /report/{kind}/rules
GET /reports/{key}  POST /reports/{key}  GET /reports/{key}/change
GET /approvals  GET /approvals/{key}  GET /approvals/{key}/again  POST /approvals/{key}/take-back
POST /records/{record:uuid}/open  GET /records/{record:uuid}/opened/{key}  POST /records/{record:uuid}/withdraw
GET /records/{record:uuid}/opened/{key}/further  GET /opened/{key}/correct  POST /opened/{key}/correct
GET /corrections/{key}  POST /corrections/{key}
POST /disputes/{record:uuid}/answer  POST /inbox/{number:number}/acknowledge
GET /portfolio  POST /portfolio  GET /portfolio/{key}  POST /portfolio/{key}/send  GET /portfolio/{key}/{name}
POST /portfolio/{key}/again  POST /screening/{key}/again  GET /templates/{name}
GET /screening  POST /screening  POST /screening/forget  GET /screening/{key}  GET /screening/{key}/{name}
GET /jobs/{key}/progress  POST /jobs/{key}/stop
POST /audit/start  POST /audit/stop  POST /forks
GET /person  POST /person  GET /person/{key}  POST /person/{key}/anew  GET /person/{key}/files/{name}
GET /disputes/open  POST /disputes/open  GET /person/{key}/dispute/{place:number}
POST /disputes/of/{issuer}/{record:uuid}/withdraw
GET /statements  POST /statements  POST /statements/remove  GET /person/{key}/statement/{place:number}
GET /alerts/on  POST /alerts/on  GET /person/{key}/alerts  POST /alerts/{key}/off
"""
APPROVER = """
POST /approvals/{key}/approve  POST /approvals/{key}/return  POST /audit/accept  POST /proposals/{key:digest}/approve
POST /proposals/{key:digest}/again  POST /proposals/{key:digest}/leave
POST /founding/genesis  GET /founding/genesis/{key}  POST /founding/genesis/{key}  GET /founding/signed/{key}
GET /founding/signed/{key}/file
GET /propose  GET /propose/{act}  POST /propose/{act}  GET /propose/prepared/{key}  POST /propose/prepared/{key}
"""
ADMINISTRATOR = "GET /journal  POST /founding/certificate  POST /founding/trust-root"
RIGHTS = {
    EVERYBODY: None,
    READER: Right.READ,
    OFFICER: Right.ACT,
    APPROVER: Right.APPROVE,
    ADMINISTRATOR: Right.ADMINISTER,
}
TABLE = {row.strip(): right for text, right in RIGHTS.items() for row in re.split(r"\s{2,}|\n", text) if row.strip()}
SCOPES = {
    "/checks": "check",
    "/jobs/checks": "check",
    "/jobs/{job}/answers": "check",
    "/inquiries/{inquiry}/receipt": "check",
    "/reports": "report",
    "/reports/preview": "report",
    "/jobs/reports": "report",
    "/jobs/{job}/rejected": "report",
    "/jobs": "check report",
    "/jobs/{job}": "check report",
    "/records": "records",
    "/records/search": "records",
    "/records/{record}": "records",
    "/records/{record}/open": "records",
    "/records/{record}/receipts/{version}": "records",
    "/disputes": "disputes",
    **dict.fromkeys(("/persons/reports", "/persons/statements", "/persons/statements/removals"), "persons"),
    **dict.fromkeys(("/persons/alerts", "/persons/alerts/ends"), "persons"),
    "/disputes/answers": "disputes",
    "/disputes/withdrawals": "disputes",
    "/inbox": "inbox",
    "/inbox/{number}/acknowledgement": "inbox",
    "/statistics": "statistics",
    "/token": "",
    "/openapi.json": "",
}
MEMBERS = {
    "lender-rights": Role.LENDER,
    "office-rights": Role.REPRESENTATIVE,
    "auditor-rights": Role.AUDITOR,
    "admin-1": Role.ADMINISTRATOR,
}


def every_page() -> list[DeskPage]:
    return [*PAGES, *(page for pages in ROLE_PAGES.values() for page in pages)]


@pytest.fixture(scope="session", params=MEMBERS)
def staffed(
    request: pytest.FixtureRequest, registry: TestRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Role, RunningDesk]]:
    """A desk of each role of member, with a person of each role at the desk."""
    member = str(request.param)
    home = registry.home(member) if member == "admin-1" else registry.enrol(member, MEMBERS[member])
    for role in DeskRole:
        UserFile(home).add(role.value, role, PASSWORD)
    try:
        with RunningDesk(home, tmp_path_factory.mktemp("rights")) as running:
            yield MEMBERS[member], running
    finally:
        for role in DeskRole:
            UserFile(home).remove(role.value)


def signed_in(desk: RunningDesk, role: DeskRole) -> Visitor:
    visitor = desk.visitor(signed_in=False)
    assert visitor.post("/sign-in", {"name": role.value, "password": PASSWORD}).headers["location"] == "/"
    # Takes along the token of the forms.
    visitor.get("/nothing")
    return visitor


def test_each_page_asks_for_the_right_of_the_table() -> None:
    assert {f"{page.method} {page.path}": page.right for page in every_page()} == TABLE


def test_a_role_without_the_right_is_refused_at_every_page(staffed: tuple[Role, RunningDesk]) -> None:
    usage, desk = staffed
    pages = (*PAGES, *ROLE_PAGES[usage])
    for role in DeskRole:
        visitor = signed_in(desk, role)
        for page in pages:
            if page.right is None or role.may(page.right):
                continue
            path = filled(page.path)
            for token in ("", visitor.token):
                answered = visitor.get(path) if page.method == "GET" else visitor.post(path, {"token": token})
                assert answered.status == 403, (role, page.method, path)
                assert "Your role does not allow this" in answered.words, (role, path)


def test_pages_of_another_role_of_member_are_not_there(staffed: tuple[Role, RunningDesk]) -> None:
    usage, desk = staffed
    visitor = signed_in(desk, DeskRole.ADMINISTRATOR)
    own = {page.path for page in (*PAGES, *ROLE_PAGES[usage])}
    for other, pages in ROLE_PAGES.items():
        for page in pages if other is not usage else ():
            path = filled(page.path)
            if page.path not in own:
                answered = visitor.get(path) if page.method == "GET" else visitor.post(path)
                assert answered.status == 404, (usage, page.method, path)


def test_each_call_of_the_api_is_for_its_scopes_alone(desk: RunningDesk) -> None:
    assert {route.path for route in routes()} == set(SCOPES)
    for route in routes():
        wanted = {ApiScope(word) for word in SCOPES[route.path].split()}
        if not wanted:
            continue
        method = next(iter(route.methods or ()))
        name = "without"
        weak = Program.of(desk, name, set(ApiScope) - wanted)
        refused = weak.send(method, filled(route.path), b"{}" if method == "POST" else None)
        assert (refused.status, refused.reason) == (403, "SCOPE_MISSING"), (method, route.path)
        assert raw(desk, method, API_PATH + filled(route.path), None, {}).status == 401, route.path
        TokenFile(desk.home).remove(name)
