"""Words are taken for members by both clients, and wrong data in a call is told before anything is sent."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from client_sdk import (
    AsyncClient,
    Auditor,
    Client,
    ClientConfig,
    ConfigError,
    Kind,
    PreflightError,
    RecordName,
    Standing,
    Verdict,
    fetch_trust_root,
    written_consent,
)
from tests.client_sdk.sdk_samples import default_report, person

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
ASKED: dict[str, Any] = {"purpose": "LOAN_APPROVAL", "consent": CONSENT, "officer": "clerk-7"}
WRONG: dict[str, tuple[str, Any]] = {
    "an unknown word": ("purpose", "NONSENSE"),
    "a number for a purpose": ("purpose", 1),
    "no purpose": ("purpose", None),
    "a purpose of reporting": ("purpose", "REPORTING"),
    "no consent": ("consent", None),
    "text for a consent": ("consent", "yes"),
    "a time for the date of a consent": ("consent", replace(CONSENT, date=datetime(2026, 3, 1, tzinfo=UTC))),
    "a number for an officer": ("officer", 7),
    "no officer": ("officer", ""),
}


def test_a_word_is_taken_for_a_purpose_and_for_facts(registry: TestRegistry) -> None:
    report = default_report(700)
    assert report.facts is not None
    words: dict[str, Any] = {"product": "MORTGAGE", "legal_basis": "CONSENT"}
    with Client(registry.config("lender-1")) as lender:
        lender.report(replace(report, facts=replace(report.facts, **words)))
        answer = lender.check(person(700), **ASKED)
    assert answer.verdict is Verdict.LISTED
    content = json.loads(json.dumps(answer.to_dict()))
    assert content["records"][0]["facts"]["product"] == "MORTGAGE"
    assert content["records"][0]["standing"] == f"{Standing.OPEN}" == "OPEN"


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_argument_of_a_question_is_told_by_its_field(registry: TestRegistry, name: str) -> None:
    argument, value = WRONG[name]
    arguments = ASKED | {argument: value}
    with Client(registry.config("lender-1")) as lender, pytest.raises(PreflightError) as caught:
        lender.check(person(701), **arguments)
    [violation] = caught.value.violations
    assert violation.field.startswith(f"inquiry.{argument}")
    async with AsyncClient(registry.config("lender-1")) as other:
        with pytest.raises(PreflightError) as again:
            await other.check(person(701), **arguments)
    assert again.value.violations == caught.value.violations


@pytest.mark.parametrize("value", ["110105194912310021", b"short", b"", None, 7])
async def test_a_wrong_person_or_id_is_told_and_never_shown(registry: TestRegistry, value: Any) -> None:
    with Client(registry.config("lender-1")) as lender:
        calls: dict[str, Callable[[], object]] = {
            "persons": lambda: lender.check(value, **ASKED),
            "receipt": lambda: lender.receipt(value, 1),
            "records": lambda: list(lender.records([value])),
            "withdraw": lambda: lender.withdraw(value),
            "inquiry": lambda: lender.inquiry_receipt(value),
            "name": lambda: lender.record_id(value),
            "kind": lambda: lender.record_id(RecordName(kind=value, reference="LOAN-1", first_day=date(2026, 1, 1))),
            "day": lambda: lender.record_id(RecordName(kind=Kind.DEFAULT, reference="LOAN-1", first_day=value)),
        }
        for call in calls.values():
            with pytest.raises(PreflightError) as caught:
                call()
            assert "110105194912310021" not in str(caught.value)
    async with AsyncClient(registry.config("lender-1")) as other:
        for waiting in (other.check(value, **ASKED), other.receipt(value, 1), other.inquiry_receipt(value)):
            with pytest.raises(PreflightError):
                await waiting


def test_a_row_with_a_fraction_of_money_is_rejected_and_the_others_are_sent(registry: TestRegistry) -> None:
    report = default_report(7_020)
    assert report.facts is not None
    fraction: Any = 125.5
    wrong = replace(report, facts=replace(report.facts, amounts=replace(report.facts.amounts, principal=fraction)))
    with Client(registry.config("lender-1")) as lender:
        done = lender.report_many([wrong, default_report(7_030)])
    assert (done.accepted, done.rejected_rows) == (1, 1)
    assert [(item.row, item.field, item.rule) for item in done.rejected] == [(1, "principal", "field.type")]


def test_an_auditor_audits_from_its_home_alone(registry: TestRegistry) -> None:
    told: list[tuple[int, int]] = []
    auditor = Auditor.from_home(registry.home("auditor"))
    with Client(registry.config("lender-1")) as lender:
        lender.report(default_report(704))
    report = auditor.audit(progress=lambda done, total: told.append((done, total)))
    assert report.clean
    assert told[-1] == (report.size, report.size)
    content = json.loads(json.dumps(report.to_dict()))
    assert (content["clean"], content["registry"]) == (True, report.registry)
    assert datetime.fromisoformat(content["audited_at"]) == report.audited_at
    assert auditor.audit(jobs=2).previous_size == report.size
    with pytest.raises(ConfigError, match="jobs"):
        auditor.audit(jobs=0)


def test_the_trust_root_of_a_registry_is_fetched_and_compared(registry: TestRegistry) -> None:
    config: ClientConfig = registry.config("lender-1")
    assert fetch_trust_root(config).fingerprint == config.trust_root().fingerprint
