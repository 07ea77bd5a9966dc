"""Names of facts at the command: in Chinese those of pages and of reports, so that no amount is another."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from client_sdk.cli.ui.shown import answer_lines
from client_sdk.models import Kind, ListedRecord, Standing
from client_sdk.models.answer import Answer, Verdict
from client_sdk.subject_report.terms import FACTS
from client_sdk.texts import Language, speak
from tests.client_sdk.kernel.rules import facts_samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.models import Facts

AT = datetime(2026, 3, 1, 4, tzinfo=UTC)
FACTS_OF: dict[Kind, Facts] = {
    Kind.DEFAULT: facts_samples.DEFAULT,
    Kind.JUDGMENT: facts_samples.JUDGMENT,
    Kind.ENFORCEMENT: facts_samples.ENFORCEMENT,
    Kind.LISTING: facts_samples.LISTING,
}


@pytest.fixture
def _chinese() -> Iterator[None]:
    speak(Language.CHINESE)
    yield
    speak(Language.ENGLISH)


def shown(kind: Kind, facts: Facts) -> dict[str, str]:
    """What the command shows of an answer with one record: by name."""
    record = ListedRecord(
        issuer="lender-1",
        signer="lender-1",
        record_id=bytes(16),
        version=1,
        kind=kind,
        standing=Standing.OPEN,
        index=3,
        issued_at=AT,
        logged_at=AT,
        facts=facts,
    )
    answer = Answer(verdict=Verdict.LISTED, registry="test", inquiry_id=bytes(16), as_of=AT, size=9, records=(record,))
    lines = "\n".join(str(line) for line in answer_lines(answer)).splitlines()
    return {name: value.strip() for name, _, value in (line.strip().partition("  ") for line in lines)}


@pytest.mark.usefixtures("_chinese")
@pytest.mark.parametrize("kind", FACTS_OF)
def test_each_fact_has_the_name_that_pages_and_reports_give_it(kind: Kind) -> None:
    facts = FACTS_OF[kind]
    names = {FACTS[field.name].of(Language.CHINESE) for field in fields(facts) if getattr(facts, field.name)}
    assert names <= set(shown(kind, facts))


@pytest.mark.usefixtures("_chinese")
def test_what_was_applied_for_is_not_what_was_recovered() -> None:
    facts = facts_samples.ENFORCEMENT
    found = shown(Kind.ENFORCEMENT, facts)
    assert facts.applied.total != facts.executed.total
    assert found["申请执行金额"].replace(",", "").startswith(f"{facts.applied.total // 100}.")
    assert found["已执行金额"].replace(",", "").startswith(f"{facts.executed.total // 100}.")


def test_english_names_a_fact_as_options_and_columns_do() -> None:
    assert {"first delinquency on", "days past due"} <= set(shown(Kind.DEFAULT, facts_samples.DEFAULT))
