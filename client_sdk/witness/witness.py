"""The decision of a witness about one checkpoint (C2SP tlog-witness, add-checkpoint)."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.checkpoint import parse_body
from client_sdk.kernel.formats.cosignature import cosign
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.merkle import verify_consistency
from client_sdk.kernel.formats.witness_request import parse_witness_request
from client_sdk.witness.rows import LogRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.witness.rows import LogRows

__all__ = ["Witness", "WitnessAnswer"]

_SIZE_TYPE = "text/x.tlog.size"
_TEXT = "text/plain; charset=utf-8"


class WitnessAnswer(NamedTuple):
    """Answer to one request.

    Attributes:
        status: of HTTP.
        body: the cosignature line (200), the size that was cosigned last (409), or what is wrong.
        content_type: of the body.
    """

    status: int
    body: bytes
    content_type: str = _TEXT


class Witness:
    """One witness; for any number of threads.

    Args:
        name: of its key.
        signer: its Ed25519 key, which signs nothing else.
        logs: keys of the logs that it cosigns; the name of each is the log's origin.
        rows: what it has cosigned.
        clock: returns seconds since 1970 UTC.
    """

    def __init__(
        self,
        name: str,
        signer: Signer,
        logs: Iterable[VerifierKey],
        rows: LogRows,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._signer = signer
        self._logs = {key.name: key for key in logs}
        self._origins = {sha256(origin.encode()).hexdigest(): origin for origin in self._logs}
        self._rows = rows
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """Cosign a checkpoint that extends what was cosigned last; say why not otherwise.

        Args:
            body: of the request.

        Returns:
            200 with the cosignature; 400 for a malformed request or an old size beyond the checkpoint's, 403 for a
            signature that is not the log's, 404 for a log that is not known, 409 for another old size than the one that
            was cosigned last, 422 for a tree that does not extend that one.

        Raises:
            ConfigError: the rows cannot be read or written; nothing was cosigned.
        """
        try:
            old, proof, raw = parse_witness_request(body)
            signed = note.parse(raw)
            checkpoint = parse_body(signed.text).checkpoint
        except FormatError as error:
            return _refused(400, error)
        key = self._logs.get(checkpoint.origin)
        if key is None:
            return WitnessAnswer(404, b"no log of this origin\n")
        try:
            opened = note.open_note(raw, [key])
        except (FormatError, SignatureError) as error:
            return _refused(403, error)
        if old > checkpoint.size:
            return WitnessAnswer(400, b"the old size is beyond the checkpoint's\n")
        held = self._rows.read(checkpoint.origin)
        if old != (size := 0 if held is None else held.size):
            return _other_size(size)
        try:
            _check_extends(held, checkpoint, proof)
        except FormatError as error:
            return _refused(422, error)
        line = cosign(opened.text, self._name, self._signer, int(self._clock()))
        kept = note.Note(opened.text, (*opened.verified, line)).encode()
        if not self._rows.move(checkpoint.origin, held, LogRow(checkpoint.size, checkpoint.root, kept)):
            newer = self._rows.read(checkpoint.origin)
            return _other_size(0 if newer is None else newer.size)
        return WitnessAnswer(200, line.line().encode())

    def newest(self, origin_hash: str) -> bytes | None:
        """Return the newest checkpoint of a log with the witness's cosignature; None for a log that is not known.

        Args:
            origin_hash: SHA-256 of the log's origin, in hex.

        Raises:
            ConfigError: the rows cannot be read.
        """
        origin = self._origins.get(origin_hash)
        held = None if origin is None else self._rows.read(origin)
        return None if held is None else held.checkpoint


def _check_extends(held: LogRow | None, checkpoint: Checkpoint, proof: tuple[bytes, ...]) -> None:
    """Check that a checkpoint extends the one that was cosigned last.

    Raises:
        FormatError: it does not, or the proof is wrong.
    """
    if held is None or not held.size:
        if proof:
            raise FormatError("witness request", "witness-request.hashes", got=str(len(proof)), want="none from size 0")
        return
    verify_consistency(held.size, checkpoint.size, proof, held.root, checkpoint.root)


def _other_size(size: int) -> WitnessAnswer:
    return WitnessAnswer(409, f"{size}\n".encode(), _SIZE_TYPE)


def _refused(status: int, error: FormatError | SignatureError) -> WitnessAnswer:
    return WitnessAnswer(status, f"{error}\n".encode())
