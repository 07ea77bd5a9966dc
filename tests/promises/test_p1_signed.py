"""P1, Signed: whoever is not the lender tries to speak for it, and server, SDK and audit say no."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2
from creditregistry.v1 import submission_pb2 as pb

from client_sdk.auditing.audit import audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.source import RegistrySource
from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.act import (
    ClosingBody,
    EndingBody,
    ErasureBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    ReviewBody,
    RulebookBody,
    StateBody,
    SuccessionBody,
    grant_key,
)
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import ClosingWay, InstitutionStatus, KeyUsage, Role, Standing
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from tests.support.handmade_evidence import AnsweringRegistry, pseudonym
from tests.support.handmade_log import REGISTRY, HandmadeLog, record_id, signer
from tests.support.production import BREACH, REVIEW
from tests.support.registry import refusal
from tests.support.transparency_server import HandmadeRegistry, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.kernel.formats.act import Body
    from tests.support.registry import RunningRegistry

REVOKED = "lender-1 second REPORT"
# Whose key signs a statement in the name of lender-1, and what the server says to it.
IMPOSTORS = {
    "admin-1 ADMINISTER": "KEY_OF_ANOTHER",
    "auditor AUDIT": "KEY_OF_ANOTHER",
    "lender-2 REPORT": "KEY_OF_ANOTHER",
    "log": "KEY_UNKNOWN",
    "nobody": "KEY_UNKNOWN",
    "lender-1 INQUIRE": "KEY_USAGE",
    REVOKED: "KEY_RANGE",
}


def size_of(running: RunningRegistry) -> int:
    with running.app.ledger.view() as view:
        return view.size


def give_and_end(running: RunningRegistry) -> None:
    """A second key of lender-1, given by one act and ended by another."""
    second = signer(REVOKED)
    grant = grant_key(REGISTRY, "lender-1", second, KeyUsage.REPORT, endorser=signer("lender-1 REPORT"))
    running.world.decide(running.app.ledger, KeyGrantBody("lender-1", grant))
    running.world.decide(running.app.ledger, KeyEndBody("lender-1", second.public_key.key_id))


@pytest.mark.parametrize("impostor", IMPOSTORS)
def test_p1_only_a_lender_speaks_for_a_lender(running: RunningRegistry, impostor: str) -> None:
    """Signed. Only a lender, or the successor that a logged act gave it, speaks for a lender. Administrators can
    silence, never accuse: the server refuses what any other key has signed.
    """
    if impostor == REVOKED:
        give_and_end(running)
    stub = running.records("lender-1")
    message = running.world.report("lender-1", "invented")
    key = signer(impostor)
    message.statement.key_id = key.public_key.key_id
    message.statement.signature = dsse.sign(key, dsse.STATEMENT, message.statement.payload)
    size = size_of(running)
    result = stub.Submit(pb.SubmitRequest(submission=message)).result
    assert (result.outcome, result.violation.reason) == (pb.OUTCOME_REFUSED, IMPOSTORS[impostor])
    assert size_of(running) == size


@pytest.mark.parametrize("peer", ["admin-1", "auditor", "lender-2"])
def test_p1_nobody_hands_in_what_a_lender_has_signed(running: RunningRegistry, peer: str) -> None:
    message = running.world.report("lender-1", "loan")
    size = size_of(running)
    if peer == "lender-2":
        result = running.records(peer).Submit(pb.SubmitRequest(submission=message)).result
        assert result.violation.reason == "PEER_MISMATCH"
    else:
        assert refusal(lambda: running.records(peer).Submit(pb.SubmitRequest(submission=message))).reason == (
            "NOT_PERMITTED"
        )
    assert size_of(running) == size


def decisions(running: RunningRegistry) -> Iterator[Body]:
    """What administrators may decide about a lender and its record."""
    world = running.world
    grant = grant_key(REGISTRY, "lender-2", signer("further"), KeyUsage.REPORT, endorser=signer("lender-2 REPORT"))
    yield KeyGrantBody("lender-2", grant)
    yield KeyEndBody("lender-1", signer("lender-1 REPORT").public_key.key_id)
    yield RulebookBody(replace(Rulebook(), dispute_days=10))
    yield InstitutionBody(world.enrolment("lender-9", (Role.LENDER,), KeyUsage.INQUIRE, KeyUsage.REPORT))
    yield ReviewBody("lender-1", replace(REVIEW, reviewed_on=day_of(world.clock(), "Asia/Shanghai")))
    yield replace(BREACH, noticed_at=world.clock())
    yield StateBody("lender-1", InstitutionStatus.SUSPENDED)
    yield SuccessionBody("lender-1", "lender-2", "merger")
    yield EndingBody("lender-1", "bankruptcy")
    yield ClosingBody(ClosingWay.DESTROY, "2099-12-31", "(2026) 41", bytes(32))
    yield ErasureBody((world.key("lender-1", "loan"),), "court order")


def test_p1_administrators_silence_and_never_accuse(running: RunningRegistry) -> None:
    """No act opens a record, adds a version or brings a person into the map; the last of these takes one out."""
    world, ledger = running.world, running.app.ledger
    running.records("lender-1").Submit(pb.SubmitRequest(submission=world.report("lender-1", "loan")))
    key = world.key("lender-1", "loan")
    bound = []
    for body in decisions(running):
        world.decide(ledger, body)
        with ledger.view() as view:
            record = view.stored_record(key)
            assert record is not None
            assert (record.chain.version, record.chain.standing) == (1, Standing.OPEN)
            bound.append(len(list(view.live_bindings())))
    assert bound == [1] * (len(bound) - 1) + [0]


def test_p1_a_successor_ends_what_it_took_over_and_accuses_nobody(running: RunningRegistry) -> None:
    world, ledger = running.world, running.app.ledger
    running.records("lender-1").Submit(pb.SubmitRequest(submission=world.report("lender-1", "loan")))
    running.records("lender-1").Submit(pb.SubmitRequest(submission=world.report("lender-1", "other")))
    too_early = world.report("lender-1", "loan", Standing.CURED, signer="lender-2")
    successor = running.records("lender-2")
    assert successor.Submit(pb.SubmitRequest(submission=too_early)).result.outcome == pb.OUTCOME_REFUSED
    world.set_state(ledger, "lender-1", InstitutionStatus.TERMINATED, "lender-2")
    worse = world.report("lender-1", "new", signer="lender-2")
    assert successor.Submit(pb.SubmitRequest(submission=worse)).result.outcome == pb.OUTCOME_REFUSED
    withdrawn = world.report("lender-1", "other", Standing.WITHDRAWN, signer="lender-2")
    assert successor.Submit(pb.SubmitRequest(submission=withdrawn)).result.outcome == pb.OUTCOME_ACCEPTED


FORGED = ("the log", "admin-1 ADMINISTER", "lender-2 REPORT", "lender-1 INQUIRE")


@pytest.mark.parametrize("impostor", FORGED)
def test_p1_the_registry_with_all_its_keys_forges_no_record(tmp_path: Path, impostor: str) -> None:
    """Whoever has the log's key and the database logs a forged record under a root that it signs itself: the asker's
    verifier refuses the answer, and the audit names the leaf.
    """
    log = HandmadeLog()
    log.say("lender-1", "debt", subject="listed")
    log.head()
    place = log.say("lender-1", "invented", subject="victim", by=signer("log" if impostor == "the log" else impostor))
    registry = AnsweringRegistry(log)
    secret = log.secret("invented", 1, "victim")[0]
    shown = evidence_pb2.LiveRecord(
        index=place, leaf=log.leaves[place], opening=secret.opening, disclosure=secret.disclosure
    )
    registry.records[pseudonym("victim")] = [shown]
    evidence = canonical.encode(registry.answer("lender-2", "victim"))
    with pytest.raises((FormatError, RuleError)):
        Verifier(log.trust_root).verify_file(evidence)
    with serve(HandmadeRegistry(log)) as channel:
        report = audit(RegistrySource(channel), AuditHome(tmp_path), log.trust_root, now_ms=log.logged_at)
    found = {(item.finding.id, item.finding.leaf_index) for item in report.findings}
    assert found & {(id_, place) for id_ in (FindingId.KEY_OWNER, FindingId.KEY_USAGE)}
    assert RecordKey("lender-1", record_id("invented")) not in log.state.chains
