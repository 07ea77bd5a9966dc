"""Flows about what was erased: asking for the proof, and checking whose record it was."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from client_sdk._member.core import Core
from client_sdk._protocol import arguments
from client_sdk._protocol.erasure import ErasureQuestion, read_erasure_file
from client_sdk._steps import ask, beside
from client_sdk.kernel.formats.words import KeyUse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk._steps import Flow
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.models.erasure import ErasureProof

__all__ = ["Erasing"]


class Erasing(Core):
    """What members prove to persons whose records were erased."""

    def erasure_proof(self, record_id: bytes, issuer: str, identity: Identity | None) -> Flow[ErasureProof]:
        """Return the proof that a record was erased."""
        arguments.record_id_of(record_id)
        arguments.institution_of(issuer, "issuer")
        names = None if identity is None else (yield from self._names(identity))
        session = self.session
        question = ErasureQuestion(session.record(record_id, issuer), names)
        response = yield from ask(self.services.records.GetErasure, question.request())
        own, name = session.config.institution, session.config.name
        proof, checkpoint = yield from beside(partial(question.read, response, own, name, session.log_key))
        yield from self.prove(session.proving(checkpoint))
        return proof

    def verify_erasure(self, data: bytes, identity: Identity | None) -> Flow[ErasureProof]:
        """Verify a proof of erasure against the trust root, and whom it names."""
        arguments.bytes_of(data, "data")
        names = None if identity is None else (yield from self._names(identity))
        session = self.session
        return (yield from beside(partial(read_erasure_file, data, session.config.name, session.log_key, names)))

    def _names(self, identity: Identity) -> Flow[Mapping[int, Pseudonym]]:
        person = arguments.person_of(identity, "identity")
        directory = yield from self.directory()
        (names,) = yield from self.names([person], KeyUse.INQUIRE, self.session.review_purpose(directory))
        return names
