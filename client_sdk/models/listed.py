"""Listed records: what is proved of a live record, and the facts that the asker could open."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.kernel.formats.plain import Plain, plain
from client_sdk.kernel.formats.words import AnnotationFlag
from client_sdk.kernel.rules.monthly import KnownVersion, monthly_history

if TYPE_CHECKING:
    from datetime import date, datetime

    from client_sdk.kernel.formats.plain import Json
    from client_sdk.kernel.formats.words import Kind, Standing
    from client_sdk.kernel.rules.facts import Facts
    from client_sdk.kernel.rules.monthly import HistoryMonth

__all__ = ["ListedRecord", "Unopened"]


class Unopened(StrEnum):
    """Why the facts of a proved record are not shown."""

    # The identity number is unknown, as in offline verification.
    SEALED = "SEALED"
    # The registry holds them back, because the purpose of the inquiry is not shown facts of that kind.
    SCOPE = "SCOPE"
    # The same, because the record was paid too long ago for that purpose.
    SCOPE_PAID = "SCOPE_PAID"
    # The registry holds them back, because the asker does not give records of that kind.
    RECIPROCITY = "RECIPROCITY"
    # The sealed bytes are not those that the issuer signed: the registry's fault.
    DISCLOSURE_MISMATCH = "DISCLOSURE_MISMATCH"
    # The sealed bytes are those that were signed and do not open: the issuer's fault.
    DISCLOSURE_UNOPENABLE = "DISCLOSURE_UNOPENABLE"
    # They open, and are no facts of that kind or hold a word unknown to this version: the issuer's fault, or an update.
    FACTS_UNREADABLE = "FACTS_UNREADABLE"
    # The reference of the debt is not that of creditor and contract: the issuer's fault.
    DEBT_REF_WRONG = "DEBT_REF_WRONG"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRecord(Plain):
    """A live record: statement, place, binding and signatures are proved.

    Attributes:
        issuer: institution id of the lender whose record it is.
        signer: institution id of who signed its newest version: the issuer, or its successor.
        record_id: 16 bytes.
        version: newest.
        kind: of the record.
        standing: of the newest version.
        index: place of its leaf in the log.
        issued_at: when its newest version was signed, UTC, as the signer says.
        logged_at: when its newest version was logged, UTC.
        retain_until: last day that it is kept; None where it does not expire.
        issuer_ended: whether an act has ended its issuer's records, so that nobody speaks for it any more.
        transferee: institution id of the buyer; empty for none.
        contested: whether the key that signed it, or its annotation, is in doubt from that leaf on.
        stale: whether it is running, and had no further version for the rulebook's ``stale_days``.
        flags: what is remarked on it.
        remark: reason code of the annotation; empty for none.
        subject_statement: the person's own statement, where there is one and it was opened.
        statement_unopened: why it was not; None where it was, and where there is none.
        facts: None where they could not be opened.
        unopened: why not; None where they were.
    """

    issuer: str
    signer: str
    record_id: bytes
    version: int
    kind: Kind
    standing: Standing
    index: int
    issued_at: datetime
    logged_at: datetime
    retain_until: date | None = None
    issuer_ended: bool = False
    transferee: str = ""
    contested: bool = False
    stale: bool = False
    flags: frozenset[AnnotationFlag] = frozenset()
    remark: str = ""
    subject_statement: str = field(default="", repr=False)
    statement_unopened: Unopened | None = None
    facts: Facts | None = None
    unopened: Unopened | None = None
    # Days of the leaf and of the HEAD in the legal time zone; None where that is not known.
    _logged_on: date | None = field(default=None, repr=False, compare=False)
    _known_on: date | None = field(default=None, repr=False, compare=False)

    @property
    def ref(self) -> str:
        """Name of the record in reasons: issuer and UUID."""
        return f"{self.issuer}/{UUID(bytes=self.record_id)}"

    @property
    def months(self) -> tuple[HistoryMonth, ...]:
        """What its newest version proves of each of at most 60 months, the oldest first; askers see no earlier one."""
        if self._logged_on is None or self._known_on is None:
            return ()
        newest = KnownVersion(self.version, self.standing, self._logged_on, self.facts)
        return monthly_history(self.kind, [newest], self._known_on)

    def to_dict(self) -> dict[str, Json]:
        """Return the fields by name, and the months, as values that ``json.dumps`` takes."""
        return {**Plain.to_dict(self), "months": plain(self.months)}

    @property
    def disputed(self) -> bool:
        """Whether the person objects (异议). The standing is what it was."""
        return AnnotationFlag.DISPUTED in self.flags

    @property
    def restricted(self) -> bool:
        """Whether the record must not be counted."""
        return AnnotationFlag.RESTRICTED in self.flags
