"""The table of permissions names every method of the contract, and no other."""

from __future__ import annotations

import pytest
from creditregistry.v1 import (
    directory_service_pb2,
    dispute_service_pb2,
    inbox_service_pb2,
    inquiry_service_pb2,
    record_service_pb2,
    subject_access_service_pb2,
    transparency_service_pb2,
)
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from client_sdk.kernel.formats.words import Role
from registry_server.rpc.permissions import PERMISSIONS, UNVOUCHED, Caller
from registry_server.rpc.server import SERVICES
from registry_server.rpc.sizes import DEFAULT_BYTES, LONGEST_BYTES, REQUEST_BYTES
from registry_server.serving.guard import HEALTH_METHODS

FILES = (
    record_service_pb2,
    dispute_service_pb2,
    inbox_service_pb2,
    inquiry_service_pb2,
    subject_access_service_pb2,
    transparency_service_pb2,
    directory_service_pb2,
    health_pb2,
    reflection_pb2,
)
# Written down once more, so that a change of the table is a change of two files.
EXPECTED = {
    "RecordService": {"Submit": "L", "SubmitBatch": "L", "ListRecords": "L", "GetReceipt": "L", "GetErasure": "LR"},
    "DisputeService": {"Annotate": "LR", "GetAnnotation": "LR", "ListDisputes": "LR"},
    "InboxService": {"ListNotices": "LR", "FollowNotices": "LR", "Acknowledge": "LR"},
    "InquiryService": {"Check": "LR", "Screen": "L", "ListInquiries": "LR", "GetInquiryReceipt": "LR"},
    "SubjectAccessService": {"ListAskers": "R", "ListRecordLeaves": "R", "TakeAlerts": "R", "EndAlerts": "R"},
    "TransparencyService": {
        "GetCheckpoint": "LUARK",
        "GetTile": "LUARK",
        "GetDirectoryProof": "LUARK",
        "GetStatistics": "LUAR",
        "ListLeaves": "U",
        "ListLiveBindings": "U",
        "ListInquiryLeaves": "U",
        "PublishReplay": "U",
    },
    "DirectoryService": {
        "ListActs": "LUARK",
        "ProposeAct": "A",
        "ListProposals": "A",
        "ApproveAct": "A",
        "IssueCertificate": "LUAR",
        "ListCertificates": "LUAR",
        "RevokeTlsKey": "LUAR",
    },
    "Health": {"Check": "LUARK"},
    "ServerReflection": {"ServerReflectionInfo": "LUAR"},
}
# A stream that each caller could hold open for ever, and a method that the library does not serve.
NOT_SERVED = {"/grpc.health.v1.Health/Watch", "/grpc.health.v1.Health/List"}
LETTERS = {
    "L": Caller.LENDER,
    "U": Caller.AUDITOR,
    "A": Caller.ADMINISTRATOR,
    "K": Caller.KEY_SERVICE,
    "R": Caller.REPRESENTATIVE,
}


def contract_methods() -> set[str]:
    return {
        f"/{service.full_name}/{method.name}"
        for file in FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def test_every_method_has_a_row_and_every_row_a_method() -> None:
    assert set(PERMISSIONS) == contract_methods() - NOT_SERVED


def test_health_is_asked_by_calls_and_never_by_a_stream() -> None:
    health = health_pb2.DESCRIPTOR.services_by_name["Health"]
    assert {f"/{health.full_name}/{method.name}" for method in health.methods} - NOT_SERVED == HEALTH_METHODS
    assert set(PERMISSIONS) > HEALTH_METHODS


def test_every_request_with_a_size_of_its_own_is_one_of_the_contract() -> None:
    assert set(REQUEST_BYTES) < set(PERMISSIONS)
    assert max(*REQUEST_BYTES.values(), DEFAULT_BYTES) == LONGEST_BYTES


def test_a_member_whose_tls_key_nobody_vouches_for_may_ask_for_a_certificate_only() -> None:
    assert {"/creditregistry.v1.DirectoryService/IssueCertificate"} == UNVOUCHED


def test_the_server_serves_all_services() -> None:
    beside = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    assert {method.split("/")[1] for method in PERMISSIONS} == {*SERVICES} | beside


@pytest.mark.parametrize("method", sorted(PERMISSIONS))
def test_a_method_is_for_whom_the_design_says(method: str) -> None:
    service, name = method.rpartition(".")[2].split("/")
    assert PERMISSIONS[method] == {LETTERS[letter] for letter in EXPECTED[service][name]}


def test_every_role_is_a_caller() -> None:
    assert {Caller.of(role) for role in Role} | {Caller.KEY_SERVICE} == set(Caller)
