"""Case numbers, currencies and dates that are almost right, signed by a lender whose own checks did not see them.

Identity numbers never reach the registry; that almost right ones stay with the lender is shown beside their parser.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import submission_pb2 as pb

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.commitment import commit_facts
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.seal import disclosure_digest, seal_facts
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.words import Kind
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.support.handmade_log import signer
from tests.support.registry import running_registry
from tests.support.registry_world import seal_key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.registry import RunningRegistry

CASES = json.loads((Path(__file__).parents[1] / "vectors/domain/case-numbers.json").read_text(encoding="utf-8"))[
    "cases"
]
CURRENCIES = ("cny", "CNy", "RMB", "CN", "CNYY", "156", "XTS", "DEM", "", " CNY", "ＣＮＹ")
DATES = ("2025-02-29", "2025-13-01", "2025-00-10", "2025-09-31", "2025-9-30", "20250930", "30-09-2025", "2025-09-30Z")


@pytest.fixture
def registry(tmp_path: Path, database_url: str) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path, database_url) as running:
        yield running
        running.verify_log()


def refused_as(registry: RunningRegistry, message: pb.Submission) -> tuple[str, str, str]:
    """Reason, field and rule with which a report is refused; nothing is logged, and the log stays verifiable."""
    with registry.app.ledger.view() as view:
        size = view.size
    result = registry.records("lender-1").Submit(pb.SubmitRequest(submission=message)).result
    assert result.outcome == pb.OUTCOME_REFUSED
    with registry.app.ledger.view() as view:
        assert view.size == size
    return result.violation.reason, result.violation.field, result.violation.rule


def with_raw_facts(message: pb.Submission, person: str, raw: bytes) -> pb.Submission:
    """The same report of other bytes of facts, committed to, sealed and signed anew."""
    opening = message.facts.opening
    commitment = commit_facts(opening, raw)
    sealed = seal_facts(seal_key_of(person), commitment, opening, raw)
    statement = replace(
        Statement.parse(message.statement.payload),
        facts_commitment=commitment,
        disclosure_digest=disclosure_digest(sealed),
    )
    message.statement.payload = statement.encode()
    message.statement.signature = dsse.sign(signer("lender-1 REPORT"), dsse.STATEMENT, message.statement.payload)
    message.facts.facts, message.disclosure = raw, sealed
    return message


def test_case_numbers(registry: RunningRegistry) -> None:
    numbers = [case["input"] for case in CASES if not case["valid"] or case["input"] != case["canonical"]]
    assert len(numbers) > 20
    for place, number in enumerate(numbers):
        facts = replace(samples.JUDGMENT, case_number=number)
        if any(unicodedata.category(character) == "Cc" for character in number):
            # Nobody can even sign it: canonical protobuf has no control characters.
            with pytest.raises(FormatError):
                facts.encode()
            continue
        message = registry.world.report("lender-1", f"suit {place}", kind=Kind.JUDGMENT, facts=facts)
        reason, field, rule = refused_as(registry, message)
        assert (reason, field) == ("CASE_NUMBER_INVALID", "facts.case_number"), number
        assert rule.startswith("case-number.")


def test_currencies(registry: RunningRegistry) -> None:
    for place, currency in enumerate(CURRENCIES):
        facts = replace(samples.DEFAULT, amounts=replace(samples.AMOUNTS, currency=currency))
        message = registry.world.report("lender-1", f"loan {place}", facts=facts)
        expected = ("CURRENCY_INVALID", "facts.amounts.currency", "money.currency")
        assert refused_as(registry, message) == expected, currency


def test_dates(registry: RunningRegistry) -> None:
    right = samples.DEFAULT.as_of.isoformat().encode()
    for place, almost in enumerate(DATES):
        message = registry.world.report("lender-1", f"loan {place}")
        raw = message.facts.facts
        assert raw.count(b"\x0a" + right) == 1
        length = len(almost).to_bytes(1)
        changed = raw.replace(b"\x0a" + right, length + almost.encode())
        reason, field, rule = refused_as(registry, with_raw_facts(message, f"person of loan {place}", changed))
        assert (reason, field) == ("DATE_INVALID", "facts.as_of"), almost
        assert rule.startswith("date.")
