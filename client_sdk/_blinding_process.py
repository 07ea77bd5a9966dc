"""A process that blinds and unblinds for a client: ``python -m client_sdk._blinding_process``.

It opens no file and no connection, holds no key, and writes nothing; identity inputs stay in its memory until their
outputs are made. What it cannot do is answered with nothing.

    request = pickled BlindRequest or FinalizeRequest
    answer  = pickled blinded elements, outputs, or FormatError; or nothing
"""

from __future__ import annotations

import pickle

from client_sdk._helper_process import serve
from client_sdk._protocol.blinding import BlindRequest, FinalizeRequest
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.subjects.oprf import Blinding, finalize


class _BlindingService:
    """Answers requests; keeps the blindings of batches whose evaluations are awaited."""

    def __init__(self) -> None:
        self._blindings: dict[int, list[Blinding]] = {}
        self._awaited: dict[int, int] = {}

    def answer(self, data: bytes) -> bytes:
        """Return the answer to a request; empty bytes where it cannot be given."""
        try:
            # Pickle between two processes of one program, over a socket that no third one has.
            request: BlindRequest | FinalizeRequest = pickle.loads(data)  # noqa: S301 - see above
            return pickle.dumps(self._result(request), -1)
        except Exception:  # noqa: BLE001 - the client does it again itself, and learns what is wrong
            return b""

    def _result(self, request: BlindRequest | FinalizeRequest) -> bytes | list[bytes] | FormatError:
        if isinstance(request, BlindRequest):
            blindings = [Blinding.of(item) for item in request.inputs]
            self._blindings[request.batch] = blindings
            self._awaited[request.batch] = request.answers
            return b"".join(blinding.element for blinding in blindings)
        try:
            outputs = finalize(self._blindings[request.batch], request.evaluated, request.proof, request.public_key)
        except FormatError as error:
            return error
        self._awaited[request.batch] -= 1
        if not self._awaited[request.batch]:
            del self._blindings[request.batch], self._awaited[request.batch]
        return outputs


def main() -> None:
    """Serve until the client ends."""
    serve(_BlindingService().answer)


if __name__ == "__main__":
    main()
