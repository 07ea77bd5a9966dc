"""The newest checkpoint that a member has verified, kept in a file of its home (P6).

    file = the signed note, as the log wrote it            replaced as a whole, under a lock file

Whatever the log has signed for this member, in an answer, a receipt or a round of the follower, is held against it: a
consistency proof is demanded from the registry from the smaller of the two to the larger, and the file moves forward
only by such a proof. A log that is shown shorter than before, or in two histories, is refused from then on.

``NewestCheckpoint.prove`` does no network I/O: it is a generator that yields requests and is sent the responses; what a
registry refuses is thrown into it as ``RefusedError``.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING

from creditregistry.v1 import transparency_pb2
from filelock import FileLock, Timeout

from client_sdk._files import replace_file
from client_sdk._protocol.verification import verifying
from client_sdk.errors import ConfigError, RefusedError, TransportError
from client_sdk.following.log_memory import PART, ContradictionError
from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.contradiction import Contradiction
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.merkle import verify_consistency
from client_sdk.kernel.ledger.proving import split_hashes

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from typing import TypeAlias

    from client_sdk.kernel.formats.checkpoint import Checkpoint, SignedCheckpoint
    from client_sdk.kernel.formats.note import VerifierKey

__all__ = [
    "AWAITED_FILE",
    "COSIGNED_FILE",
    "NewestCheckpoint",
    "Proving",
    "confirmation",
    "keep_contradiction",
    "kept_contradictions",
]

Proving: TypeAlias = "Generator[transparency_pb2.GetCheckpointRequest, transparency_pb2.GetCheckpointResponse, None]"
_LOCK_SECONDS = 10
_MODE = 0o600
# Beside the file: what witnesses have confirmed of the log, and what they have not yet.
COSIGNED_FILE, AWAITED_FILE = "cosigned", "awaited"
# Beside it too: proofs that the log has two histories.
_PROOF, _PROOF_SUFFIX = "contradiction", ".proof"
_PROOF_START = f"{_PROOF}-"
# What its member has set aside since.
_FORGOTTEN = "forgotten-"
# How often in a row other processes of the home may move the file while one proof is on its way.
_MAX_ROUNDS = 8
_NAME_CHARACTERS = 16
# Proofs, and notes that prove nothing, that one home keeps at most.
_MAX_KEPT = 16


class NewestCheckpoint:
    """The file of one home; any number of threads and processes may share it.

    Args:
        path: of the file; its folder exists before something is kept.
        key: of the log, from the trust root.
    """

    def __init__(self, path: Path, key: VerifierKey) -> None:
        self._path = path
        self._key = key
        self._lock = FileLock(f"{path}.lock", timeout=_LOCK_SECONDS, mode=_MODE)
        self._read: SignedCheckpoint | None = None
        # A proof that the disk did not take.
        self._unkept: Contradiction | None = None

    def read(self) -> SignedCheckpoint | None:
        """Return the newest checkpoint that was proved; None before the first.

        Raises:
            ConfigError: the file cannot be read, is damaged, or of another log.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be read: {error.strerror}") from error
        known = self._read
        if known is None or known.raw != data:
            try:
                known = self._read = parse_checkpoint(data, self._key)
            except FormatError as error:
                raise ConfigError(
                    f"{self._path} is damaged, or of another registry: {error}; put it back from a copy, or move it "
                    "away to take the log up anew"
                ) from error
        return known

    def check_trusted(self) -> None:
        """Refuse a log whose misbehaviour was proved, until a person moves the proof away.

        Raises:
            ContradictionError: a proof is kept beside the file, or the disk did not take one that was found.
        """
        unkept = self._unkept
        if unkept is not None:
            raise self._contradiction("log.fork-proved", unkept.first, unkept.second, unkept)
        for path, proof in self._proofs():
            text = f"{proof}: {path} proves it. No answer counts until a person has moved that file away"
            known, shown = proof.first.raw, proof.second.raw
            raise ContradictionError(PART, "log.fork-proved", text, known=known, shown=shown, kept=path)

    def prove(self, note: bytes) -> Proving:
        """Hold a checkpoint against the one that is kept, and keep the larger of the two.

        Args:
            note: signed by the log.

        Raises:
            VerificationError: it is no checkpoint of this log.
            ContradictionError: the log went back or split in two; what shows it is kept beside the file.
            RefusedError: the registry gives no proof although its log is long enough.
        """
        with verifying():
            shown = parse_checkpoint(note, self._key)
        for _ in range(_MAX_ROUNDS):
            known = self.read()
            if known is not None:
                yield from self._hold(known, shown)
                if shown.checkpoint.size <= known.checkpoint.size:
                    return
            if self._advance(known, shown):
                return
        raise ConfigError(f"{self._path} is moved by other processes all the time")

    def connect(self, older: bytes, newer: bytes) -> Proving:
        """Prove that two checkpoints belong to one history; what is kept stays.

        Raises:
            VerificationError: one is no checkpoint of this log.
            ContradictionError: they do not; what shows it is kept beside the file.
            RefusedError: the registry gives no proof although its log is long enough.
        """
        with verifying():
            one, other = parse_checkpoint(older, self._key), parse_checkpoint(newer, self._key)
        yield from self._hold(one, other)

    def expose(self, error: ContradictionError) -> Proving:
        """Ask the registry for what makes a contradiction provable, keep it, and raise the error again.

        A registry that gives no proof, or does not answer, proves nothing: what it has shown is kept then.

        Raises:
            ContradictionError: with the file that keeps what was found.
            ConfigError: a file of the home cannot be read.
        """
        with verifying():
            known, shown = parse_checkpoint(error.known, self._key), parse_checkpoint(error.shown, self._key)
        if shown.checkpoint.size >= known.checkpoint.size:
            with suppress(RefusedError, TransportError):
                yield from self._hold(known, shown)
        raise self._contradiction(error.rule, known, shown)

    def forget(self, confirmed: str) -> Path:
        """Give up what is kept, because its member knows why the log went back; return where a copy of it is left.

        Proofs of misbehaviour stay under another name, and stop nothing any more; what witnesses have confirmed of the
        log that went back is dropped.

        Args:
            confirmed: size and root of what is kept, as ``confirmation`` gives them.

        Raises:
            ConfigError: something else is kept; nothing was changed.
        """
        with self._alone():
            known = self.read()
            if known is None or confirmed != confirmation(known.checkpoint):
                raise ConfigError(f"nothing was changed: {confirmed} is not what {self._path} holds")
            copy = _keep_apart(self._path.parent, f"{_FORGOTTEN}{known.checkpoint.size}", ".note", known.raw)
            for path, _ in self._proofs():
                path.replace(path.with_name(f"{_FORGOTTEN}{path.name}"))
            for name in (COSIGNED_FILE, AWAITED_FILE):
                self._path.with_name(name).unlink(missing_ok=True)
            self._path.unlink()
            return copy

    def _hold(self, known: SignedCheckpoint, shown: SignedCheckpoint) -> Proving:
        """Prove that two checkpoints belong to one history."""
        if known.checkpoint == shown.checkpoint:
            return
        older, newer = sorted((known, shown), key=lambda signed: signed.checkpoint.size)
        before, after = older.checkpoint, newer.checkpoint
        if before.size == after.size:
            raise self._contradiction("log.fork", known, shown, _proof(older, newer))
        request = transparency_pb2.GetCheckpointRequest(known_size=before.size, to_size=after.size)
        try:
            response = yield request
        except RefusedError as error:
            # Without a proof the registry shows how long its log is instead.
            newest = yield transparency_pb2.GetCheckpointRequest()
            with verifying():
                latest = parse_checkpoint(newest.checkpoint, self._key)
            if latest.checkpoint.size < after.size:
                raise self._contradiction("log.rollback", newer, latest) from error
            raise
        try:
            path = split_hashes(response.consistency, PART)
            verify_consistency(before.size, after.size, path, before.root, after.root)
        except FormatError as error:
            proof = _proof(older, newer, response) or (yield from self._expose_newer(newer, response))
            raise self._contradiction("log.fork", known, shown, proof) from error

    def _expose_newer(
        self, newer: SignedCheckpoint, response: transparency_pb2.GetCheckpointResponse
    ) -> Generator[transparency_pb2.GetCheckpointRequest, transparency_pb2.GetCheckpointResponse, Contradiction | None]:
        """Hold the larger of two checkpoints against the log's newest: it may be the one that the log holds no more."""
        with verifying():
            latest = parse_checkpoint(response.checkpoint, self._key)
        size, newest = newer.checkpoint.size, latest.checkpoint.size
        if newest <= size:
            return _proof(newer, latest)
        try:
            answer = yield transparency_pb2.GetCheckpointRequest(known_size=size, to_size=newest)
        except RefusedError:
            return None
        return _proof(newer, latest, answer)

    def _advance(self, known: SignedCheckpoint | None, shown: SignedCheckpoint) -> bool:
        """Keep a checkpoint that continues the known one; False where another process has kept another meanwhile."""
        with self._alone():
            if self.read() != known:
                return False
            replace_file(self._path, shown.raw)
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._lock.acquire()
        except (OSError, Timeout) as error:
            raise ConfigError(f"{self._path}.lock is held by another process, or cannot be made") from error
        try:
            yield
        finally:
            self._lock.release()

    def _contradiction(
        self, rule: str, known: SignedCheckpoint, shown: SignedCheckpoint, proof: Contradiction | None = None
    ) -> ContradictionError:
        """Keep the contradicting checkpoint beside the file, as a proof where both are signed, and return the error.

        What cannot be kept, such as on a full disk, is a contradiction all the same.
        """
        kept, size = None, shown.checkpoint.size
        text = (
            f"got {size} leaves, want a log that continues the {known.checkpoint.size} known, and nothing is proved"
            if proof is None
            else str(proof)
        )
        try:
            kept = self._keep_note(shown) if proof is None else self._keep_proof(proof)
            where, self._unkept = "" if kept is None else f": {kept}", None
        except ConfigError as error:
            where, self._unkept = f". It is not kept: {error}", proof or self._unkept
        return ContradictionError(PART, rule, f"{text}{where}", known=known.raw, shown=shown.raw, kept=kept)

    def _kept_before(self, proof: Contradiction) -> Path | None:
        """Return a proof of before that shares a checkpoint with this one: the log's newest is another on each call."""
        notes = {proof.first.raw, proof.second.raw}
        for path, before in self._proofs():
            if not notes.isdisjoint((before.first.raw, before.second.raw)):
                return path
        return None

    def _proofs(self) -> Iterator[tuple[Path, Contradiction]]:
        """Yield the proofs of misbehaviour of this log that are kept; files that prove nothing are passed over."""
        for path in kept_contradictions(self._path.parent):
            with suppress(FormatError, OSError):
                yield path, Contradiction.parse(path.read_bytes(), self._key)

    def _keep_proof(self, proof: Contradiction) -> Path | None:
        """Keep a proof, unless many that stop every call are kept already."""
        kept = self._kept_before(proof)
        if kept is not None or sum(1 for _ in self._proofs()) >= _MAX_KEPT:
            return kept
        return keep_contradiction(self._path.parent, proof.encode())

    def _keep_note(self, shown: SignedCheckpoint) -> Path | None:
        """Keep a note that proves nothing, unless there are many already."""
        folder = self._path.parent
        if sum(not path.name.startswith(_FORGOTTEN) for path in folder.glob("*.note")) >= _MAX_KEPT:
            return None
        return _keep_apart(folder, f"shown-{shown.checkpoint.size}", ".note", shown.raw)


def _proof(
    one: SignedCheckpoint, other: SignedCheckpoint, response: transparency_pb2.GetCheckpointResponse | None = None
) -> Contradiction | None:
    """Return the proof that two checkpoints contradict each other; None where the answer does not make it one."""
    try:
        if response is None:
            return Contradiction.of(one, other)
        return Contradiction.of(one, other, response.known_root, split_hashes(response.consistency, PART))
    except FormatError:
        return None


def confirmation(checkpoint: Checkpoint) -> str:
    """Return size and root of a checkpoint as people compare and type them."""
    return ":".join(checkpoint.body().split("\n")[1:3])


def _keep_apart(folder: Path, name: str, suffix: str, data: bytes) -> Path:
    """Write a file under a name that follows from its content, whole or not at all, and never over another.

    Raises:
        ConfigError: it cannot be written.
    """
    path = folder / f"{name}-{sha256(data).hexdigest()[:_NAME_CHARACTERS]}{suffix}"
    # Where it is there already, it was kept before: the name is that of the content.
    if not path.exists():
        replace_file(path, data)
    return path


def keep_contradiction(folder: Path, proof: bytes) -> Path:
    """Keep a proof that the log has two histories.

    Raises:
        ConfigError: it cannot be written.
    """
    return _keep_apart(folder, _PROOF, _PROOF_SUFFIX, proof)


def kept_contradictions(folder: Path) -> list[Path]:
    """Return the files of such proofs, by name; whether each proves what it is kept for is for who reads it."""
    # Looked for some times a check; `glob` takes more than twice as long.
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
        return [
            folder / name for name in sorted(names) if name.startswith(_PROOF_START) and name.endswith(_PROOF_SUFFIX)
        ]
    return []
