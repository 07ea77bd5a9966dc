"""P3, Blind: every byte that registry and key services hold is searched for a planted person and planted facts."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk import Verdict
from client_sdk.errors import ConflictError
from client_sdk.models import Purpose, written_consent
from tests.support.held import columns_of
from tests.support.marked_reports import REFERENCE, fact_markers, marked_person, marked_reports
from tests.support.needles import Needles, format_labels, forms, number_digests

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.kernel.rules.facts import Facts
    from tests.support.held import Piece, Site

# Where the facts have the reference of the debt, which is stored beside the binding, and not part of the search.
_NO_DEBT_REF = bytes(32)


def marked_facts() -> list[Facts]:
    return [report.facts for report in marked_reports() if report.facts is not None]


@pytest.fixture(scope="module")
def needles() -> Needles:
    """All that must be nowhere: the number, its digests, the lender's own reference, and every fact."""
    needles = Needles()
    who = marked_person()
    needles.add("number", who.number)
    needles.add("number without its check digit", who.number[:17])
    needles.add("input of the key services", who.voprf_input())
    needles.add("number as an integer", int(who.number[:17]).to_bytes(8))
    needles.add("number as a small-endian integer", int(who.number[:17]).to_bytes(8, "little"))
    for function, digest in number_digests(who):
        needles.add(f"{function} of the number", digest)
    needles.add("reference", REFERENCE)
    for facts in marked_facts():
        for name, marker in fact_markers(facts):
            needles.add(name, marker)
        for part in facts.encode().split(_NO_DEBT_REF):
            needles.add_slices(f"canonical {type(facts).__name__}", part)
    return needles


def test_p3_whoever_steals_the_database_learns_no_name_and_reads_no_fact(needles: Needles, site: Site) -> None:
    """Blind. An identity number never leaves the lender. Whoever steals the registry's database learns no name and
    reads no fact (the running server sees facts as they pass, and writes them nowhere).
    """
    registry = site.registry
    lender, other = registry.client("lender-1"), registry.client("lender-2")
    reports = marked_reports()
    first, *later = reports
    lender.report(first)
    told = lender.report_many(reports)
    assert (told.accepted, told.repeated, told.rejected) == (len(later), 1, ())
    # What is refused is written nowhere either.
    with pytest.raises(ConflictError, match="DEBT_TAKEN"):
        other.report(first)
    with pytest.raises(ConflictError):
        lender.correct(replace(first, first_day=date(2019, 2, 12)))
    consent = written_consent(document=b"another paper", given_on=date(2025, 1, 1))
    answer = other.check(marked_person(), purpose=Purpose.LOAN_APPROVAL, consent=consent, officer="clerk-7")
    assert answer.verdict is Verdict.LISTED
    assert all(record.facts is not None for record in answer.records)
    record_ids = {record.record_id for record in answer.records}
    assert_blind(site, needles, record_ids)
    with site.at_rest():
        assert_blind(site, needles, record_ids)


def assert_blind(site: Site, needles: Needles, record_ids: set[bytes]) -> None:
    """Search everything; what must be there shows that it was looked at."""
    control = Needles()
    for record_id in record_ids:
        control.add(record_id.hex(), record_id)
    seen: set[str] = set()
    for piece in site.pieces():
        assert needles.found(piece.data) == set(), piece.where
        seen |= control.found(piece.data)
    assert seen == control.names


def test_p3_every_fact_is_a_marker() -> None:
    """The search asks for each field of each kind that can hold more than a few bits."""
    marked = {name for facts in marked_facts() for name, _ in fact_markers(facts)}
    kinds = ("DefaultFacts", "JudgmentFacts", "EnforcementFacts", "ListingFacts")
    for field in ("approver", "as_of", "debt.contract", "debt.original_creditor", "consent.digest", "notice.digest"):
        assert {f"{kind}.{field}" for kind in kinds} <= marked
    assert {"JudgmentFacts.case_number", "JudgmentFacts.court", "JudgmentFacts.cause"} <= marked
    assert {"EnforcementFacts.judgment_case_number", "EnforcementFacts.stayed_on"} <= marked
    assert {"ListingFacts.case_number", "ListingFacts.issued_by", "ListingFacts.listed_on"} <= marked
    assert {"ListingFacts.listed_until", "ListingFacts.earliest_removal_on"} <= marked
    assert {f"DefaultFacts.amounts.{part}" for part in ("principal", "interest", "penalty", "fees")} <= marked
    assert len(format_labels()) > 20


def planted_column(folder: Path, value: bytes | str) -> list[Piece]:
    with closing(sqlite3.connect(folder / "some.sqlite")) as connection:
        connection.execute("CREATE TABLE kept (place INTEGER PRIMARY KEY, content)")
        connection.execute("INSERT INTO kept (content) VALUES (?)", (value,))
        connection.commit()
    return list(columns_of(f"sqlite:///{folder / 'some.sqlite'}"))


def test_p3_the_search_finds_what_is_planted(needles: Needles, tmp_path: Path) -> None:
    """Every needle is found in each of its forms, at every place of a page and in a column."""
    secrets: dict[str, list[bytes | str]] = {"number": [marked_person().number], "reference": [REFERENCE]}
    for function, digest in number_digests(marked_person()):
        secrets.setdefault(f"{function} of the number", []).append(digest)
    for facts in marked_facts():
        for name, marker in fact_markers(facts):
            secrets.setdefault(name, []).append(marker)
        secrets.setdefault(f"canonical {type(facts).__name__}", []).append(facts.encode()[:40])
    for name, values in secrets.items():
        for place, value in enumerate(values):
            for form in forms(value):
                assert name in needles.found(bytes(place % 9) + form + b"\x00"), name
    assert set(secrets) | {
        "number without its check digit",
        "input of the key services",
        "number as an integer",
        "number as a small-endian integer",
    } == set(needles.names)
    raw = marked_facts()[0].encode()
    for shift in range(3):
        held = planted_column(tmp_path, b64encode(bytes(shift) + raw).decode())
        (tmp_path / "some.sqlite").unlink()
        assert any("canonical DefaultFacts" in needles.found(piece.data) for piece in held)
    assert needles.found(bytes(range(256)) * 64) == set()
