"""Asking key services, as flows: all of a version are asked at once, every answer is proved (proto/README.md 4)."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import evaluation_pb2
from creditregistry.v1.subject_key_service_pb2_grpc import SubjectKeyServiceStub

from client_sdk._protocol import arguments
from client_sdk._protocol.blinding import LocalBlinder
from client_sdk._protocol.evaluation import Asker, Evaluation, failed
from client_sdk._steps import answer, begin, beside, owned, pause, shut, together
from client_sdk._transport.deadlines import Deadlines
from client_sdk._transport.tls import TlsFolder, TlsMaterial
from client_sdk.clock import clock_ms
from client_sdk.config import MOST_SECONDS, is_seconds
from client_sdk.errors import ConfigError, KeyServiceError, RefusedError, TransportError, UnavailableError
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.words import KeyUse, Purpose
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.subjects.pseudonym import derive
from client_sdk.models.status import KeyServiceStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client_sdk._protocol.blinding import Blinder
    from client_sdk._protocol.evaluation import Ask
    from client_sdk._steps import Call, Flow
    from client_sdk._transport.mode import AnyChannel, Mode
    from client_sdk._transport.tls import TlsSource
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.state import KeyService, KeyServices
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym

__all__ = ["DEADLINE_SECONDS", "KeyServiceAsker", "is_not_served"]

DEADLINE_SECONDS = 30.0
# A batch keeps one core of a service busy for some 25 ms: so many on their way leave it no pause.
BATCHES_IN_FLIGHT = 4
# Pauses before a key service that is away or behind is asked again, in seconds; each time with a new request.
PAUSES = (0.2, 0.5, 1.0, 2.0)
# Between two questions to a key service that has yet to follow an act; it reads the directory every few seconds.
FOLLOWING_PAUSE = 1.0
# Reason of a key service that does not know a version of the subject keys, or not any more.
NOT_SERVED = "VERSION_NOT_SERVED"


def is_not_served(error: KeyServiceError) -> bool:
    """Whether a key service does not serve a version of the subject keys that the directory names."""
    return error.reason == NOT_SERVED


class KeyServiceAsker:
    """Connections of one member to the key services.

    Args:
        mode: in which the flows run; the other arguments are those of ``KeyClient``.
    """

    def __init__(
        self,
        mode: Mode,
        institution: str,
        signers: Mapping[KeyUse, Signer],
        tls: TlsSource,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        now_ms: Callable[[], int] = clock_ms,
    ) -> None:
        _check_asker(institution, signers, tls, deadline_seconds, now_ms)
        self.owner = mode.owner()
        self._mode = mode
        self._institution = institution
        self._signers = signers
        self._tls = tls
        self._seconds = deadline_seconds
        self._deadlines = Deadlines(unary=deadline_seconds)
        self._now_ms = now_ms
        self._links: dict[str, tuple[AnyChannel, SubjectKeyServiceStub]] = {}
        self._turn = threading.Lock()

    def close(self) -> Flow[None]:
        """Close every connection."""
        if self.owner.close():
            with self._turn:
                links = list(self._links.values())
            for opened, _ in links:
                yield from shut(opened)

    def evaluate(
        self,
        directory: Directory,
        inputs: Sequence[bytes],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None = None,
        *,
        patient: bool = False,
        blinders: Sequence[Blinder] = (),
    ) -> Flow[list[dict[int, tuple[bytes, ...]]]]:
        """Return the outputs of each input by version; see ``KeyClient.evaluate``.

        Args:
            directory: names the services of each live version.
            inputs: of the persons.
            use: what the outputs are for.
            purpose: why.
            versions: of the subject keys; all live ones unless given.
            patient: whether to wait for a service that has not yet followed the act which has it serve a version.
            blinders: share the batches, all at once; unless given, the inputs are blinded here.

        Raises:
            BlinderLostError: a process that blinds is gone.
        """
        evaluation = self._evaluation(directory, inputs, use, purpose, versions)
        return owned(self.owner, self._evaluate(evaluation, blinders, patient=patient))

    def _evaluate(
        self, evaluation: Evaluation, blinders: Sequence[Blinder], *, patient: bool
    ) -> Flow[list[dict[int, tuple[bytes, ...]]]]:
        if not blinders:
            yield from self._ask_all(evaluation, evaluation.starts, LocalBlinder(), patient=patient)
        else:
            shares = (evaluation.starts[place :: len(blinders)] for place in range(len(blinders)))
            yield from together(
                *(
                    self._ask_all(evaluation, share, blinder, patient=patient)
                    for share, blinder in zip(shares, blinders, strict=True)
                )
            )
        return (yield from beside(evaluation.outputs))

    def _ask_all(self, evaluation: Evaluation, starts: Sequence[int], blinder: Blinder, *, patient: bool) -> Flow[None]:
        waiting: deque[tuple[Ask, Call[evaluation_pb2.EvaluateResponse]]] = deque()
        try:
            for start in starts:
                for asked in (yield from beside(partial(evaluation.asks, start, blinder))):
                    waiting.append((asked, (yield from self._send(asked))))
                    if len(waiting) > BATCHES_IN_FLIGHT * evaluation.asks_per_batch:
                        yield from self._settle(evaluation, *waiting.popleft(), patient=patient)
            while waiting:
                yield from self._settle(evaluation, *waiting.popleft(), patient=patient)
        finally:
            for _, call in waiting:
                call.cancel()

    def pseudonyms(
        self,
        directory: Directory,
        identities: Sequence[Identity],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None = None,
        *,
        patient: bool = False,
        blinders: Sequence[Blinder] = (),
    ) -> Flow[list[dict[int, Pseudonym]]]:
        """Return the pseudonym of each person by version; see ``evaluate``."""
        inputs = yield from beside(partial(_inputs, identities))
        outputs = yield from self.evaluate(
            directory, inputs, use, purpose, versions, patient=patient, blinders=blinders
        )
        return (yield from beside(partial(_pseudonyms, outputs)))

    def statuses(self, directory: Directory) -> Flow[tuple[KeyServiceStatus, ...]]:
        """Return how each key service stands, as it says itself; see ``KeyClient.statuses``."""
        return owned(self.owner, self._statuses(directory))

    def _statuses(self, directory: Directory) -> Flow[tuple[KeyServiceStatus, ...]]:
        arguments.of_type(directory, Directory, "directory", "a Directory")
        # Once each, in the order of RegistryState.
        services = {service.url: service for item in directory.state.key_services for service in item.services}
        waiting: deque[tuple[str, Call[evaluation_pb2.GetStatusResponse]]] = deque()
        found: list[KeyServiceStatus] = []
        try:
            for url, service in services.items():
                call = yield from begin(self._stub(service).GetStatus, evaluation_pb2.GetStatusRequest())
                waiting.append((url, call))
            while waiting:
                url, call = waiting.popleft()
                try:
                    found.append(_status_of(url, (yield from answer(call))))
                except (RefusedError, TransportError) as error:
                    # The service is not away where the client itself was closed.
                    self.owner.check_open()
                    found.append(KeyServiceStatus(url=url, reachable=False, problem=str(error)))
        finally:
            for _, call in waiting:
                call.cancel()
        return tuple(found)

    def _evaluation(
        self,
        directory: Directory,
        inputs: Sequence[bytes],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None,
    ) -> Evaluation:
        arguments.of_type(directory, Directory, "directory", "a Directory")
        arguments.of_type(use, KeyUse, "use", f"a KeyUse: {' or '.join(KeyUse)}")
        arguments.of_type(purpose, Purpose, "purpose", f"a Purpose: one of {', '.join(Purpose)}")
        given = arguments.items_of(inputs, "inputs", "a sequence of inputs")
        asked = [arguments.bytes_of(item, "inputs") for item in given]
        signer = self._signers.get(use)
        if signer is None:
            raise ConfigError(f"there is no key with usage {use.name}")
        asker = Asker(directory.state.registry, self._institution, signer, use, purpose)
        return Evaluation(asker, _wanted(directory, versions), asked, self._now_ms)

    def _send(self, asked: Ask, seconds: float | None = None) -> Flow[Call[evaluation_pb2.EvaluateResponse]]:
        return begin(self._stub(asked.service).Evaluate, asked.request, seconds)

    def _settle(
        self, evaluation: Evaluation, asked: Ask, call: Call[evaluation_pb2.EvaluateResponse], *, patient: bool
    ) -> Flow[None]:
        """Wait for an answer, and check its proof; a service that is away, or behind, is asked again for a while."""
        until = time.monotonic() + self._seconds
        pauses = iter(PAUSES)
        while True:
            try:
                response = yield from answer(call)
            except (RefusedError, TransportError) as error:
                behind = patient and error.reason == NOT_SERVED
                seconds = (
                    FOLLOWING_PAUSE if behind else next(pauses, None) if isinstance(error, UnavailableError) else None
                )
                left = 0.0 if seconds is None else until - time.monotonic() - seconds
                if seconds is None or left <= 0:
                    raise failed(asked.service, error) from error
            else:
                yield from beside(partial(evaluation.accept, asked, response))
                return
            yield from pause(seconds)
            again = yield from beside(partial(evaluation.again, asked))
            call = yield from self._send(again, left)

    def _stub(self, service: KeyService) -> SubjectKeyServiceStub:
        with self._turn:
            # What is opened after the client was closed would stay open.
            self.owner.check_open()
            if service.url not in self._links:
                opened = self._mode.channel(service.url, self._tls, self._deadlines)
                # For asyncio it is its own stub, whose type is derived from that of the blocking one.
                self._links[service.url] = (opened, SubjectKeyServiceStub(opened))
            return self._links[service.url][1]


def _inputs(identities: Sequence[Identity]) -> list[bytes]:
    return [identity.voprf_input() for identity in arguments.persons_of(identities, "identities")]


def _pseudonyms(outputs: Sequence[Mapping[int, tuple[bytes, ...]]]) -> list[dict[int, Pseudonym]]:
    return [{version: derive(version, values) for version, values in item.items()} for item in outputs]


def _wanted(directory: Directory, versions: Sequence[int] | None) -> list[KeyServices]:
    live = directory.state.key_services
    if versions is None:
        return list(live)
    given = arguments.items_of(versions, "versions", "a sequence of versions, or None")
    named = {arguments.version_of(version, "versions") for version in given}
    wanted = [item for item in live if item.subject_key_version in named]
    if len(wanted) != len(named):
        raise ConfigError("a version of the subject keys is not live")
    return wanted


def _check_asker(institution: object, signers: object, tls: object, seconds: object, now_ms: object) -> None:
    """Check the settings of an asker.

    Raises:
        ConfigError: one is not in order.
    """
    wrong = {
        "institution: want the id of an institution": isinstance(institution, str),
        "signers: want a mapping of KeyUse to signers": isinstance(signers, Mapping)
        and all(isinstance(use, KeyUse) and callable(getattr(signer, "sign", None)) for use, signer in signers.items()),
        "tls: want a TlsMaterial or a TlsFolder": isinstance(tls, TlsMaterial | TlsFolder),
        f"deadline_seconds: want seconds above 0, at most {MOST_SECONDS:,}": is_seconds(seconds),
        "now_ms: want a function": callable(now_ms),
    }
    for problem, right in wrong.items():
        if not right:
            raise ConfigError(problem)


def _status_of(url: str, response: evaluation_pb2.GetStatusResponse) -> KeyServiceStatus:
    return KeyServiceStatus(
        url=url,
        reachable=True,
        subject_key_versions=tuple(key.subject_key_version for key in response.keys),
        directory_as_of=moment(response.directory_as_of) if response.directory_as_of else None,
        report_quota_left=response.report_quota_left,
        inquire_quota_left=response.inquire_quota_left,
    )
