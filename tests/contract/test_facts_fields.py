"""Every field of the facts in the contract is a field of the SDK's values: a forgotten one would be lost silently."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import facts_pb2 as pb

from client_sdk.kernel.rules.arrangement import Arrangement, ContactCount
from client_sdk.kernel.rules.fact_parts import Amounts, Consent, Debt, NoticeEvidence
from client_sdk.kernel.rules.facts import DefaultFacts, EnforcementFacts, JudgmentFacts, ListingFacts

if TYPE_CHECKING:
    from google.protobuf.message import Message

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
