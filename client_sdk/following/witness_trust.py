"""Trust in witnesses: what a member demands of them, and how far they have confirmed the log that it was shown.

    state/cosigned = the newest checkpoint that a quorum has cosigned, as a signed note         replaced as a whole
    state/awaited  = leaves " " ms LF: that were shown and not confirmed yet, and since when    replaced as a whole

Whatever the log has signed for this member begins the newest checkpoint that its home keeps (``newest.py``). So one
cosigned checkpoint that this one begins, or that begins it, tells of all of them: those up to its size are confirmed.
Where the two are not of one history, both were signed by the log, and the proof of that is kept.

A registry that shows witnesses no more than the beginning that two histories have in common gets it cosigned again and
again. So no confirmation of a part counts as newer than the time since which the rest is awaited.

``confirming`` does no network I/O: it is a generator as ``NewestCheckpoint.prove`` is.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import transparency_pb2

from client_sdk._files import replace_file
from client_sdk._protocol.witnessed import witnessed
from client_sdk.clock import clock_ms
from client_sdk.errors import ConfigError, RefusedError, RollbackError, TransportError, VerificationError
from client_sdk.following.newest import AWAITED_FILE, COSIGNED_FILE
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.ledger.cosigned import check_one_history, read_cosigned
from client_sdk.models.witnessed import WitnessDemand, Witnessed

if TYPE_CHECKING:
    from creditregistry.v1 import evidence_pb2

    from client_sdk.config import ClientConfig
    from client_sdk.following.core import DirectoryFollower
    from client_sdk.following.newest import NewestCheckpoint, Proving
    from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
    from client_sdk.kernel.ledger.cosigned import Cosigned

__all__ = ["WitnessTrust"]

# Between two requests for what witnesses have cosigned meanwhile.
_AGAIN_SECONDS = 5.0
_AWAITED = re.compile(rb"([1-9][0-9]{0,19}) ([1-9][0-9]{0,19})\n")


class _Awaited(NamedTuple):
    """What this home was shown of the log and witnesses have not confirmed yet.

    Attributes:
        size: leaves that it was shown.
        since: when it was, or when all that it was shown before was confirmed, ms since 1970 UTC.
    """

    size: int
    since: int


class WitnessTrust:
    """The witnesses of one home; any number of threads may share it.

    Args:
        config: of the member.
        follower: knows the rulebook.
        newest: knows what the log has signed for this home.

    Raises:
        ConfigError: the member's own policy is not in order.
    """

    def __init__(self, config: ClientConfig, follower: DirectoryFollower, newest: NewestCheckpoint) -> None:
        self._demand = config.witnessed
        self._own = config.own_quorum()
        self._follower = follower
        self._newest = newest
        self._path = config.state_folder / COSIGNED_FILE
        self._awaited_path = config.state_folder / AWAITED_FILE
        self._key = follower.trust_root.log_key
        self._asked_at = float("-inf")

    @property
    def quorums(self) -> tuple[WitnessQuorum, ...]:
        """All that must be met; none where nothing is demanded."""
        if self._demand is WitnessDemand.NONE:
            return ()
        return tuple(quorum for quorum in (self._follower.quorum, self._own) if quorum is not None)

    @property
    def strict(self) -> bool:
        """Whether an answer waits for witnesses."""
        return self._demand is WitnessDemand.STRICT and bool(self.quorums)

    def witnessed(self) -> Witnessed | None:
        """Return how far the newest checkpoint of this home is confirmed; None where nothing is demanded."""
        known = self._newest.read()
        return self.aged(self._kept(0 if known is None else known.checkpoint.size))

    def _kept(self, size: int) -> Witnessed | None:
        """Return how far a log of so many leaves is confirmed by what is kept."""
        try:
            return witnessed(self._read(), size, self.quorums, clock_ms())
        except FormatError:
            # It was kept before a witness was trusted whose line in it does not verify.
            return Witnessed()

    def aged(self, seen: Witnessed | None) -> Witnessed | None:
        """Return what witnesses have confirmed with no later time than since when this home awaits the rest.

        Args:
            seen: of a log that this home was shown and keeps, or that it extends.

        Raises:
            ConfigError: a file of the home cannot be read or written.
        """
        if seen is None or seen.whole:
            return seen
        since = self._awaited_since()
        return seen if seen.at is None or since is None else replace(seen, at=min(seen.at, moment(since)))

    def _awaited_since(self) -> int | None:
        """Return since when the oldest leaves are awaited that are not confirmed, ms since 1970 UTC; None for none."""
        known, seen, now = self._newest.read(), self._kept(0), clock_ms()
        if known is None or seen is None or known.checkpoint.size <= seen.size:
            return None
        awaited = self._read_awaited()
        # A clock that was ahead then has told a time that would not grow old.
        if awaited is None or awaited.size <= seen.size or awaited.since > now:
            awaited = _Awaited(known.checkpoint.size, now)
            replace_file(self._awaited_path, b"%d %d\n" % awaited)
        return awaited.since

    def confirming(self) -> Proving:
        """Ask, now and then, whether witnesses have seen what was shown to this home.

        A registry that has nothing to show, does not answer or refuses proves nothing: the age of what was confirmed
        tells of it.

        Raises:
            ContradictionError: witnesses see another history; what shows it is kept.
            ConfigError: a file of the home cannot be read or written.
        """
        known = self._newest.read()
        if known is None or not self.quorums or time.monotonic() - self._asked_at < _AGAIN_SECONDS:
            return
        before = self._read()
        if before is not None and before.size >= known.checkpoint.size:
            return
        self._asked_at = time.monotonic()
        size = known.checkpoint.size
        try:
            response = yield transparency_pb2.GetCheckpointRequest(known_size=size, cosigned=True)
        except (RefusedError, TransportError):
            return
        if not response.HasField("cosigned"):
            return
        try:
            cosigned = check_one_history(response.cosigned, known.checkpoint, self._key)
        except FormatError:
            yield from self.exposing(known.raw, response.cosigned)
            return
        yield from self.taking(cosigned)

    def taking(self, cosigned: Cosigned) -> Proving:
        """Keep a cosigned checkpoint that is of one history with what is kept, where a quorum is met by a larger one.

        Raises:
            ContradictionError: it is larger than what is kept, and not of one history with it after all.
            ConfigError: it cannot be written.
        """
        try:
            seen = witnessed(cosigned, 0, self.quorums, clock_ms())
        except FormatError:
            # The registry should not have shown it; it counts for nothing.
            return
        before, known = self._read(), self._newest.read()
        if (
            seen is None
            or seen.at is None
            or (before is not None and (before == cosigned or before.size > cosigned.size))
        ):
            return
        if known is not None and known.checkpoint.size < cosigned.size:
            yield from self._newest.prove(cosigned.signed.raw)
        replace_file(self._path, cosigned.note.encode())

    def exposing(self, note: bytes, message: evidence_pb2.CosignedCheckpoint) -> Proving:
        """Find out whether a cosigned checkpoint contradicts another one, where it was not proved to belong to it.

        Args:
            note: the other one, signed by the log.
            message: what was shown beside it.

        Raises:
            ContradictionError: it does; what shows it is kept.
        """
        try:
            cosigned = read_cosigned(message.checkpoint, self._key)
        except FormatError:
            return
        with suppress(RefusedError, TransportError):
            try:
                yield from self._newest.connect(note, cosigned.signed.raw)
            except RollbackError:
                raise
            except VerificationError:
                return

    def _read_awaited(self) -> _Awaited | None:
        """Return what is kept; None where there is nothing, or what is there is of no use."""
        try:
            found = _AWAITED.fullmatch(self._awaited_path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"{self._awaited_path} cannot be read: {error.strerror}") from error
        return None if found is None else _Awaited(int(found[1]), int(found[2]))

    def _read(self) -> Cosigned | None:
        """Return what is kept; None where there is nothing, or what is there is of no use: it is asked for again."""
        try:
            return read_cosigned(self._path.read_bytes(), self._key)
        except (FileNotFoundError, FormatError):
            return None
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be read: {error.strerror}") from error
