"""Numbers at the ends of their types, in every field of every request: each is answered or refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from creditregistry.v1 import (
    alerts_pb2,
    certificate_pb2,
    check_pb2,
    common_pb2,
    directory_pb2,
    dispute_pb2,
    erasure_pb2,
    evidence_pb2,
    inbox_pb2,
    inquiry_pb2,
    proposal_pb2,
    statement_pb2,
    subject_access_pb2,
    submission_pb2,
    transparency_pb2,
)
from google.protobuf.descriptor import FieldDescriptor

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.acknowledgement import Acknowledgement
from client_sdk.kernel.formats.act import Act, StateBody
from client_sdk.kernel.formats.words import AnnotationFlag, InstitutionStatus, Purpose, Role
from registry_server.errors import entry_of
from registry_server.rpc.server import SERVICES
from registry_server.storage import leaves
from registry_server.storage.errors import StorageError, StorageFault
from tests.support.handmade_log import REGISTRY, signer
from tests.support.registry import inquire, read_refusal
from tests.support.registry_world import ADMINISTRATORS, AUDITOR
from tests.support.screening import screen_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from google.protobuf.descriptor import Descriptor, MethodDescriptor
    from google.protobuf.message import Message

    from tests.support.registry import RunningRegistry
    from tests.support.registry_world import World

ENDS = {
    FieldDescriptor.CPPTYPE_UINT64: (2**63, 2**64 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-1, -(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (2**31, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT32: (-1, -(2**31), 2**31 - 1),
}
NOT_THE_CALLERS_FAULT = {"INTERNAL", "UNKNOWN", "UNAVAILABLE"}


def numbers_of(descriptor: Descriptor, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    """Each number of a message and of the messages in it, with each end of its type."""
    for field in descriptor.fields:
        if field.message_type is not None:
            yield from numbers_of(field.message_type, (*path, field.name))
        for value in ENDS.get(field.cpp_type, ()):
            yield (*path, field.name), value


def changed(base: Message, path: Sequence[str], value: int) -> Message:
    """The same message with another number; of a repeated one, in its first."""
    message = type(base)()
    message.CopyFrom(base)
    inner = message
    for name in path[:-1]:
        part = getattr(inner, name)
        inner = (part[0] if part else part.add()) if hasattr(part, "add") else part
    last = getattr(inner, path[-1])
    if hasattr(last, "append"):
        last.append(value)
    else:
        setattr(inner, path[-1], value)
    return message


def sign_again(signed: evidence_pb2.SignedPayload, payload: Message, key: str, payload_type: str) -> None:
    """Put another payload in the place of a signed one."""
    own = signer(key)
    signed.payload = payload.SerializeToString(deterministic=True)
    signed.key_id = own.public_key.key_id
    signed.signature = dsse.sign(own, payload_type, signed.payload)


def _loan(world: World) -> common_pb2.RecordRef:
    key = world.key("lender-1", "loan")
    return common_pb2.RecordRef(issuer=key.issuer, record_id=key.record_id)


def _dispute(world: World) -> evidence_pb2.SignedPayload:
    item = world.annotate("lender-2", world.key("lender-1", "loan"), AnnotationFlag.DISPUTED)
    return evidence_pb2.SignedPayload(payload=item.payload, key_id=item.key_id, signature=item.signature)


def _access(registry: RunningRegistry) -> bytes:
    """The id of an office's inquiry about the person of the loan, which was answered."""
    asked = inquire(registry.world, "office", ["person of loan"], "access", purpose=Purpose.SUBJECT_ACCESS)
    registry.inquiries("office").Check(asked)
    return inquiry_pb2.Inquiry.FromString(asked.inquiry.payload).inquiry_id


def requests(registry: RunningRegistry) -> dict[str, tuple[str, Message]]:
    """A request that is in order for each method, and who makes it."""
    world = registry.world
    state = registry.app.ledger.directory.state
    act = Act(state.registry, state.act_number + 1, state.act_hash, StateBody("lender-3", InstitutionStatus.SUSPENDED))
    payload, own = act.encode(), signer("admin-1 ADMINISTER")
    approval = proposal_pb2.Approval(key_id=own.public_key.key_id, signature=dsse.sign(own, dsse.ACT, payload))
    return {
        "Submit": ("lender-1", submission_pb2.SubmitRequest(submission=world.report("lender-1", "single"))),
        "SubmitBatch": ("lender-1", submission_pb2.SubmitBatchRequest(header=submission_pb2.BatchHeader(count=1))),
        "ListRecords": ("lender-1", submission_pb2.ListRecordsRequest()),
        "GetReceipt": (
            "lender-1",
            submission_pb2.GetReceiptRequest(record_id=world.key("lender-1", "loan").record_id, version=1),
        ),
        "GetErasure": ("lender-1", erasure_pb2.GetErasureRequest(record=_loan(world))),
        "Annotate": ("lender-2", dispute_pb2.AnnotateRequest(annotation=_dispute(world))),
        "GetAnnotation": ("lender-2", dispute_pb2.GetAnnotationRequest(record=_loan(world))),
        "ListDisputes": ("lender-1", dispute_pb2.ListDisputesRequest()),
        "ListNotices": ("lender-1", inbox_pb2.ListNoticesRequest()),
        "FollowNotices": ("lender-1", inbox_pb2.FollowNoticesRequest()),
        "Acknowledge": ("lender-1", inbox_pb2.AcknowledgeRequest(acknowledgement=_acknowledgement(world))),
        "Check": ("lender-2", inquire(world, "lender-2", ["person of loan"])),
        "Screen": ("lender-2", screen_request(world, "lender-2")),
        "ListInquiries": ("lender-2", check_pb2.ListInquiriesRequest()),
        "GetInquiryReceipt": ("lender-2", check_pb2.GetInquiryReceiptRequest(inquiry_id=bytes(16))),
        "ListAskers": ("office", subject_access_pb2.ListAskersRequest(inquiry_id=_access(registry))),
        "ListRecordLeaves": (
            "office",
            subject_access_pb2.ListRecordLeavesRequest(inquiry_id=_access(registry), record=_loan(world)),
        ),
        "TakeAlerts": ("office", alerts_pb2.TakeAlertsRequest()),
        "EndAlerts": ("office", alerts_pb2.EndAlertsRequest(inquiry_id=bytes(16))),
        "GetCheckpoint": (AUDITOR, transparency_pb2.GetCheckpointRequest()),
        "GetTile": (AUDITOR, transparency_pb2.GetTileRequest()),
        "GetStatistics": ("lender-1", transparency_pb2.GetStatisticsRequest()),
        "GetDirectoryProof": (AUDITOR, transparency_pb2.GetDirectoryProofRequest()),
        "ListLeaves": (AUDITOR, transparency_pb2.ListLeavesRequest()),
        "ListLiveBindings": (AUDITOR, transparency_pb2.ListLiveBindingsRequest()),
        "ListInquiryLeaves": (AUDITOR, transparency_pb2.ListInquiryLeavesRequest()),
        "PublishReplay": (AUDITOR, transparency_pb2.PublishReplayRequest(checkpoint=b"none")),
        "ListActs": (AUDITOR, proposal_pb2.ListActsRequest()),
        "ProposeAct": (ADMINISTRATORS[0], proposal_pb2.ProposeActRequest(payload=payload, approval=approval)),
        "ListProposals": (ADMINISTRATORS[0], proposal_pb2.ListProposalsRequest()),
        "ApproveAct": (ADMINISTRATORS[0], proposal_pb2.ApproveActRequest(proposal_id=bytes(32), approval=approval)),
        "ListCertificates": (ADMINISTRATORS[0], certificate_pb2.ListCertificatesRequest()),
        "RevokeTlsKey": ("lender-1", certificate_pb2.RevokeTlsKeyRequest()),
        "IssueCertificate": (ADMINISTRATORS[0], certificate_pb2.IssueCertificateRequest(institution="lender-1")),
    }


def _acknowledgement(world: World) -> evidence_pb2.SignedPayload:
    said = Acknowledgement(REGISTRY, "lender-1", bytes(32), world.clock.now)
    own, payload = signer("lender-1 INQUIRE"), said.encode()
    signature = dsse.sign(own, dsse.ACKNOWLEDGEMENT, payload)
    return evidence_pb2.SignedPayload(payload=payload, key_id=own.public_key.key_id, signature=signature)


def signed_variants(method: str, base: Message) -> Iterator[tuple[str, Message]]:
    """The request with each number of what is signed in it at its ends, signed again by its own key."""
    if isinstance(base, submission_pb2.SubmitRequest):
        statement = statement_pb2.Statement.FromString(base.submission.statement.payload)
        for path, value in numbers_of(statement.DESCRIPTOR):
            request = submission_pb2.SubmitRequest()
            request.CopyFrom(base)
            payload = changed(statement, path, value)
            sign_again(request.submission.statement, payload, "lender-1 REPORT", dsse.STATEMENT)
            yield f"{method} statement {'.'.join(path)} {value}", request
    elif isinstance(base, check_pb2.CheckRequest | check_pb2.ScreenRequest):
        inquiry = inquiry_pb2.Inquiry.FromString(base.inquiry.payload)
        for path, value in numbers_of(inquiry.DESCRIPTOR):
            asked = type(base)()
            asked.MergeFrom(base)  # type: ignore[arg-type]  # of the same type
            sign_again(asked.inquiry, changed(inquiry, path, value), "lender-2 INQUIRE", dsse.INQUIRY)
            yield f"{method} inquiry {'.'.join(path)} {value}", asked
    elif isinstance(base, dispute_pb2.AnnotateRequest):
        annotation = statement_pb2.Annotation.FromString(base.annotation.payload)
        for path, value in numbers_of(annotation.DESCRIPTOR):
            remarked = dispute_pb2.AnnotateRequest()
            remarked.CopyFrom(base)
            sign_again(remarked.annotation, changed(annotation, path, value), "lender-2 REPORT", dsse.ANNOTATION)
            yield f"{method} annotation {'.'.join(path)} {value}", remarked
    elif isinstance(base, proposal_pb2.ProposeActRequest):
        act, own = directory_pb2.Act.FromString(base.payload), signer("admin-1 ADMINISTER")
        for path, value in numbers_of(act.DESCRIPTOR):
            proposed = proposal_pb2.ProposeActRequest(
                payload=changed(act, path, value).SerializeToString(deterministic=True), approval=base.approval
            )
            proposed.approval.signature = dsse.sign(own, dsse.ACT, proposed.payload)
            yield f"{method} act {'.'.join(path)} {value}", proposed


def reason_of(call: Callable[..., object], method: MethodDescriptor, request: Message) -> str:
    """Why a request is refused; empty where it is answered. Nothing else may become of it."""
    try:
        answered = call(iter([request]) if method.client_streaming else request)
        if isinstance(answered, grpc.RpcContext) and method.server_streaming:
            if method.name == "FollowNotices":
                # It has an end, but not within the time of a test.
                next(answered)  # type: ignore[call-overload]  # a stream of responses
                answered.cancel()
            else:
                list(answered)  # type: ignore[call-overload]  # likewise
    except grpc.RpcError as error:
        refused = read_refusal(error)
        assert refused.status not in NOT_THE_CALLERS_FAULT, refused
        assert refused.reason, refused
        assert not entry_of(refused.reason).retryable, refused
        return refused.reason
    if isinstance(answered, submission_pb2.SubmitResponse | dispute_pb2.AnnotateResponse):
        reason = answered.result.violation.reason
        assert reason != "INTERNAL"
        return reason
    return ""


def test_no_number_in_a_request_is_more_than_the_registry_can_take(registry: RunningRegistry) -> None:
    first = submission_pb2.SubmitRequest(submission=registry.world.report("lender-1", "loan"))
    registry.records("lender-1").Submit(first)
    registry.world.enrol_lender(registry.app.ledger, "office", Role.REPRESENTATIVE)
    given = requests(registry)
    stubs: dict[str, Callable[[str], object]] = {
        "RecordService": registry.records,
        "DisputeService": registry.disputes,
        "InboxService": registry.inbox,
        "InquiryService": registry.inquiries,
        "SubjectAccessService": registry.subject_access,
        "TransparencyService": registry.transparency,
        "DirectoryService": registry.directory,
    }
    became: dict[str, str] = {}
    for service in SERVICES:
        for method in transparency_pb2.DESCRIPTOR.pool.FindServiceByName(service).methods:
            by, base = given.pop(method.name)
            call = getattr(stubs[service.rpartition(".")[2]](by), method.name)
            for path, value in numbers_of(method.input_type):
                request = changed(base, path, value)
                became[f"{method.name} {'.'.join(path)} {value}"] = reason_of(call, method, request)
            for what, request in signed_variants(method.name, base):
                became[what] = reason_of(call, method, request)
    assert given == {}
    assert len(became) > 60
    assert became["ListAskers skip 4294967295"] == ""
    assert became["ListRecordLeaves skip 4294967295"] == ""
    assert became["GetTile index 9223372036854775808"] == "TILE_UNKNOWN"
    assert became["ListActs from_number 18446744073709551615"] == ""
    assert became["ListLeaves end 18446744073709551615"] == "RANGE_INVALID"


def test_a_value_that_a_column_cannot_hold_is_this_programs_fault(registry: RunningRegistry) -> None:
    database = registry.app.database
    wanted = StorageError if database.on_postgresql else OverflowError
    with pytest.raises(wanted) as failed, database.snapshot() as work:
        leaves.tile(work, "log", 0, 2**63)
    if isinstance(failed.value, StorageError):
        assert failed.value.fault is StorageFault.VALUE
