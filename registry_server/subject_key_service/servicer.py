"""The gRPC service: checks, logs, then evaluates; it answers with outputs and their proof, or with one reason."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from creditregistry.v1 import evaluation_pb2
from creditregistry.v1.subject_key_service_pb2_grpc import SubjectKeyServiceServicer

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import KeyUse
from client_sdk.kernel.rules.dates import day_of
from registry_server.errors import RegistryError
from registry_server.serving.call import current_call
from registry_server.subject_key_service.admission import admit, may_evaluate
from registry_server.subject_key_service.request_log import LogEntry, RequestOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.following import DirectoryFollower, DirectoryView
    from client_sdk.kernel.formats.state import Rulebook
    from registry_server.subject_key_service.admission import Admitted
    from registry_server.subject_key_service.evaluator import Evaluator
    from registry_server.subject_key_service.group_commit import GroupCommit
    from registry_server.subject_key_service.keys import EvaluationKeys
    from registry_server.subject_key_service.metrics import Metrics
    from registry_server.subject_key_service.request_log import RequestLog

__all__ = ["KeyServicer"]


class KeyServicer(SubjectKeyServiceServicer):
    """Serves the VOPRF of one key service.

    Args:
        follower: the directory, kept up to date elsewhere.
        keys: of this service.
        log: the durable log of requests.
        commits: writes into it.
        evaluator: computes.
        metrics: counts.
        now_ms: the clock, ms since 1970 UTC.
    """

    def __init__(
        self,
        follower: DirectoryFollower,
        keys: EvaluationKeys,
        log: RequestLog,
        commits: GroupCommit,
        evaluator: Evaluator,
        metrics: Metrics,
        now_ms: Callable[[], int],
    ) -> None:
        self._follower = follower
        self._keys = keys
        self._log = log
        self._commits = commits
        self._evaluator = evaluator
        self._metrics = metrics
        self._now_ms = now_ms

    async def Evaluate(  # noqa: N802 - the name of the method in the contract
        self, request: evaluation_pb2.EvaluateRequest, _context: object
    ) -> evaluation_pb2.EvaluateResponse:
        """Evaluate up to 1,000 elements."""
        call = current_call()
        admitted = admit(
            request, peer=call.institution, view=self._follower.view, keys=self._keys, now_ms=self._now_ms()
        )
        call.noted |= {
            "use": admitted.request.use.name,
            "purpose": admitted.request.purpose.name,
            "subject_key_version": admitted.request.subject_key_version,
            "elements": admitted.count,
        }
        await self._record(admitted)
        with self._metrics.timed_evaluation():
            evaluated, proof = await self._evaluate(admitted)
        self._metrics.count_evaluated(admitted.request.use.name, admitted.count)
        return evaluation_pb2.EvaluateResponse(evaluated=evaluated, proof=proof)

    async def GetStatus(  # noqa: N802 - the name of the method in the contract
        self, _request: evaluation_pb2.GetStatusRequest, _context: object
    ) -> evaluation_pb2.GetStatusResponse:
        """Return versions, age of the directory, and the rest of the caller's quotas."""
        view = self._follower.view
        if view is None:
            return evaluation_pb2.GetStatusResponse()
        report, inquire = await asyncio.to_thread(self._left, view, current_call().institution)
        served = self._keys.served(view.directory)
        return evaluation_pb2.GetStatusResponse(
            keys=[evaluation_pb2.ServedKey(subject_key_version=version, public_key=key) for version, key in served],
            directory_as_of=view.as_of_ms,
            report_quota_left=report,
            inquire_quota_left=inquire,
        )

    async def _record(self, admitted: Admitted) -> None:
        now, rulebook = self._now_ms(), self._follower.directory.rulebook
        limit = _limit(rulebook, admitted.request.use)
        entry = LogEntry(admitted, now, day_of(now, rulebook.time_zone).isoformat(), limit)
        outcome = await self._commits.record(entry)
        if outcome is RequestOutcome.USED:
            raise RegistryError("REQUEST_USED", "request_id", "key-request.once", want="a new request")
        if outcome is RequestOutcome.QUOTA_EXCEEDED:
            raise RegistryError(
                "QUOTA_EXCEEDED", "blinded", "quota.daily", got=f"{admitted.count} more", want=f"{limit} a day"
            )

    async def _evaluate(self, admitted: Admitted) -> tuple[bytes, bytes]:
        try:
            return await self._evaluator.evaluate(admitted.request.service, admitted.blinded)
        except FormatError as error:
            raise RegistryError("ELEMENT_INVALID", "blinded", error.rule, want=error.want) from error

    def _left(self, view: DirectoryView, institution: str) -> tuple[int, int]:
        """Return how many elements an institution may still ask for today, for REPORT and for INQUIRE."""
        rulebook = view.directory.rulebook
        roles = view.directory.institution(institution).roles
        day = day_of(self._now_ms(), rulebook.time_zone).isoformat()
        report, inquire = (
            max(0, _limit(rulebook, use) - self._log.used(institution, use, day)) if may_evaluate(roles, use) else 0
            for use in (KeyUse.REPORT, KeyUse.INQUIRE)
        )
        return report, inquire


def _limit(rulebook: Rulebook, use: KeyUse) -> int:
    return rulebook.daily_report_evaluations if use is KeyUse.REPORT else rulebook.daily_inquire_evaluations
