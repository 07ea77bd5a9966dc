"""Acts that are proposed at the desk of an administrator, or by others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.acts import RulebookBody
from tests.client_sdk.desk.desk_forms import PASSWORD

if TYPE_CHECKING:
    from client_sdk.acts import Body
    from client_sdk.testing import TestRegistry
    from tests.support.desk import Answered, RunningDesk, Visitor


def signed_in(desk: RunningDesk, name: str) -> Visitor:
    visitor = desk.visitor(signed_in=False)
    assert visitor.post("/sign-in", {"name": name, "password": PASSWORD}).status == 303
    visitor.get("/proposals")
    return visitor


def propose(registry: TestRegistry, body: Body) -> str:
    """Propose as the first administrator; return the path of the proposal."""
    with registry.client("admin-1") as client:
        return f"/proposals/{client.propose(body).proposal.proposal_id.hex()}"


def proposed(visitor: Visitor, kind: str, form: dict[str, str], files: dict[str, bytes] | None = None) -> Answered:
    """Fill the form of a kind, read what would be signed, and sign it; return the page of the proposal."""
    filled_in = visitor.post(f"/propose/{kind}", form, files)
    assert filled_in.status == 303, filled_in.words
    path = filled_in.headers["location"]
    assert "What is signed" in visitor.get(path).words
    unread = visitor.post(path)
    assert (unread.status, "Tick that you have read it" in unread.words) == (422, True)
    return visitor.follow(visitor.post(path, {"read": "yes"}))


def log_rulebook(registry: TestRegistry, **limits: int) -> None:
    """Have two other administrators change limits."""
    with registry.client("admin-1") as client, registry.client("admin-3") as other:
        client.acts()
        changed = replace(client.directory().rulebook, **limits)  # type: ignore[arg-type]  # limits that are numbers
        assert other.approve(client.propose(RulebookBody(changed)).proposal).logged
