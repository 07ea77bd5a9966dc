"""Proofs of erasure: asking for one, and reading it (proto/README.md 8)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from creditregistry.v1 import erasure_pb2 as pb

from client_sdk._protocol.annotation import record_ref
from client_sdk._protocol.verification import verifying
from client_sdk.errors import VerificationError
from client_sdk.kernel.formats.commitment import OPENING_BYTES, commit_erased_person
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.ledger.erasure_file import erasure_file, parse_erasure_file, read_erasure
from client_sdk.models.erasure import ErasureProof

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.kernel.formats.erasure import Erasure
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.ledger.erasure_file import VerifiedErasure
    from client_sdk.kernel.subjects.pseudonym import Pseudonym

__all__ = ["ErasureQuestion", "read_erasure_file"]

PART = "erasure"


class ErasureQuestion:
    """One question for a proof of erasure.

    Args:
        record: which.
        names: the person's pseudonyms by version of the subject keys; None to name nobody.
    """

    def __init__(self, record: RecordKey, names: Mapping[int, Pseudonym] | None) -> None:
        self._record = record
        self._opening, self._person = b"", b""
        if names is not None:
            newest = max(names)
            # Kept here: the registry knows pseudonyms, and could try them all if it had the opening.
            self._opening = secrets.token_bytes(OPENING_BYTES)
            self._person = commit_erased_person(self._opening, newest, names[newest].subject)

    def request(self) -> pb.GetErasureRequest:
        """Return what is sent."""
        return pb.GetErasureRequest(record=record_ref(self._record), person=self._person)

    def read(
        self, response: pb.GetErasureResponse, asker: str, registry: str, key: VerifierKey
    ) -> tuple[ErasureProof, bytes]:
        """Return the proof and the checkpoint that covers it, once it verifies.

        Raises:
            VerificationError: it is of another record, person or asker, or a part does not verify.
        """
        with verifying():
            data = erasure_file(response.proved, self._opening)
            proof, erasure = _read(data, registry, key)
            if (erasure.key, erasure.person, erasure.asker) != (self._record, self._person, asker):
                raise FormatError(PART, "erasure.asked", want="record, person and asker of the question")
        return proof, response.proved.receipt.checkpoint


def read_erasure_file(
    data: bytes, registry: str, key: VerifierKey, names: Mapping[int, Pseudonym] | None = None
) -> ErasureProof:
    """Return the proof that a file holds, once it verifies.

    Args:
        data: bytes of the file.
        registry: name of the registry.
        key: of the log, from the trust root.
        names: pseudonyms of the person whom it must name, by version of the subject keys; None not to check that.

    Raises:
        VerificationError: the file has another form, is of another registry or person, or proves nothing.
    """
    with verifying():
        verified = read_erasure(parse_erasure_file(data), registry, key)
    if names is not None and not verified.is_of((version, name.subject) for version, name in names.items()):
        raise VerificationError("person", "erasure.person", want="the person whom the proof names")
    return _proof(verified, data)


def _read(data: bytes, registry: str, key: VerifierKey) -> tuple[ErasureProof, Erasure]:
    verified = read_erasure(parse_erasure_file(data), registry, key)
    return _proof(verified, data), verified.erasure


def _proof(verified: VerifiedErasure, data: bytes) -> ErasureProof:
    erasure = verified.erasure
    return ErasureProof(
        issuer=erasure.issuer,
        record_id=erasure.record_id,
        by=verified.by,
        erased_at=moment(erasure.erased_at),
        index=erasure.index,
        asker=erasure.asker,
        found_at=moment(erasure.found_at),
        names_person=bool(erasure.person),
        size=verified.size,
        file=data,
    )
