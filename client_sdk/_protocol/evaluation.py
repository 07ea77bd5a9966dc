"""Requests to key services, without I/O: blind, sign, verify and unblind (proto/README.md 1 and 4).

An input is blinded once and the same element goes to every service: under its fresh random scalar it says nothing about
the input, to one service or to all of them together, and each service sees the same order of elements anyway.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import evaluation_pb2, evidence_pb2

from client_sdk.errors import KeyServiceError, RefusedError
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.key_request import REQUEST_ID_BYTES, KeyRequest, elements_digest
from client_sdk.kernel.subjects.oprf import ELEMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client_sdk._protocol.blinding import BlindedBatch, Blinder
    from client_sdk.errors import TransportError
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.state import KeyService, KeyServices
    from client_sdk.kernel.formats.words import KeyUse, Purpose

__all__ = ["Ask", "Asker", "Evaluation", "failed"]

PROOF_INVALID = "PROOF_INVALID"
# Inputs of one request. A key service takes more, but checking the proof of a batch holds the interpreter's lock: of
# 1,000 it is a fifth of a second in which no other thread of the program goes on, nor asyncio's loop.
BATCH_INPUTS = 256


class Asker(NamedTuple):
    """Institution, use and purpose of an evaluation.

    Attributes:
        registry: its name.
        institution: the member's id.
        signer: a key of the member with the usage that ``use`` names.
        use: what the outputs are for.
        purpose: why; REPORTING for reporting, one of the others for inquiring.
    """

    registry: str
    institution: str
    signer: Signer
    use: KeyUse
    purpose: Purpose


class Ask(NamedTuple):
    """One signed request to one key service.

    Attributes:
        service: the key service to ask.
        version: of the subject keys.
        place: of the service among those of the version.
        start: place of the batch's first input.
        batch: blinded inputs.
        request: to be sent as it is, once.
    """

    service: KeyService
    version: int
    place: int
    start: int
    batch: BlindedBatch
    request: evaluation_pb2.EvaluateRequest


class Evaluation:
    """The outputs of all key services for some inputs; each batch is blinded and signed when its turn comes.

    Args:
        asker: institution, key, use and purpose of the requests.
        versions: of the subject keys, with their services.
        inputs: ``Identity.voprf_input()`` of each person.
        now_ms: the clock, ms since 1970 UTC; requests are good for 5 minutes.
    """

    def __init__(
        self, asker: Asker, versions: Sequence[KeyServices], inputs: Sequence[bytes], now_ms: Callable[[], int]
    ) -> None:
        self._asker = asker
        self._versions = versions
        self._inputs = inputs
        self._now_ms = now_ms
        # By version, place of the service and place of the input.
        self._outputs: dict[int, list[list[bytes]]] = {
            item.subject_key_version: [[b""] * len(inputs) for _ in item.services] for item in versions
        }

    @property
    def asks_per_batch(self) -> int:
        """Number of requests for one batch of inputs."""
        return sum(len(item.services) for item in self._versions)

    @property
    def starts(self) -> range:
        """Place of the first input of each batch."""
        return range(0, len(self._inputs), BATCH_INPUTS)

    def asks(self, start: int, blinder: Blinder) -> list[Ask]:
        """Blind a batch, and return a request to each service of each version.

        Args:
            start: one of ``starts``.
            blinder: blinds it, and unblinds the answers.
        """
        batch = blinder.blind(self._inputs[start : start + BATCH_INPUTS], self.asks_per_batch)
        return [
            Ask(
                service,
                item.subject_key_version,
                place,
                start,
                batch,
                self._sign(service, item.subject_key_version, batch.elements),
            )
            for item in self._versions
            for place, service in enumerate(item.services)
        ]

    def again(self, ask: Ask) -> Ask:
        """Return the same question as a new request; a key service takes each request once."""
        return ask._replace(request=self._sign(ask.service, ask.version, ask.request.blinded))

    def accept(self, ask: Ask, response: evaluation_pb2.EvaluateResponse) -> None:
        """Check the proof of an answer under the key that acts name, and keep the outputs.

        Raises:
            KeyServiceError: PROOF_INVALID; the answer was not made by that key from these elements.
        """
        joined = response.evaluated
        evaluated = [joined[at : at + ELEMENT_BYTES] for at in range(0, len(joined), ELEMENT_BYTES)]
        try:
            outputs = ask.batch.finalize(evaluated, response.proof, ask.service.public_key)
        except FormatError as error:
            raise KeyServiceError(ask.service.url, PROOF_INVALID, error.rule) from error
        self._outputs[ask.version][ask.place][ask.start : ask.start + len(outputs)] = outputs

    def outputs(self) -> list[dict[int, tuple[bytes, ...]]]:
        """Return, for each input, by version the 64-byte outputs of its services in the order of RegistryState."""
        return [
            {version: tuple(service[place] for service in services) for version, services in self._outputs.items()}
            for place in range(len(self._inputs))
        ]

    def _sign(self, service: KeyService, version: int, blinded: bytes) -> evaluation_pb2.EvaluateRequest:
        asker = self._asker
        payload = KeyRequest(
            registry=asker.registry,
            service=service.key_id,
            subject_key_version=version,
            institution=asker.institution,
            request_id=secrets.token_bytes(REQUEST_ID_BYTES),
            issued_at=self._now_ms(),
            use=asker.use,
            purpose=asker.purpose,
            elements_digest=elements_digest(blinded),
        ).encode()
        signed = evidence_pb2.SignedPayload(
            payload=payload,
            key_id=asker.signer.public_key.key_id,
            signature=dsse.sign(asker.signer, dsse.KEY_REQUEST, payload),
        )
        return evaluation_pb2.EvaluateRequest(request=signed, blinded=blinded)


def failed(service: KeyService, error: RefusedError | TransportError) -> KeyServiceError:
    """Return the error that names the service whose call failed."""
    reason, found = error.reason, str(error)
    if isinstance(error, RefusedError):
        # The reason stands before it already.
        found = ": ".join(filter(None, (str(replace(error.complaint, reason="")), error.message)))
    else:
        reason = reason or error.status
    named = KeyServiceError(service.url, reason, found, retryable=error.retryable)
    named.request_id = error.request_id
    return named
