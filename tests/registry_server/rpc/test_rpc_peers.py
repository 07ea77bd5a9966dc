"""Who may talk to a registry: certificates, roles, states."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from creditregistry.v1 import check_pb2, proposal_pb2, submission_pb2, transparency_pb2
from creditregistry.v1.record_service_pb2_grpc import RecordServiceStub
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from client_sdk.clock import clock_ms
from client_sdk.kernel.formats.tls_key import spki_hash
from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.kernel.ledger.holder import Holder, HolderKind
from client_sdk.signing import create_certificate_request
from registry_server.certificates.authority import CertificateAuthority
from registry_server.errors import RegistryError
from registry_server.serving.identity import peer_of
from tests.support.handmade_log import REGISTRY
from tests.support.registry import new_key, refusal
from tests.support.registry_world import ADMINISTRATORS, AUDITOR, LENDERS
from tests.support.tls import Authority

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import DatabaseKind
    from tests.support.registry import RunningRegistry

    Bare = grpc.UnaryUnaryMultiCallable[bytes, bytes]

DAY_MS = 86_400_000
YEAR_MS = 366 * DAY_MS


@pytest.fixture
def database_kind() -> DatabaseKind:
    """Who may talk is decided before anything is stored."""
    return "sqlite"


def cannot_connect(registry: RunningRegistry, credentials: grpc.ChannelCredentials) -> str:
    """The status of a call that TLS does not let through."""
    with grpc.secure_channel(registry.target, credentials) as channel, pytest.raises(grpc.RpcError) as caught:
        TransparencyServiceStub(channel).GetCheckpoint(transparency_pb2.GetCheckpointRequest(), timeout=10)
    assert isinstance(caught.value, grpc.Call)
    return str(caught.value.code().name)


def test_a_client_without_certificate_is_refused(registry: RunningRegistry) -> None:
    assert cannot_connect(registry, grpc.ssl_channel_credentials(registry.authority.certificate)) == "UNAVAILABLE"


def test_an_expired_certificate_is_refused(registry: RunningRegistry) -> None:
    expired = registry.identity("lender-1", now=clock_ms() - YEAR_MS)
    credentials = grpc.ssl_channel_credentials(registry.authority.certificate, expired.key, expired.certificate)
    assert cannot_connect(registry, credentials) == "UNAVAILABLE"


def test_a_certificate_of_another_authority_is_refused(registry: RunningRegistry, tmp_path: Path) -> None:
    foreign = CertificateAuthority.create(tmp_path / "foreign", REGISTRY, clock_ms())
    key = new_key()
    certificate = foreign.issue_for_institution(create_certificate_request(key, "lender-1"), "lender-1", clock_ms())
    credentials = grpc.ssl_channel_credentials(registry.authority.certificate, key, certificate)
    assert cannot_connect(registry, credentials) == "UNAVAILABLE"


def test_a_plain_connection_is_refused(registry: RunningRegistry) -> None:
    with grpc.insecure_channel(registry.target) as channel, pytest.raises(grpc.RpcError):
        TransparencyServiceStub(channel).GetCheckpoint(transparency_pb2.GetCheckpointRequest(), timeout=10)


def test_another_members_certificate_does_not_speak_for_a_signer(registry: RunningRegistry) -> None:
    submission = registry.world.report("lender-1", "loan")
    result = registry.records("lender-2").Submit(submission_pb2.SubmitRequest(submission=submission)).result
    violation = result.violation
    assert (violation.reason, violation.field, violation.rule) == (
        "PEER_MISMATCH",
        "statement.signer",
        "peer.match",
    )
    assert (violation.got, violation.want) == ("lender-1", "lender-2")


def test_a_certificate_of_nobody_enrolled_is_refused(registry: RunningRegistry) -> None:
    stub = registry.transparency("stranger")
    refused = refusal(lambda: stub.GetCheckpoint(transparency_pb2.GetCheckpointRequest()))
    assert refused[:4] == ("UNAUTHENTICATED", "CERTIFICATE_UNKNOWN", "certificate", "institution.member")


def test_a_terminated_member_is_refused_and_a_suspended_one_reads(registry: RunningRegistry) -> None:
    stub = registry.transparency("lender-3")
    stub.GetCheckpoint(transparency_pb2.GetCheckpointRequest())
    registry.world.set_state(registry.app.ledger, "lender-3", InstitutionStatus.SUSPENDED)
    stub.GetCheckpoint(transparency_pb2.GetCheckpointRequest())
    registry.world.set_state(registry.app.ledger, "lender-3", InstitutionStatus.TERMINATED)
    refused = refusal(lambda: stub.GetCheckpoint(transparency_pb2.GetCheckpointRequest()))
    assert refused[:4] == ("PERMISSION_DENIED", "INSTITUTION_TERMINATED", "certificate", "institution.state")


@pytest.mark.parametrize("name", [AUDITOR, ADMINISTRATORS[0]])
def test_only_lenders_report_and_ask(registry: RunningRegistry, name: str) -> None:
    calls = [
        lambda: registry.records(name).Submit(submission_pb2.SubmitRequest()),
        lambda: list(registry.records(name).SubmitBatch(iter(()))),
        lambda: list(registry.records(name).ListRecords(submission_pb2.ListRecordsRequest())),
        lambda: registry.inquiries(name).Check(check_pb2.CheckRequest()),
    ]
    for call in calls:
        assert refusal(call)[:4] == ("PERMISSION_DENIED", "NOT_PERMITTED", "method", "permissions")


@pytest.mark.parametrize("name", [LENDERS[0], ADMINISTRATORS[0]])
def test_only_auditors_read_leaves_and_bindings(registry: RunningRegistry, name: str) -> None:
    stub = registry.transparency(name)
    calls = [
        lambda: list(stub.ListLeaves(transparency_pb2.ListLeavesRequest(start=0, end=1))),
        lambda: list(stub.ListLiveBindings(transparency_pb2.ListLiveBindingsRequest())),
        lambda: list(stub.ListInquiryLeaves(transparency_pb2.ListInquiryLeavesRequest())),
    ]
    for call in calls:
        assert refusal(call).reason == "NOT_PERMITTED"


@pytest.mark.parametrize("name", [LENDERS[0], AUDITOR])
def test_only_administrators_decide(registry: RunningRegistry, name: str) -> None:
    stub = registry.directory(name)
    calls = [
        lambda: stub.ProposeAct(proposal_pb2.ProposeActRequest()),
        lambda: stub.ListProposals(proposal_pb2.ListProposalsRequest()),
        lambda: stub.ApproveAct(proposal_pb2.ApproveActRequest()),
    ]
    for call in calls:
        refused = refusal(call)
        assert refused.reason == "NOT_PERMITTED"
        assert refused.want == "ADMINISTRATOR"


def test_key_services_read_acts_and_the_directory_and_nothing_else(registry: RunningRegistry) -> None:
    channel = registry.channel("key-service-a", registry.key_service("key-service-a"))
    transparency = TransparencyServiceStub(channel)
    transparency.GetCheckpoint(transparency_pb2.GetCheckpointRequest())
    transparency.GetDirectoryProof(transparency_pb2.GetDirectoryProofRequest(institutions=["lender-1"]))
    refused = refusal(lambda: list(transparency.ListLeaves(transparency_pb2.ListLeavesRequest(start=0, end=1))))
    assert (refused.reason, refused.got) == ("NOT_PERMITTED", "KEY_SERVICE")
    refused = refusal(lambda: RecordServiceStub(channel).Submit(submission_pb2.SubmitRequest()))
    assert refused.reason == "NOT_PERMITTED"


def test_the_health_service_tells_members_and_nobody_else(registry: RunningRegistry) -> None:
    health = health_pb2_grpc.HealthStub(registry.channel(AUDITOR))
    for service in ("", "creditregistry.v1.RecordService", "creditregistry.v1.InquiryService"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    unknown = refusal(lambda: health.Check(health_pb2.HealthCheckRequest(service="nothing")))
    assert unknown.status == "NOT_FOUND"
    stranger = health_pb2_grpc.HealthStub(registry.channel("stranger"))
    assert refusal(lambda: stranger.Check(health_pb2.HealthCheckRequest())).reason == "CERTIFICATE_UNKNOWN"
    terminated = health_pb2_grpc.HealthStub(registry.channel("lender-3"))
    registry.world.set_state(registry.app.ledger, "lender-3", InstitutionStatus.TERMINATED)
    assert refusal(lambda: terminated.Check(health_pb2.HealthCheckRequest())).reason == "INSTITUTION_TERMINATED"


def test_health_is_not_told_by_a_stream(registry: RunningRegistry) -> None:
    health = health_pb2_grpc.HealthStub(registry.channel("lender-1"))
    # By the health protocol a client of gRPC that checks health by itself takes the server for healthy then.
    assert refusal(lambda: list(health.Watch(health_pb2.HealthCheckRequest()))).status == "UNIMPLEMENTED"


def test_an_unknown_method_is_unknown(registry: RunningRegistry) -> None:
    call: Bare = registry.channel("lender-1").unary_unary("/creditregistry.v1.RecordService/Nothing")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"")
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    "names",
    [
        [],
        [b"localhost"],
        [b"creditregistry:institution:lender-1", b"creditregistry:institution:lender-2"],
        [b"creditregistry:bank:lender-1"],
        [b"creditregistry:institution:Lender"],
    ],
)
def test_a_certificate_must_name_one_holder(names: list[bytes]) -> None:
    with pytest.raises(RegistryError) as caught:
        peer_of({"x509_subject_alternative_name": names})
    assert caught.value.reason == "CERTIFICATE_UNKNOWN"


def test_a_certificate_that_ended_is_good_on_no_connection_that_was_made_before() -> None:
    for lifetime, ended in ((timedelta(hours=2), False), (timedelta(minutes=-1), True)):
        shown = Authority().member("lender-1", lifetime=lifetime).certificate
        context = {"x509_subject_alternative_name": [b"creditregistry:institution:lender-1"], "x509_pem_cert": [shown]}
        if not ended:
            assert peer_of(context).holder.name == "lender-1"
            continue
        with pytest.raises(RegistryError) as caught:
            peer_of(context)
        assert (caught.value.reason, caught.value.rule) == ("CERTIFICATE_UNKNOWN", "certificate.ended")


def test_holder_and_key_are_read_from_the_certificate(registry: RunningRegistry) -> None:
    shown = registry.identity("lender-1").certificate
    names = [b"localhost", b"creditregistry:key-service:key-service-a"]
    key = spki_hash(x509.load_pem_x509_certificate(shown).public_key())
    peer = peer_of({"x509_subject_alternative_name": names, "x509_pem_cert": [shown]})
    assert peer == (Holder(HolderKind.KEY_SERVICE, "key-service-a"), key)
    for unreadable in ([], [b""], [b"no certificate"]):
        with pytest.raises(RegistryError) as caught:
            peer_of({"x509_subject_alternative_name": names, "x509_pem_cert": unreadable})
        assert caught.value.rule == "certificate.key"
