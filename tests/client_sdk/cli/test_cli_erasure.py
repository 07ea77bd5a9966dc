"""A person gets the proof that a record was erased, and others can tell nothing by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.models import Role
from tests.client_sdk.cli.command_samples import id_number, report_words
from tests.support.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry

OFFICE = "erasure-office"


def test_the_proof_of_an_erasure_is_made_verified_and_tied_to_a_number(
    registry: TestRegistry, lender: Command, asker: Command, number: int, tmp_path: Path
) -> None:
    record = str(lender(*report_words(number), "--yes", given=id_number(number)).content["record_id"])
    out = tmp_path / "loan.erasure"
    making = ("erasure", "proof", record, "--identity-file", "-", "--out", str(out))
    assert lender(*making, given=id_number(number), code=1).reason == "RECORD_KEPT"
    assert not out.exists()
    lender("records", "withdraw", record, "--reason", "ERROR", "--yes")
    made = lender(*making, given=id_number(number)).content
    assert (made["by"], made["names_person"], made["file"]) == ("WITHDRAWN", True, str(out))
    assert out.stat().st_mode & 0o077 == 0
    assert id_number(number).encode() not in out.read_bytes()
    lender(*making, given=id_number(number), code=5)
    verified = asker("verify", str(out)).content
    assert (verified["verified"], verified["record_id"], verified["person_proved"]) == (True, record, False)
    named = asker("verify", str(out), "--identity-file", "-", given=id_number(number)).content
    assert named["person_proved"]
    said = asker.said("verify", str(out), "--identity-file", "-", given=id_number(number)).out
    assert "is the word of lender-1" in " ".join(said.split())
    assert "about that person" not in said
    another = asker("verify", str(out), "--identity-file", "-", given=id_number(number + 1), code=1).content
    assert another["rule"] == "erasure.person"
    out.write_bytes(out.read_bytes()[:-1] + b"x")
    assert "REFUSED" in asker.said("verify", str(out), "--identity-file", "-", given=id_number(number), code=1).out
    out.write_bytes(out.read_bytes()[:200])
    assert "REFUSED" in asker.said("verify", str(out), code=1).out


def test_an_office_gets_it_for_a_person(registry: TestRegistry, lender: Command, number: int, tmp_path: Path) -> None:
    office = Command(registry.enrol(OFFICE, Role.REPRESENTATIVE))
    record = str(lender(*report_words(number), "--yes", given=id_number(number)).content["record_id"])
    lender("records", "withdraw", record, "--reason", "ERROR", "--yes")
    out = str(tmp_path / "loan.erasure")
    said = office.said(
        "erasure", "proof", f"lender-1/{record}", "--identity-file", "-", "-o", out, given=id_number(number)
    ).out
    assert f"named by {OFFICE}" in said
