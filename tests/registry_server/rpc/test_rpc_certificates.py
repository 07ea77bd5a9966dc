"""Certificates of a running registry: a TLS identity is the member's own, and nobody else gets one."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import grpc
import pytest
from creditregistry.v1 import certificate_pb2 as pb
from creditregistry.v1 import submission_pb2, transparency_pb2
from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceStub
from creditregistry.v1.record_service_pb2_grpc import RecordServiceStub
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import delete, insert, select

from client_sdk.clock import clock_ms
from client_sdk.kernel.formats.act import KeyEndBody, TlsKeyBody
from client_sdk.kernel.formats.tls_key import spki_hash
from client_sdk.kernel.formats.words import InstitutionStatus, TlsKeyAction
from client_sdk.signing import create_certificate_request
from registry_server.storage import schema, tls_keys
from registry_server.usecases.certificates import MAX_CLAIMS_PER_DAY, issue
from tests.conftest import postgres_database
from tests.support.handmade_log import signer
from tests.support.registry import Identity, claim_of, new_key, refusal, request_of, revoke, running_registry
from tests.support.registry_world import ADMINISTRATORS, AUDITOR
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from client_sdk.kernel.formats.tls_key import SignedClaim
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
    from tests.support.registry import Refused, RunningRegistry

ROGUE = ADMINISTRATORS[0]
DAY_MS = 86_400_000


def ask(registry: RunningRegistry, by: str, request: CertificateRequest, over: Identity | None = None) -> bytes:
    stub = DirectoryServiceStub(registry.channel(by, over))
    message = pb.IssueCertificateRequest(
        csr=request.csr, institution=request.institution, vouch=request.vouch.message()
    )
    return stub.IssueCertificate(message).certificate


def checkpoint(registry: RunningRegistry, institution: str, identity: Identity | None = None) -> None:
    stub = TransparencyServiceStub(registry.channel(institution, identity))
    stub.GetCheckpoint(transparency_pb2.GetCheckpointRequest(), timeout=30)


def refused_checkpoint(registry: RunningRegistry, institution: str, identity: Identity) -> str:
    return refusal(lambda: checkpoint(registry, institution, identity)).reason


def hash_of(identity: Identity) -> bytes:
    return spki_hash(x509.load_pem_x509_certificate(identity.certificate).public_key())


def on_record(registry: RunningRegistry, institution: str) -> set[bytes]:
    with registry.app.database.snapshot() as work:
        return {key.spki_hash for key in tls_keys.changed_since(work, 0) if key.institution == institution}


def test_an_administrator_carries_the_request_of_a_member_who_then_renews_by_itself(registry: RunningRegistry) -> None:
    registry.world.enrol_lender(registry.app.ledger, "lender-9")
    key = new_key()
    issued = ask(registry, ROGUE, request_of("lender-9", key))
    leaf, authority = x509.load_pem_x509_certificates(issued)
    leaf.verify_directly_issued_by(authority)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == ["creditregistry:institution:lender-9"]
    own = Identity(key, issued)
    checkpoint(registry, "lender-9", own)
    next_key = new_key()
    renewed = Identity(next_key, ask(registry, "lender-9", request_of("lender-9", next_key), own))
    checkpoint(registry, "lender-9", renewed)
    # The old key goes on until the member revokes it.
    checkpoint(registry, "lender-9", own)


def test_one_vouch_gives_one_certificate(registry: RunningRegistry) -> None:
    request = request_of("lender-1", new_key())
    first = ask(registry, ROGUE, request)
    assert ask(registry, ADMINISTRATORS[1], request) == first
    listed = DirectoryServiceStub(registry.channel("lender-1")).ListCertificates(pb.ListCertificatesRequest())
    assert [one.carried_by for one in listed.certificates if one.spki_hash == request.vouch.claim.spki_hash] == [ROGUE]


# What an administrator below the threshold may have in hand: requests and vouches of members that it carried, keys of
# its own, and everything that the log tells.


def vouched_by_itself(_: RunningRegistry, key: bytes) -> CertificateRequest:
    return request_of(AUDITOR, key, claim_of(AUDITOR, key, by=f"{ROGUE} ADMINISTER"))


def vouched_by_nobody(_: RunningRegistry, key: bytes) -> CertificateRequest:
    vouch = claim_of(AUDITOR, key, by=f"{ROGUE} ADMINISTER")
    return request_of(AUDITOR, key, replace(vouch, key_id=signer(f"{AUDITOR} AUDIT").public_key.key_id))


def vouch_for_another_key(_: RunningRegistry, key: bytes) -> CertificateRequest:
    return request_of(AUDITOR, key, claim_of(AUDITOR, new_key()))


def vouch_of_another_member(_: RunningRegistry, key: bytes) -> CertificateRequest:
    return request_of(AUDITOR, key, claim_of("lender-1", key))


def vouch_of_its_own(_: RunningRegistry, key: bytes) -> CertificateRequest:
    return request_of(AUDITOR, key, claim_of(ROGUE, key))


def vouch_for_another_registry(_: RunningRegistry, key: bytes) -> CertificateRequest:
    return request_of(AUDITOR, key, claim_of(AUDITOR, key, registry="another"))


def vouch_of_an_unknown_key(_: RunningRegistry, key: bytes) -> CertificateRequest:
    return request_of(AUDITOR, key, claim_of(AUDITOR, key, by="never enrolled"))


def vouch_of_an_ended_key(registry: RunningRegistry, key: bytes) -> CertificateRequest:
    request = request_of("lender-1", key)
    registry.world.decide(registry.app.ledger, KeyEndBody("lender-1", signer("lender-1 REPORT").public_key.key_id))
    return request


def vouch_of_tomorrow(_: RunningRegistry, key: bytes) -> CertificateRequest:
    return request_of(AUDITOR, key, claim_of(AUDITOR, key, now=clock_ms() + 6 * 60_000))


def vouch_that_is_a_revocation(_: RunningRegistry, key: bytes) -> CertificateRequest:
    return request_of(AUDITOR, key, claim_of(AUDITOR, key, TlsKeyAction.REVOKE))


def vouch_that_was_revoked(registry: RunningRegistry, key: bytes) -> CertificateRequest:
    request = request_of("lender-1", key)
    revoke(registry, "lender-1", Identity(key, ask(registry, ROGUE, request)))
    return request


def fresh_vouch_after_a_revocation(registry: RunningRegistry, key: bytes) -> CertificateRequest:
    vouch_that_was_revoked(registry, key)
    return request_of("lender-1", key)


def fresh_vouch_after_an_act(registry: RunningRegistry, key: bytes) -> CertificateRequest:
    request = request_of("lender-1", key)
    ended = TlsKeyBody("lender-1", request.vouch.claim.spki_hash, "theft")
    registry.world.decide(registry.app.ledger, ended)
    return request


def request_of_a_terminated_member(registry: RunningRegistry, key: bytes) -> CertificateRequest:
    registry.world.set_state(registry.app.ledger, "lender-3", InstitutionStatus.TERMINATED)
    return request_of("lender-3", key)


def request_in_another_name(_: RunningRegistry, key: bytes) -> CertificateRequest:
    return replace(request_of(AUDITOR, key), csr=create_certificate_request(key, ROGUE))


ATTEMPTS: list[tuple[Callable[[RunningRegistry, bytes], CertificateRequest], str]] = [
    (vouched_by_itself, "KEY_OF_ANOTHER"),
    (vouched_by_nobody, "SIGNATURE_INVALID"),
    (vouch_for_another_key, "TLS_CLAIM_MISMATCH"),
    (vouch_of_another_member, "TLS_CLAIM_MISMATCH"),
    (vouch_of_its_own, "TLS_CLAIM_MISMATCH"),
    (vouch_for_another_registry, "REGISTRY_OTHER"),
    (vouch_of_an_unknown_key, "KEY_UNKNOWN"),
    (vouch_of_tomorrow, "TIME_INVALID"),
    (vouch_that_is_a_revocation, "TLS_CLAIM_MISMATCH"),
    (vouch_that_was_revoked, "TLS_KEY_REVOKED"),
    (fresh_vouch_after_a_revocation, "TLS_KEY_REVOKED"),
    (fresh_vouch_after_an_act, "TLS_KEY_REVOKED"),
    (request_of_a_terminated_member, "INSTITUTION_TERMINATED"),
    (request_in_another_name, "CERTIFICATE_REQUEST_INVALID"),
    # Last: it ends a key with which others vouch.
    (vouch_of_an_ended_key, "KEY_RANGE"),
]


def test_an_administrator_below_the_threshold_gets_no_certificate_of_another_member(registry: RunningRegistry) -> None:
    told = {}
    for attempt, want in ATTEMPTS:
        key = new_key()
        request = attempt(registry, key)
        refused = refusal(partial(ask, registry, ROGUE, request))
        if refused.reason != want:
            told[attempt.__name__] = refused
    assert told == {}
    assert on_record(registry, AUDITOR) == set()


def test_requests_of_odd_bytes_are_refused(registry: RunningRegistry) -> None:
    good = request_of("lender-1", new_key())
    stub = registry.directory("lender-1")
    cases: list[tuple[pb.IssueCertificateRequest, str]] = [
        (pb.IssueCertificateRequest(institution="lender-1"), "MALFORMED"),
        (pb.IssueCertificateRequest(institution="lender-1", csr=good.csr), "MALFORMED"),
        (
            pb.IssueCertificateRequest(institution="lender-1", csr=b"\xff" * 20_000, vouch=good.vouch.message()),
            "CERTIFICATE_REQUEST_INVALID",
        ),
        (pb.IssueCertificateRequest(institution="nobody", csr=good.csr, vouch=good.vouch.message()), "NOT_PERMITTED"),
    ]
    short = good.vouch.message()
    short.signature = b"\x00"
    cases.append((pb.IssueCertificateRequest(institution="lender-1", csr=good.csr, vouch=short), "SIGNATURE_INVALID"))
    for message, reason in cases:
        assert refusal(partial(stub.IssueCertificate, message)).reason == reason
    assert refusal(lambda: ask(registry, ROGUE, replace(good, institution="nobody"))).reason == "TLS_CLAIM_MISMATCH"
    odd = pb.RevokeTlsKeyRequest()
    odd.revocation.payload = b"\xff"
    assert refusal(lambda: stub.RevokeTlsKey(odd)).reason == "MALFORMED"


def test_a_certificate_that_the_authority_alone_has_signed_opens_nothing(registry: RunningRegistry) -> None:
    forged = registry.forged(AUDITOR)
    assert refused_checkpoint(registry, AUDITOR, forged) == "TLS_KEY_NOT_VOUCHED"
    health = health_pb2_grpc.HealthStub(registry.channel(AUDITOR, forged))
    assert refusal(lambda: health.Check(health_pb2.HealthCheckRequest())).reason == "TLS_KEY_NOT_VOUCHED"
    # Another member's request is carried by administrators only, over a key that is vouched for.
    forged = registry.forged(ROGUE)
    other = request_of("lender-1", new_key())
    assert refusal(lambda: ask(registry, ROGUE, other, forged)).reason == "TLS_KEY_NOT_VOUCHED"


def test_after_the_end_of_the_vouching_key_another_signing_key_vouches_anew(registry: RunningRegistry) -> None:
    identity = registry.identity("lender-1")
    checkpoint(registry, "lender-1", identity)
    registry.world.decide(registry.app.ledger, KeyEndBody("lender-1", signer("lender-1 REPORT").public_key.key_id))
    assert refused_checkpoint(registry, "lender-1", identity) == "TLS_KEY_NOT_VOUCHED"
    stale = request_of("lender-1", identity.key)
    assert refusal(lambda: ask(registry, "lender-1", stale, identity)).reason == "KEY_RANGE"
    anew = request_of("lender-1", identity.key, claim_of("lender-1", identity.key, by="lender-1 INQUIRE"))
    ask(registry, "lender-1", anew, identity)
    checkpoint(registry, "lender-1", identity)


def test_a_member_revokes_a_key_over_itself_or_over_another_one_and_open_connections_end(
    registry: RunningRegistry,
) -> None:
    stolen, other = registry.identity("lender-1"), registry.identity("lender-1")
    opened = TransparencyServiceStub(registry.channel("lender-1", stolen))
    opened.GetCheckpoint(transparency_pb2.GetCheckpointRequest())
    at = revoke(registry, "lender-1", stolen, by=other)
    refused = refusal(lambda: opened.GetCheckpoint(transparency_pb2.GetCheckpointRequest()))
    assert refused[:4] == ("UNAUTHENTICATED", "TLS_KEY_REVOKED", "certificate", "tls-key.revoked")
    assert revoke(registry, "lender-1", stolen, by=other) == at
    anew = request_of("lender-1", stolen.key)
    assert refusal(lambda: ask(registry, "lender-1", anew, stolen)).reason == "TLS_KEY_REVOKED"
    revoke(registry, "lender-1", other)
    assert refused_checkpoint(registry, "lender-1", other) == "TLS_KEY_REVOKED"


def test_an_open_stream_takes_nothing_more_once_its_key_is_revoked(registry: RunningRegistry) -> None:
    identity, revoked = registry.identity("lender-1"), threading.Event()
    submission = registry.world.report("lender-1", "loan")

    def messages() -> Iterator[submission_pb2.SubmitBatchRequest]:
        yield submission_pb2.SubmitBatchRequest(header=submission_pb2.BatchHeader(count=1))
        revoked.wait(60)
        yield submission_pb2.SubmitBatchRequest(chunk=submission_pb2.BatchChunk(submissions=[submission]))

    call = RecordServiceStub(registry.channel("lender-1", identity)).SubmitBatch(messages(), timeout=120)
    wait_until(lambda: registry.app.metrics.get_sample_value("registry_calls_running") == 1)
    size = registry.app.status.ask()
    revoke(registry, "lender-1", identity)
    revoked.set()
    assert refusal(lambda: next(call)).reason == "TLS_KEY_REVOKED"
    assert registry.app.status.ask() == size


def test_nobody_revokes_for_another_member(registry: RunningRegistry) -> None:
    identity = registry.identity("lender-2")
    revocation = claim_of("lender-2", identity.key, TlsKeyAction.REVOKE)

    def send(by: str, signed: SignedClaim) -> Refused:
        stub = registry.directory(by)
        return refusal(lambda: stub.RevokeTlsKey(pb.RevokeTlsKeyRequest(revocation=signed.message())))

    assert send(ROGUE, revocation)[1:4] == ("PEER_MISMATCH", "claim.institution", "peer.match")
    forged = claim_of("lender-2", identity.key, TlsKeyAction.REVOKE, by=f"{ROGUE} ADMINISTER")
    assert send("lender-2", forged).reason == "KEY_OF_ANOTHER"
    assert send("lender-2", claim_of("lender-2", identity.key)).reason == "TLS_CLAIM_MISMATCH"
    checkpoint(registry, "lender-2", identity)


def test_administrators_end_a_key_by_an_act(registry: RunningRegistry) -> None:
    identity = registry.identity("lender-1")
    checkpoint(registry, "lender-1", identity)
    registry.world.decide(registry.app.ledger, TlsKeyBody("lender-1", hash_of(identity), "theft"))
    refused = refusal(lambda: checkpoint(registry, "lender-1", identity))
    assert refused[:4] == ("UNAUTHENTICATED", "TLS_KEY_REVOKED", "certificate", "tls-key.ended")
    checkpoint(registry, "lender-1", registry.identity("lender-1"))


def test_a_member_sees_its_certificates_and_an_administrator_that_there_are_some(registry: RunningRegistry) -> None:
    first, second = registry.identity("lender-1"), registry.identity("lender-1")
    revoke(registry, "lender-1", first)
    over = DirectoryServiceStub(registry.channel("lender-1", second))
    own = over.ListCertificates(pb.ListCertificatesRequest()).certificates
    standings = {one.spki_hash: (one.standing, bool(one.revoked_at)) for one in own}
    assert standings[hash_of(first)] == (pb.TLS_KEY_STANDING_REVOKED, True)
    assert standings[hash_of(second)] == (pb.TLS_KEY_STANDING_RUNNING, False)
    assert {one.vouching_key_id for one in own} == {signer("lender-1 REPORT").public_key.key_id}
    assert [one.issued_at for one in own] == sorted((one.issued_at for one in own), reverse=True)
    of_others = pb.ListCertificatesRequest(institution="lender-1")
    seen = registry.directory(ROGUE).ListCertificates(of_others).certificates
    assert list(seen) == [
        pb.IssuedCertificate(institution=one.institution, spki_hash=one.spki_hash, issued_at=one.issued_at)
        for one in own
    ]
    for curious in ("lender-2", AUDITOR):
        stub = registry.directory(curious)
        told = refusal(partial(stub.ListCertificates, of_others))
        assert told[:3] == ("PERMISSION_DENIED", "NOT_PERMITTED", "institution")
    unknown = pb.ListCertificatesRequest(institution="nobody")
    assert refusal(lambda: registry.directory(ROGUE).ListCertificates(unknown)).reason == "INSTITUTION_UNKNOWN"


def test_an_old_vouch_gives_nothing_any_more(registry: RunningRegistry) -> None:
    key, now = new_key(), clock_ms()
    old, newer = (request_of("lender-1", key, now=now - minutes * 60_000) for minutes in (2, 1))
    ask(registry, ROGUE, newer)
    assert refusal(lambda: ask(registry, ROGUE, old)).reason == "VOUCH_STALE"
    with pytest.raises(Exception, match="VOUCH_STALE"):
        issue(
            registry.app.database,
            registry.app.ledger.directory,
            registry.authority,
            newer,
            carried_by=ROGUE,
            now=now + 366 * DAY_MS,
        )


def test_a_member_has_so_many_certificates_a_day_and_revokes_all_the_same(registry: RunningRegistry) -> None:
    identity, now = registry.identity("lender-1"), clock_ms()
    key = new_key()
    for back in range(MAX_CLAIMS_PER_DAY - 1, 0, -1):
        request = request_of("lender-1", key, claim_of("lender-1", key, now=now - back))
        issue(
            registry.app.database,
            registry.app.ledger.directory,
            registry.authority,
            request,
            carried_by="lender-1",
            now=now,
        )
    refused = refusal(lambda: ask(registry, "lender-1", request_of("lender-1", key), identity))
    assert refused[1:4] == ("QUOTA_EXCEEDED", "claim", "tls-key.daily")
    unknown = claim_of("lender-1", new_key(), TlsKeyAction.REVOKE)
    stub = DirectoryServiceStub(registry.channel("lender-1", identity))
    again = pb.RevokeTlsKeyRequest(revocation=unknown.message())
    assert refusal(lambda: stub.RevokeTlsKey(again)).reason == "QUOTA_EXCEEDED"
    revoke(registry, "lender-1", identity)
    ask(registry, "lender-2", request_of("lender-2", new_key()))


def test_a_key_that_was_revoked_before_it_was_vouched_for_is_never_taken(registry: RunningRegistry) -> None:
    identity, key = registry.identity("lender-1"), new_key()
    revoke(registry, "lender-1", Identity(key, b""), by=identity)
    assert refusal(lambda: ask(registry, ROGUE, request_of("lender-1", key))).reason == "TLS_KEY_REVOKED"


def test_a_table_that_was_put_back_is_read_as_a_whole(registry: RunningRegistry) -> None:
    identity = registry.identity("lender-1")
    registry.app.standing.refresh()
    with registry.app.database.append() as work:
        before = work.connection.execute(select(schema.tls_keys)).all()
        work.connection.execute(delete(schema.tls_keys))
        work.commit()
    registry.app.standing.refresh()
    assert refused_checkpoint(registry, "lender-1", identity) == "TLS_KEY_NOT_VOUCHED"
    with registry.app.database.append() as work:
        work.connection.execute(insert(schema.tls_keys), [dict(row._mapping) for row in before])
        work.commit()
    checkpoint(registry, "lender-1", identity)


def test_another_process_on_the_same_database_notices_within_seconds(
    tmp_path: Path, postgres_url: str, postgres_template: str
) -> None:
    with (
        postgres_database(postgres_url, template=postgres_template) as url,
        running_registry(tmp_path, url) as first,
    ):
        identity, ended = first.identity("lender-1"), first.identity("lender-2")
        with running_registry(tmp_path, url, first.world) as second:
            # What the first has issued, the second reads when it is asked.
            checkpoint(second, "lender-1", identity)
            checkpoint(second, "lender-2", ended)
            revoke(first, "lender-1", identity)
            first.world.decide(first.app.ledger, TlsKeyBody("lender-2", hash_of(ended), "theft"))

            def told(institution: str, shown: Identity) -> str:
                try:
                    checkpoint(second, institution, shown)
                except grpc.RpcError:
                    return refused_checkpoint(second, institution, shown)
                return ""

            wait_until(lambda: told("lender-1", identity) == told("lender-2", ended) == "TLS_KEY_REVOKED")
