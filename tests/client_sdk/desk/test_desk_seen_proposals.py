"""Proposals that another act has overtaken: told with the reason, and proposed again, also after a restart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from client_sdk.acts import TlsKeyBody
from client_sdk.desk.rights import DeskRole
from client_sdk.desk.users import UserFile
from client_sdk.testing import TestRegistry
from tests.client_sdk.desk.desk_acts import log_rulebook, propose, proposed, signed_in
from tests.client_sdk.desk.desk_forms import PASSWORD
from tests.support.desk import RunningDesk, typed_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGEST = bytes(range(32))


@pytest.fixture(scope="module")
def governed() -> Iterator[TestRegistry]:
    """A registry of its own: its acts are those of this module."""
    with TestRegistry() as running:
        yield running


@pytest.fixture
def third_desk(governed: TestRegistry, tmp_path: Path) -> Iterator[RunningDesk]:
    """A desk of the third administrator, which a test may stop."""
    home = governed.home("admin-3")
    for name, role in (("rita", DeskRole.READER), ("anna", DeskRole.APPROVER)):
        UserFile(home).add(name, role, PASSWORD)
    with RunningDesk(home, tmp_path / "desk") as running:
        yield running


def test_a_proposal_that_another_act_overtakes_is_kept_told_and_proposed_again(
    governed: TestRegistry, third_desk: RunningDesk
) -> None:
    anna = signed_in(third_desk, "anna")
    limits = typed_in(anna.get("/propose/rulebook").text)
    mine = proposed(anna, "rulebook", limits | {"relisting_months": "7"})
    assert "Proposed. More must sign: 1." in mine.words
    theirs = propose(governed, TlsKeyBody("auditor", DIGEST, "stolen"))
    warned = anna.get(theirs)
    assert "Other proposals that wait, 1, are then no longer valid" in warned.words
    approved = anna.post(f"{theirs}/approve", {"read": "yes"})
    shown = anna.follow(approved)
    assert "is logged at leaf" in shown.words
    assert re.search(
        r"No longer valid .* A new rulebook Why Act \d+ was logged first: A TLS key of auditor ends\.", shown.words
    )
    # The rulebook changes as well, by a third act; the desk is started anew.
    log_rulebook(governed, correction_days=101)
    third_desk.stop()
    third_desk.start()
    anna = signed_in(third_desk, "anna")
    listed = anna.get("/proposals")
    (again,) = re.findall(r'action="(/proposals/[0-9a-f]{64}/again)"', listed.text)
    assert anna.get(again.removesuffix("/again")).headers["location"] == "/proposals"
    assert signed_in(third_desk, "rita").post(again).status == 403
    anew = anna.post(again)
    page = anna.follow(anew).words
    assert re.search(r"relisting_months \d+ 7 ", page)
    assert not re.search(r"correction_days 101 \d", page)
    done = anna.follow(anna.post(anew.headers["location"], {"read": "yes"}))
    assert "Proposed. More must sign: 1." in done.words
    assert "No longer valid" not in anna.get("/proposals").words
    # One that is not wanted any more is left.
    log_rulebook(governed, correction_days=102)
    (leave,) = re.findall(r'action="(/proposals/[0-9a-f]{64}/leave)"', anna.get("/proposals").text)
    assert "No longer valid" not in anna.follow(anna.post(leave)).words
    for unknown in ("again", "leave"):
        assert anna.post(f"/proposals/{'0' * 64}/{unknown}").headers["location"] == "/proposals"
