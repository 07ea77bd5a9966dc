"""Acts that are prepared and not done: a report, a correction or a withdrawal of one record, and how each is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from client_sdk.desk.journal import DeskAct
from client_sdk.models import EnforcementFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from client_sdk.client import Client
    from client_sdk.models import (
        Amounts,
        Facts,
        FollowedVersion,
        Identity,
        Receipt,
        RecordView,
        Report,
        RowWarning,
        WithdrawalReason,
    )

__all__ = ["OpenedRecord", "Prepared", "PreparedCorrection", "PreparedReport", "PreparedWithdrawal", "money_of"]

# Records of one episode of which all but the last were withdrawn: more are corrected in no life.
_MOST_ATTEMPTS = 32


@dataclass(frozen=True, slots=True, repr=False)
class OpenedRecord:
    """A record whose facts were opened with the identity number, for minutes.

    Attributes:
        record: as held, its facts opened.
        identity: of its person.
    """

    record: RecordView
    identity: Identity


@dataclass(frozen=True, slots=True, repr=False)
class PreparedReport:
    """A report that breaks no rule, until it is signed.

    Attributes:
        report: one version of one record.
        typed: what was typed, by field of the form; without the number.
        warnings: of what is allowed and probably a mistake.
        repeated: whether the registry holds this version already.
        following: the version that it follows; None where it begins a record.
    """

    act: ClassVar[DeskAct] = DeskAct.REPORT_RECORD
    report: Report
    typed: Mapping[str, str]
    warnings: tuple[RowWarning, ...]
    repeated: bool
    following: FollowedVersion | None

    @property
    def record(self) -> UUID | None:
        """None: the record has its number once it is reported."""
        return None

    @property
    def identity(self) -> Identity | None:
        """Of the person."""
        return self.report.identity

    @property
    def money(self) -> tuple[Amounts, ...] | None:
        """Amounts as they will be said; None where none are."""
        return money_of(self.report.facts)

    def follows(self, client: Client) -> list[bytes]:
        """Return the ids of the records that it may be a version of."""
        name = self.report.name
        if name is None:
            return []
        attempts = range(_MOST_ATTEMPTS) if name.attempt is None else (name.attempt,)
        return [client.record_id(replace(name, attempt=attempt)) for attempt in attempts]

    def send(self, client: Client, approver: str = "") -> Receipt:
        """Sign and send it; errors as of ``Client.report``.

        Args:
            client: of the member.
            approver: whom the facts name as who approved it; empty for the one who was typed.
        """
        return client.report(_approved(self.report, approver))


@dataclass(frozen=True, slots=True, repr=False)
class PreparedCorrection:
    """A correction that breaks no rule, until it is signed.

    Attributes:
        opened: the record as held, and its person.
        report: the whole record as it should be.
        warnings: of what is allowed and probably a mistake.
    """

    act: ClassVar[DeskAct] = DeskAct.CORRECT_RECORD
    opened: OpenedRecord
    report: Report
    warnings: tuple[RowWarning, ...]

    @property
    def record(self) -> UUID | None:
        """Number of the record."""
        return self.opened.record.uuid

    @property
    def identity(self) -> Identity | None:
        """Of the person."""
        return self.opened.identity

    @property
    def money(self) -> tuple[Amounts, ...] | None:
        """Amounts as corrected; None where there are none."""
        return money_of(self.report.facts)

    def follows(self, _: Client) -> list[bytes]:
        """Return the id of the record."""
        return [self.opened.record.record_id]

    def send(self, client: Client, approver: str = "") -> Receipt:
        """Sign and send it; errors as of ``Client.correct``."""
        return client.correct(_approved(self.report, approver), self.opened.record.record_id)


@dataclass(frozen=True, slots=True, repr=False)
class PreparedWithdrawal:
    """A withdrawal.

    Attributes:
        uuid: of the record.
        reason: of the withdrawal.
        evidence: SHA-256 of the documents that it rests on.
        removed_on: day on which the court removed the entry of a listing; None for every other reason.
        opened: the record with its facts; None where nobody has opened it.
    """

    act: ClassVar[DeskAct] = DeskAct.WITHDRAW_RECORD
    uuid: UUID
    reason: WithdrawalReason
    evidence: tuple[bytes, ...]
    removed_on: date | None
    opened: OpenedRecord | None

    @property
    def record(self) -> UUID | None:
        """Number of the record."""
        return self.uuid

    @property
    def identity(self) -> Identity | None:
        """Of the person; None where the record was not opened."""
        return None if self.opened is None else self.opened.identity

    @property
    def money(self) -> tuple[Amounts, ...] | None:
        """None where the record was not opened: nobody knows its amounts."""
        return None if self.opened is None else ()

    def follows(self, _: Client) -> list[bytes]:
        """Return the id of the record."""
        return [self.uuid.bytes]

    def send(self, client: Client, approver: str = "") -> Receipt:  # noqa: ARG002 - a withdrawal carries no facts
        """Sign and send it; errors as of ``Client.withdraw``."""
        return client.withdraw(self.uuid.bytes, reason=self.reason, evidence=self.evidence, removed_on=self.removed_on)


Prepared: TypeAlias = PreparedReport | PreparedCorrection | PreparedWithdrawal


def money_of(facts: Facts | None) -> tuple[Amounts, ...] | None:
    """Return the amounts of facts; None without facts."""
    if facts is None:
        return None
    return (facts.applied, facts.executed) if isinstance(facts, EnforcementFacts) else (facts.amounts,)


def _approved(report: Report, approver: str) -> Report:
    """Return a report that names who approved it."""
    if not approver or report.facts is None:
        return report
    approved = replace(report.facts, approver=approver)
    return replace(report, facts=approved)  # type: ignore[arg-type]  # both are of one kind, as they were
