"""Facts: canonical bytes there and back, one typed error for everything else, and nothing shown."""

from __future__ import annotations

import contextlib
import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from creditregistry.v1 import facts_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import Kind
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import Consent, Facts, kind_of, parse_facts
from tests.client_sdk.kernel.rules.any_facts import any_facts
from tests.client_sdk.kernel.rules.facts_samples import (
    ARRANGED,
    CONSENT,
    CURED,
    DEFAULT,
    ENFORCEMENT,
    FILED,
    JUDGMENT,
    LISTING,
)

GOLDEN = json.loads((Path(__file__).parents[3] / "vectors/golden/facts.json").read_text(encoding="utf-8"))
SAMPLES: dict[str, Facts] = {
    "default": DEFAULT,
    "arranged": ARRANGED,
    "cured": CURED,
    "judgment": JUDGMENT,
    "filed": FILED,
    "enforcement": ENFORCEMENT,
    "listing": LISTING,
}


@given(any_facts)
def test_facts_come_back_from_their_bytes(facts: Facts) -> None:
    data = facts.encode()
    assert parse_facts(kind_of(facts), data) == facts
    assert parse_facts(kind_of(facts), data).encode() == data


@given(st.sampled_from(Kind), st.binary(max_size=300))
def test_any_bytes_give_facts_or_one_typed_error(kind: Kind, data: bytes) -> None:
    try:
        facts = parse_facts(kind, data)
    except (FormatError, RuleError):
        return
    assert facts.encode() == data


@given(st.sampled_from(tuple(SAMPLES.values())), st.data())
def test_a_changed_byte_gives_other_facts_or_one_typed_error(facts: Facts, draw: st.DataObject) -> None:
    data = bytearray(facts.encode())
    position = draw.draw(st.integers(0, len(data) - 1))
    data[position] ^= draw.draw(st.integers(1, 255))
    with contextlib.suppress(FormatError, RuleError):
        assert parse_facts(kind_of(facts), bytes(data)) != facts


@pytest.mark.parametrize("name", SAMPLES)
def test_no_prefix_of_facts_is_facts_of_the_same_content(name: str) -> None:
    facts = SAMPLES[name]
    data = facts.encode()
    for length in range(len(data)):
        try:
            assert parse_facts(kind_of(facts), data[:length]) != facts
        except (FormatError, RuleError):
            continue


@pytest.mark.parametrize("name", SAMPLES)
def test_golden_bytes(name: str) -> None:
    assert SAMPLES[name].encode().hex() == GOLDEN[name]
    assert parse_facts(kind_of(SAMPLES[name]), bytes.fromhex(GOLDEN[name])) == SAMPLES[name]


def test_golden_consent() -> None:
    assert CONSENT.encode().hex() == GOLDEN["consent"]
    assert Consent.parse(bytes.fromhex(GOLDEN["consent"])) == CONSENT


@given(st.binary(max_size=80))
def test_any_bytes_give_a_consent_or_one_typed_error(data: bytes) -> None:
    with contextlib.suppress(FormatError, RuleError):
        assert Consent.parse(data).encode() == data


@given(any_facts)
def test_nothing_shows_what_it_holds(facts: Facts) -> None:
    parts = (facts, facts.debt, facts.notice, facts.consent)
    shown = {repr(part) for part in parts if part is not None} | {str(facts)}
    names = {type(part).__name__ for part in parts}
    assert shown <= {f"{name}(...)" for name in names}


@pytest.mark.parametrize("part", ["amounts", "debt"])
def test_a_missing_part_is_named(part: str) -> None:
    message = pb.DefaultFacts.FromString(DEFAULT.encode())
    message.ClearField(part)  # type: ignore[arg-type]  # the names of two fields
    with pytest.raises(FormatError) as caught:
        parse_facts(Kind.DEFAULT, message.SerializeToString())
    assert caught.value.rule == f"{part}.present"


@pytest.mark.parametrize("field", ["subject_role", "product", "collection_stage", "legal_basis"])
@pytest.mark.parametrize("number", [0, 99])
def test_an_unknown_number_of_an_enumeration_is_refused(field: str, number: int) -> None:
    message = pb.DefaultFacts.FromString(DEFAULT.encode())
    setattr(message, field, number)
    with pytest.raises(FormatError) as caught:
        parse_facts(Kind.DEFAULT, message.SerializeToString())
    assert caught.value.rule == f"{field}.known"


@pytest.mark.parametrize("field", ["notice", "consent"])
def test_a_digest_of_another_length_is_refused(field: str) -> None:
    message = pb.DefaultFacts.FromString(DEFAULT.encode())
    getattr(message, field).digest = bytes(31)
    with pytest.raises(FormatError) as caught:
        parse_facts(Kind.DEFAULT, message.SerializeToString())
    assert caught.value.rule == f"{field}.digest.length"


@pytest.mark.parametrize(
    "text", ["", "2025-9-30", "20250930", "2025-W40-2", "2025-02-30", "0001-01-01", "２０２５-09-30"]
)
def test_what_is_no_real_date_is_refused(text: str) -> None:
    message = pb.DefaultFacts.FromString(DEFAULT.encode())
    message.as_of = text
    with pytest.raises(RuleError) as caught:
        parse_facts(Kind.DEFAULT, message.SerializeToString())
    assert (caught.value.reason, caught.value.field) == (RuleReason.DATE_INVALID, "facts.as_of")
    assert not text or text not in str(caught.value)


def test_an_error_survives_pickling_and_names_reason_field_and_rule() -> None:
    error = RuleError(RuleReason.NOTICE_LATE, "facts.notice.sent_at", "C06", got="0 ms", want="strictly before")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert str(again) == str(error) == "NOTICE_LATE at facts.notice.sent_at: C06 (got 0 ms, want strictly before)"
    assert vars(again) == vars(error)


def test_facts_of_one_kind_are_not_facts_of_another() -> None:
    with pytest.raises((FormatError, RuleError)):
        parse_facts(Kind.JUDGMENT, DEFAULT.encode())


def test_the_total_is_the_sum_of_the_parts() -> None:
    assert DEFAULT.amounts.total == 500_000 + 12_345 + 678 + 90
    assert replace(DEFAULT.amounts, fees=0).total == 500_000 + 12_345 + 678
