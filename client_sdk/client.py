"""The client of a member: asks, reports, decides, and verifies every answer before it returns it.

    with Client.from_home("lender-1") as client:
        answer = client.check(identity, purpose=Purpose.LOAN_APPROVAL, consent=consent, officer="clerk-7")
        assessment = answer.assess()

One client serves any number of threads of one process; a process that was forked opens its own. ``AsyncClient`` does
the same for asyncio: both run the same flows, and hold no logic of their own. Every method also raises PreflightError
where an argument is of another type, and ConfigError where the client is closed, before the call or during it, or was
made in another process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from client_sdk._member import Member
from client_sdk._steps import each_of_pages, run
from client_sdk._transport.mode import BLOCKING
from client_sdk.config import ClientConfig
from client_sdk.kernel.formats.words import WithdrawalReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from client_sdk._steps import Flow, Pages
    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.formats.leaf import Approval
    from client_sdk.kernel.formats.words import DisputeOutcome, Purpose
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.models.act import LoggedAct
    from client_sdk.models.answer import Answer
    from client_sdk.models.batch import BatchReport, PreflightReport, ProgressCallback, RejectedRow
    from client_sdk.models.certificate import CertificateView
    from client_sdk.models.dispute import AnnotationReceipt, DisputeView
    from client_sdk.models.erasure import ErasureProof
    from client_sdk.models.notice import AcknowledgementReceipt, Notice
    from client_sdk.models.proposal import Approved, ProposalView
    from client_sdk.models.receipt import InquiryReceipt, Receipt
    from client_sdk.models.record import RecordView
    from client_sdk.models.report import RecordName, Report
    from client_sdk.models.screening import Customer, ScreenProgressCallback, ScreenReport, WatchReport
    from client_sdk.models.status import Status
    from client_sdk.models.subject_report import SubjectReport

__all__ = ["Client"]

R = TypeVar("R")


class Client:
    """A member's connection to the registry and its key services.

    Args:
        config: of the member.

    Raises:
        ConfigError: settings, trust root, TLS files or keys are not in order, or what is kept of the directory is
            damaged.
    """

    def __init__(self, config: ClientConfig) -> None:
        self.config = config
        self._member = Member(config, BLOCKING)

    def _run(self, flow: Flow[R]) -> R:
        return run(self._member.owned(flow))

    def _pages(self, pages: Pages[R]) -> Iterator[R]:
        return each_of_pages(self._member.owned, pages)

    @classmethod
    def from_home(cls, path: str | Path) -> Self:
        """Return the client of a member's home folder; errors as for the class."""
        return cls(ClientConfig.from_home(path))

    @classmethod
    def from_env(cls) -> Self:
        """Return the client of the folder that ``CREDIT_REGISTRY_HOME`` names; errors as for the class."""
        return cls(ClientConfig.from_env())

    def __enter__(self) -> Self:
        self._member.session.owner.check()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and outbox; calls under way in other threads raise ConfigError: the client is closed.

        What they have signed waits in the outbox; whether the registry has logged it is not known.
        """
        run(self._member.close())

    # --- asking ------------------------------------------------------------------------------------------------------

    def check(self, identity: Identity, *, purpose: Purpose | str, consent: Consent, officer: str) -> Answer:
        """Ask whether a person has live records, and verify the answer.

        Args:
            identity: of the person; its number never leaves this machine.
            purpose: why (征信业管理条例 Art. 18, 20): a member, or its word.
            consent: that the person gave, in writing.
            officer: the member of staff who asks, by the lender's own name.

        Returns:
            LISTED or CLEAR where it is proved; UNVERIFIABLE, with the part that failed, where it is not.

        Raises:
            PreflightError: purpose, consent or officer are not in order; nothing was sent.
            TransportError: registry or key service is away.
            RefusedError: the registry refuses.
            KeyServiceError: a key service refuses, or proves nothing.
            RollbackError: the log went back or split in two.
        """
        return self._run(self._member.check(identity, purpose, consent, officer))

    def check_many(
        self, identities: Sequence[Identity], *, purpose: Purpose | str, consent: Consent, officer: str
    ) -> list[Answer]:
        """Ask about many persons under one consent, 100 an inquiry; arguments and errors as for ``check``.

        Returns:
            One answer for each of the identities; a person who is named twice is asked about once.
        """
        return self._run(self._member.check_many(identities, purpose, consent, officer))

    def screen(
        self,
        customers: Iterable[Customer],
        *,
        purpose: Purpose | str,
        officer: str,
        resume: str | Path | None = None,
        progress: ScreenProgressCallback | None = None,
    ) -> ScreenReport:
        """Find out which customers are listed, under one signed inquiry and without naming any of them to the registry.

        The registry learns how many customers there are, and the pages of its map in which they would be.

        Args:
            customers: 1 up to the rulebook's daily number of inquired subjects, each with a consent.
            purpose: why: a member, or its word.
            officer: the member of staff who asks, by the lender's own name.
            resume: file that keeps what the key services have answered until the screening is complete, and is then
                deleted; after a break the same call goes on with it. None keeps nothing.
            progress: called after each step.

        Returns:
            LISTED, OWN or CLEAR for each customer, proved by the map of one HEAD.

        Raises:
            PreflightError: purpose, officer or a consent are not in order; nothing was sent.
            ConfigError: the file cannot be used.
            VerificationError: a page does not verify.
            CreditRegistryError: else as for ``check``.
        """
        return self._run(self._member.screen(customers, purpose, officer, resume, progress))

    def watch(
        self,
        customers: Iterable[Customer],
        *,
        purpose: Purpose | str,
        officer: str,
        state: str | Path,
        progress: ScreenProgressCallback | None = None,
    ) -> WatchReport:
        """Screen customers again, and tell what has changed since the last look.

        Args:
            customers: as for ``screen``; the key services are asked about new ones alone.
            purpose: why, the same at each look.
            officer: the member of staff who asks.
            state: file that keeps the last look, sealed; made by the first one.
            progress: called after each step.

        Raises:
            CreditRegistryError: as for ``screen``; the last look is kept as it was.
        """
        return self._run(self._member.watch(customers, purpose, officer, state, progress))

    def subject_report(self, identity: Identity, *, mandate: Consent, officer: str) -> SubjectReport:
        """Return a person's own report: all that is held about the person, and who asked (征信业管理条例 Art. 17).

        For a REPRESENTATIVE. It is an inquiry for SUBJECT_ACCESS, which is logged as any other.

        Args:
            identity: of the person; its number never leaves this machine.
            mandate: the request that the person signed, as ``written_consent`` makes it.
            officer: the member of staff who asks, by the office's own name.

        Raises:
            PreflightError: the mandate or the officer is not in order, or this member is no REPRESENTATIVE.
            RefusedError: the registry refuses.
            KeyServiceError: a key service refuses, or proves nothing.
            VerificationError: what the registry answers does not verify.
            TransportError: registry or key service is away.
        """
        return self._run(self._member.subject_report(identity, mandate, officer))

    def inquiry_receipt(self, inquiry_id: bytes) -> InquiryReceipt:
        """Return the place of an own inquiry in the inquiry tree; it is known after the next HEAD.

        Raises:
            UnavailableError: it has none yet; reason INQUIRY_WAITING.
            RefusedError: there is no such inquiry.
            VerificationError: the receipt does not verify.
        """
        return self._run(self._member.inquiry_receipt(inquiry_id))

    def verify(self, path: str | Path | bytes, identity: Identity | None = None) -> tuple[Answer, ...]:
        """Verify an evidence file against the trust root.

        Args:
            path: of the file, or its bytes.
            identity: who it is said to be about. The key services are then asked again whether the pseudonym is that
                person's, and facts are opened; without it no key service is asked and facts stay sealed.

        Returns:
            One answer for each person in it, as of the HEAD's time.

        Raises:
            ConfigError: the file cannot be read, or the key services do not serve the version of the subject keys under
                which it names the person any more.
            VerificationError: a part does not verify, or the pseudonym is not that person's.
        """
        return self._run(self._member.verify(path, identity))

    # --- reporting ---------------------------------------------------------------------------------------------------

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

    def correct(self, report: Report) -> Receipt:
        """Report a further version of a record that the registry holds, with its standing unchanged.

        Raises:
            ConflictError: there is no such record, or its standing is another; errors else as for ``report``.
        """
        return self._run(self._member.report(report, must_exist=True))

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

    def withdraw(
        self,
        record_id: bytes,
        issuer: str = "",
        *,
        identity: Identity | None = None,
        reason: WithdrawalReason | str = WithdrawalReason.ERROR,
        evidence: Iterable[bytes] = (),
    ) -> Receipt:
        """Withdraw a record that must not be held; it is erased from all answers at once.

        Args:
            record_id: 16 bytes.
            issuer: of the record, for its successor; empty for an own record.
            identity: of the person whose record it must be; None does not check that.
            reason: ERROR, FRAUD, IDENTITY_THEFT, COURT_ORDER or PAID_IN_TIME: a member, or its word. Everybody who
                has seen the record may learn it: it stays in the log.
            evidence: SHA-256 of the documents that it rests on, at most 16; of FRAUD, IDENTITY_THEFT and COURT_ORDER
                at least one.

        Raises:
            ConflictError: there is no such live record, or it is about another person; errors else as for ``report``.
        """
        return self._run(self._member.withdraw(record_id, issuer, identity, reason, evidence))

    def set_aside(self, record_id: bytes, issuer: str = "", *, identity: Identity | None = None) -> Receipt:
        """Report that a court set a judgment or an enforcement aside; arguments and errors as for ``withdraw``."""
        return self._run(self._member.set_aside(record_id, issuer, identity))

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
        self, record_ids: Sequence[bytes] = (), *, identity: Identity | None = None, issuer: str = ""
    ) -> Iterator[RecordView]:
        """Yield own records as the registry holds them, in order of their first leaf.

        Args:
            record_ids: which; none for all.
            identity: yield only records about this person, with their facts opened.
            issuer: of the records, for its successor; empty for own records.

        Raises:
            CreditRegistryError: as for ``report``.
        """
        yield from self._run(self._member.records(record_ids, identity, issuer))

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

    # --- disputes ----------------------------------------------------------------------------------------------------

    def open_dispute(
        self, issuer: str, record_id: bytes, *, code: str = "", evidence: Iterable[bytes] = ()
    ) -> AnnotationReceipt:
        """Dispute a record for its subject (异议, 征信业管理条例 Art. 25); all answers from now on show it.

        Args:
            issuer: institution id of the record's issuer.
            record_id: 16 bytes.
            code: reason code, at most 64 letters, digits, dots, underscores and hyphens; may be empty.
            evidence: SHA-256 of the documents that show it, at most 16; a dispute that was answered needs some.

        Raises:
            PreflightError: code or evidence are not in their form; nothing was sent.
            RefusedError: there is no such live record, or it was answered and there is no evidence.
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
        """Remove the subject's own statement from a record; arguments and errors as for ``open_dispute``."""
        return self._run(self._member.remove_statement(issuer, record_id))

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
            RefusedError: there is no such live record.
            VerificationError: what the registry answers does not verify.
        """
        return self._run(self._member.show_again(record_id, issuer))

    # --- the inbox ---------------------------------------------------------------------------------------------------

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

    # --- administering -----------------------------------------------------------------------------------------------

    def propose(self, body: Body) -> Approved:
        """Propose an act with one's own signature; where one signature is the threshold, it is logged at once.

        Raises:
            RuleError: what it decides breaks a rule; nothing was sent.
            RefusedError: the registry refuses, such as because another act took its number.
        """
        return self._run(self._member.propose(body))

    def acts(self) -> tuple[LoggedAct, ...]:
        """Follow the directory now, and return every act that is logged, from genesis on."""
        return self._run(self._member.acts())

    def proposals(self) -> tuple[ProposalView, ...]:
        """Return the acts that wait for signatures, oldest first."""
        return self._run(self._member.proposals())

    def approve(self, proposal: ProposalView) -> Approved:
        """Add one's own signature to a proposal that was read; the one that reaches the threshold logs the act.

        Raises:
            RefusedError: the registry refuses, such as because the proposal has lapsed.
        """
        return self._run(self._member.approve(proposal))

    def bring_approval(self, proposal: ProposalView, approval: Approval) -> Approved:
        """Add the signature of an administrator whom the act itself enrols, and who has no certificate yet.

        Raises:
            RefusedError: the signature is invalid, or the proposal has lapsed.
        """
        return self._run(self._member.bring_approval(proposal, approval))

    def issue_certificate(self, request: CertificateRequest) -> bytes:
        """Have a certificate issued; administrators may carry the request of any member.

        Args:
            request: the member's signing request, and its vouch for the TLS key.

        Returns:
            The chain in PEM, leaf first.

        Raises:
            RefusedError: the vouch does not count, or the TLS key was revoked.
        """
        return self._run(self._member.issue_certificate(request))

    def renew_certificate(self, *, new_key: bool = False) -> bytes:
        """Vouch for the own TLS key anew, have a certificate issued, write it into the home folder, and return it.

        Args:
            new_key: for a new TLS key, which takes the place of the old one; the old one is not revoked by that.

        Raises:
            RefusedError: no signing key of this home is running, or the TLS key was revoked.
        """
        return self._run(self._member.renew_certificate(new_key=new_key))

    def revoke_tls_key(self, spki_hash: bytes) -> datetime:
        """End a TLS key of the own institution, at once and for good; return when it was first revoked, UTC.

        Args:
            spki_hash: SHA-256 of the key's SubjectPublicKeyInfo, 32 bytes; see ``certificates``.

        Raises:
            RefusedError: no signing key of this home is running.
        """
        return self._run(self._member.revoke_tls_key(spki_hash))

    def certificates(self, institution: str = "") -> tuple[CertificateView, ...]:
        """Return the newest certificates that were issued for an institution, newest first, at most 1,000.

        Args:
            institution: its id; one's own without it. Administrators see of others for which key and when.
        """
        return self._run(self._member.certificates(institution))

    def status(self) -> Status:
        """Follow the directory now, and return how registry, key services and the own inbox stand."""
        return self._run(self._member.status())

    def connect(self, older: bytes, newer: bytes) -> None:
        """Let the registry prove that two checkpoints belong to one history, such as another member's and the own.

        Args:
            older: signed note.
            newer: another one, at least as large.

        Raises:
            RollbackError: they do not; what shows it is kept in the state folder.
            VerificationError: one is no checkpoint of this log.
        """
        self._run(self._member.connect(older, newer))

    def directory(self) -> Directory:
        """Return the directory that was followed from the trust root, at most a minute old.

        Raises:
            TransportError: the registry is away.
            VerificationError: the directory does not verify, or its HEAD is too old.
        """
        return self._run(self._member.directory())
