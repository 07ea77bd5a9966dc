"""A report: one version of one record, as known to the lender's own systems.

Everything else (pseudonym, ``debt_ref``, record id, version, commitments, sealing, signature) is the SDK's work. One
report is one complete snapshot; a record's history is several reports with the same kind, reference and first day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from client_sdk.kernel.formats.debt import DEBT_REF_BYTES, canonical_contract, fold_code
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import Kind, Standing, Worded
from client_sdk.kernel.rules.facts import Debt, DefaultFacts, EnforcementFacts, JudgmentFacts, ListingFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.formats.words import Word
    from client_sdk.kernel.subjects.identifiers import Identity

__all__ = [
    "Basis",
    "DefaultReport",
    "EnforcementReport",
    "JudgmentReport",
    "ListingReport",
    "RecordName",
    "Report",
    "debt",
]


def debt(*, original_creditor: str, contract: str) -> Debt:
    """Return the debt of a report; its ``debt_ref`` is filled in when the pseudonym is known.

    Args:
        original_creditor: unified social credit code of the first lender, else its LEI.
        contract: number of the contract, as it is written.

    Raises:
        FormatError: one is no text, or the contract holds no letter or digit, or more than 64.
    """
    given: tuple[object, ...] = (original_creditor, contract)
    if not all(isinstance(text, str) for text in given):
        raise FormatError("debt", "debt.text", want="text")
    return Debt(
        original_creditor=fold_code(original_creditor),
        contract=canonical_contract(contract),
        debt_ref=bytes(DEBT_REF_BYTES),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordName(Worded):
    """An own record as the lender's systems name it.

    Attributes:
        kind: of the record.
        reference: the lender's own name of the debt, at most 128 characters; never shown to anybody else.
        first_day: first day of the episode as first reported; never changes afterwards.
        attempt: how many records of that episode ended WITHDRAWN before; None for the newest that the registry knows.
    """

    _words: ClassVar[Mapping[str, type[Word]]] = {"kind": Kind}

    kind: Kind
    reference: str
    first_day: date
    attempt: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Basis:
    """The basis record of another kind than a default (proto/README.md 2). Checked at version 1 and stored nowhere.

    Attributes:
        record: an own record by its name, or another's by issuer and id.
        opening: opens the newest facts of another's record, 32 bytes; empty for an own one.
        facts: canonical bytes of those facts; empty for an own one.
    """

    record: RecordName | RecordKey
    opening: bytes = b""
    facts: bytes = b""

    def __repr__(self) -> str:
        return "Basis(...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report(Worded):
    """Fields common to reports of every kind.

    Attributes:
        identity: of the person or enterprise; never leaves this machine.
        reference: the lender's own name of the debt.
        standing: how the record stands from this version on.
        first_day: first day of the episode as first reported; None takes it from the facts.
        attempt: see ``RecordName``.
        retain_until: None for the longest that the rulebook allows.
        transferee: institution id of the buyer; only where TRANSFERRED.
        continues: the old record of a bought debt; only in version 1.
        row: where the report comes from, such as the line of a file; 0 for its place in the input.
    """

    _words: ClassVar[Mapping[str, type[Word]]] = {"standing": Standing}

    identity: Identity
    reference: str
    standing: Standing
    first_day: date | None = None
    attempt: int | None = None
    retain_until: date | None = None
    transferee: str = ""
    continues: RecordKey | None = None
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultReport(_Report):
    """One version of a default (逾期).

    Attributes:
        facts: as the lender's books have them; None for WITHDRAWN alone.
    """

    kind: ClassVar[Kind] = Kind.DEFAULT
    facts: DefaultFacts | None = None
    basis: ClassVar[Basis | None] = None

    @property
    def name(self) -> RecordName | None:
        """Which record; None where neither ``first_day`` nor facts say when it began."""
        return _name(self, None if self.facts is None else self.facts.first_delinquency_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgmentReport(_Report):
    """One version of a judgment (判决).

    Attributes:
        facts: as the court's papers have them; None for WITHDRAWN and SET_ASIDE alone.
        basis: the default that the suit is about, in version 1; None where there is no such record.
    """

    kind: ClassVar[Kind] = Kind.JUDGMENT
    facts: JudgmentFacts | None = None
    basis: Basis | None = None

    @property
    def name(self) -> RecordName | None:
        """Which record; None where neither ``first_day`` nor facts say when it began."""
        return _name(self, None if self.facts is None else self.facts.filed_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementReport(_Report):
    """One version of an enforcement (执行).

    Attributes:
        facts: as the court's papers have them; None for WITHDRAWN and SET_ASIDE alone.
        basis: the judgment that is enforced, in version 1; None where an award or a notarised instrument is.
    """

    kind: ClassVar[Kind] = Kind.ENFORCEMENT
    facts: EnforcementFacts | None = None
    basis: Basis | None = None

    @property
    def name(self) -> RecordName | None:
        """Which record; None where neither ``first_day`` nor facts say when it began."""
        return _name(self, None if self.facts is None else self.facts.filed_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingReport(_Report):
    """One version of a listing: an entry in the courts' list of dishonest judgment debtors (失信被执行人), copied.

    Attributes:
        facts: as the court's list has them; None for WITHDRAWN and SET_ASIDE alone.
        basis: the enforcement that it rests on, in version 1; None where there is no such record.
    """

    kind: ClassVar[Kind] = Kind.LISTING
    facts: ListingFacts | None = None
    basis: Basis | None = None

    @property
    def name(self) -> RecordName | None:
        """Which record; None where neither ``first_day`` nor facts say when it began."""
        return _name(self, None if self.facts is None else self.facts.listed_on)


Report: TypeAlias = DefaultReport | JudgmentReport | EnforcementReport | ListingReport


def _name(report: Report, begun: date | None) -> RecordName | None:
    first_day = report.first_day or begun
    if first_day is None:
        return None
    return RecordName(kind=report.kind, reference=report.reference, first_day=first_day, attempt=report.attempt)
