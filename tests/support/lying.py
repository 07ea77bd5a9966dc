"""What a lie is, and the honest log that every lie begins with."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import AnnotationFlag, NoticeReason, Standing
from tests.support.handmade_log import DAY_MS, HandmadeLog, record_id, signer

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.kernel.ledger.findings import FindingId
    from tests.support.transparency_server import HandmadeRegistry

    Commit = Callable[[HandmadeLog, HandmadeRegistry], None]

__all__ = ["LIES", "Commit", "Forger", "Lie", "honest_log", "lie"]


@dataclass(frozen=True)
class Lie:
    """A lie and all that an audit finds of it."""

    commit: Commit
    found: frozenset[FindingId]

    @property
    def name(self) -> str:
        return self.commit.__name__


LIES: list[Lie] = []


class Forger:
    """Names one key and signs with another."""

    def __init__(self, name: str) -> None:
        self.public_key = signer(name).public_key
        self._own = signer("forger")

    def sign(self, message: bytes) -> bytes:
        return self._own.sign(message)


def lie(*found: FindingId) -> Callable[[Commit], Commit]:
    """Say what an audit finds of a lie."""

    def register(commit: Commit) -> Commit:
        LIES.append(Lie(commit, frozenset(found)))
        return commit

    return register


def honest_log() -> HandmadeLog:
    """Records of every sort: running, cured, sold and bought, withdrawn, erased, disputed; inquiries, a notice."""
    # Signed once: a copy takes a tenth of the time.
    return deepcopy(_honest_log())


@cache
def _honest_log() -> HandmadeLog:
    log = HandmadeLog()
    log.say("lender-1", "running")
    log.say("lender-1", "cured")
    log.say("lender-1", "cured", Standing.CURED)
    log.say("lender-2", "running too", subject="person of running")
    log.inquire("first")
    log.head()
    log.say("lender-1", "sold")
    log.say("lender-1", "sold", Standing.TRANSFERRED, transferee="lender-2")
    log.say("lender-2", "bought", subject="person of sold", continues=RecordKey("lender-1", record_id("sold")))
    log.say("lender-3", "mistaken")
    withdrawn = log.say("lender-3", "mistaken", Standing.WITHDRAWN)
    log.say("lender-3", "forgotten")
    log.head()
    log.wait(DAY_MS)
    log.erase(RecordKey("lender-3", record_id("forgotten")))
    log.acknowledge("lender-1", withdrawn, NoticeReason.WITHDRAWN)
    log.say("lender-2", "disputed")
    log.annotate("lender-3", "lender-2", "disputed", AnnotationFlag.DISPUTED)
    log.inquire("second")
    log.inquire("third", "QUOTA_EXCEEDED")
    log.head()
    return log
