"""``subject report``: the files for the person, the evidence that verifies, and what is refused before it is asked."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from client_sdk.models import Role
from tests.client_sdk.cli.command_samples import ASKING, digest_of, id_number, report_words
from tests.client_sdk.sdk_samples import SIGNED_ON
from tests.support.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry

WORDS = ("subject", "report", "--officer", "desk-1", "--mandate-date", SIGNED_ON.isoformat(), "--identity-file", "-")


def mandate(number: int) -> tuple[str, str]:
    return "--mandate-digest", digest_of(number)


@pytest.fixture(scope="module")
def office(registry: TestRegistry) -> Command:
    return Command(registry.enrol("paper-office", Role.REPRESENTATIVE))


def test_the_report_and_its_evidence_are_written_and_the_evidence_verifies(
    office: Command, lender: Command, asker: Command, number: int, tmp_path: Path, registry: TestRegistry
) -> None:
    lender(*report_words(number), "--yes", given=id_number(number))
    asker(*ASKING, given=id_number(number))
    folder = tmp_path / "report"
    made = office(*WORDS, *mandate(number), "-o", str(folder), given=id_number(number)).content
    assert [(one["asker"], one["purpose"]) for one in made["asked"]] == [
        ("paper-office", "SUBJECT_ACCESS"),
        ("lender-2", "LOAN_APPROVAL"),
    ]
    assert (made["had"], made["free"], made["chargeable"]) == (0, 2, False)
    assert {path.name for path in folder.iterdir()} == {
        *("report.evidence", "report.zh.html", "report.zh.pdf", "report.en.html", "report.en.pdf"),
    }
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    assert id_number(number) not in json.dumps(made)
    assert "lender-2" in (folder / "report.en.html").read_text()
    evidence = str(folder / "report.evidence")
    office("verify", "--trust-root", str(registry.trust_root), evidence)


def test_an_identity_number_is_no_officer(office: Command, number: int, tmp_path: Path) -> None:
    given = id_number(number)
    words = (given if word == "desk-1" else word for word in WORDS)
    refused = office(*words, *mandate(number), "-o", str(tmp_path / "new"), given=given, code=2)
    (violation,) = refused.content["error"]["violations"]
    told = (violation["field"], violation["rule"], violation["got"])
    assert told == ("inquiry.officer", "officer.digits", "18 digits")
    assert given not in refused.out + refused.err
    assert given not in office("inquiry", "list").out


def test_languages_and_forms_are_chosen(office: Command, number: int, tmp_path: Path) -> None:
    chosen = ("--language", "zh", "--format", "html")
    said = office.said(*WORDS, *mandate(number), *chosen, "-o", str(tmp_path / "new"), given=id_number(number)).out
    assert "CLEAR" in said
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"report.evidence", "report.zh.html"}


def test_what_is_not_in_order_is_refused_before_anything_is_asked(
    office: Command, lender: Command, number: int, tmp_path: Path
) -> None:
    (tmp_path / "report.en.pdf").write_bytes(b"of somebody else")
    out = ("-o", str(tmp_path))
    assert "is not written over" in office.said(*WORDS, *mandate(number), *out, given=id_number(number), code=5).err
    office(*WORDS, *out, given=id_number(number), code=2)
    two = f"{id_number(number)}\n{id_number(number + 1)}\n"
    office(*WORDS, *mandate(number), "-o", str(tmp_path / "two"), given=two, code=2)
    lender(*WORDS, *mandate(number), "-o", str(tmp_path / "lender" / "in" / "it"), given=id_number(number), code=1)
    assert (tmp_path / "report.en.pdf").read_bytes() == b"of somebody else"
    # Of what was refused no folder is left either.
    assert [path.name for path in tmp_path.iterdir()] == ["report.en.pdf"]


def test_a_folder_that_was_there_stays_where_a_report_is_refused(lender: Command, number: int, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    for out in (there, there / "new"):
        lender(*WORDS, *mandate(number), "-o", str(out), given=id_number(number), code=1)
    assert list(tmp_path.rglob("*")) == [there]
