"""Pseudonyms from key services: all of a version are asked at once, every answer is proved (proto/README.md 4).

    with KeyClient("lender-1", {KeyUse.INQUIRE: signer}, tls) as keys:
        [by_version] = keys.pseudonyms(follower.directory, [identity], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)

Addresses and public keys come from the directory, so from acts that administrators have signed, never from an answer.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Self

import grpc
from creditregistry.v1 import evaluation_pb2
from creditregistry.v1.subject_key_service_pb2_grpc import SubjectKeyServiceStub

from client_sdk._protocol.evaluation import Ask, Asker, Evaluation, failed
from client_sdk._transport.channels import Deadlines, aio_channel, channel, error_of_call
from client_sdk._transport.owner import Owner
from client_sdk.errors import ConfigError, CreditRegistryError, UnavailableError
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.subjects.pseudonym import derive
from client_sdk.models.status import KeyServiceStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from creditregistry.v1.subject_key_service_pb2_grpc import SubjectKeyServiceAsyncStub

    from client_sdk._transport.channels import TlsMaterial
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.state import KeyService, KeyServices
    from client_sdk.kernel.formats.words import KeyUse, Purpose
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym

    EvaluateFuture: TypeAlias = grpc.Future[evaluation_pb2.EvaluateResponse]
    EvaluateCall: TypeAlias = grpc.aio.UnaryUnaryCall[evaluation_pb2.EvaluateRequest, evaluation_pb2.EvaluateResponse]

__all__ = ["AsyncKeyClient", "KeyClient"]

DEADLINE_SECONDS = 30.0
# A batch of 1,000 keeps one core of a service busy for a tenth of a second: two on their way leave it no pause.
BATCHES_IN_FLIGHT = 2
# Pauses before a key service that is not there is asked again, in seconds; each time with a new request.
PAUSES = (0.2, 1.0)


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000


class _Core:
    """Common base of the blocking and the asyncio client."""

    def __init__(
        self,
        institution: str,
        signers: Mapping[KeyUse, Signer],
        tls: TlsMaterial,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        now_ms: Callable[[], int] = _clock_ms,
    ) -> None:
        self._institution = institution
        self._signers = signers
        self._tls = tls
        self._seconds = deadline_seconds
        self._deadlines = Deadlines(unary=deadline_seconds)
        self._now_ms = now_ms

    def _evaluation(
        self,
        directory: Directory,
        inputs: Sequence[bytes],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None,
    ) -> Evaluation:
        signer = self._signers.get(use)
        if signer is None:
            raise ConfigError(f"there is no key with usage {use.name}")
        asker = Asker(directory.state.registry, self._institution, signer, use, purpose)
        return Evaluation(asker, _wanted(directory, versions), inputs, self._now_ms)


def _wanted(directory: Directory, versions: Sequence[int] | None) -> list[KeyServices]:
    live = directory.state.key_services
    if versions is None:
        return list(live)
    wanted = [item for item in live if item.subject_key_version in versions]
    if len(wanted) != len(set(versions)):
        raise ConfigError("a version of the subject keys is not live")
    return wanted


def _services(directory: Directory) -> list[KeyService]:
    """Return each key service once, by its address, in the order of RegistryState."""
    by_url = {service.url: service for item in directory.state.key_services for service in item.services}
    return list(by_url.values())


def _pseudonyms(outputs: list[dict[int, tuple[bytes, ...]]]) -> list[dict[int, Pseudonym]]:
    return [{version: derive(version, values) for version, values in item.items()} for item in outputs]


def _status_of(service: KeyService, answer: evaluation_pb2.GetStatusResponse) -> KeyServiceStatus:
    return KeyServiceStatus(
        url=service.url,
        reachable=True,
        subject_key_versions=tuple(key.subject_key_version for key in answer.keys),
        directory_as_of=moment(answer.directory_as_of) if answer.directory_as_of else None,
        report_quota_left=answer.report_quota_left,
        inquire_quota_left=answer.inquire_quota_left,
    )


def _unreachable(service: KeyService, error: CreditRegistryError) -> KeyServiceStatus:
    return KeyServiceStatus(url=service.url, reachable=False, problem=str(error))


def _nobody_there(error: CreditRegistryError) -> bool:
    """Whether a call failed before a key service could say anything; what it says itself is not asked twice."""
    return isinstance(error, UnavailableError) and not error.reason


class KeyClient(_Core):
    """Asks key services, blocking; for any number of threads.

    Args:
        institution: the member's id.
        signers: a signer of the member for each use.
        tls: the member's certificate, and the authority of the key services.
        deadline_seconds: of one question to one key service, with what it is asked again.
        now_ms: the clock, ms since 1970 UTC.
    """

    def __init__(
        self,
        institution: str,
        signers: Mapping[KeyUse, Signer],
        tls: TlsMaterial,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        now_ms: Callable[[], int] = _clock_ms,
    ) -> None:
        super().__init__(institution, signers, tls, deadline_seconds=deadline_seconds, now_ms=now_ms)
        self._links: dict[str, tuple[grpc.Channel, SubjectKeyServiceStub]] = {}
        self._turn = threading.Lock()
        self._owner = Owner()

    def __enter__(self) -> Self:
        self._owner.check()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        if self._owner.close():
            with self._turn:
                for opened, _ in self._links.values():
                    opened.close()

    def evaluate(
        self,
        directory: Directory,
        inputs: Sequence[bytes],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None = None,
    ) -> list[dict[int, tuple[bytes, ...]]]:
        """Return, for each input, by version the 64-byte outputs of its services in the order of RegistryState.

        Args:
            directory: names the services of each live version.
            inputs: ``Identity.voprf_input()`` of each person.
            use: what the outputs are for; chooses the signer.
            purpose: why; REPORTING for reporting, one of the others for inquiring.
            versions: of the subject keys; all live ones unless given.

        Raises:
            ConfigError: there is no key of that use, a version is not live, or the client is closed or was made in
                another process.
            KeyServiceError: a service is down, late, refuses, or its answer is not proved.
        """
        self._owner.check()
        evaluation = self._evaluation(directory, inputs, use, purpose, versions)
        waiting: deque[tuple[Ask, EvaluateFuture]] = deque()
        try:
            for ask in evaluation.asks():
                waiting.append((ask, self._send(ask)))
                if len(waiting) > BATCHES_IN_FLIGHT * evaluation.asks_per_batch:
                    self._settle(evaluation, *waiting.popleft())
            while waiting:
                self._settle(evaluation, *waiting.popleft())
        finally:
            for _, call in waiting:
                call.cancel()
        return evaluation.outputs()

    def pseudonyms(
        self,
        directory: Directory,
        identities: Sequence[Identity],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None = None,
    ) -> list[dict[int, Pseudonym]]:
        """Return the pseudonym of each person by version; arguments and errors as for ``evaluate``."""
        inputs = [identity.voprf_input() for identity in identities]
        return _pseudonyms(self.evaluate(directory, inputs, use, purpose, versions))

    def statuses(self, directory: Directory) -> tuple[KeyServiceStatus, ...]:
        """Return how each key service stands, as it says itself; errors of this machine as for ``evaluate``."""
        self._owner.check()
        return tuple(self._status(service) for service in _services(directory))

    def _status(self, service: KeyService) -> KeyServiceStatus:
        try:
            return _status_of(service, self._stub(service).GetStatus(evaluation_pb2.GetStatusRequest()))
        except grpc.RpcError as error:
            return _unreachable(service, error_of_call(error))

    def _send(self, ask: Ask, seconds: float | None = None) -> EvaluateFuture:
        return self._stub(ask.service).Evaluate.future(ask.request, timeout=seconds)

    def _settle(self, evaluation: Evaluation, ask: Ask, call: EvaluateFuture) -> None:
        until = time.monotonic() + self._seconds
        for pause in (*PAUSES, self._seconds):
            try:
                response = call.result()
            except grpc.RpcError as cause:
                error = error_of_call(cause)
                left = until - time.monotonic() - pause
                if left <= 0 or not _nobody_there(error):
                    raise failed(ask.service, error) from cause
            else:
                evaluation.accept(ask, response)
                return
            time.sleep(pause)
            call = self._send(evaluation.again(ask), left)

    def _stub(self, service: KeyService) -> SubjectKeyServiceStub:
        with self._turn:
            if service.url not in self._links:
                opened = channel(service.url, self._tls, self._deadlines)
                self._links[service.url] = (opened, SubjectKeyServiceStub(opened))
            return self._links[service.url][1]


class AsyncKeyClient(_Core):
    """Asks key services from one event loop; arguments as for ``KeyClient``.

    Raises:
        ConfigError: no event loop is running.
    """

    def __init__(
        self,
        institution: str,
        signers: Mapping[KeyUse, Signer],
        tls: TlsMaterial,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        now_ms: Callable[[], int] = _clock_ms,
    ) -> None:
        super().__init__(institution, signers, tls, deadline_seconds=deadline_seconds, now_ms=now_ms)
        self._links: dict[str, tuple[grpc.aio.Channel, SubjectKeyServiceAsyncStub]] = {}
        self._owner = Owner.of_running_loop()

    async def __aenter__(self) -> Self:
        self._owner.check()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        if self._owner.close():
            for opened, _ in self._links.values():
                await opened.close()

    async def evaluate(
        self,
        directory: Directory,
        inputs: Sequence[bytes],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None = None,
    ) -> list[dict[int, tuple[bytes, ...]]]:
        """Return the outputs of each input; arguments and errors as for ``KeyClient.evaluate``."""
        self._owner.check()
        evaluation = self._evaluation(directory, inputs, use, purpose, versions)
        waiting: deque[tuple[Ask, EvaluateCall]] = deque()
        try:
            for ask in evaluation.asks():
                waiting.append((ask, self._send(ask)))
                if len(waiting) > BATCHES_IN_FLIGHT * evaluation.asks_per_batch:
                    await self._settle(evaluation, *waiting.popleft())
            while waiting:
                await self._settle(evaluation, *waiting.popleft())
        finally:
            for _, call in waiting:
                call.cancel()
        return evaluation.outputs()

    async def pseudonyms(
        self,
        directory: Directory,
        identities: Sequence[Identity],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None = None,
    ) -> list[dict[int, Pseudonym]]:
        """Return the pseudonym of each person by version; arguments and errors as for ``KeyClient.evaluate``."""
        inputs = [identity.voprf_input() for identity in identities]
        return _pseudonyms(await self.evaluate(directory, inputs, use, purpose, versions))

    async def statuses(self, directory: Directory) -> tuple[KeyServiceStatus, ...]:
        """Return how each key service stands, as it says itself; errors of this machine as for ``evaluate``."""
        self._owner.check()
        return tuple(await asyncio.gather(*map(self._status, _services(directory))))

    async def _status(self, service: KeyService) -> KeyServiceStatus:
        try:
            return _status_of(service, await self._stub(service).GetStatus(evaluation_pb2.GetStatusRequest()))
        except grpc.RpcError as error:
            return _unreachable(service, error_of_call(error))

    def _send(self, ask: Ask, seconds: float | None = None) -> EvaluateCall:
        return self._stub(ask.service).Evaluate(ask.request, timeout=seconds)

    async def _settle(self, evaluation: Evaluation, ask: Ask, call: EvaluateCall) -> None:
        until = time.monotonic() + self._seconds
        for pause in (*PAUSES, self._seconds):
            try:
                response = await call
            except grpc.RpcError as cause:
                error = error_of_call(cause)
                left = until - time.monotonic() - pause
                if left <= 0 or not _nobody_there(error):
                    raise failed(ask.service, error) from cause
            else:
                evaluation.accept(ask, response)
                return
            await asyncio.sleep(pause)
            call = self._send(evaluation.again(ask), left)

    def _stub(self, service: KeyService) -> SubjectKeyServiceAsyncStub:
        if service.url not in self._links:
            opened = aio_channel(service.url, self._tls, self._deadlines)
            self._links[service.url] = (opened, SubjectKeyServiceStub(opened))
        return self._links[service.url][1]
