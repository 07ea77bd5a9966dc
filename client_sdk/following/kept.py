"""State file of a follower: the acts and the last checkpoint, so that a restart continues from there.

    file = "creditregistry/followed-directory/v1" 0x00 || lp(genesis hash) || lp(directory proof) || lp(acts)

Proof and acts are the registry's own answers (protobuf) and are verified again when they are read. Mode 0600, replaced
as a whole.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from creditregistry.v1 import proposal_pb2, transparency_pb2
from filelock import FileLock, Timeout
from google.protobuf.message import DecodeError

from client_sdk._files import cannot_be_written, replace_file
from client_sdk.errors import ConfigError, VerificationError
from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.checkpoint import parse_body
from client_sdk.kernel.formats.encoding import label, lp
from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.following.core import DirectoryFollower, DirectoryView

__all__ = ["KeptDirectory"]

_LABEL = label("creditregistry/followed-directory/v1")
_MODE = 0o600
_LENGTH_BYTES = 4
_PARTS = 3
_LOCK_SECONDS = 10


class KeptDirectory:
    """The file of one follower; several processes of one member may share it.

    Args:
        path: of the file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(f"{path}.lock", timeout=_LOCK_SECONDS, mode=_MODE)

    def restore(self, follower: DirectoryFollower) -> None:
        """Let a follower take up what was kept, where there is anything.

        Raises:
            ConfigError: the file is damaged, or of another registry.
        """
        try:
            kept = self._read()
            if kept is None:
                return
            genesis, proof, acts = kept
            if genesis != follower.trust_root.genesis:
                raise ConfigError(f"{self._path} was kept for another trust root")
            follower.restore(proof, acts.acts)
        except (FormatError, DecodeError, VerificationError) as error:
            raise ConfigError(f"{self._path} is damaged: {error}") from error

    def keep(self, follower: DirectoryFollower, view: DirectoryView) -> None:
        """Write the view, unless another process has written a later one.

        Raises:
            ConfigError: it cannot be written, such as to a full disk; what was kept before is still there.
        """
        parts = (
            follower.trust_root.genesis,
            view.proof.SerializeToString(),
            proposal_pb2.ListActsResponse(acts=view.acts).SerializeToString(),
        )
        with self._writing():
            if self._kept_size() <= view.checkpoint.size:
                replace_file(self._path, _LABEL + b"".join(map(lp, parts)))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the file alone, and tell what the system refuses in the words of this package."""
        try:
            with self._lock:
                yield
        except Timeout:
            raise ConfigError(f"{self._path} is held by another process for {_LOCK_SECONDS} s") from None
        except OSError as error:
            raise cannot_be_written(self._path, error) from error

    def _read(self) -> tuple[bytes, transparency_pb2.GetDirectoryProofResponse, proposal_pb2.ListActsResponse] | None:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be read: {error.strerror}") from error
        genesis, proof, acts = _split(data)
        return (
            genesis,
            transparency_pb2.GetDirectoryProofResponse.FromString(proof),
            proposal_pb2.ListActsResponse.FromString(acts),
        )

    def _kept_size(self) -> int:
        try:
            kept = self._read()
            return 0 if kept is None else parse_body(note.parse(kept[1].checkpoint).text).checkpoint.size
        except (FormatError, DecodeError):
            return 0


def _split(data: bytes) -> list[bytes]:
    if not data.startswith(_LABEL):
        raise FormatError("kept directory", "file.label", want=_LABEL[:-1].decode())
    parts: list[bytes] = []
    at = len(_LABEL)
    while at < len(data):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start])
        parts.append(data[start:at])
    if at != len(data) or len(parts) != _PARTS:
        raise FormatError("kept directory", "file.parts", got=str(len(parts)), want=f"{_PARTS} whole parts")
    return parts
