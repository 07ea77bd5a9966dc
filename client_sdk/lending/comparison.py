"""Comparison of rows with the records that the registry holds: repeated, ended, erased or new.

A lender that lost its outbox cannot sign the same bytes again, so the content decides: whatever has the subject,
standing and facts of the newest version held counts as repeated, and with it every version below.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk._protocol.own_record import names_another, open_held, version_of
from client_sdk._protocol.statement import facts_of
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.rules.lifecycle import carries_subject
from client_sdk.lending.chains import record_id_of
from client_sdk.models.record import RecordState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk._protocol.statement import Version
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.lending.chains import Episode, Row

__all__ = ["Found", "Lookup", "compare"]


@dataclass(slots=True, repr=False)
class Found:
    """Comparison of one record's rows with the versions that the registry holds.

    Attributes:
        record_id: 16 bytes.
        held: the newest version; None where the record is unknown.
        before: what the next version builds on; None for version 1.
        repeated: how many rows, from the first, are not sent, since the newest version held says what the last of them
            says.
        state: ENDED or ERASED where no row may be sent; LIVE otherwise.
        other_subject: whether the record is about another person.
    """

    record_id: bytes
    held: HeldRecord | None
    before: Version | None = None
    repeated: int = 0
    state: RecordState = RecordState.LIVE
    other_subject: bool = False

    @property
    def unheld(self) -> int:
        """How many rows, from the first, are not all held: there are more of them than versions that they could be.

        Which of them are is not known but where there is one version alone, which is the last row.
        """
        newest = 0 if self.held is None else self.held.statement.version
        return self.repeated - 1 if self.repeated > newest else 0


@dataclass(slots=True)
class Lookup:
    """Finds the record of each segment of a chain, attempt by attempt, to the first that is unknown.

    Attributes:
        chain: whose records are looked for.
        secret: behind record ids.
        known: what was found so far, by attempt; None for an attempt that is unknown.
    """

    chain: Episode
    secret: bytes
    known: dict[int, HeldRecord | None] = field(default_factory=dict)

    def wanted(self) -> dict[bytes, int]:
        """Return record id and attempt of what has to be looked up next; nothing when all is known."""
        first = self.chain.key.attempt or 0
        count = max(1, len(self.chain.segments))
        attempts = [first + place for place in range(count) if first + place not in self.known]
        if not attempts and self.chain.key.attempt is None:
            newest = max(self.known)
            held = self.known[newest]
            # A record of an episode opens a further attempt only by ending WITHDRAWN.
            if held is not None and held.statement.standing is Standing.WITHDRAWN:
                attempts = [newest + 1]
        return {record_id_of(self.secret, self.chain.key, attempt): attempt for attempt in attempts}

    def attempt_of(self, segment: int) -> int:
        """Return the attempt that a segment is about.

        Where the attempt is given, segments count from it. Where it is not and the registry knows more attempts than
        the input has segments, they are the newest ones: the lender's systems have forgotten what was withdrawn before.
        """
        if self.chain.key.attempt is not None:
            return self.chain.key.attempt + segment
        existing = sum(1 for held in self.known.values() if held is not None)
        return segment + max(0, existing - max(1, len(self.chain.segments)))

    def find(self, segment: int) -> Found:
        """Return what is held of a segment's record, before its rows are compared."""
        attempt = self.attempt_of(segment)
        return Found(record_id_of(self.secret, self.chain.key, attempt), self.known.get(attempt))


def compare(found: Found, rows: Sequence[Row], names: Mapping[int, Pseudonym]) -> None:
    """Hold the rows of one record against its newest version.

    Args:
        found: is completed.
        rows: versions in order; none for a record that another one rests on.
        names: the person's pseudonyms by version of the subject keys.

    Raises:
        VerificationError: the record is about that person, and its disclosure does not open.
    """
    held = found.held
    if held is None:
        return
    if held.state is not RecordState.LIVE:
        same_end = bool(rows) and rows[-1].report.standing is held.statement.standing
        if held.state is RecordState.ENDED and same_end:
            found.repeated = len(rows)
        else:
            found.state = held.state
        return
    opened = open_held(held, names)
    if opened is None:
        # A WITHDRAWN row binds nobody, but it names the person whose record it is. Under subject keys that ended nobody
        # can be compared any more.
        another = names_another(held, names)
        found.other_subject = any(another or carries_subject(row.report.standing) for row in rows)
        found.before = version_of(held, None)
        return
    found.before = version_of(held, opened)
    found.repeated = _repeated(held, opened.content, rows, names[held.statement.subject_key_version])


def _repeated(held: HeldRecord, facts: bytes, rows: Sequence[Row], pseudonym: Pseudonym) -> int:
    """Return how many rows are covered by the newest version held.

    A history from version 1 on has it at its own place; of shorter inputs the last row that is the same counts.
    """
    place = held.statement.version - 1
    if place < len(rows) and _same(held, facts, rows[place], pseudonym):
        return place + 1
    for place in range(len(rows) - 1, -1, -1):
        if _same(held, facts, rows[place], pseudonym):
            return place + 1
    return 0


def _same(held: HeldRecord, facts: bytes, row: Row, pseudonym: Pseudonym) -> bool:
    report = row.report
    if report.standing is not held.statement.standing or report.facts is None or not carries_subject(report.standing):
        return False
    return facts_of(report.facts, pseudonym).encode() == facts
