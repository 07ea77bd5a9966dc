"""A person at the auditor accepts a finding on the command line, and every report shows it from then on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from client_sdk.auditing.home import AuditFinding, AuditHome
from client_sdk.kernel.ledger.findings import Finding, FindingId
from tests.support.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry

FOUND = AuditFinding(
    Finding.of(FindingId.SIGNATURE, 0, "signature", "signature.invalid"), 1, datetime(2026, 1, 2, tzinfo=UTC), 1
)
REASON = "A defect of our program 1.0, explained in our letter 12/2026."


def test_a_finding_is_accepted_with_a_reason_that_reports_show(registry: TestRegistry, tmp_path: Path) -> None:
    auditor, state = Command(registry.home("auditor")), tmp_path / "state"
    once = ("audit", "--jobs", "1", "--state", str(state))
    assert auditor(*once).content["clean"]
    assert "未发现问题。" in auditor.said("--lang", "zh", *once).out
    home = AuditHome(state)
    home.save(home.load()[0], (FOUND,))
    assert auditor(*once, code=1).content["silencing"] == [FOUND.reference]
    assert f"  {FOUND.reference}  SIGNATURE at leaf 0: " in auditor.said(*once, code=1).out
    accept = (*once, "--accept", FOUND.reference)
    assert "--reason is missing" in auditor.said(*accept, code=2).err
    assert "--accept goes alone" in auditor.said(*accept, "--reason", REASON, "--follow", code=2).err
    assert "--reason is for --accept alone" in auditor.said(*once, "--reason", REASON, code=2).err
    other = (*once, "--accept", "0" * 12, "--reason", REASON)
    assert "none of this reference" in auditor.said(*other, code=5).err
    assert f"ACCEPTED  {FOUND.reference}" in auditor.said(*accept, "--reason", REASON).out
    told = auditor(*once).content
    assert (told["clean"], told["silencing"]) == (False, [])
    assert told["findings"][0]["accepted"]["reason"] == REASON
    assert f": {REASON}" in auditor.said(*once).out
