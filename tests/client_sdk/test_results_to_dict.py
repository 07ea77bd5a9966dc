"""Results as dictionaries: ``json.dumps`` takes them, and what identifies a person is not in them."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

import client_sdk
from client_sdk import models
from client_sdk.kernel.formats.act import Act, ClockBody, ErasureBody, KeyGrantBody, grant_key
from client_sdk.kernel.formats.plain import Plain, plain
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import KeyUsage
from client_sdk.models import (
    AnnotationFlag,
    Answer,
    Assessment,
    Kind,
    ListedRecord,
    LoggedAct,
    Outcome,
    ProposalView,
    Standing,
    Total,
    Verdict,
)
from tests.client_sdk.kernel.rules.any_facts import any_facts
from tests.client_sdk.kernel.rules.facts_samples import DEFAULT
from tests.client_sdk.sdk_samples import person
from tests.support.handmade_log import HandmadeLog, signer

if TYPE_CHECKING:
    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.rules.facts import Facts

AT = datetime(2026, 3, 1, 2, 3, 4, 567_000, UTC)
RECORD = bytes.fromhex("018f3e3a00008000a000000000000001")
LISTED = ListedRecord(
    issuer="lender-1",
    signer="lender-1",
    record_id=RECORD,
    version=2,
    kind=Kind.DEFAULT,
    standing=Standing.OPEN,
    index=7,
    issued_at=AT,
    logged_at=AT,
    retain_until=date(2031, 1, 1),
    flags=frozenset((AnnotationFlag.RESTRICTED, AnnotationFlag.DISPUTED)),
    facts=DEFAULT,
)
# What a caller hands in, or a part of it.
GIVEN = {
    "Basis",
    "Criteria",
    "Customer",
    "DefaultReport",
    "EnforcementReport",
    "Identity",
    "JudgmentReport",
    "ListingReport",
    "RecordName",
}


def test_an_answer_is_words_and_times_and_holds_no_identity_number() -> None:
    identity = person(1)
    answer = Answer(verdict=Verdict.LISTED, registry="r", as_of=AT, records=(LISTED,), identity=identity)
    content = json.loads(json.dumps(answer.to_dict()))
    assert (content["verdict"], content["as_of"]) == ("LISTED", "2026-03-01T02:03:04.567+00:00")
    [record] = content["records"]
    assert (record["kind"], record["standing"], record["flags"]) == ("DEFAULT", "OPEN", ["DISPUTED", "RESTRICTED"])
    assert (record["record_id"], record["retain_until"]) == ("018f3e3a-0000-8000-a000-000000000001", "2031-01-01")
    assert record["facts"]["product"] == "CREDIT_CARD"
    assert record["facts"]["notice"]["sent_at"].endswith("+00:00")
    assert "identity" not in content
    assert identity.number not in json.dumps(content)
    assert datetime.fromisoformat(record["logged_at"]) == AT


def test_an_assessment_is_words() -> None:
    total = Total(kind=Kind.DEFAULT, currency="CNY", records=1, amount=5, estimated=False)
    content = Assessment(outcome=Outcome.WATCH, reasons=(), totals=(total,), as_of=None).to_dict()
    assert content == {
        "outcome": "WATCH",
        "reasons": [],
        "totals": [{"kind": "DEFAULT", "currency": "CNY", "records": 1, "amount": 5, "estimated": False}],
        "as_of": None,
        "digest": "",
        "inputs": None,
    }


@given(any_facts)
def test_facts_become_json_without_the_reference_of_the_debt(facts: Facts) -> None:
    text = json.dumps(facts.to_dict(), ensure_ascii=False)
    assert set(json.loads(text)) == {field.name for field in dataclasses.fields(facts)}
    assert "debt_ref" not in text


@pytest.mark.parametrize(
    "body",
    [
        ClockBody(1_767_225_600_000),
        ErasureBody((RecordKey("lender-1", RECORD),), "court order"),
        KeyGrantBody("lender-1", grant_key("r", "lender-1", signer("k"), KeyUsage.REPORT)),
    ],
)
def test_acts_become_json_with_the_type_of_their_body(body: Body) -> None:
    act = Act("r", 1, bytes(32), body)
    logged = LoggedAct(index=1, logged_at=AT, leaf=b"leaf", act=act, approved_by=("admin-1",))
    waiting = ProposalView(
        proposal_id=bytes(32),
        payload=act.encode(),
        act=act,
        approvals=(),
        approved_by=(),
        threshold=2,
        proposed_at=AT,
        lapses_at=AT,
    )
    for content in (logged.to_dict(), waiting.to_dict()):
        assert json.loads(json.dumps(content))["body_type"] == type(body).__name__


def test_every_act_of_a_log_becomes_json() -> None:
    log = HandmadeLog()
    for act in (log.next_act(log.genesis(log.state.directory.rulebook)), log.next_act(ClockBody(1))):
        assert json.dumps(LoggedAct(index=0, logged_at=AT, leaf=b"", act=act, approved_by=()).to_dict())


def test_every_result_has_a_dictionary_and_every_enumeration_is_text() -> None:
    for name in client_sdk.__all__:
        value = getattr(client_sdk, name)
        if not isinstance(value, type):
            continue
        if issubclass(value, Enum):
            assert issubclass(value, str), name
        elif dataclasses.is_dataclass(value) and value.__module__.startswith(f"{models.__name__}."):
            assert issubclass(value, Plain) is (name not in GIVEN), name


def test_the_repr_of_a_result_shows_no_opening_and_no_bytes_of_a_proof() -> None:
    names = {"leaf", "path", "checkpoint", "head", "head_path", "payload", "signature", "file"}
    hidden = set[str]()
    for name in client_sdk.__all__:
        value = getattr(client_sdk, name)
        if dataclasses.is_dataclass(value) and value.__module__.startswith(f"{models.__name__}."):
            for field in dataclasses.fields(value):
                if field.name in names or "opening" in field.name:
                    assert not (field.repr and vars(value)["__dataclass_params__"].repr), (name, field.name)
                    hidden.add(name)
    assert {"AnnotationReceipt", "Receipt", "Notice", "ScreenReport"} <= hidden


def test_what_has_no_plain_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no plain form"):
        plain(object())
