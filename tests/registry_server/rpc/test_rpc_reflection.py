"""gRPC server reflection: the contract, for members, where the operator has switched it on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from client_sdk.testing import TestRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator


WAIT_SECONDS = 60.0


@pytest.fixture(scope="module", params=[True, False], ids=["on", "off"])
def registry(request: pytest.FixtureRequest) -> Iterator[tuple[TestRegistry, bool]]:
    with TestRegistry(environment={"REGISTRY_REFLECTION": str(request.param)}) as running:
        yield running, request.param


def ask(registry: TestRegistry, member: str, *requests: Any) -> list[Any]:
    tls = registry.home(member) / "tls"
    files = ((tls / name).read_bytes() for name in ("ca.pem", "key.pem", "certificate.pem"))
    with grpc.secure_channel(registry.address, grpc.ssl_channel_credentials(*files)) as channel:
        return list(ServerReflectionStub(channel).ServerReflectionInfo(iter(requests), timeout=WAIT_SECONDS))


def test_members_read_the_contract_where_it_is_switched_on(registry: tuple[TestRegistry, bool]) -> None:
    running, on = registry
    wanted = (
        ServerReflectionRequest(list_services=""),
        ServerReflectionRequest(file_containing_symbol="creditregistry.v1.RecordService"),
    )
    for member in ("lender-1", "auditor", "admin-1"):
        if not on:
            with pytest.raises(grpc.RpcError) as refused:
                ask(running, member, *wanted)
            assert isinstance(refused.value, grpc.Call)
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
            continue
        services, files = ask(running, member, *wanted)
        names = {service.name for service in services.list_services_response.service}
        assert {"creditregistry.v1.RecordService", "creditregistry.v1.InquiryService"} < names
        file = FileDescriptorProto.FromString(files.file_descriptor_response.file_descriptor_proto[0])
        assert file.name == "creditregistry/v1/record_service.proto"


def test_what_is_not_there_is_no_error_of_the_server(registry: tuple[TestRegistry, bool]) -> None:
    running, on = registry
    if not on:
        return
    odd = [
        ServerReflectionRequest(file_by_filename="../../etc/passwd"),
        ServerReflectionRequest(file_containing_symbol="\x00"),
        ServerReflectionRequest(all_extension_numbers_of_type="nothing"),
        ServerReflectionRequest(),
    ]
    assert all(answer.HasField("error_response") for answer in ask(running, "lender-1", *odd))
