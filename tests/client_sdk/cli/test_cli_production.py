"""A registry of real persons on the command line: reviews of lenders, and a breach from its notice to its audit."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.client_sdk.cli.test_cli_ceremony import decide

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from client_sdk.testing.registry import TestRegistry
    from tests.support.command import Command

    Member = Callable[[str], Command]

TEXTS = {
    "cause": "A backup disk was stolen",
    "harm": "Debts may become known to others",
    "remedies": "The keys were changed",
    "advice": "Distrust callers who name your debts",
    "contact": "privacy@registry.example, 400 123 4567",
}


def breach(noticed_at: datetime, **changes: str) -> list[str]:
    words = ["breach", "--noticed-at", noticed_at.isoformat(), "--nature", "LOST", "--nature", "disclosed"]
    words += ["--data", "FACTS", "--member", "lender-2"]
    return words + [word for name, text in (TEXTS | changes).items() for word in (f"--{name}", text)]


def test_a_breach_is_told_read_acknowledged_and_audited(member: Member, tmp_path: Path) -> None:
    admin, told = member("admin-1"), member("lender-2")
    noticed = datetime.now(UTC) - timedelta(hours=73)
    shown = admin.said("act", "propose", *breach(noticed), given="n\n", code=None).err
    assert "72 hours after the breach was noticed" in shown
    index = decide(member, *breach(noticed))["index"]
    (notice,) = [one for one in told("inbox").content["notices"] if one["reason"] == "BREACH"]
    assert (notice["number"], notice["issuer"], notice["record_id"]) == (index, None, None)
    assert {name: notice["breach"][name] for name in TEXTS} == TEXTS
    assert notice["breach"]["natures"] == ["DISCLOSED", "LOST"]
    assert TEXTS["advice"] in told.said("inbox").out
    assert all(one["reason"] != "BREACH" for one in member("lender-1")("inbox").content["notices"])
    told("inbox", "acknowledge", str(index))
    assert all(one["reason"] != "BREACH" for one in told("inbox").content["notices"])
    audit = member("auditor")("audit", "--state", str(tmp_path / "state"), "--jobs", "1").content
    (row,) = [row for row in audit["breaches"] if row["leaf_index"] == index]
    assert (row["in_time"], audit["clean"]) == (False, True)


@pytest.mark.parametrize(
    ("changes", "rule"), [({"harm": "110105180001010010 is known"}, "breach.number"), ({"cause": " "}, "breach.text")]
)
def test_a_notice_that_tells_too_much_or_nothing_is_refused_before_it_is_signed(
    member: Member, changes: dict[str, str], rule: str
) -> None:
    words = breach(datetime.now(UTC), **changes)
    ended = member("admin-1")("act", "propose", *words, "--yes", code=None)
    assert ended.code != 0
    assert rule in ended.out
    for text, told in (
        ("2026-11-28T09:30", "offset from UTC"),
        ("yesterday", "want a date and a time"),
        ("9999-12-31T23:59+00:00", "a time that is past"),
        ("1969-12-31T23:59+00:00", "a time that is past"),
    ):
        other = [*words[:2], text, *words[3:]]
        assert told in member("admin-1").said("act", "propose", *other, code=2).err


def test_a_review_is_recorded_and_listed(member: Member, registry: TestRegistry, tmp_path: Path) -> None:
    document = tmp_path / "review.pdf"
    document.write_bytes(b"source, quality and security")
    today = datetime.now(UTC).date()
    review = ("--reviewed-on", str(today - timedelta(3)), "--reference", "RV-014", "--document", str(document))
    decide(member, "review", "--institution", "lender-1", *review)
    listed = {one["institution"]: one for one in member("lender-2")("member", "list").content["members"]}
    assert listed["lender-1"]["reviewed_on"] == str(today - timedelta(3))
    assert listed["lender-1"]["document_digest"] == hashlib.sha256(document.read_bytes()).hexdigest()
    assert listed["lender-1"]["review"] == listed["lender-2"]["review"] == "NOT_ASKED"
    assert "RV-014" in member("lender-1").said("status").out
    assert "RV-014" in member("lender-2").said("member", "list").out
    again = member("admin-1")("act", "propose", "review", "--institution", "lender-1", *review, "--yes", code=None)
    assert "review.later" in again.out
    enrolment = registry.home("lender-1") / "lender-1.enrolment.json"
    half = ("act", "propose", "institution", "--enrolment", str(enrolment), "--reviewed-on", str(date(2026, 1, 1)))
    assert "a part of the review is missing" in member("admin-1").said(*half, "--yes", code=2).err
