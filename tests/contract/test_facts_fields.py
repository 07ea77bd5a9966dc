"""Every field of the facts in the contract is a field of the SDK's values: a forgotten one would be lost silently."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import facts_pb2 as pb

from client_sdk.kernel.rules import correction
from client_sdk.kernel.rules.arrangement import Arrangement, ContactCount
from client_sdk.kernel.rules.fact_parts import Amounts, Consent, Debt, NoticeEvidence
from client_sdk.kernel.rules.facts import DefaultFacts, EnforcementFacts, JudgmentFacts, ListingFacts
from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.places import column_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from client_sdk.kernel.rules.facts import Facts

VALUES = {
    pb.DefaultFacts: DefaultFacts,
    pb.JudgmentFacts: JudgmentFacts,
    pb.EnforcementFacts: EnforcementFacts,
    pb.ListingFacts: ListingFacts,
    pb.Amounts: Amounts,
    pb.Debt: Debt,
    pb.NoticeEvidence: NoticeEvidence,
    pb.Consent: Consent,
    pb.ContactCount: ContactCount,
    pb.Arrangement: Arrangement,
}


@pytest.mark.parametrize("message", VALUES, ids=lambda message: message.__name__)
def test_a_value_has_the_fields_of_its_message(message: type[Message]) -> None:
    names = {field.name for field in message.DESCRIPTOR.fields}
    assert {field.name for field in fields(VALUES[message])} == names


def test_of_every_field_it_is_decided_whether_a_change_is_a_correction() -> None:
    """A change of these always is one; a new field is added here, or to a set of ``correction``."""
    always: dict[type[Facts], set[str]] = {
        DefaultFacts: {"contacts", "default_cause", "first_delinquency_on", "product", "subject_role"},
        JudgmentFacts: {"cause", "filed_on", "subject_role"},
        EnforcementFacts: {"applied", "filed_on", "judgment_case_number", "subject_role"},
        ListingFacts: {
            *("filed_on", "grounds", "issued_by", "judgment_case_number", "listed_on", "origin", "subject_role"),
        },
    }
    of_time = correction.OF_A_STAGE | correction.OF_A_STANDING | correction.ASIDE
    for kind, passing in correction.PASSING.items():
        assert {field.name for field in fields(kind)} - passing - of_time == always[kind], kind


def leaves(message: Descriptor, path: str) -> Iterator[str]:
    for field in message.fields:
        if field.message_type is None or field.is_repeated or field.message_type.GetOptions().map_entry:
            yield f"{path}.{field.name}"
        else:
            yield from leaves(field.message_type, f"{path}.{field.name}")


@pytest.mark.parametrize("message", [pb.DefaultFacts, pb.JudgmentFacts, pb.EnforcementFacts, pb.ListingFacts])
def test_every_field_has_a_column_of_portfolios(message: type[Message]) -> None:
    # Of an inquiry's consent alone; made from ``contract``; what was collected is counted.
    without = {"facts.consent.purposes", "facts.debt.debt_ref", "facts.executed.estimated"}
    paths = leaves(message.DESCRIPTOR, "facts")  # type: ignore[arg-type]  # the stubs know two kinds of descriptors
    columns = {path: column_of(path) for path in paths if path not in without}
    assert {path: column for path, column in columns.items() if column not in COLUMNS} == {}
