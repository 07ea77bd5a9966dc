"""What is refused before the log is asked, each with reason, field and rule; the rest of a batch goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from creditregistry.v1 import submission_pb2 as pb

from client_sdk.formats import dsse
from client_sdk.formats.act import KeyEndBody
from client_sdk.formats.keys import Ed25519Signer
from client_sdk.formats.words import KeyUsage, Kind, Standing
from client_sdk.rules.facts import ConsentForm
from registry_server.errors import RegistryError
from registry_server.rpc.convert.submissions import submission
from registry_server.sequencing.items import Outcome
from registry_server.usecases.submit import Submitting
from tests.client_sdk.rules import facts_samples as samples
from tests.support.handmade_log import signer
from tests.support.registry_world import FACTS, NOW, World, accept, submit
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from registry_server.errors import Refusal
    from registry_server.sequencing.ledger import Ledger

OPEN = samples.DEFAULT
VERBAL = replace(samples.CONSENT, form=ConsentForm.VERBAL)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        yield opened
    reverify(database_url)


def refused(ledger: Ledger, message: pb.Submission, peer: str = "lender-1") -> Refusal:
    """Why a submission is refused; nothing is logged for it."""
    with ledger.view() as view:
        size = view.size
    (record,) = Submitting(ledger).submit(peer, [submission(message)]).records
    with ledger.view() as view:
        assert view.size == size
    assert record.outcome is Outcome.REFUSED
    assert record.refusal is not None
    return record.refusal


def sign_again(message: pb.Submission, key: Ed25519Signer) -> None:
    message.statement.key_id = key.public_key.key_id
    message.statement.signature = dsse.sign(key, dsse.STATEMENT, message.statement.payload)


def flip(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def change(**fields: Any) -> Callable[[pb.Submission], None]:
    """A change of fields given by their paths, with __ between the names."""

    def apply(message: pb.Submission) -> None:
        for path, value in fields.items():
            *parents, name = path.split("__")
            target: Any = message
            for parent in parents:
                target = getattr(target, parent)
            setattr(target, name, value(getattr(target, name)) if callable(value) else value)

    return apply


def drop(name: str) -> Callable[[pb.Submission], None]:
    return lambda message: message.ClearField(name)  # type: ignore[arg-type]  # the names are those of the message


def key_id(name: str) -> bytes:
    return signer(name).public_key.key_id


DAMAGES: dict[str, tuple[Callable[[pb.Submission], None], str, str]] = {
    "payload changed": (change(statement__payload=flip), "SIGNATURE_INVALID", ""),
    "payload with a field repeated": (change(statement__payload=lambda raw: raw + raw[:18]), "MALFORMED", ""),
    "payload with an unknown field": (change(statement__payload=lambda raw: raw + b"\xf8\x07\x01"), "MALFORMED", ""),
    "payload too long": (change(statement__payload=bytes(3_000)), "SIZE_LIMIT", "statement.payload.size"),
    "signature changed": (change(statement__signature=flip), "SIGNATURE_INVALID", ""),
    "no signature": (change(statement__signature=b""), "SIGNATURE_INVALID", ""),
    "key unknown": (change(statement__key_id=bytes(32)), "KEY_UNKNOWN", "formats-6.key"),
    "key for inquiries": (change(statement__key_id=key_id("lender-1 INQUIRE")), "KEY_USAGE", "formats-6.usage"),
    "key of another": (change(statement__key_id=key_id("lender-2 REPORT")), "KEY_OF_ANOTHER", "formats-6.owner"),
    "another subject": (change(binding__subject=flip), "COMMITMENT_MISMATCH", "commitment.opens"),
    "another opening": (change(binding__opening=flip), "COMMITMENT_MISMATCH", "commitment.opens"),
    "short opening": (change(binding__opening=b"short"), "MALFORMED", "opening.length"),
    "another debt": (change(binding__debt_ref=flip), "COMMITMENT_MISMATCH", "formats-3.debt-ref"),
    "no debt": (change(binding__debt_ref=b""), "MALFORMED", "binding.debt_ref.length"),
    "facts with another opening": (change(facts__opening=flip), "COMMITMENT_MISMATCH", "commitment.opens"),
    "facts with an unknown field": (change(facts__facts=lambda raw: raw + b"\xf8\x07\x01"), "MALFORMED", ""),
    "facts too long": (change(facts__facts=bytes(5_000)), "SIZE_LIMIT", "facts.facts.size"),
    "disclosure changed": (change(disclosure=flip), "DISCLOSURE_MISMATCH", "formats-3.digest"),
    "disclosure too long": (change(disclosure=bytes(5_000)), "SIZE_LIMIT", "disclosure.size"),
    "no binding": (drop("binding"), "PART_MISSING", "formats-3.submission"),
    "no facts": (drop("facts"), "PART_MISSING", "formats-3.submission"),
    "no disclosure": (drop("disclosure"), "PART_MISSING", "formats-3.submission"),
    "something before version 1": (change(previous__opening=bytes(32)), "PART_UNEXPECTED", "formats-3.previous"),
    "a default that rests on something": (
        change(basis__record__issuer="lender-1"),
        "PART_UNEXPECTED",
        "formats-2.basis",
    ),
    "nothing": (lambda message: message.Clear(), "MALFORMED", ""),
}


def test_what_is_damaged_is_refused(ledger: Ledger, world: World) -> None:
    for name, (damage, reason, rule) in DAMAGES.items():
        message = world.report("lender-1", name)
        damage(message)
        refusal = refused(ledger, message)
        assert (refusal.reason, refusal.rule) == (reason, rule or refusal.rule), name
        # What was meant is still taken.
        del world.newest[world.key("lender-1", name)]
        accept(ledger, world.report("lender-1", name))


def test_nobody_sends_what_another_has_signed(ledger: Ledger, world: World) -> None:
    refusal = refused(ledger, world.report("lender-1", "loan"), peer="lender-2")
    assert (refusal.reason, refusal.field) == ("PEER_MISMATCH", "statement.signer")


def test_a_signature_of_another_form_does_not_count(ledger: Ledger, world: World) -> None:
    message = world.report("lender-1", "loan")
    key = signer("lender-1 REPORT")
    message.statement.signature = dsse.sign(key, dsse.ANNOTATION, message.statement.payload)
    assert refused(ledger, message).reason == "SIGNATURE_INVALID"


def test_an_ended_key_signs_nothing_more_and_its_receipts_stay(ledger: Ledger, world: World) -> None:
    before, after = world.report("lender-1", "before"), world.report("lender-1", "after")
    accept(ledger, before)
    world.decide(ledger, KeyEndBody("lender-1", signer("lender-1 REPORT").public_key.key_id))
    assert refused(ledger, after).reason == "KEY_RANGE"
    assert submit(ledger, before).records[0].outcome is Outcome.REPEATED


def test_a_key_that_nobody_enrolled_signs_nothing(ledger: Ledger, world: World) -> None:
    message = world.report("lender-1", "loan")
    sign_again(message, Ed25519Signer.generate())
    assert refused(ledger, message).reason == "KEY_UNKNOWN"


FACTS_THAT_BREAK_A_RULE = {
    "notice too late": (replace(OPEN, notice=replace(samples.NOTICE, sent_at=NOW)), "NOTICE_LATE"),
    "no notice": (replace(OPEN, notice=None), "NOTICE_MISSING"),
    "no consent": (replace(OPEN, consent=None), "CONSENT_MISSING"),
    "consent by word of mouth": (
        replace(OPEN, consent=VERBAL),
        "CONSENT_MISSING",
    ),
    "of tomorrow": (replace(OPEN, as_of=date(2025, 10, 2)), "DATE_INVALID"),
    "nobody approved": (replace(OPEN, approver=" "), "APPROVER_MISSING"),
    "no currency": (replace(OPEN, amounts=replace(samples.AMOUNTS, currency="XYZ")), "CURRENCY_INVALID"),
    "no day past due": (replace(OPEN, days_past_due=0), "FACTS_INVALID"),
}


def test_facts_that_break_a_rule_are_refused(ledger: Ledger, world: World) -> None:
    for name, (facts, reason) in FACTS_THAT_BREAK_A_RULE.items():
        assert refused(ledger, world.report("lender-1", name, facts=facts)).reason == reason, name


def test_a_later_version_does_not_make_the_default_look_younger(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan", facts=OPEN))
    younger = replace(OPEN, first_delinquency_on=date(2025, 8, 2), days_past_due=59)
    assert refused(ledger, world.report("lender-1", "loan", facts=younger)).reason == "REAGED"


def test_a_case_number_that_is_almost_right_is_refused(ledger: Ledger, world: World) -> None:
    facts = replace(samples.JUDGMENT, case_number="(2024)京0115民初9000010号")
    message = world.report("lender-1", "suit", kind=Kind.JUDGMENT, facts=facts)
    assert refused(ledger, message).reason == "CASE_NUMBER_INVALID"


def test_retention_is_at_most_what_the_law_allows(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"))
    message = world.report("lender-1", "loan", Standing.CURED, retain_until="2031-01-01")
    assert refused(ledger, message).reason == "RETENTION_INVALID"


@pytest.mark.parametrize("part", ["binding", "facts", "disclosure", "previous"])
def test_nothing_travels_beside_what_binds_nobody(ledger: Ledger, world: World, part: str) -> None:
    first = world.report("lender-1", "loan")
    accept(ledger, first)
    message = world.report("lender-1", "loan", Standing.WITHDRAWN)
    if part == "disclosure":
        message.disclosure = first.disclosure
    else:
        getattr(message, part).CopyFrom(first.facts if part == "previous" else getattr(first, part))
    refusal = refused(ledger, message)
    assert (refusal.reason, refusal.field) == ("PART_UNEXPECTED", part)


def test_a_later_version_brings_the_facts_before(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"))
    message = world.report("lender-1", "loan", Standing.CURED)
    message.ClearField("previous")
    refusal = refused(ledger, message)
    assert (refusal.reason, refusal.field) == ("PART_MISSING", "previous")


def test_one_bad_submission_does_not_hold_up_the_others(ledger: Ledger, world: World) -> None:
    batch = [world.report("lender-1", f"loan {n}") for n in range(9)]
    batch[4].disclosure = b""
    outcomes = [record.outcome for record in submit(ledger, *batch).records]
    assert outcomes == [Outcome.ACCEPTED] * 4 + [Outcome.REFUSED] + [Outcome.ACCEPTED] * 4


@pytest.mark.parametrize("count", [0, 257])
def test_a_chunk_has_a_limit(ledger: Ledger, count: int) -> None:
    with pytest.raises(RegistryError, match="SIZE_LIMIT"):
        Submitting(ledger).submit("lender-1", [submission(pb.Submission())] * count)


def test_no_refusal_shows_a_secret(ledger: Ledger, world: World) -> None:
    message = world.report("lender-1", "loan")
    contract = FACTS[Kind.DEFAULT, Standing.OPEN].debt.contract
    message.binding.opening = flip(message.binding.opening)
    shown = str(refused(ledger, message))
    for secret in (message.binding.subject, message.binding.opening, message.facts.opening, contract.encode()):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown


def test_a_key_of_an_auditor_reports_nothing(ledger: Ledger, world: World) -> None:
    message = world.report("auditor", "loan")
    sign_again(message, signer(f"auditor {KeyUsage.AUDIT.name}"))
    assert refused(ledger, message, peer="auditor").reason == "KEY_USAGE"
