"""Results and progress of ``screen`` and ``watch``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from client_sdk.kernel.formats.discreet import Discreet
from client_sdk.kernel.formats.plain import Plain
from client_sdk.models.replayed import Replayed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.subjects.identifiers import Identity

__all__ = [
    "Customer",
    "ScreenChange",
    "ScreenChangeKind",
    "ScreenFinding",
    "ScreenPhase",
    "ScreenProgress",
    "ScreenProgressCallback",
    "ScreenReport",
    "WatchReport",
]


class ScreenFinding(StrEnum):
    """What a screening found of a customer; each is proved by the map of one HEAD."""

    # There are live records, and not all of them are the member's own.
    LISTED = "LISTED"
    # There are live records, all of them the member's own.
    OWN = "OWN"
    # There is no live record.
    CLEAR = "CLEAR"


@dataclass(frozen=True, slots=True, repr=False)
class Customer(Discreet):
    """A person to be screened.

    Attributes:
        identity: of the person; its number never leaves this machine.
        consent: that the person gave to be asked about, in writing.
    """

    identity: Identity
    consent: Consent


class ScreenPhase(StrEnum):
    """Phase of a screening."""

    # Asking the key services for pseudonyms.
    NAMING = "NAMING"
    # Fetching pages of the map and verifying them.
    READING = "READING"
    DONE = "DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenProgress(Plain):
    """Progress of a screening.

    Attributes:
        phase: what it is doing.
        done: customers that have a pseudonym; pages that are verified while READING.
        total: customers; pages while READING.
    """

    phase: ScreenPhase
    done: int
    total: int


ScreenProgressCallback: TypeAlias = "Callable[[ScreenProgress], None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenReport(Plain):
    """Result of a screening.

    Attributes:
        findings: one for each customer, in order.
        as_of: time of the HEAD by whose map they are proved, UTC.
        size: of its checkpoint.
        inquiry_id: of the signed inquiry, 16 bytes; ``inquiry_receipt`` gives its place.
        consents_opening: opens the inquiry's commitment to the consents, each with its purposes; to be kept for an
            auditor, 32 bytes.
        depth: number of bits of a key's prefix by which pages were asked for.
        pages: number of pages that were asked for.
        replayed: how far auditors had rebuilt that log; where it is late, that nobody was left out of the map is the
            registry's word.
    """

    findings: tuple[ScreenFinding, ...]
    as_of: datetime
    size: int
    inquiry_id: bytes
    consents_opening: bytes = field(repr=False)
    depth: int
    pages: int
    replayed: Replayed = field(default_factory=Replayed)

    def count(self, finding: ScreenFinding) -> int:
        """Return of how many customers this was found."""
        return self.findings.count(finding)


class ScreenChangeKind(StrEnum):
    """How a customer stands now against the last look."""

    # Listed by others now, and not at the last look.
    LISTED = "LISTED"
    # Listed by others at both looks, with other records or records in another state.
    CHANGED = "CHANGED"
    # Listed by others at the last look, and not now.
    GONE = "GONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenChange(Plain):
    """A customer about whom something changed.

    Attributes:
        place: of the customer, counted from 0.
        kind: how.
    """

    place: int
    kind: ScreenChangeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport(Plain):
    """What changed of customers since the last look.

    Attributes:
        changes: in order of the customers.
        since: time of the HEAD of the last look, UTC; None for the first, at which all who are listed have changed.
        screening: of this look.
    """

    changes: tuple[ScreenChange, ...]
    since: datetime | None
    screening: ScreenReport
