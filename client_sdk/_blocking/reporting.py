"""Methods of the blocking client that report and keep a lender's own records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._blocking.base import FlowRunner
from client_sdk.kernel.formats.words import WithdrawalReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from client_sdk.kernel.rules.monthly import HistoryMonth
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.models.batch import BatchReport, GivenBack, PreflightReport, ProgressCallback, RejectedRow
    from client_sdk.models.dispute import AnnotationReceipt
    from client_sdk.models.erasure import ErasureProof
    from client_sdk.models.receipt import Receipt
    from client_sdk.models.record import RecordView
    from client_sdk.models.removal import ListingRemoval
    from client_sdk.models.report import RecordName, Report
    from client_sdk.models.violation import Violation

__all__ = ["ReportingMethods"]


class ReportingMethods(FlowRunner):
    """Reports, further versions, ends of records, and their receipts."""

    def report(self, report: Report) -> Receipt:
        """Report one version of one record, and return its verified receipt.

        The same report again gives the receipt that it has; so does one whose answer was lost.

        Args:
            report: a complete snapshot.

        Raises:
            PreflightError: a rule is broken; nothing was sent.
            ConflictError: the registry holds something else, such as another lender's running record of the debt.
            RefusedError: the registry refuses for another reason.
            TransportError: registry or key service is away; the signed bytes wait in the outbox.
            KeyServiceError: a key service refuses, or proves nothing.
            VerificationError: what the registry answers does not verify.
        """
        return self._run(self._member.report(report))

    def correct(self, report: Report, record_id: bytes | None = None) -> Receipt:
        """Report a further version of a record that the registry holds, with its standing unchanged.

        Args:
            report: the whole record as it should be.
            record_id: 16 bytes, of an own record; the report's reference, first day and attempt are then not looked
                at. None for the record that these name.

        Returns:
            The receipt; ``repeated`` where the registry holds the same already.

        Raises:
            ConflictError: there is no such record, or its kind, standing or person is another; errors else as for
                ``report``.
        """
        return self._run(self._member.correct(report, record_id))

    def preview(self, report: Report, record_id: bytes | None = None) -> PreflightReport:
        """Hold one report against the rules and against what the registry holds of its record; nothing is signed.

        Args:
            report: one version of one record.
            record_id: of the record that the report corrects; None for the record that the report names.

        Returns:
            What the rules forbid, and what is allowed and probably a mistake, such as an amount a hundred times that of
            the newest version (``money.hundredfold``); and of which record it would be a further version, with what
            changes (``follows``).

        Raises:
            ConflictError: as ``correct``, where a record id is given; errors else as for ``report``.
        """
        return self._run(self._member.preview(report, record_id))

    def report_many(
        self,
        reports: Iterable[Report | RejectedRow],
        progress: ProgressCallback | None = None,
        *,
        one_signature: bool = False,
    ) -> BatchReport:
        """Report a portfolio; may be interrupted at any point and run again with the same input.

        Args:
            reports: such as ``read_portfolio`` yields; versions of one record, records of one debt, and what rests on
                each other, each in order of time.
            progress: called after each step.
            one_signature: sign up to 10,000 versions (whole records, so a few more) by one signature, such as the
                judgments of a batch litigation; each is proved, corrected and erased alone. What is signed together
                waits in memory, 3 KB a version, before the first of it is sent.

        Returns:
            The result of each row; rows that break a rule are rejected, and the others are sent.

        Raises:
            OutboxError: another process is reporting from this home, or the outbox cannot be written.
            CreditRegistryError: as for ``report``; what was signed waits in the outbox.
        """
        return self._run(self._member.report_many(reports, progress, one_signature=one_signature))

    def preflight(self, reports: Iterable[Report | RejectedRow]) -> PreflightReport:
        """Hold a portfolio against the rules without sending anything; return its violations and warnings, by row."""
        return self._run(self._member.preflight(reports))

    def preflight_row(self, cells: Mapping[str, str]) -> tuple[Violation, ...]:
        """Hold one row of a portfolio against the rules without sending anything; return everything that is wrong.

        Args:
            cells: text by column, as ``report --columns`` lists them; a column that is missing is empty.

        Returns:
            Everything that is wrong: each cell that cannot be read, and each rule that is broken by what can be.
        """
        return self._run(self._member.preflight_row(cells))

    def withdraw(
        self,
        record_id: bytes,
        issuer: str = "",
        *,
        identity: Identity | None = None,
        reason: WithdrawalReason | str = WithdrawalReason.ERROR,
        evidence: Iterable[bytes] = (),
        removed_on: date | None = None,
    ) -> Receipt:
        """Withdraw a record that must not be held; it is erased from all answers at once.

        Args:
            record_id: 16 bytes.
            issuer: of the record, for its successor; empty for an own record.
            identity: of the person whose record it must be; None does not check that.
            reason: ERROR, FRAUD, IDENTITY_THEFT, COURT_ORDER, PAID_IN_TIME, or of a listing COURT_REMOVED or
                REMOVED_ON_REQUEST: a member, or its word. Everybody who has seen the record may learn it: it stays in
                the log.
            evidence: SHA-256 of the documents that it rests on, at most 16; of FRAUD, IDENTITY_THEFT and COURT_ORDER
                at least one.
            removed_on: day on which the court removed the entry, exactly for COURT_REMOVED and REMOVED_ON_REQUEST: the
                months without another entry count from it. Not before the listing was first reported: what the court
                had removed then is an ERROR.

        Raises:
            ConflictError: there is no such live record, or it is about another person; errors else as for ``report``.
        """
        return self._run(self._member.withdraw(record_id, issuer, identity, reason, evidence, removed_on))

    def listing_removal(self, removed_on: date) -> ListingRemoval:
        """Return by when a listing must be withdrawn that the court removed on a day, by the rulebook's calendar.

        Args:
            removed_on: day on which the court removed the entry.

        Raises:
            PreflightError: it is no date.
        """
        return self._run(self._member.listing_removal(removed_on))

    def succeed(self, record_id: bytes, issuer: str, report: Report) -> Receipt:
        """End a record of a lender that this one succeeds: CURED, SATISFIED or TRANSFERRED, to itself or another.

        Args:
            record_id: 16 bytes.
            issuer: institution id of the terminated lender.
            report: the end of the record; ``records(identity=..., issuer=...)`` gives the facts that it stands on. Its
                reference names nothing, and may be of the successor's own.

        Raises:
            ConflictError: there is no such live record, or it is about another person.
            NotPermittedError: another is the lender's successor; errors else as for ``report``.
        """
        return self._run(self._member.succeed(record_id, issuer, report))

    def confirm(self, record_id: bytes, identity: Identity) -> Receipt:
        """Confirm an own record that a key in doubt has signed: a running key says the same once more.

        Until then answers refer it to a person (CONTESTED). What is not true is corrected or withdrawn instead.

        Args:
            record_id: 16 bytes, of a record that ``records`` shows as contested.
            identity: of the person whose record it is.

        Raises:
            ConflictError: there is no such live record, its key is not in doubt, or it is about another person.
            PreflightError: what was signed breaks a rule; errors else as for ``report``.
        """
        return self._run(self._member.confirm(record_id, identity))

    def redisclose(self) -> GivenBack:
        """Give back what a registry has lost that was restored from a backup: the same signed bytes once more.

        The home keeps the newest version of each record for 36 days after its receipt, which is longer than any backup
        may be old. The registry takes only what it has logged and lost; for all else this changes nothing.

        Raises:
            OutboxError: another process reports from this home, or the outbox is damaged.
            TransportError: the registry is away; call it again.
            RefusedError: the registry refuses the call as a whole.
            VerificationError: what the registry answers does not verify.
        """
        return self._run(self._member.redisclose())

    def set_aside(self, record_id: bytes, issuer: str = "", *, identity: Identity | None = None) -> Receipt:
        """Report that a court set a record other than a default aside; arguments and errors as for ``withdraw``."""
        return self._run(self._member.set_aside(record_id, issuer, identity))

    def hide(
        self, record_id: bytes, identity: Identity, overlay: str, *, issuer: str = "", dry_run: bool = False
    ) -> AnnotationReceipt | None:
        """Hide an own record under an overlay of the rulebook, until it is corrected or shown again.

        The facts of its newest version are opened with the identity number and sent along, to be held against the
        overlay; the registry stores nothing of them.

        Args:
            record_id: 16 bytes.
            identity: of the subject.
            overlay: its name in the rulebook.
            issuer: of the record, for its successor; empty for an own record.
            dry_run: only check that the overlay covers the record.

        Returns:
            None where nothing was sent: of a dry run, or because it is hidden already.

        Raises:
            PreflightError: an argument is not in order, or the overlay does not cover the record; nothing was sent.
            ConflictError: there is no such live record, or it is about another person.
            RefusedError: the registry finds it not covered.
            KeyServiceError: a key service refuses, or proves nothing.
            VerificationError: what the registry answers does not verify.
        """
        return self._run(self._member.hide(record_id, identity, overlay, issuer, dry_run=dry_run))

    def show_again(self, record_id: bytes, *, issuer: str = "") -> AnnotationReceipt:
        """Show an own record again that was hidden.

        Args:
            record_id: 16 bytes.
            issuer: of the record, for its successor; empty for an own record.

        Raises:
            ConflictError: it is not hidden.
            RefusedError: there is no such live record.
            VerificationError: what the registry answers does not verify.
        """
        return self._run(self._member.show_again(record_id, issuer))

    def erasure_proof(self, record_id: bytes, issuer: str = "", *, identity: Identity | None = None) -> ErasureProof:
        """Return the registry's signed proof that a record was withdrawn, set aside or erased.

        Args:
            record_id: 16 bytes.
            issuer: of the record, for its successor or a representative; empty for an own record.
            identity: of the person whom it was about, to be named by a commitment; None to name nobody.

        Raises:
            ConflictError: there is no such record, or it is not erased.
            NotPermittedError: the record is another lender's.
            KeyServiceError: a key service refuses, or proves nothing.
            VerificationError: what the registry answers does not verify.
        """
        return self._run(self._member.erasure_proof(record_id, issuer, identity))

    def verify_erasure(self, data: bytes, identity: Identity | None = None) -> ErasureProof:
        """Verify a proof of erasure, and with an identity that it names that person.

        Args:
            data: bytes of the file that ``ErasureProof.file`` holds.
            identity: of the person whom it must name; None does not check that.

        Raises:
            VerificationError: a part does not verify, or it names another person.
            KeyServiceError: a key service refuses, or proves nothing.
        """
        return self._run(self._member.verify_erasure(data, identity))

    def record_id(self, name: RecordName) -> bytes:
        """Return the id of an own record; attempt 0 where the name has none.

        Raises:
            ConfigError: the secret behind record ids is missing.
        """
        return self._member.record_id(name)

    def records(
        self,
        record_ids: Sequence[bytes] = (),
        *,
        identity: Identity | None = None,
        issuer: str = "",
        most: int | None = None,
    ) -> Iterator[RecordView]:
        """Yield own records as the registry holds them, in order of their first leaf.

        Args:
            record_ids: which; none for all.
            identity: yield only records about this person, with their facts opened.
            issuer: of the records, for its successor; empty for own records.
            most: read no more than so many, the first of them; None for all.

        Raises:
            PreflightError: ``most`` is no number from 1.
            CreditRegistryError: as for ``report``.
        """
        yield from self._run(self._member.records(record_ids, identity, issuer, most))

    def history(
        self, record_id: bytes, *, issuer: str = "", identity: Identity | None = None
    ) -> tuple[HistoryMonth, ...]:
        """Return what is known of an own record in each of at most 60 months, the oldest first.

        Days past due are those of the newest version, where it is opened: for its month, and for the months before of
        which they follow. Earlier versions tell their standing alone, as the registry keeps none of their facts.

        Args:
            record_id: 16 bytes.
            issuer: of the record, for its successor; empty for an own record.
            identity: of the person, whose facts are opened; None leaves them sealed.

        Raises:
            ConflictError: there is no such record, or none that is live and about this person.
            CreditRegistryError: as for ``report``.
        """
        return self._run(self._member.history(record_id, issuer, identity))

    def receipt(self, record_id: bytes, version: int, *, issuer: str = "") -> Receipt:
        """Return the receipt of a version of an own record, from the outbox or else from the registry.

        Args:
            record_id: 16 bytes.
            version: of the record.
            issuer: of the record, for its successor; empty for an own record.

        Raises:
            RefusedError: there is no such version, or the issuer's successor is another.
            VerificationError: the receipt does not verify.
        """
        return self._run(self._member.receipt(record_id, version, issuer))
