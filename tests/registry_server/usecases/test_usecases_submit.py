"""What is refused before the log is asked, each with reason, field and rule; the rest of a batch goes on."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from creditregistry.v1 import statement_pb2 as pb_statement
from creditregistry.v1 import submission_pb2 as pb
from sqlalchemy import event

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import KeyEndBody, RulebookBody
from client_sdk.kernel.formats.complaint import Complaint
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.words import KeyUsage, Kind, Standing, WithdrawalReason
from client_sdk.kernel.ledger.submission import Submission
from client_sdk.kernel.rules.facts import ConsentForm, JudgmentResult, JudgmentStage
from registry_server.errors import RegistryError
from registry_server.sequencing.items import ItemOutcome
from registry_server.usecases.submit import Submitting
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.support.handmade_log import signer
from tests.support.registry_world import FACTS, NOW, World, accept, submit, submit_as
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def refused(ledger: Ledger, message: pb.Submission, peer: str = "lender-1") -> Complaint:
    """Why a submission is refused; nothing is logged for it."""
    with ledger.view() as view:
        size = view.size
    (record,) = submit_as(peer, ledger, message).results
    with ledger.view() as view:
        assert view.size == size
    assert record.outcome is ItemOutcome.REFUSED
    assert record.complaint is not None
    return record.complaint


def sign_again(message: pb.Submission, key: Ed25519Signer) -> None:
    message.statement.key_id = key.public_key.key_id
    message.statement.signature = dsse.sign(key, dsse.STATEMENT, message.statement.payload)


def flip(data: bytes, at: int = -1, bit: int = 1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= bit
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


_CANONICAL = "canonical.encoding"
_UNKNOWN = "canonical.unknown-field"
# The damage, and reason, field and rule of the refusal.
DAMAGES: dict[str, tuple[Callable[[pb.Submission], None], str, str, str]] = {
    "payload with a field repeated": (
        change(statement__payload=lambda raw: raw + raw[:18]),
        "MALFORMED",
        "statement",
        _CANONICAL,
    ),
    "payload with an unknown field": (
        change(statement__payload=lambda raw: raw + b"\xf8\x07\x01"),
        "MALFORMED",
        "statement",
        _UNKNOWN,
    ),
    "payload too long": (
        change(statement__payload=bytes(3_000)),
        "SIZE_LIMIT",
        "statement.payload",
        "statement.payload.size",
    ),
    "no signature": (change(statement__signature=b""), "SIGNATURE_INVALID", "signature", "signature.length"),
    "key for inquiries": (
        change(statement__key_id=key_id("lender-1 INQUIRE")),
        "KEY_USAGE",
        "statement.key_id",
        "key.usage",
    ),
    "key of another": (
        change(statement__key_id=key_id("lender-2 REPORT")),
        "KEY_OF_ANOTHER",
        "statement.key_id",
        "key.owner",
    ),
    "short opening": (change(binding__opening=b"short"), "MALFORMED", "subject opening", "opening.length"),
    "no debt": (change(binding__debt_ref=b""), "MALFORMED", "binding.debt_ref", "binding.debt_ref.length"),
    "facts with an unknown field": (
        change(facts__facts=lambda raw: raw + b"\xf8\x07\x01"),
        "MALFORMED",
        "facts",
        _UNKNOWN,
    ),
    "facts too long": (change(facts__facts=bytes(5_000)), "SIZE_LIMIT", "facts.facts", "facts.facts.size"),
    "disclosure too long": (change(disclosure=bytes(5_000)), "SIZE_LIMIT", "disclosure", "disclosure.size"),
    "no binding": (drop("binding"), "PART_MISSING", "binding", "submission.parts"),
    "no facts": (drop("facts"), "PART_MISSING", "facts", "submission.parts"),
    "no disclosure": (drop("disclosure"), "PART_MISSING", "disclosure", "submission.parts"),
    "something before version 1": (
        change(previous__opening=bytes(32)),
        "PART_UNEXPECTED",
        "previous",
        "submission.previous",
    ),
    "a default that rests on something": (
        change(basis__record__issuer="lender-1"),
        "PART_UNEXPECTED",
        "basis",
        "submission.basis",
    ),
    "nothing": (lambda message: message.Clear(), "MALFORMED", "statement", "kind.known"),
}


def test_what_is_damaged_is_refused(ledger: Ledger, world: World) -> None:
    for name, (damage, reason, field, rule) in DAMAGES.items():
        message = world.report("lender-1", name)
        damage(message)
        refusal = refused(ledger, message)
        assert (refusal.reason, refusal.field, refusal.rule) == (reason, field, rule), name
        # What was meant is still taken.
        del world.newest[world.key("lender-1", name)]
        accept(ledger, world.report("lender-1", name))


Told = tuple[str, str, str, str]
_SIGNATURE = ("SIGNATURE_INVALID", "signature", "signature.invalid", "a signature by this key")
_OPENS = "the opening and value that were committed to"
_ID = "lower-case letters, digits, inner hyphens, at most 64"
_FORM = "a real date as YYYY-MM-DD"
_YEARS = "a year from 1900 to 2199"
# Each part of a submission, and what the changed bits in it are refused with: reason, field, rule, want.
FLIPPED: dict[str, set[Told]] = {
    "statement.payload": {
        _SIGNATURE,
        ("MALFORMED", "statement", "canonical.protobuf", "one Statement"),
        ("MALFORMED", "statement", _CANONICAL, "the canonical N bytes"),
        ("MALFORMED", "statement", _UNKNOWN, "the fields of a Statement alone"),
        ("MALFORMED", "statement", "issuer.form", _ID),
        ("MALFORMED", "statement", "signer.form", _ID),
        ("MALFORMED", "statement", "record_id.uuid8", "16 bytes, UUIDv8"),
        ("PEER_MISMATCH", "statement.signer", "peer.match", "lender-1"),
    },
    "statement.key_id": {("KEY_UNKNOWN", "statement.key_id", "key.known", "a key that an act gave")},
    "statement.signature": {_SIGNATURE},
    "binding.subject": {("COMMITMENT_MISMATCH", "binding", "commitment.opens", _OPENS)},
    "binding.opening": {("COMMITMENT_MISMATCH", "binding", "commitment.opens", _OPENS)},
    "binding.debt_ref": {("COMMITMENT_MISMATCH", "binding.debt_ref", "binding.debt-ref", "the debt_ref of the facts")},
    "facts.opening": {("COMMITMENT_MISMATCH", "facts", "commitment.opens", _OPENS)},
    "facts.facts": {
        ("COMMITMENT_MISMATCH", "facts", "commitment.opens", _OPENS),
        ("MALFORMED", "facts", "canonical.protobuf", "one DefaultFacts"),
        ("MALFORMED", "facts", _CANONICAL, "the canonical N bytes"),
        ("MALFORMED", "facts", _UNKNOWN, "the fields of a DefaultFacts alone"),
        *(
            ("DATE_INVALID", field, *rule)
            for field in ("facts.as_of", "facts.first_delinquency_on", "consent.date")
            for rule in (("date.form", _FORM), ("date.range", _YEARS))
        ),
    },
    "disclosure": {("DISCLOSURE_MISMATCH", "disclosure", "disclosure.digest", "the bytes that the statement names")},
}


def flips(message: pb.Submission, part: str) -> Iterator[tuple[int, pb.Submission]]:
    """Every submission with the lowest or the highest bit of one byte of a part changed, and where the byte is."""
    *parents, name = part.split(".")
    for at in range(len(read(message, part))):
        for bit in (0x01, 0x80):
            changed = pb.Submission.FromString(message.SerializeToString())
            target: Any = changed
            for parent in parents:
                target = getattr(target, parent)
            setattr(target, name, flip(read(message, part), at, bit))
            yield at, changed


def read(message: pb.Submission, part: str) -> bytes:
    value: Any = message
    for name in part.split("."):
        value = getattr(value, name)
    assert isinstance(value, bytes)
    return value


def test_no_bit_of_a_submission_can_change(ledger: Ledger, world: World) -> None:
    message = world.report("lender-1", "loan")
    with ledger.view() as view:
        size = view.size
    payload = message.statement.payload
    statement = Statement.parse(payload)
    hashes = (statement.subject_commitment, statement.facts_commitment, statement.disclosure_digest)
    hashed = {payload.index(value) + n for value in hashes for n in range(32)}
    for part, wanted in FLIPPED.items():
        length = len(read(message, part))
        told: set[Told] = set()
        for at, changed in flips(message, part):
            (record,) = Submitting(ledger).prepare("lender-1", [Submission.of(changed)]).checked
            assert isinstance(record, Complaint), (part, at)
            want = re.sub(r"the canonical \d+ bytes", "the canonical N bytes", record.want)
            shown = (record.reason, record.field, record.rule, want)
            assert shown in wanted, (part, at, record)
            assert record.got == got(record, changed, length), (part, at, record)
            assert part != "statement.payload" or at not in hashed or shown == _SIGNATURE, at
            told.add(shown)
        assert told == wanted, part
    with ledger.view() as view:
        assert view.size == size
    accept(ledger, message)


def got(refusal: Complaint, changed: pb.Submission, length: int) -> str:
    """What a refusal of a changed bit must say that it found."""
    if refusal.reason == "PEER_MISMATCH":
        return pb_statement.Statement.FromString(changed.statement.payload).signer
    return {_CANONICAL: f"{length} bytes", "record_id.uuid8": "16 bytes"}.get(refusal.rule, "")


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
    assert submit(ledger, before).results[0].outcome is ItemOutcome.REPEATED


def test_a_key_that_nobody_enrolled_signs_nothing(ledger: Ledger, world: World) -> None:
    message = world.report("lender-1", "loan")
    sign_again(message, Ed25519Signer.generate())
    assert refused(ledger, message).reason == "KEY_UNKNOWN"


def test_unknown_keys_of_many_submissions_are_looked_for_in_one_snapshot(ledger: Ledger, world: World) -> None:
    reports = [world.report("lender-1", f"loan {number}") for number in range(64)]
    for message in reports[1:]:
        sign_again(message, Ed25519Signer.generate())
    sent = [Submission.of(message) for message in reports]
    submitting, here = Submitting(ledger), threading.get_ident()
    begun: list[int] = []

    def note(_: object) -> None:
        if threading.get_ident() == here:
            begun.append(1)

    event.listen(ledger.database.engine, "begin", note)
    try:
        together = submitting.prepare("lender-1", sent).checked
        of_a_chunk = len(begun)
        each = submitting.prepare_each([("lender-1", one) for one in sent])
        of_calls = len(begun) - of_a_chunk
    finally:
        event.remove(ledger.database.engine, "begin", note)
    assert [(item,) for item in together] == [one.checked for one in each]
    reasons = [item.reason if isinstance(item, Complaint) else "" for item in together]
    assert reasons == ["", *["KEY_UNKNOWN"] * 63]
    assert (of_a_chunk, of_calls) == (1, 1)


FACTS_THAT_BREAK_A_RULE = {
    "notice too late": (replace(OPEN, notice=replace(samples.NOTICE, sent_at=moment(NOW))), "NOTICE_LATE"),
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
    outcomes = [record.outcome for record in submit(ledger, *batch).results]
    assert outcomes == [ItemOutcome.ACCEPTED] * 4 + [ItemOutcome.REFUSED] + [ItemOutcome.ACCEPTED] * 4


@pytest.mark.parametrize("count", [0, 257])
def test_a_chunk_has_a_limit(ledger: Ledger, count: int) -> None:
    with pytest.raises(RegistryError, match=r"SIZE_LIMIT.*want 1 to 256"):
        submit_as("lender-1", ledger, *[pb.Submission()] * count)


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


def test_why_a_record_is_withdrawn_is_logged(ledger: Ledger, world: World) -> None:
    accept(ledger, *(world.report("lender-1", name) for name in ("stolen", "mistaken")))
    digests = (b"\x11" * 32, b"\x22" * 32)
    message = world.report(
        "lender-1", "stolen", Standing.WITHDRAWN, reason=WithdrawalReason.IDENTITY_THEFT, evidence=digests
    )
    accept(ledger, message)
    said = Statement.parse(message.statement.payload)
    assert (said.reason, said.evidence) == (WithdrawalReason.IDENTITY_THEFT, digests)
    key = world.key("lender-1", "mistaken")
    running = world.newest[key]
    wrongs: tuple[tuple[dict[str, Any], str], ...] = (
        ({"reason": None}, "withdrawal.reason"),
        ({"reason": WithdrawalReason.FRAUD}, "withdrawal.evidence"),
        ({"evidence": digests[::-1]}, "evidence.order"),
        ({"evidence": (b"short",)}, "evidence.length"),
        ({"evidence": tuple(bytes([number]) * 32 for number in range(1, 18))}, "evidence.order"),
        ({"evidence": (bytes(32),)}, "digest.document"),
        ({"evidence": (sha256(b"").digest(),)}, "digest.document"),
        ({"reason": WithdrawalReason.PAID_IN_TIME}, "withdrawal.paid-in-time"),
        ({"reason": WithdrawalReason.COURT_REMOVED}, "withdrawal.removed-on"),
        ({"reason": WithdrawalReason.COURT_REMOVED, "removed_on": "2025-02-30"}, "removed_on.date"),
        ({"removed_on": "2025-02-28"}, "withdrawal.removed-on"),
    )
    for changes, rule in wrongs:
        world.newest[key] = running
        assert refused(ledger, world.report("lender-1", "mistaken", Standing.WITHDRAWN, **changes)).rule == rule
    for changes, rule in (
        ({"reason": WithdrawalReason.ERROR}, "withdrawal.reason"),
        ({"evidence": digests}, "withdrawal.evidence"),
    ):
        world.newest[key] = running
        assert refused(ledger, world.report("lender-1", "mistaken", Standing.CURED, **changes)).rule == rule


def test_a_judgment_paid_within_the_months_of_the_rulebook_is_withdrawn(ledger: Ledger, world: World) -> None:
    world.decide(ledger, RulebookBody(replace(world.rulebook, paid_judgment_months=1)))
    judged = replace(
        samples.JUDGMENT,
        stage=JudgmentStage.JUDGED,
        judged_on=samples.JUDGMENT.as_of,
        result=JudgmentResult.GRANTED,
        effective_on=None,
    )
    accept(ledger, world.report("lender-1", "suit", kind=Kind.JUDGMENT, facts=judged))
    key = world.key("lender-1", "suit")
    running = world.newest[key]
    assert running.facts is not None
    paid = replace(judged, ended_on=judged.judged_on, debt=running.facts.debt)
    refusal = refused(ledger, world.report("lender-1", "suit", Standing.SATISFIED, facts=paid))
    assert (refusal.reason, refusal.rule) == ("RETENTION_INVALID", "judgment.paid-in-time")
    world.newest[key] = running
    accept(ledger, world.report("lender-1", "suit", Standing.WITHDRAWN, reason=WithdrawalReason.PAID_IN_TIME))
