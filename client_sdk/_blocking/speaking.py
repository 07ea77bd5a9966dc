"""Methods of the blocking client for disputes, statements of persons, and the inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._blocking.base import FlowRunner

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from client_sdk.kernel.formats.words import DisputeOutcome
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.models.dispute import AnnotationReceipt, DisputeView
    from client_sdk.models.notice import AcknowledgementReceipt, Notice

__all__ = ["SpeakingMethods"]


class SpeakingMethods(FlowRunner):
    """Disputes, statements and notices of corrections."""

    def open_dispute(
        self, issuer: str, record_id: bytes, *, code: str = "", evidence: Iterable[bytes] = ()
    ) -> AnnotationReceipt:
        """Dispute a record for its subject (异议, 征信业管理条例 Art. 25); all answers from now on show it.

        Args:
            issuer: institution id of the record's issuer.
            record_id: 16 bytes.
            code: reason code, at most 64 letters, digits, dots, underscores and hyphens; may be empty.
            evidence: SHA-256 of documents, at most 16: the person's request and what shows it. Another's record needs
                at least one, a dispute that was answered a new one.

        Raises:
            PreflightError: code or evidence are not in their form; nothing was sent.
            RefusedError: there is no such live record, or the documents that it needs are missing.
            VerificationError: what the registry answers does not verify.
        """
        return self._run(self._member.open_dispute(issuer, record_id, code, evidence))

    def withdraw_dispute(self, issuer: str, record_id: bytes) -> AnnotationReceipt:
        """Take back a dispute that this member opened; arguments and errors as for ``open_dispute``."""
        return self._run(self._member.withdraw_dispute(issuer, record_id))

    def answer_dispute(
        self, record_id: bytes, outcome: DisputeOutcome | str, *, evidence: Iterable[bytes], issuer: str = ""
    ) -> AnnotationReceipt:
        """Answer a dispute of an own record; CORRECTED after a further version of it, which corrects it.

        Args:
            record_id: 16 bytes.
            outcome: CORRECTED, CONFIRMED or UNCONFIRMED: a member, or its word.
            evidence: SHA-256 of the documents that the answer rests on, 1 to 16.
            issuer: of the record, for its successor; empty for an own record.

        Raises:
            PreflightError: an argument is not in order; nothing was sent.
            RefusedError: no dispute stands, or nothing was corrected.
            VerificationError: what the registry answers does not verify.
        """
        return self._run(self._member.answer_dispute(record_id, outcome, evidence, issuer))

    def disputes(self, *, issuer: str = "", opened: bool = False, ended: bool = False) -> tuple[DisputeView, ...]:
        """Return the disputes of live records that stand, with the day until which an answer is due, or have ended.

        Args:
            issuer: about the records of this institution, for its successor; empty for own records.
            opened: instead, those that this member opened about anybody's records.
            ended: those that have ended, with their outcome; of each record the newest.

        Raises:
            VerificationError: what the registry answers does not verify.
        """
        return self._run(self._member.disputes(issuer, opened=opened, ended=ended))

    def add_statement(self, issuer: str, record_id: bytes, identity: Identity, text: str) -> AnnotationReceipt:
        """Attach the subject's own statement to a record (征信业管理条例 Art. 16), sealed to the subject.

        Args:
            issuer: institution id of the record's issuer.
            record_id: 16 bytes.
            identity: of the subject.
            text: at most 500 characters, without identity or account numbers.

        Raises:
            PreflightError: the text is not in order; nothing was sent.
            RefusedError: there is no such live record.
            KeyServiceError: a key service refuses, or proves nothing.
            VerificationError: what the registry answers does not verify.
        """
        return self._run(self._member.add_statement(issuer, record_id, identity, text))

    def remove_statement(self, issuer: str, record_id: bytes) -> AnnotationReceipt:
        """Remove the subject's own statement from a record with one; arguments and errors as for ``open_dispute``."""
        return self._run(self._member.remove_statement(issuer, record_id))

    def inbox(self, *, follow: bool = False, everything: bool = False, after: int = 0) -> Iterator[Notice]:
        """Yield the notices to this member in order: changes of records that it was shown, and disputes of its own.

        Args:
            follow: go on with those that come, for as long as the iterator is asked; a connection that breaks is begun
                again, and no notice is left out or comes twice. Of those there are, only the ones that wait.
            everything: also those that were acknowledged, of those there are at the beginning.
            after: number of a notice; only those with a higher one.

        Raises:
            TransportError: the registry is away; while it is followed, for more than ten minutes.
            RefusedError: this member has no inbox.
            VerificationError: what the registry answers does not verify.
        """
        return self._pages(self._member.inbox(after, everything=everything, follow=follow))

    def acknowledge(self, notice: Notice) -> AcknowledgementReceipt:
        """Sign that a notice was taken note of, and return the receipt; once more gives that of the first time.

        Args:
            notice: of the own inbox.

        Raises:
            RefusedError: there is no such notice in the own inbox, or none any more.
            VerificationError: what the registry answers does not verify.
        """
        return self._run(self._member.acknowledge(notice))
