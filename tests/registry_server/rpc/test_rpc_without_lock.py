"""What is refused or repeated is answered while another process holds the lock of the head row; others take turns."""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import certificate_pb2
from creditregistry.v1 import proposal_pb2 as pb

from client_sdk.clock import clock_ms
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import Act, InstitutionBody
from client_sdk.kernel.formats.leaf import Approval
from client_sdk.kernel.formats.words import KeyUsage, Role, TlsKeyAction
from client_sdk.kernel.rules.dates import day_of
from registry_server.errors import RegistryError
from registry_server.sequencing.ledger import Ledger
from registry_server.storage import head, quotas
from registry_server.storage.quotas import QuotaKey
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.certificates import MAX_CLAIMS_PER_DAY, Certificates, issue
from registry_server.usecases.proposals import MAX_OF_PROPOSER, Proposals
from registry_server.usecases.standing import PeerStanding
from tests.support.handmade_log import signer
from tests.support.registry import claim_of, new_key, refusal, request_of
from tests.support.registry_world import ADMINISTRATORS, DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk.kernel.formats.tls_key import SignedClaim
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
    from registry_server.storage.unit_of_work import UnitOfWork
    from tests.support.registry import RunningRegistry

MEMBER = "lender-1"
FIRST, SECOND, THIRD = ADMINISTRATORS


@contextmanager
def locked_head(registry: RunningRegistry) -> Iterator[None]:
    """Another connection that holds the lock: whoever wants it is told after ten seconds that it is busy."""
    with Database(registry.app.settings.database, serving=False) as other, other.append() as work:
        assert head.lock(work) is not None
        yield


def revocation_of(key: bytes) -> SignedClaim:
    return claim_of(MEMBER, key, TlsKeyAction.REVOKE)


def revoke(registry: RunningRegistry, revocation: SignedClaim) -> int:
    request = certificate_pb2.RevokeTlsKeyRequest(revocation=revocation.message())
    return registry.directory(MEMBER).RevokeTlsKey(request).revoked_at


def ask(registry: RunningRegistry, request: CertificateRequest) -> bytes:
    message = certificate_pb2.IssueCertificateRequest(
        csr=request.csr, institution=request.institution, vouch=request.vouch.message()
    )
    return registry.directory(MEMBER).IssueCertificate(message).certificate


def use_up_the_day(registry: RunningRegistry, but: int = 0) -> None:
    """Let a member have so many certificates left for today."""
    zone, now = registry.app.ledger.directory.rulebook.time_zone, clock_ms()
    # Of two days: one may end while the test runs.
    days = {day_of(moment, zone).isoformat() for moment in (now, now + DAY_MS)}
    with registry.app.database.append() as work:
        quotas.add(work, {QuotaKey(MEMBER, quotas.CERTIFICATES, day): MAX_CLAIMS_PER_DAY - but for day in days})
        work.commit()


def enrolling_act(registry: RunningRegistry, name: str) -> bytes:
    state = registry.app.ledger.directory.state
    body = InstitutionBody(registry.world.enrolment(name, (Role.LENDER,), KeyUsage.REPORT))
    return Act(state.registry, state.act_number + 1, state.act_hash, body).encode()


def approval(payload: bytes, by: str) -> pb.Approval:
    own = signer(f"{by} ADMINISTER")
    return pb.Approval(key_id=own.public_key.key_id, signature=dsse.sign(own, dsse.ACT, payload))


def propose(registry: RunningRegistry, payload: bytes) -> pb.Proposal:
    request = pb.ProposeActRequest(payload=payload, approval=approval(payload, FIRST))
    return registry.directory(FIRST).ProposeAct(request).proposal


def approve(registry: RunningRegistry, payload: bytes, by: str) -> pb.Proposal:
    request = pb.ApproveActRequest(proposal_id=sha256(payload).digest(), approval=approval(payload, by))
    return registry.directory(by).ApproveAct(request).proposal


def test_refused_and_repeated_calls_for_certificates(registry: RunningRegistry) -> None:
    known, unknown, now = new_key(), new_key(), clock_ms()
    older, newer = (request_of(MEMBER, known, now=now - minutes * 60_000) for minutes in (2, 1))
    issued = ask(registry, newer)
    ended = new_key()
    revoked_at = revoke(registry, revocation_of(ended))
    use_up_the_day(registry)
    with locked_head(registry):
        assert ask(registry, newer) == issued
        assert revoke(registry, revocation_of(ended)) == revoked_at
        assert refusal(lambda: ask(registry, older)).reason == "VOUCH_STALE"
        assert refusal(lambda: ask(registry, request_of(MEMBER, ended))).reason == "TLS_KEY_REVOKED"
        assert refusal(lambda: ask(registry, request_of(MEMBER, known))).reason == "QUOTA_EXCEEDED"
        assert refusal(lambda: revoke(registry, revocation_of(unknown))).reason == "QUOTA_EXCEEDED"
    # A key on record is revoked all the same.
    assert revoke(registry, revocation_of(known)) >= now


def test_refused_and_repeated_proposals(registry: RunningRegistry) -> None:
    payloads = [enrolling_act(registry, f"lender-{number}") for number in range(10, 11 + MAX_OF_PROPOSER)]
    for payload in payloads[:-1]:
        propose(registry, payload)
    registry.directory(SECOND)
    with locked_head(registry):
        assert len(propose(registry, payloads[0]).approvals) == 1
        assert len(approve(registry, payloads[0], FIRST).approvals) == 1
        assert refusal(lambda: propose(registry, payloads[-1])).reason == "TOO_MANY_PROPOSALS"
        assert refusal(lambda: approve(registry, payloads[-1], SECOND)).reason == "PROPOSAL_UNKNOWN"
    assert len(approve(registry, payloads[0], SECOND).approvals) == 2


class Overtaken(Database):
    """A database in which somebody else commits between what a call has read and its turn to write.

    Args:
        registry: whose database.

    Attributes:
        before: what somebody else does, once.
    """

    def __init__(self, registry: RunningRegistry) -> None:
        super().__init__(registry.app.settings.database, serving=False)
        self.before: list[Callable[[], object]] = []

    @contextmanager
    def append(self) -> Iterator[UnitOfWork]:
        while self.before:
            self.before.pop()()
        with super().append() as work:
            yield work


def issue_overtaken(registry: RunningRegistry, request: CertificateRequest, before: Callable[[], object]) -> bytes:
    ledger = registry.app.ledger
    with Overtaken(registry) as database:
        database.before.append(before)
        issued, _ = issue(database, ledger.directory, registry.authority, request, carried_by=MEMBER, now=clock_ms())
    return issued.certificate


def test_a_certificate_is_decided_once_more_when_its_turn_has_come(registry: RunningRegistry) -> None:
    key, others = new_key(), new_key()
    request = request_of(MEMBER, key)
    given: list[bytes] = []
    assert issue_overtaken(registry, request, lambda: given.append(ask(registry, request))) in given[0]
    again = request_of(MEMBER, key)
    with pytest.raises(RegistryError, match="TLS_KEY_REVOKED"):
        issue_overtaken(registry, again, lambda: revoke(registry, revocation_of(key)))
    use_up_the_day(registry, but=2)
    with pytest.raises(RegistryError, match="QUOTA_EXCEEDED"):
        issue_overtaken(registry, request_of(MEMBER, others), lambda: use_up_the_day(registry))


@contextmanager
def overtaken_ledger(registry: RunningRegistry, before: Callable[[], object]) -> Iterator[Ledger]:
    """The ledger of another process on the same database."""
    with (
        Overtaken(registry) as database,
        Ledger.open(database, registry.app.register, registry.world.log_signer, registry.world.clock) as ledger,
    ):
        # Opening it stores the newest checkpoint once more.
        database.before.append(before)
        yield ledger


def test_a_revocation_is_decided_once_more_when_its_turn_has_come(registry: RunningRegistry) -> None:
    key = new_key()
    revocation = revocation_of(key)
    given: list[int] = []
    with overtaken_ledger(registry, lambda: given.append(revoke(registry, revocation))) as ledger:
        certificates = Certificates(ledger, registry.authority, PeerStanding(ledger), clock_ms)
        assert [certificates.revoke(MEMBER, revocation)] == given
    use_up_the_day(registry, but=2)
    with overtaken_ledger(registry, lambda: use_up_the_day(registry)) as ledger:
        certificates = Certificates(ledger, registry.authority, PeerStanding(ledger), clock_ms)
        with pytest.raises(RegistryError, match="QUOTA_EXCEEDED"):
            certificates.revoke(MEMBER, revocation_of(new_key()))


def test_a_proposal_is_decided_once_more_when_its_turn_has_come(registry: RunningRegistry) -> None:
    payloads = [enrolling_act(registry, f"lender-{number}") for number in range(10, 11 + MAX_OF_PROPOSER)]
    for payload in payloads[:-2]:
        propose(registry, payload)
    given = approval(payloads[-1], FIRST)
    with (
        overtaken_ledger(registry, lambda: propose(registry, payloads[-2])) as ledger,
        pytest.raises(RegistryError, match="TOO_MANY_PROPOSALS"),
    ):
        Proposals(ledger).propose(FIRST, payloads[-1], Approval(given.key_id, given.signature))
    signature = approval(payloads[0], SECOND)
    by_second = Approval(signature.key_id, signature.signature)
    with overtaken_ledger(registry, lambda: approve(registry, payloads[0], THIRD)) as ledger:
        became = Proposals(ledger).approve(SECOND, sha256(payloads[0]).digest(), by_second)
    # The third administrator's signature has logged the act meanwhile.
    assert became.receipt is not None
    assert by_second not in became.stored.approvals
