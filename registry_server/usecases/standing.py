"""Current members, key services and TLS keys, cached for authorization.

Kept in memory, because it is asked for each call. Another process on the same database may log an act or change a TLS
key: this process reads both again every second, and lets nobody in on what it read more than five seconds ago.
"""

from __future__ import annotations

import threading
import time
from enum import Enum
from typing import TYPE_CHECKING

import structlog

from client_sdk.kernel.ledger.tls_key import check_not_ended
from registry_server.errors import RefusalReason, RegistryError
from registry_server.serving.periodic import PeriodicTask
from registry_server.storage import tls_keys
from registry_server.storage.errors import StorageError, StorageFault
from registry_server.usecases.failures import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.formats.state import InstitutionState
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.ledger import Ledger
    from registry_server.storage.tls_keys import StoredTlsKey

__all__ = ["REFRESH_SECONDS", "STALE_SECONDS", "PeerStanding", "TlsStanding", "standing_of"]

REFRESH_SECONDS = 1.0
STALE_SECONDS = 5.0
_log = structlog.get_logger("registry.standing")


class TlsStanding(Enum):
    """Status of a member's TLS key."""

    RUNNING = "RUNNING"
    NOT_VOUCHED = "NOT_VOUCHED"
    REVOKED = "REVOKED"
    ENDED_BY_ACT = "ENDED_BY_ACT"


def standing_of(state: InstitutionState, spki_hash: bytes, key: StoredTlsKey | None) -> TlsStanding:
    """Return the status of a TLS key.

    Args:
        state: of its institution, in the newest directory.
        spki_hash: names the key.
        key: what the table holds of it; None for nothing.
    """
    if state.ended_tls_key(spki_hash) is not None:
        return TlsStanding.ENDED_BY_ACT
    if key is None:
        return TlsStanding.NOT_VOUCHED
    if key.revoked_at:
        return TlsStanding.REVOKED
    vouching = state.key(key.vouching_key_id)
    return TlsStanding.RUNNING if vouching is not None and vouching.running else TlsStanding.NOT_VOUCHED


class PeerStanding:
    """The use case; thread-safe.

    Args:
        ledger: whose directory and database.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._keys: dict[tuple[str, bytes], StoredTlsKey] = {}
        self._change = 0
        self._read_at = float("-inf")
        self._reading = threading.Lock()
        # When the last reading began, and how it failed.
        self._begun = float("-inf")
        self._failure: Exception | None = None
        self._learning = threading.Lock()
        self._reads = PeriodicTask("standing", self.refresh, REFRESH_SECONDS, fault_of=reason_of, report=_report)

    def start(self) -> None:
        """Begin to read again and again."""
        self._reads.start()

    def stop(self) -> None:
        """End, once what is under way is done."""
        self._reads.stop()

    @property
    def directory(self) -> Directory:
        """The newest directory that this process knows."""
        return self._ledger.directory

    @property
    def fresh(self) -> bool:
        """Whether the cached data is recent enough to admit a caller."""
        return time.monotonic() - self._read_at <= STALE_SECONDS

    def find(self, institution: str) -> InstitutionState | None:
        """Return a member; None for a stranger."""
        return self._ledger.directory.institutions.get(institution)

    def knows(self, institution: str, spki_hash: bytes) -> bool:
        """Whether the table has been seen to hold a TLS key."""
        return (institution, spki_hash) in self._keys

    def check_tls_key(self, state: InstitutionState, spki_hash: bytes, *, vouched: bool = True) -> bool:
        """Return whether a TLS key talks for an institution.

        Args:
            state: of the institution.
            spki_hash: names the key.
            vouched: refuse a key without a valid vouch; without this, False is returned for one.

        Raises:
            RegistryError: TLS_KEY_REVOKED or TLS_KEY_NOT_VOUCHED.
            RuleError: TLS_KEY_REVOKED; an act has ended the key.
        """
        found = standing_of(state, spki_hash, self._keys.get((state.id, spki_hash)))
        if found is TlsStanding.RUNNING:
            return True
        if found is TlsStanding.ENDED_BY_ACT:
            check_not_ended(state, spki_hash)
        if found is TlsStanding.REVOKED:
            raise RegistryError(
                RefusalReason.TLS_KEY_REVOKED, "certificate", "tls-key.revoked", want="a key not revoked"
            )
        if vouched:
            want = "a key that a running signing key vouches for"
            raise RegistryError(RefusalReason.TLS_KEY_NOT_VOUCHED, "certificate", "tls-key.vouched", want=want)
        return False

    def refresh(self) -> None:
        """Read directory and table again, or wait for a reading that began after this call.

        Raises:
            StorageError: the database does not answer.
            InconsistentError: what it holds does not fit together.
        """
        asked = time.monotonic()
        with self._reading:
            if self._begun < asked:
                self._begun, self._failure = time.monotonic(), None
                try:
                    self._read()
                except Exception as error:
                    self._failure = error
                    raise
            if self._failure is not None:
                raise self._failure

    def learn(self, keys: Iterable[StoredTlsKey]) -> None:
        """Take what was just committed; an older state of a key never replaces a newer one."""
        with self._learning:
            for key in keys:
                place = (key.institution, key.spki_hash)
                known = self._keys.get(place)
                if known is None or known.change < key.change:
                    self._keys[place] = key

    def _read(self) -> None:
        begun = time.monotonic()
        with self._ledger.surviving() as view:
            newest = tls_keys.newest_change(view.work)
            if newest < self._change and view.of_standby:
                # Keys are not of the log: what it has of them may be older than what is known here.
                raise StorageError(StorageFault.STANDBY, "it lacks changes of TLS keys")
            # A database that was put back to an earlier state is read as a whole.
            known = self._change if newest >= self._change else 0
            changed = tls_keys.changed_since(view.work, known) if newest > known else []
        if known < self._change:
            with self._learning:
                self._keys = {}
        self.learn(changed)
        self._change, self._read_at = newest, begun


def _report(reason: str, _error: Exception) -> None:
    _log.error("standing not read", reason=reason)
