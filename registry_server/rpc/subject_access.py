"""SubjectAccessService: a person's own report beside the answer, and alerts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import alerts_pb2, evidence_pb2
from creditregistry.v1 import subject_access_pb2 as pb
from creditregistry.v1.subject_access_service_pb2_grpc import SubjectAccessServiceServicer

from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.ledger.inquiry import person_message
from registry_server.rpc.convert.checks import pad
from registry_server.rpc.threads import in_thread
from registry_server.serving.call import current_call
from registry_server.usecases.proofs import inclusion_proof

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from registry_server.usecases.alerts import Alerts
    from registry_server.usecases.subject_access import AnsweredInquiry, AskersPage, SubjectAccess

__all__ = ["SubjectAccessServicer"]


class SubjectAccessServicer(SubjectAccessServiceServicer):
    """The service.

    Args:
        subject_access: use case.
        alerts: use case.
        executor: whose threads do what blocks.
    """

    def __init__(self, subject_access: SubjectAccess, alerts: Alerts, executor: Executor) -> None:
        self._subject_access = subject_access
        self._alerts = alerts
        self._executor = executor

    async def ListAskers(self, request: pb.ListAskersRequest, _context: object) -> pb.ListAskersResponse:
        """Return inquiries about a person, and the records that an overlay hides."""
        peer = current_call().institution
        listing = partial(self._subject_access.askers, peer, request.inquiry_id, request.skip, request.at_size)
        page = await in_thread(self._executor, listing)
        response = pb.ListAskersResponse(
            inquiries=map(_asked, page.asked),
            head=page.head.leaf,
            head_path=b"".join(page.head.path),
            checkpoint=page.head.checkpoint,
            next=page.next,
            hidden=_hidden(page),
        )
        pad(response)
        return response

    async def ListRecordLeaves(
        self, request: pb.ListRecordLeavesRequest, _context: object
    ) -> pb.ListRecordLeavesResponse:
        """Return leaves of a live record about a person."""
        peer, key = current_call().institution, RecordKey(request.record.issuer, request.record.record_id)
        listing = partial(
            self._subject_access.record_leaves, peer, request.inquiry_id, key, request.skip, request.at_size
        )
        page = await in_thread(self._executor, listing)
        response = pb.ListRecordLeavesResponse(
            leaves=[evidence_pb2.IndexedLeaf(index=index, leaf=leaf) for index, leaf in page.leaves],
            log_proof=page.log_proof,
            head=page.head.leaf,
            checkpoint=page.head.checkpoint,
            next=page.next,
        )
        pad(response)
        return response

    async def TakeAlerts(
        self, request: alerts_pb2.TakeAlertsRequest, _context: object
    ) -> alerts_pb2.TakeAlertsResponse:
        """Return the caller's alerts that wait."""
        taking = partial(self._alerts.take, current_call().institution, tuple(request.stored))
        found = await in_thread(self._executor, taking)
        waiting = [
            alerts_pb2.Alert(
                alert_id=alert.alert_id,
                inquiry_id=alert.inquiry_id,
                reason=alerts_pb2.AlertReason.ValueType(alert.reason.number),
                happened_at=alert.happened_at,
            )
            for alert in found.alerts
        ]
        return alerts_pb2.TakeAlertsResponse(alerts=waiting, more=found.more, watched=found.watched)

    async def EndAlerts(self, request: alerts_pb2.EndAlertsRequest, _context: object) -> alerts_pb2.EndAlertsResponse:
        """End the alerts that an inquiry of the caller asked for."""
        ending = partial(self._alerts.end, current_call().institution, request.inquiry_id)
        return alerts_pb2.EndAlertsResponse(ended=await in_thread(self._executor, ending))


def _hidden(page: AskersPage) -> Iterator[pb.HiddenRecord]:
    for sealed in page.hidden:
        row = sealed.row
        message = pb.HiddenRecord(
            opening=row.opening, disclosure=sealed.disclosure, text_disclosure=sealed.text_disclosure
        )
        message.record.issuer, message.record.record_id = row.key
        yield message


def _asked(asked: AnsweredInquiry) -> pb.AskedInquiry:
    stored = asked.stored
    message = pb.AskedInquiry(
        inquiry=evidence_pb2.SignedPayload(payload=stored.payload, key_id=stored.key_id, signature=stored.signature),
        leaf=stored.leaf,
        position=asked.place,
        person=person_message(asked.person),
    )
    if asked.path is not None and stored.position is not None:
        message.inclusion.CopyFrom(inclusion_proof(stored.position, asked.path))
        # Present also where every field is empty: the one inquiry of a tree.
        message.inclusion.SetInParent()
    return message
