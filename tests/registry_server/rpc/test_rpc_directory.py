"""Acts on a running registry: proposed, approved, logged once, seen by everybody; certificates of new members."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

import grpc
import pytest
from creditregistry.v1 import proposal_pb2 as pb
from creditregistry.v1 import submission_pb2, transparency_pb2

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import (
    Act,
    AdministratorsBody,
    ClockBody,
    ErasureBody,
    InstitutionBody,
    KeyEndBody,
    KeyServicesBody,
    RulebookBody,
    StateBody,
)
from client_sdk.kernel.formats.leaf import ActLeaf, parse_leaf
from client_sdk.kernel.formats.state import KeyService, KeyServices
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Role
from client_sdk.kernel.ledger.directory import Directory
from registry_server.usecases.proposals import LAPSE_MS, MAX_OF_PROPOSER
from tests.support.handmade_log import record_id, signer
from tests.support.registry import refusal
from tests.support.registry_world import ADMINISTRATORS, DAY_MS, LENDERS

if TYPE_CHECKING:
    from client_sdk.kernel.formats.act import Body
    from tests.support.registry import RunningRegistry

FIRST, SECOND, THIRD = ADMINISTRATORS


def next_act(registry: RunningRegistry, body: Body) -> bytes:
    state = registry.app.ledger.directory.state
    return Act(state.registry, state.act_number + 1, state.act_hash, body).encode()


def new_lender(registry: RunningRegistry, name: str = "lender-9") -> InstitutionBody:
    return InstitutionBody(registry.world.enrolment(name, (Role.LENDER,), KeyUsage.INQUIRE, KeyUsage.REPORT))


def approval(payload: bytes, key: str) -> pb.Approval:
    own = signer(key)
    return pb.Approval(key_id=own.public_key.key_id, signature=dsse.sign(own, dsse.ACT, payload))


def propose(registry: RunningRegistry, payload: bytes, by: str = FIRST) -> pb.ProposeActResponse:
    request = pb.ProposeActRequest(payload=payload, approval=approval(payload, f"{by} ADMINISTER"))
    return registry.directory(by).ProposeAct(request)


def approve(registry: RunningRegistry, payload: bytes, by: str, key: str = "") -> pb.ApproveActResponse:
    given = approval(payload, key or f"{by} ADMINISTER")
    request = pb.ApproveActRequest(proposal_id=sha256(payload).digest(), approval=given)
    return registry.directory(by).ApproveAct(request)


def acts(registry: RunningRegistry, from_number: int = 0) -> pb.ListActsResponse:
    return registry.directory("lender-1").ListActs(pb.ListActsRequest(from_number=from_number))


def waiting(registry: RunningRegistry) -> list[pb.Proposal]:
    return list(registry.directory(THIRD).ListProposals(pb.ListProposalsRequest()).proposals)


def test_the_approval_that_reaches_the_threshold_logs_the_act(registry: RunningRegistry) -> None:
    payload = next_act(registry, new_lender(registry))
    proposed = propose(registry, payload)
    assert not proposed.HasField("receipt")
    (proposal,) = waiting(registry)
    assert proposal == proposed.proposal
    assert proposal.lapses_at - proposal.proposed_at == LAPSE_MS
    approved = approve(registry, payload, SECOND)
    leaf = parse_leaf(approved.receipt.leaf)
    assert isinstance(leaf, ActLeaf)
    assert leaf.payload == payload
    assert len(approved.proposal.approvals) == 2
    assert waiting(registry) == []
    assert "lender-9" in registry.app.ledger.directory.institutions
    # Whose answer was lost asks again and gets the same receipt.
    again = approve(registry, payload, SECOND)
    assert again.receipt.leaf == approved.receipt.leaf
    assert propose(registry, payload).receipt.inclusion.index == approved.receipt.inclusion.index


def test_the_same_administrator_twice_is_one(registry: RunningRegistry) -> None:
    payload = next_act(registry, new_lender(registry))
    propose(registry, payload)
    again = approve(registry, payload, FIRST)
    assert not again.HasField("receipt")
    assert len(again.proposal.approvals) == 1


def test_two_approvals_at_once_log_one_act(registry: RunningRegistry) -> None:
    payload = next_act(registry, new_lender(registry))
    before = acts(registry)
    propose(registry, payload)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda by: approve(registry, payload, by), (SECOND, THIRD)))
    assert [parse_leaf(answer.receipt.leaf).payload for answer in answers] == [payload, payload]
    assert len(acts(registry).acts) == len(before.acts) + 1


def test_acts_are_listed_in_order_and_make_the_directory(registry: RunningRegistry) -> None:
    listed = acts(registry)
    assert not listed.more
    directory: Directory | None = None
    for item in listed.acts:
        leaf = parse_leaf(item.leaf)
        assert isinstance(leaf, ActLeaf)
        directory = Directory.genesis(leaf) if directory is None else directory.apply(item.index, leaf)
    assert directory is not None
    assert directory.state == registry.app.ledger.directory.state
    assert [item.leaf for item in acts(registry, 2).acts] == [item.leaf for item in listed.acts[2:]]
    assert acts(registry, 1_000) == pb.ListActsResponse()


def test_a_proposal_is_gone_once_its_number_is_taken(registry: RunningRegistry) -> None:
    first, second = (next_act(registry, new_lender(registry, name)) for name in ("lender-8", "lender-9"))
    propose(registry, first)
    propose(registry, second, SECOND)
    approve(registry, first, SECOND)
    assert waiting(registry) == []
    refused = refusal(lambda: approve(registry, second, FIRST))
    assert refused[:3] == ("NOT_FOUND", "PROPOSAL_UNKNOWN", "proposal_id")
    assert refusal(lambda: propose(registry, second))[:2] == ("FAILED_PRECONDITION", "ACT_ORDER")


def test_one_administrator_cannot_take_the_places_of_the_others(registry: RunningRegistry) -> None:
    rogue = [next_act(registry, new_lender(registry, f"rogue-{number}")) for number in range(MAX_OF_PROPOSER + 1)]
    for payload in rogue[:-1]:
        propose(registry, payload)
    refused = refusal(lambda: propose(registry, rogue[-1]))
    assert refused[:4] == ("RESOURCE_EXHAUSTED", "TOO_MANY_PROPOSALS", "payload", "proposals.of-proposer")
    assert refused.got == f"{MAX_OF_PROPOSER} of {FIRST}"
    # A proposal that is there already takes a signature all the same.
    propose(registry, rogue[0])
    honest = next_act(registry, new_lender(registry))
    propose(registry, honest, SECOND)
    assert approve(registry, honest, THIRD).HasField("receipt")
    # The act has cleared the table; the rogue fills it anew, and is removed all the same.
    assert waiting(registry) == []
    again = [next_act(registry, new_lender(registry, f"rogue-{number}")) for number in range(MAX_OF_PROPOSER)]
    for payload in again:
        propose(registry, payload)
    joining = registry.world.enrolment("admin-4", (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER)
    removal = next_act(registry, AdministratorsBody((joining,), (SECOND, THIRD, "admin-4"), 2))
    propose(registry, removal, SECOND)
    assert approve(registry, removal, THIRD).HasField("receipt")
    assert FIRST not in registry.app.ledger.directory.state.administrators
    assert waiting(registry) == []


def test_an_act_that_no_leaf_can_hold_is_not_proposed(registry: RunningRegistry) -> None:
    payload = next_act(registry, ErasureBody((RecordKey("lender-1", record_id("loan")),), "x" * 70_000))
    assert refusal(lambda: propose(registry, payload))[1:4:2] == ("MALFORMED", "leaf.size")
    assert waiting(registry) == []


def test_a_proposal_lapses_after_seven_days(registry: RunningRegistry) -> None:
    payload = next_act(registry, new_lender(registry))
    propose(registry, payload)
    for _ in range(7):
        registry.world.clock.now += 86_400_000 - 1
        registry.app.housekeeping.beat()
    approve(registry, payload, FIRST)
    registry.world.clock.now += 10
    assert waiting(registry) == []
    refused = refusal(lambda: approve(registry, payload, SECOND))
    assert refused[:4] == ("NOT_FOUND", "PROPOSAL_UNKNOWN", "proposal_id", "proposal.waiting")
    registry.app.housekeeping.tidy()
    # Proposed anew, it needs both signatures again.
    assert not propose(registry, payload).HasField("receipt")


def test_what_a_proposal_decides_is_checked_before_anybody_signs(registry: RunningRegistry) -> None:
    cases: list[tuple[Body, str]] = [
        (new_lender(registry, "lender-1"), "ENROLMENT_INVALID"),
        (StateBody("nobody", InstitutionStatus.SUSPENDED), "INSTITUTION_UNKNOWN"),
        (StateBody("lender-1", InstitutionStatus.ACTIVE), "STATE_INVALID"),
        (KeyEndBody("lender-1", signer("lender-2 REPORT").public_key.key_id), "KEY_RANGE"),
        (ErasureBody((RecordKey("lender-1", record_id("unknown")),), "court order"), "RECORD_UNKNOWN"),
    ]
    for body, reason in cases:
        payload = next_act(registry, body)
        assert refusal(partial(propose, registry, payload)).reason == reason
    assert refusal(lambda: propose(registry, b"\xff")).reason == "MALFORMED"
    assert waiting(registry) == []


@pytest.mark.parametrize("impossible", [b"\xff" * 32, bytes(32), b"\x01" + bytes(31)])
def test_a_key_service_whose_key_cannot_be_is_refused_before_anybody_signs(
    registry: RunningRegistry, impossible: bytes
) -> None:
    before = registry.app.ledger.directory.state
    version = before.newest_subject_key_version + 1
    body = KeyServicesBody(KeyServices(version, (KeyService("c.example:443", impossible, "key-service-c"),)))
    refused = refusal(lambda: propose(registry, next_act(registry, body)))
    assert refused.reason == "MALFORMED"
    assert "voprf.public-key" in refused
    assert registry.app.ledger.directory.state == before


def test_a_rulebook_never_gives_a_dispute_more_days(registry: RunningRegistry) -> None:
    shorter = replace(registry.app.ledger.directory.rulebook, dispute_days=18)
    payload = next_act(registry, RulebookBody(shorter))
    propose(registry, payload)
    approve(registry, payload, SECOND)
    assert registry.app.ledger.directory.rulebook == shorter
    longer, elsewhere = replace(shorter, dispute_days=19), replace(shorter, time_zone="UTC")
    for rulebook, field in ((longer, "dispute_days"), (elsewhere, "time_zone")):
        refused = refusal(partial(propose, registry, next_act(registry, RulebookBody(rulebook))))
        assert (refused.reason, refused.field) == ("RULEBOOK_INVALID", field)


def test_signatures_must_be_the_peers_own_and_verify(registry: RunningRegistry) -> None:
    payload = next_act(registry, new_lender(registry))
    propose(registry, payload)
    theirs = refusal(lambda: approve(registry, payload, SECOND, f"{THIRD} ADMINISTER"))
    assert theirs[:4] == ("PERMISSION_DENIED", "PEER_MISMATCH", "approval.key_id", "peer.match")
    lender = refusal(lambda: approve(registry, payload, SECOND, "lender-1 REPORT"))
    assert lender[:3] == ("PERMISSION_DENIED", "ACT_SIGNATURE", "approval.key_id")
    wrong = approval(b"another payload", f"{SECOND} ADMINISTER")
    request = pb.ApproveActRequest(proposal_id=sha256(payload).digest(), approval=wrong)
    refused = refusal(lambda: registry.directory(SECOND).ApproveAct(request))
    assert refused[:3] == ("PERMISSION_DENIED", "SIGNATURE_INVALID", "approval.signature")
    short = pb.ApproveActRequest(proposal_id=sha256(payload).digest(), approval=pb.Approval(key_id=b"x"))
    assert refusal(lambda: registry.directory(SECOND).ApproveAct(short))[:2] == ("INVALID_ARGUMENT", "MALFORMED")
    unknown = pb.ApproveActRequest(proposal_id=bytes(32), approval=wrong)
    assert refusal(lambda: registry.directory(SECOND).ApproveAct(unknown)).reason == "PROPOSAL_UNKNOWN"


def test_new_administrators_sign_too_and_an_acting_one_brings_their_signatures(registry: RunningRegistry) -> None:
    joining = registry.world.enrolment("admin-4", (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER)
    # Of the new three, two are old: the old threshold alone is not the new one where the old ones leave.
    body = AdministratorsBody((joining,), ("admin-3", "admin-4", "admin-1"), 3)
    body = AdministratorsBody((joining,), tuple(sorted(body.administrators)), 3)
    payload = next_act(registry, body)
    propose(registry, payload)
    assert not approve(registry, payload, SECOND).HasField("receipt")
    assert not approve(registry, payload, THIRD).HasField("receipt")
    approved = approve(registry, payload, FIRST, "admin-4 ADMINISTER")
    assert approved.HasField("receipt")
    assert registry.app.ledger.directory.state.administrators == ("admin-1", "admin-3", "admin-4")


def test_a_log_in_the_future_is_corrected_by_an_act(registry: RunningRegistry) -> None:
    world, right = registry.world, registry.world.clock.now
    early = refusal(lambda: propose(registry, next_act(registry, ClockBody(right))))
    assert early[:4] == ("FAILED_PRECONDITION", "CORRECTION_INVALID", "clock", "clock.log-ahead")
    world.clock.jump(DAY_MS)
    world.confirm_clock(registry.app.ledger)
    registry.records("lender-1").Submit(submission_pb2.SubmitRequest(submission=world.report("lender-1", "loan")))
    world.clock.jump(-DAY_MS)
    world.clock.is_synchronised = True
    later = submission_pb2.SubmitRequest(submission=world.report("lender-1", "other"))
    ahead = refusal(lambda: registry.records("lender-1").Submit(later))
    assert ahead[:4] == ("UNAVAILABLE", "LOG_AHEAD", "logged_at", "clock.log-ahead")
    assert ahead.got == "a newest leaf 1 d ahead of the clock"
    excluded = refusal(lambda: propose(registry, next_act(registry, ClockBody(right + 1))))
    assert excluded[:4] == ("FAILED_PRECONDITION", "CORRECTION_INVALID", "not_before", "clock.not-before")
    payload = next_act(registry, ClockBody(right - 60_000))
    propose(registry, payload)
    assert approve(registry, payload, SECOND).HasField("receipt")
    assert registry.records("lender-1").Submit(later).result.outcome == submission_pb2.OUTCOME_ACCEPTED
    with registry.app.ledger.view() as view:
        assert view.logged_at == right


def test_an_erasure_by_order_takes_the_record_out_of_every_answer(registry: RunningRegistry) -> None:
    world = registry.world
    submission = world.report("lender-1", "loan")
    registry.records("lender-1").Submit(submission_pb2.SubmitRequest(submission=submission))
    payload = next_act(registry, ErasureBody((world.key("lender-1", "loan"),), "court order"))
    propose(registry, payload)
    assert approve(registry, payload, SECOND).HasField("receipt")
    bindings = registry.transparency("auditor").ListLiveBindings(transparency_pb2.ListLiveBindingsRequest())
    assert [item for page in bindings for item in page.bindings] == []
    again = next_act(registry, ErasureBody((world.key("lender-1", "loan"),), "court order"))
    assert refusal(lambda: propose(registry, again)).reason == "RECORD_ERASED"


@pytest.mark.parametrize("name", LENDERS[:1])
def test_members_who_are_no_administrators_see_acts_only(registry: RunningRegistry, name: str) -> None:
    with pytest.raises(grpc.RpcError):
        registry.directory(name).ListProposals(pb.ListProposalsRequest())
    assert registry.directory(name).ListActs(pb.ListActsRequest()).acts


def test_a_rulebook_that_the_settings_do_not_serve_is_refused_before_it_is_logged(registry: RunningRegistry) -> None:
    """Its registry would go on serving real persons, and not start again."""
    rulebook = replace(registry.app.ledger.directory.rulebook, review_days=365)
    payload = next_act(registry, RulebookBody(rulebook))
    refused = refusal(lambda: propose(registry, payload))
    assert (refused.reason, refused.rule) == ("RULEBOOK_INVALID", "rulebook.settings")
    assert "production is false" in refused.want
