"""Assessments are recomputed from their evidence: the same digest, or the input that differs by its name."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk import (
    Client,
    ConfigError,
    Criteria,
    Kind,
    Outcome,
    Purpose,
    ReasonId,
    Unopened,
    Verdict,
    VerificationError,
    keep_assessment,
    reassess,
    written_consent,
)
from client_sdk.reassessing import kept_file
from tests.client_sdk.sdk_samples import default_report, person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk import Answer
    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))


@pytest.fixture
def lender(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-1")) as client:
        yield client


@pytest.fixture
def other(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-2")) as client:
        yield client


def ask(client: Client, number: int, purpose: Purpose = Purpose.LOAN_APPROVAL) -> Answer:
    return client.check(person(number), purpose=purpose, consent=CONSENT, officer="clerk-7")


def test_an_assessment_is_recomputed_offline_to_the_same_digest(
    registry: TestRegistry, lender: Client, other: Client, tmp_path: Path
) -> None:
    lender.report(default_report(9_101))
    criteria = Criteria(min_amounts={"CNY": 10**12})
    answer = ask(other, 9_101)
    file = answer.save(tmp_path / "a.evidence")
    kept = keep_assessment(answer, file, criteria)
    assert kept.stat().st_mode & 0o777 == 0o600
    reassessed = reassess(file, registry.trust_root)
    assert (reassessed.matches, reassessed.differing) == (True, ())
    assert reassessed.assessment == answer.assess(criteria)
    assert reassessed.assessment.outcome is Outcome.WATCH
    assert reassessed.answer.records == answer.records
    assert person(9_101).number not in kept.read_text()
    # Asked again with nothing logged in between, by another inquiry: the same question at the same head.
    again = ask(other, 9_101)
    if again.size == answer.size:
        assert again.assess(criteria).digest == answer.assess(criteria).digest
    with pytest.raises(ConfigError, match="exists"):
        keep_assessment(answer, file, criteria)


def test_what_differs_is_named(registry: TestRegistry, lender: Client, other: Client, tmp_path: Path) -> None:
    lender.report(default_report(9_102))
    first = ask(other, 9_102)
    file = first.save(tmp_path / "first.evidence")
    kept = keep_assessment(first, file)

    assert reassess(file, registry.trust_root, criteria=Criteria(refer_disputed=True)).differing == ("criteria",)
    lender.report(default_report(9_103))
    later = ask(other, 9_102, Purpose.POST_LOAN_REVIEW).save(tmp_path / "later.evidence")
    assert reassess(later, registry.trust_root, kept).differing == ("question", "head")
    stranger = ask(other, 9_103).save(tmp_path / "stranger.evidence")
    assert reassess(stranger, registry.trust_root, kept).differing == ("question", "head", "records")

    content = json.loads(kept.read_text())
    for name, changed in (
        ("rulebook", {"inputs": content["inputs"] | {"rulebook": "00" * 32}}),
        ("records", {"seal_keys": {}}),
        ("records", {"seal_keys": {"1": "00" * 32}}),
        ("outcome", {"digest": "00" * 32}),
        ("outcome", {"outcome": "NOT_ADVERSE"}),
    ):
        given = tmp_path / "changed.json"
        given.write_text(json.dumps(content | changed))
        assert reassess(file, registry.trust_root, given).differing == (name,)


def test_what_is_no_kept_assessment_and_no_evidence_is_refused(
    registry: TestRegistry, other: Client, tmp_path: Path
) -> None:
    answer = ask(other, 9_104)
    file = answer.save(tmp_path / "clear.evidence")
    with pytest.raises(ConfigError, match="cannot be read"):
        reassess(file, registry.trust_root)
    kept = keep_assessment(answer, file)
    assert reassess(file, registry.trust_root).matches
    content = json.loads(kept.read_text())
    for text in (
        "",
        "[]",
        "null",
        kept.read_text() + "x",
        json.dumps(content | {"version": 2}),
        json.dumps(content | {"more": 1}),
        json.dumps(content | {"inputs": {}}),
        json.dumps(content | {"inputs": 7}),
        json.dumps(content | {"digest": "zz"}),
        json.dumps(content | {"criteria": {}}),
        json.dumps(content | {"criteria": content["criteria"] | {"counted": [["DEFAULT"]]}}),
        json.dumps(content | {"seal_keys": {"one": "00"}}),
    ):
        given = tmp_path / "bad.json"
        given.write_text(text)
        with pytest.raises(ConfigError):
            reassess(file, registry.trust_root, given)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    changed = tmp_path / "changed.evidence"
    changed.write_bytes(bytes(data))
    with pytest.raises(VerificationError):
        reassess(changed, registry.trust_root, kept_file(file))


def test_a_purpose_is_shown_the_record_and_not_the_facts_beyond_its_scope(
    registry: TestRegistry, lender: Client, other: Client, tmp_path: Path
) -> None:
    lender.report(default_report(9_107))
    answer = ask(other, 9_107, Purpose.COLLECTION)
    assert answer.verdict is Verdict.LISTED
    (record,) = answer.records
    assert (record.kind, record.facts, record.unopened) == (Kind.DEFAULT, None, Unopened.SCOPE)
    assessment = answer.assess()
    assert assessment.outcome is Outcome.REFER
    assert [reason.id for reason in assessment.reasons] == [ReasonId.SCOPE]
    file = answer.save(tmp_path / "a.evidence")
    keep_assessment(answer, file)
    assert reassess(file, registry.trust_root).matches
    # Whoever speaks for the record reads it for every purpose, and another purpose is shown it.
    assert ask(lender, 9_107, Purpose.COLLECTION).records[0].facts is not None
    assert ask(other, 9_107).records[0].facts is not None
