"""Who may call what: every kind of caller against every method of the contract, over real mutual TLS."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

import creditregistry.v1
import grpc
from creditregistry.v1.transparency_pb2 import GetCheckpointRequest
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub
from cryptography import x509
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2

from client_sdk.kernel.formats.act import KeyEndBody, KeyServicesBody, RetireKeyServicesBody, TlsKeyBody
from client_sdk.kernel.formats.state import KeyService, KeyServices
from client_sdk.kernel.formats.tls_key import spki_hash
from client_sdk.kernel.formats.words import InstitutionStatus, Role
from tests.support.handmade_log import signer, voprf_key
from tests.support.registry import refusal, revoke
from tests.support.registry_world import ADMINISTRATORS, AUDITOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.descriptor import MethodDescriptor

    from tests.support.registry import Identity, RunningRegistry

# What each kind of caller is told where a method is not for it.
REFUSED = {
    "lender": "NOT_PERMITTED",
    "representative": "NOT_PERMITTED",
    "suspended lender": "NOT_PERMITTED",
    "auditor": "NOT_PERMITTED",
    "administrator": "NOT_PERMITTED",
    "key service": "NOT_PERMITTED",
    "terminated lender": "INSTITUTION_TERMINATED",
    "removed key service": "CERTIFICATE_UNKNOWN",
    "unknown key service": "CERTIFICATE_UNKNOWN",
    "stranger": "CERTIFICATE_UNKNOWN",
    "lender, by the authority alone": "TLS_KEY_NOT_VOUCHED",
    "lender, vouching key ended": "TLS_KEY_NOT_VOUCHED",
    "lender, TLS key revoked": "TLS_KEY_REVOKED",
    "lender, TLS key ended by an act": "TLS_KEY_REVOKED",
    "no certificate": "UNAVAILABLE",
}
LENDERS = {"lender", "suspended lender"}
UNVOUCHED = {"lender, by the authority alone", "lender, vouching key ended"}
ASKERS = {*LENDERS, "representative"}
MEMBERS = {*ASKERS, "auditor", "administrator"}
ANY = {*MEMBERS, "key service"}
# For whom a method is. Whoever adds one says so here.
ALLOWED: Mapping[str, set[str]] = {
    "RecordService.Submit": LENDERS,
    "RecordService.SubmitBatch": LENDERS,
    "RecordService.ListRecords": LENDERS,
    "RecordService.GetReceipt": LENDERS,
    "RecordService.GetErasure": ASKERS,
    "DisputeService.Annotate": ASKERS,
    "DisputeService.GetAnnotation": ASKERS,
    "DisputeService.ListDisputes": ASKERS,
    "InboxService.ListNotices": ASKERS,
    "InboxService.FollowNotices": ASKERS,
    "InboxService.Acknowledge": ASKERS,
    "InquiryService.Check": ASKERS,
    "InquiryService.Screen": LENDERS,
    "InquiryService.ListInquiries": ASKERS,
    "InquiryService.GetInquiryReceipt": ASKERS,
    "SubjectAccessService.ListAskers": {"representative"},
    "SubjectAccessService.ListRecordLeaves": {"representative"},
    "SubjectAccessService.TakeAlerts": {"representative"},
    "SubjectAccessService.EndAlerts": {"representative"},
    "TransparencyService.GetCheckpoint": ANY,
    "TransparencyService.GetTile": ANY,
    "TransparencyService.GetDirectoryProof": ANY,
    "TransparencyService.GetStatistics": MEMBERS,
    "TransparencyService.ListLeaves": {"auditor"},
    "TransparencyService.ListLiveBindings": {"auditor"},
    "TransparencyService.ListInquiryLeaves": {"auditor"},
    "TransparencyService.PublishReplay": {"auditor"},
    "DirectoryService.ListActs": ANY,
    "DirectoryService.ProposeAct": {"administrator"},
    "DirectoryService.ListProposals": {"administrator"},
    "DirectoryService.ApproveAct": {"administrator"},
    "DirectoryService.IssueCertificate": MEMBERS | UNVOUCHED,
    "DirectoryService.RevokeTlsKey": MEMBERS,
    "DirectoryService.ListCertificates": MEMBERS,
    "Health.Check": ANY,
}
# Not served to anybody.
NOT_SERVED = {"Health.List", "Health.Watch"}
# Served by the key services, not by the registry.
ELSEWHERE = {"SubjectKeyService"}
# Fields that say that the caller was refused, and not what it sent.
ABOUT_THE_CALLER = {"method", "certificate"}


def methods() -> dict[str, MethodDescriptor]:
    """Every method of every service that the contract has, and those of the health service."""
    files = [
        importlib.import_module(f"creditregistry.v1.{module.name}").DESCRIPTOR
        for module in pkgutil.iter_modules(creditregistry.v1.__path__)
        if module.name.endswith("_pb2")
    ]
    services = [service for file in (*files, health_pb2.DESCRIPTOR) for service in file.services_by_name.values()]
    return {
        f"{service.name}.{method.name}": method
        for service in services
        if service.name not in ELSEWHERE
        for method in service.methods
    }


def outcome(channel: grpc.Channel, method: MethodDescriptor) -> str:
    """What an empty request comes to: "let in", or why its caller is refused."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    request, answer = GetMessageClass(method.input_type)(), GetMessageClass(method.output_type)
    kinds = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, True): channel.stream_stream,
    }
    make = kinds[method.client_streaming, method.server_streaming]
    call: Any = make(path, type(request).SerializeToString, answer.FromString)

    def first() -> None:
        sent = iter([request]) if method.client_streaming else request
        answered = call(sent, timeout=30)
        if method.server_streaming:
            next(iter(answered), None)
            answered.cancel()

    try:
        first()
    except grpc.RpcError:
        refused = refusal(first)
        if not refused.reason:
            return refused.status
        told = refused.field in ABOUT_THE_CALLER or refused.reason == "INTERNAL"
        return refused.reason if told else "let in"
    return "let in"


def key_of(identity: Identity) -> bytes:
    return spki_hash(x509.load_pem_x509_certificate(identity.certificate).public_key())


def callers(registry: RunningRegistry) -> Iterator[tuple[str, grpc.Channel]]:
    """Every kind of caller; what befell some of them happened after they had connected."""
    world, ledger = registry.world, registry.app.ledger
    for name in ("lender-7", "lender-8", "lender-9"):
        world.enrol_lender(ledger, name)
    world.enrol_lender(ledger, "office", Role.REPRESENTATIVE)
    first = KeyServices(2, (KeyService("c.example:443", voprf_key("key-service-c 2"), "key-service-c"),))
    world.decide(ledger, KeyServicesBody(first))
    identities = {
        "lender": registry.identity("lender-1"),
        "suspended lender": registry.identity("lender-2"),
        "representative": registry.identity("office"),
        "terminated lender": registry.identity("lender-3"),
        "auditor": registry.identity(AUDITOR),
        "administrator": registry.identity(ADMINISTRATORS[0]),
        "stranger": registry.identity("stranger"),
        "lender, by the authority alone": registry.forged("lender-1"),
        "lender, vouching key ended": registry.identity("lender-7"),
        "lender, TLS key revoked": registry.identity("lender-8"),
        "lender, TLS key ended by an act": registry.identity("lender-9"),
        "key service": registry.key_service("key-service-a"),
        "removed key service": registry.key_service("key-service-c"),
        "unknown key service": registry.key_service("key-service-z"),
    }
    channels = {kind: registry.channel(kind, identity) for kind, identity in identities.items()}
    connected = [kind for kind in identities if kind not in {"stranger", "lender, by the authority alone"}]
    for kind in connected:
        if kind != "unknown key service":
            TransparencyServiceStub(channels[kind]).GetCheckpoint(GetCheckpointRequest(), timeout=30)
    world.set_state(ledger, "lender-2", InstitutionStatus.SUSPENDED)
    world.set_state(ledger, "lender-3", InstitutionStatus.TERMINATED)
    world.decide(ledger, KeyEndBody("lender-7", signer("lender-7 REPORT").public_key.key_id))
    revoke(registry, "lender-8", identities["lender, TLS key revoked"])
    ended = key_of(identities["lender, TLS key ended by an act"])
    world.decide(ledger, TlsKeyBody("lender-9", ended, "theft"))
    world.decide(ledger, KeyServicesBody(world.key_services(3)))
    world.decide(ledger, RetireKeyServicesBody(2))
    yield from channels.items()
    bare = grpc.ssl_channel_credentials(registry.authority.certificate)
    with grpc.secure_channel(registry.target, bare) as without:
        yield "no certificate", without


def test_the_table_names_every_method_of_the_contract() -> None:
    assert set(ALLOWED) == set(methods()) - NOT_SERVED


def test_every_caller_may_call_what_the_table_says_and_nothing_else(registry: RunningRegistry) -> None:
    seen, wrong = set(), {}
    for kind, channel in callers(registry):
        seen.add(kind)
        for name, method in methods().items():
            want = "let in" if kind in ALLOWED.get(name, ()) else REFUSED[kind]
            if name in NOT_SERVED and kind != "no certificate":
                want = "UNIMPLEMENTED"
            got = outcome(channel, method)
            if got != want:
                wrong[kind, name] = f"{got}, want {want}"
    assert seen == set(REFUSED)
    assert wrong == {}
