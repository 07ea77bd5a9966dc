"""Lies in leaves: statements, annotations, acts and lapses that may not stand where they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import (
    ClockBody,
    EndingBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    KeyServicesBody,
    StateBody,
    SuccessionBody,
    grant_key,
)
from client_sdk.kernel.formats.leaf import ActLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.state import KeyService, KeyServices
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import (
    AnnotationFlag,
    InstitutionStatus,
    KeyUsage,
    Kind,
    LapseKind,
    Role,
    Standing,
    WithdrawalReason,
)
from client_sdk.kernel.ledger.findings import FindingId
from tests.support.batch_signer import BATCH_LIES, BatchSigner
from tests.support.handmade_log import DAY_MS, HandmadeLog, record_id, seed, signer, voprf_key
from tests.support.lying import Forger, lie

if TYPE_CHECKING:
    from tests.support.handmade_log import HandmadeLog
    from tests.support.lying import Commit
    from tests.support.transparency_server import HandmadeRegistry

_F = FindingId


# Leaves and signatures


@lie(_F.LEAF_FORM)
def a_leaf_of_no_type(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.add(b"\x09\x01" + log.logged_at.to_bytes(8))
    log.head()


@lie(_F.LEAF_FORM)
def a_statement_with_an_unknown_field(log: HandmadeLog, _: HandmadeRegistry) -> None:
    payload = log.statement("lender-1", "new", Standing.OPEN, "anybody").encode() + b"\xf8\x07\x01"
    key = signer("lender-1 REPORT")
    signature = dsse.sign(key, dsse.STATEMENT, payload)
    log.add(StatementLeaf(log.logged_at, dsse.STATEMENT, payload, key.public_key.key_id, signature).encode())
    log.head()


@lie(_F.SIGNATURE)
def a_statement_that_nobody_signed(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "new", by=Forger("lender-1 REPORT"))
    log.head()


@lie(_F.SIGNATURE)
def an_annotation_that_nobody_signed(log: HandmadeLog, _: HandmadeRegistry) -> None:
    honest = parse_leaf(log.leaves[log.annotate("lender-1", "lender-1", "running", AnnotationFlag.RESTRICTED)])
    assert isinstance(honest, StatementLeaf)
    log.replace_last(replace(honest, signature=bytes(64)).encode())
    log.head()


@lie(_F.SIGNATURE)
def an_annotation_signed_as_a_statement(log: HandmadeLog, _: HandmadeRegistry) -> None:
    honest = parse_leaf(log.leaves[log.annotate("lender-1", "lender-1", "running", AnnotationFlag.RESTRICTED)])
    assert isinstance(honest, StatementLeaf)
    signature = dsse.sign(signer("lender-1 REPORT"), dsse.STATEMENT, honest.payload)
    log.replace_last(replace(honest, signature=signature).encode())
    log.head()


def _signed_in_a_false_batch(says: str) -> Commit:
    def commit(log: HandmadeLog, _: HandmadeRegistry) -> None:
        log.say("lender-1", "new", by=BATCH_LIES[says][1]("lender-1 REPORT"))
        log.head()

    commit.__name__ = says.replace(" ", "_")
    return commit


for _says in BATCH_LIES:
    lie(_F.SIGNATURE)(_signed_in_a_false_batch(_says))


@lie(_F.SIGNATURE)
def an_annotation_signed_in_a_batch(log: HandmadeLog, _: HandmadeRegistry) -> None:
    honest = parse_leaf(log.leaves[log.annotate("lender-1", "lender-1", "running", AnnotationFlag.RESTRICTED)])
    assert isinstance(honest, StatementLeaf)
    signature = BatchSigner("lender-1 REPORT").sign(dsse.pae(dsse.ANNOTATION, honest.payload))
    log.replace_last(replace(honest, signature=signature).encode())
    log.head()


@lie(_F.CHAIN)
def a_statement_at_two_places_of_a_batch(log: HandmadeLog, _: HandmadeRegistry) -> None:
    leaf = parse_leaf(log.leaves[log.say("lender-1", "new", by=BatchSigner("lender-1 REPORT", place=1))])
    assert isinstance(leaf, StatementLeaf)
    again = BatchSigner("lender-1 REPORT", place=3).sign(dsse.pae(dsse.STATEMENT, leaf.payload))
    log.add(replace(leaf, signature=again).encode())
    log.head()


@lie(_F.KEY_RANGE)
def a_batch_of_a_key_that_was_ended(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(KeyEndBody("lender-1", signer("lender-1 REPORT").public_key.key_id))
    log.say("lender-1", "running", by=BatchSigner("lender-1 REPORT"))
    log.head()


@lie(_F.KEY_USAGE)
def a_batch_of_a_key_of_another_usage(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", by=BatchSigner("lender-1 INQUIRE"))
    log.head()


@lie(_F.KEY_RANGE)
def a_key_that_was_ended(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(KeyEndBody("lender-1", signer("lender-1 REPORT").public_key.key_id))
    log.say("lender-1", "running")
    log.head()


@lie(_F.KEY_USAGE)
def a_key_of_another_usage(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", by=signer("lender-1 INQUIRE"))
    log.head()


@lie(_F.KEY_OWNER)
def a_key_of_another_member(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", by=signer("lender-2 REPORT"))
    log.head()


@lie(_F.KEY_OWNER)
def a_key_that_no_act_gave(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", by=signer("the registry's own"))
    log.head()


@lie(_F.REGISTRY)
def a_statement_for_another_registry(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "new", registry="other.example")
    log.head()


@lie(_F.LEAF_FORM)
def a_withdrawal_for_no_reason(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", Standing.WITHDRAWN, reason=None)
    log.head()


@lie(_F.LEAF_FORM)
def a_withdrawal_for_fraud_without_evidence(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", Standing.WITHDRAWN, reason=WithdrawalReason.FRAUD)
    log.head()


@lie(_F.LEAF_FORM)
def a_reason_without_a_withdrawal(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", Standing.CURED, reason=WithdrawalReason.ERROR)
    log.head()


@lie(_F.TRANSITION)
def a_default_withdrawn_like_a_judgment_that_was_paid_in_time(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", Standing.WITHDRAWN, reason=WithdrawalReason.PAID_IN_TIME)
    log.head()


# Chains


@lie(_F.CHAIN)
def a_version_left_out(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", version=3)
    log.head()


@lie(_F.CHAIN)
def a_version_twice(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "cured", Standing.CURED, version=2)
    log.head()


@lie(_F.CHAIN)
def another_version_before(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", previous=seed("another"))
    log.head()


@lie(_F.CHAIN)
def another_kind(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", kind=Kind.JUDGMENT)
    log.head()


@lie(_F.CHAIN)
def a_record_bought_from_nobody(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-3", "new", continues=RecordKey("lender-1", record_id("running")))
    log.head()


@lie(_F.TRANSITION)
def a_standing_that_may_not_follow(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "cured", Standing.OPEN)
    log.head()


@lie(_F.TRANSITION)
def a_withdrawn_record_again(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-3", "mistaken", Standing.OPEN)
    log.head()


@lie(_F.AFTER_ERASURE)
def a_version_after_the_erasure(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-3", "forgotten")
    log.head()


@lie(_F.AFTER_ERASURE)
def an_annotation_after_the_erasure(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.annotate("lender-1", "lender-3", "forgotten", AnnotationFlag.DISPUTED)
    log.head()


@lie(_F.AFTER_ERASURE)
def a_lapse_after_the_erasure(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.lapse("lender-3", "forgotten", LapseKind.ERASED)
    log.head()


@lie(_F.SPEAKER)
def a_successor_whom_nobody_named(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", Standing.CURED, signer="lender-2")
    log.head()


@lie(_F.SPEAKER)
def a_successor_after_the_ending(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    log.act(EndingBody("lender-1", "bankruptcy"))
    log.say("lender-1", "running", Standing.CURED, signer="lender-2")
    log.head()


@lie(_F.ACT_INVALID)
def a_successor_of_ended_records(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED))
    log.act(EndingBody("lender-1", "bankruptcy"))
    log.act(SuccessionBody("lender-1", "lender-2", "late"))
    log.head()


@lie(_F.RETENTION)
def a_record_kept_after_the_ending(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED))
    log.act(EndingBody("lender-1", "bankruptcy"))
    log.wait((5 * 366 + 2) * DAY_MS)
    log.head()


@lie(_F.SPEAKER)
def a_new_record_of_a_suspended_member(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.say("lender-1", "new")
    log.head()


@lie(_F.SUBJECT_KEY_VERSION)
def subject_keys_that_do_not_exist(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "new", subject_key_version=2)
    log.head()


@lie(_F.TRANSFEREE)
def a_debt_that_an_administrator_bought(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", Standing.TRANSFERRED, transferee="admin-1")
    log.head()


@lie(_F.RETENTION)
def an_end_without_a_date(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", Standing.CURED, retain_until="")
    log.head()


@lie(_F.RETENTION)
def a_date_moved_later(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "cured", Standing.CURED, retain_until="2035-01-01")
    log.head()


@lie(_F.RETENTION)
def a_record_kept_too_long(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "cured", Standing.CURED, retain_until="2026-02-01")
    log.wait(60 * DAY_MS)
    log.head()


@lie(_F.ANNOTATION)
def a_restriction_by_a_stranger(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.annotate("lender-3", "lender-1", "running", AnnotationFlag.RESTRICTED)
    log.head()


@lie(_F.ANNOTATION)
def an_annotation_left_out(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.annotate("lender-2", "lender-2", "disputed", number=3)
    log.head()


# Acts


@lie(_F.ACT_THRESHOLD)
def an_act_of_one_administrator(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED), by=["admin-1"])
    log.head()


@lie(_F.ACT_SIGNATURE)
def an_act_of_somebody_else(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED), by=["admin-1", "admin-2", "somebody"])
    log.head()


@lie(_F.ACT_SIGNATURE)
def an_act_with_a_signature_that_does_not_verify(log: HandmadeLog, _: HandmadeRegistry) -> None:
    act = log.next_act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    leaf = parse_leaf(log.act_leaf(act, ["admin-1", "admin-2"]))
    assert isinstance(leaf, ActLeaf)
    first, second = leaf.approvals
    log.add(replace(leaf, approvals=(first, second._replace(signature=bytes(64)))).encode())
    log.head()


@lie(_F.ACT_ORDER)
def an_act_left_out(log: HandmadeLog, _: HandmadeRegistry) -> None:
    number = log.state.directory.state.act_number
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED), number=number + 2)
    log.head()


@lie(_F.ACT_ORDER)
def an_act_twice(log: HandmadeLog, _: HandmadeRegistry) -> None:
    index = log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.act(StateBody("lender-1", InstitutionStatus.ACTIVE))
    log.add(log.leaves[index])
    log.head()


@lie(_F.ACT_ORDER)
def an_act_of_another_registry(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED), registry="other.example")
    log.head()


@lie(_F.ACT_INVALID)
def a_member_enrolled_twice(log: HandmadeLog, _: HandmadeRegistry) -> None:
    grant = grant_key("registry.example", "lender-1", signer("another"), KeyUsage.REPORT)
    enrolment = log.enrolment("lender-1", (Role.LENDER,), KeyUsage.REPORT)
    log.act(InstitutionBody(replace(enrolment, keys=(grant,))))
    log.head()


@lie(_F.ACT_INVALID)
def subject_keys_out_of_order(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(KeyServicesBody(KeyServices(3, (KeyService("c.example:443", voprf_key("key-service-c"), "c"),))))
    log.head()


@lie(_F.KEY_ACT)
def a_key_that_nobody_holds(log: HandmadeLog, _: HandmadeRegistry) -> None:
    grant = grant_key(
        "registry.example", "lender-2", signer("new"), KeyUsage.REPORT, endorser=signer("lender-1 REPORT")
    )
    log.act(KeyGrantBody("lender-1", grant))
    log.head()


@lie(_F.KEY_ACT)
def a_key_that_the_member_did_not_endorse(log: HandmadeLog, _: HandmadeRegistry) -> None:
    grant = grant_key(
        "registry.example", "lender-1", signer("new"), KeyUsage.REPORT, endorser=signer("lender-2 REPORT")
    )
    log.act(KeyGrantBody("lender-1", grant))
    log.head()


@lie(_F.KEY_ACT)
def a_key_for_another_role(log: HandmadeLog, _: HandmadeRegistry) -> None:
    own = signer("lender-1 REPORT")
    grant = grant_key("registry.example", "lender-1", signer("new"), KeyUsage.AUDIT, endorser=own)
    log.act(KeyGrantBody("lender-1", grant))
    log.head()


@lie(_F.KEY_ACT)
def the_end_of_a_key_that_has_ended(log: HandmadeLog, _: HandmadeRegistry) -> None:
    key_id = signer("lender-1 REPORT").public_key.key_id
    log.act(KeyEndBody("lender-1", key_id))
    log.act(KeyEndBody("lender-1", key_id))
    log.head()


@lie(_F.ERASED_ALONE)
def a_bought_record_erased_without_the_old_one(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.erase(RecordKey("lender-2", record_id("bought")))
    log.head()


@lie(_F.ERASED_ALONE)
def an_old_record_erased_without_the_one_that_continues_it(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.lapse("lender-1", "sold", LapseKind.ERASED)
    log.head()


# The clock


@lie(_F.LAPSE_EARLY)
def a_record_erased_before_its_time(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.lapse("lender-1", "cured", LapseKind.ERASED)
    log.head()


@lie(_F.LAPSE_EARLY)
def a_record_without_a_date_erased(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.lapse("lender-1", "running", LapseKind.ERASED)
    log.head()


@lie(_F.LAPSE_EARLY)
def a_restriction_before_the_period_is_over(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.wait(20 * DAY_MS)
    log.lapse("lender-2", "disputed", LapseKind.RESTRICTED)
    log.head()


@lie(_F.TIME)
def a_clock_that_runs_backwards(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.wait(-1)
    log.say("lender-1", "running")
    log.wait(1)
    log.head()


@lie(_F.TIME)
def a_correction_further_back_than_the_act_allows(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.wait(-10_000)
    log.act(ClockBody(log.logged_at + 1))
    log.wait(10_000)
    log.head()


@lie(_F.TIME)
def a_step_back_after_a_correction(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.wait(-10_000)
    log.act(ClockBody(1))
    log.wait(-1)
    log.say("lender-1", "running")
    log.wait(1)
    log.head()


@lie(_F.TIME)
def a_clock_that_is_ahead(log: HandmadeLog, _: HandmadeRegistry) -> None:
    honest = log.logged_at
    log.wait(301_000)
    log.head()
    log.logged_at = honest


@lie(_F.TIME)
def an_old_log_as_the_newest(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.head()
    # Nothing more is logged, and nothing more is shown.
    log.wait(301_000)
