"""The client for asyncio: the same methods, arguments, results and errors as ``Client``.

    async with AsyncClient.from_home("lender-1") as client:
        answer = await client.check(identity, purpose=Purpose.LOAN_APPROVAL, consent=consent, officer="clerk-7")

A client is opened inside of the event loop that uses it; in another one every method raises ConfigError. What writes to
the disk, or computes for long, runs in threads beside the loop, which can serve others meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from client_sdk._member import Member
from client_sdk._steps import each_async, each_of_pages_async, run_async
from client_sdk._transport.mode import ASYNCIO
from client_sdk.config import ClientConfig
from client_sdk.kernel.formats.words import WithdrawalReason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from datetime import date, datetime
    from pathlib import Path

    from client_sdk._steps import Flow, Pages
    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.formats.leaf import Approval
    from client_sdk.kernel.formats.words import DisputeOutcome, Purpose
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.rules.monthly import HistoryMonth
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.models.act import LoggedAct
    from client_sdk.models.alert import AlertPage, AlertsAsked
    from client_sdk.models.answer import Answer
    from client_sdk.models.batch import BatchReport, GivenBack, PreflightReport, ProgressCallback, RejectedRow
    from client_sdk.models.certificate import CertificateView
    from client_sdk.models.dispute import AnnotationReceipt, DisputeView
    from client_sdk.models.erasure import ErasureProof
    from client_sdk.models.member_quality import MemberQuality
    from client_sdk.models.notice import AcknowledgementReceipt, Notice
    from client_sdk.models.own_inquiry import OwnInquiry
    from client_sdk.models.proposal import Approved, ProposalView
    from client_sdk.models.receipt import InquiryReceipt, Receipt
    from client_sdk.models.record import RecordView
    from client_sdk.models.removal import ListingRemoval
    from client_sdk.models.report import RecordName, Report
    from client_sdk.models.screening import Customer, ScreenProgressCallback, ScreenReport, WatchReport
    from client_sdk.models.statistics import Statistics
    from client_sdk.models.status import Status
    from client_sdk.models.subject_report import SubjectReport
    from client_sdk.models.violation import Violation

__all__ = ["AsyncClient"]

R = TypeVar("R")


class AsyncClient:
    """A member's connection for asyncio; see ``Client`` for what each method does and raises.

    Args:
        config: of the member.
        in_place: for a loop that serves nothing else: it does itself what else is done beside it, for milliseconds each
            time, and asks a quarter more with 16 checks under way. What may never end runs beside it all the same.

    Raises:
        ConfigError: settings, trust root, TLS files or keys are not in order, what is kept of the directory is damaged,
            or no event loop is running.
    """

    def __init__(self, config: ClientConfig, *, in_place: bool = False) -> None:
        self.config = config
        self._in_place = in_place
        self._member = Member(config, ASYNCIO)

    async def _run(self, flow: Flow[R]) -> R:
        return await run_async(self._member.owned(flow), in_place=self._in_place)

    def _each(self, flow: Flow[Iterator[R]]) -> AsyncIterator[R]:
        return each_async(self._member.owned(flow))

    def _pages(self, pages: Pages[R]) -> AsyncIterator[R]:
        return each_of_pages_async(self._member.owned, pages)

    @classmethod
    def from_home(cls, path: str | Path) -> Self:
        """Return the client of a member's home folder; errors as for the class."""
        return cls(ClientConfig.from_home(path))

    @classmethod
    def from_env(cls) -> Self:
        """Return the client of the folder that ``CREDIT_REGISTRY_HOME`` names; errors as for the class."""
        return cls(ClientConfig.from_env())

    async def __aenter__(self) -> Self:
        self._member.session.owner.check()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close connections and outbox; calls under way in other tasks raise ConfigError: the client is closed.

        What they have signed waits in the outbox; whether the registry has logged it is not known.
        """
        await run_async(self._member.close())

    # --- asking ------------------------------------------------------------------------------------------------------

    async def check(self, identity: Identity, *, purpose: Purpose | str, consent: Consent, officer: str) -> Answer:
        """Ask whether a person has live records, and verify the answer."""
        return await self._run(self._member.check(identity, purpose, consent, officer))

    async def check_many(
        self, identities: Sequence[Identity], *, purpose: Purpose | str, consent: Consent, officer: str
    ) -> list[Answer]:
        """Ask about many persons under one consent, 100 an inquiry; arguments and errors as for ``check``."""
        return await self._run(self._member.check_many(identities, purpose, consent, officer))

    async def screen(
        self,
        customers: Iterable[Customer],
        *,
        purpose: Purpose | str,
        officer: str,
        resume: str | Path | None = None,
        progress: ScreenProgressCallback | None = None,
        executor: Executor | None = None,
    ) -> ScreenReport:
        """Find out which customers are listed, under one signed inquiry and without naming any of them to the registry.

        The customers are read in a thread; progress is called in the loop.
        """
        return await self._run(self._member.screen(customers, purpose, officer, resume, progress, executor))

    async def watch(
        self,
        customers: Iterable[Customer],
        *,
        purpose: Purpose | str,
        officer: str,
        state: str | Path,
        progress: ScreenProgressCallback | None = None,
        take: Callable[[WatchReport], None] | None = None,
        executor: Executor | None = None,
    ) -> WatchReport:
        """Screen customers again, and tell what has changed since the last look."""
        return await self._run(self._member.watch(customers, purpose, officer, state, progress, take, executor))

    async def subject_report(self, identity: Identity, *, mandate: Consent, officer: str) -> SubjectReport:
        """Return a person's own report: all that is held about the person, and who asked (征信业管理条例 Art. 17)."""
        return await self._run(self._member.subject_report(identity, mandate, officer))

    async def alerts_on(
        self,
        identity: Identity,
        *,
        mandate: Consent,
        officer: str,
        until: date,
        keep: Callable[[AlertsAsked], None] | None = None,
    ) -> AlertsAsked:
        """Ask for alerts about a person: whenever another institution asks about the person or reports a new record."""
        return await self._run(self._member.alerts_on(identity, mandate, officer, until, keep))

    async def take_alerts(self, stored: Iterable[bytes] = ()) -> AlertPage:
        """Return the alerts that wait for this member, after the registry has forgotten those that are stored here."""
        return await self._run(self._member.take_alerts(stored))

    async def alerts_off(self, inquiry_id: bytes) -> bool:
        """End the alerts that an inquiry asked for, those that wait included; return whether there were any to end."""
        return await self._run(self._member.alerts_off(inquiry_id))

    async def inquiries(self, since: date | None = None, limit: int = 1_000) -> tuple[OwnInquiry, ...]:
        """Return own inquiries, the newest first: who asked, when, for what, and how it ended."""
        return await self._run(self._member.inquiries(since, limit))

    async def inquiry_receipt(self, inquiry_id: bytes) -> InquiryReceipt:
        """Return the place of an own inquiry in the inquiry tree; it is known after the next HEAD."""
        return await self._run(self._member.inquiry_receipt(inquiry_id))

    async def verify(self, path: str | Path | bytes, identity: Identity | None = None) -> tuple[Answer, ...]:
        """Verify an evidence file against the trust root."""
        return await self._run(self._member.verify(path, identity))

    # --- reporting ---------------------------------------------------------------------------------------------------

    async def report(self, report: Report) -> Receipt:
        """Report one version of one record, and return its verified receipt."""
        return await self._run(self._member.report(report))

    async def correct(self, report: Report, record_id: bytes | None = None) -> Receipt:
        """Report a further version of a record that the registry holds, with its standing unchanged."""
        return await self._run(self._member.correct(report, record_id))

    async def preview(self, report: Report, record_id: bytes | None = None) -> PreflightReport:
        """Hold one report against the rules and against what the registry holds of its record; nothing is signed."""
        return await self._run(self._member.preview(report, record_id))

    async def report_many(
        self,
        reports: Iterable[Report | RejectedRow],
        progress: ProgressCallback | None = None,
        *,
        one_signature: bool = False,
    ) -> BatchReport:
        """Report a portfolio; may be interrupted at any point and run again with the same input.

        Where the task is cancelled, what is under way is ended and the outbox given back before this returns; what was
        signed waits in the outbox.

        Args:
            reports: read in a thread.
            progress: called in the loop.
            one_signature: as for ``Client.report_many``.
        """
        return await self._run(self._member.report_many(reports, progress, one_signature=one_signature))

    async def preflight(self, reports: Iterable[Report | RejectedRow]) -> PreflightReport:
        """Hold a portfolio against the rules without sending anything; return its violations and warnings, by row."""
        return await self._run(self._member.preflight(reports))

    async def preflight_row(self, cells: Mapping[str, str]) -> tuple[Violation, ...]:
        """Hold one row of a portfolio against the rules without sending anything; return everything that is wrong."""
        return await self._run(self._member.preflight_row(cells))

    async def withdraw(
        self,
        record_id: bytes,
        issuer: str = "",
        *,
        identity: Identity | None = None,
        reason: WithdrawalReason | str = WithdrawalReason.ERROR,
        evidence: Iterable[bytes] = (),
        removed_on: date | None = None,
    ) -> Receipt:
        """Withdraw a record that must not be held; it is erased from all answers at once."""
        return await self._run(self._member.withdraw(record_id, issuer, identity, reason, evidence, removed_on))

    async def listing_removal(self, removed_on: date) -> ListingRemoval:
        """Return by when a listing must be withdrawn that the court removed on a day, by the rulebook's calendar."""
        return await self._run(self._member.listing_removal(removed_on))

    async def succeed(self, record_id: bytes, issuer: str, report: Report) -> Receipt:
        """End a record of a lender that this one succeeds: CURED, SATISFIED or TRANSFERRED, to itself or another."""
        return await self._run(self._member.succeed(record_id, issuer, report))

    async def confirm(self, record_id: bytes, identity: Identity) -> Receipt:
        """Confirm an own record that a key in doubt has signed: a running key says the same once more."""
        return await self._run(self._member.confirm(record_id, identity))

    async def redisclose(self) -> GivenBack:
        """Give back what a registry has lost that was restored from a backup: the same signed bytes once more."""
        return await self._run(self._member.redisclose())

    async def set_aside(self, record_id: bytes, issuer: str = "", *, identity: Identity | None = None) -> Receipt:
        """Report that a court set a record other than a default aside; arguments and errors as for ``withdraw``."""
        return await self._run(self._member.set_aside(record_id, issuer, identity))

    async def erasure_proof(
        self, record_id: bytes, issuer: str = "", *, identity: Identity | None = None
    ) -> ErasureProof:
        """Return the registry's signed proof that a record was withdrawn, set aside or erased."""
        return await self._run(self._member.erasure_proof(record_id, issuer, identity))

    async def verify_erasure(self, data: bytes, identity: Identity | None = None) -> ErasureProof:
        """Verify a proof of erasure, and with an identity that it names that person."""
        return await self._run(self._member.verify_erasure(data, identity))

    def record_id(self, name: RecordName) -> bytes:
        """Return the id of an own record; attempt 0 where the name has none."""
        return self._member.record_id(name)

    def records(
        self,
        record_ids: Sequence[bytes] = (),
        *,
        identity: Identity | None = None,
        issuer: str = "",
        most: int | None = None,
    ) -> AsyncIterator[RecordView]:
        """Yield own records as the registry holds them, in order of their first leaf."""
        return self._each(self._member.records(record_ids, identity, issuer, most))

    async def history(
        self, record_id: bytes, *, issuer: str = "", identity: Identity | None = None
    ) -> tuple[HistoryMonth, ...]:
        """Return what is known of an own record in each of at most 60 months, the oldest first."""
        return await self._run(self._member.history(record_id, issuer, identity))

    async def receipt(self, record_id: bytes, version: int, *, issuer: str = "") -> Receipt:
        """Return the receipt of a version of an own record, from the outbox or else from the registry."""
        return await self._run(self._member.receipt(record_id, version, issuer))

    # --- administering -----------------------------------------------------------------------------------------------

    async def open_dispute(
        self, issuer: str, record_id: bytes, *, code: str = "", evidence: Iterable[bytes] = ()
    ) -> AnnotationReceipt:
        """Dispute a record for its subject (异议, 征信业管理条例 Art. 25); all answers from now on show it."""
        return await self._run(self._member.open_dispute(issuer, record_id, code, evidence))

    async def withdraw_dispute(self, issuer: str, record_id: bytes) -> AnnotationReceipt:
        """Take back a dispute that this member opened; arguments and errors as for ``open_dispute``."""
        return await self._run(self._member.withdraw_dispute(issuer, record_id))

    async def answer_dispute(
        self, record_id: bytes, outcome: DisputeOutcome | str, *, evidence: Iterable[bytes], issuer: str = ""
    ) -> AnnotationReceipt:
        """Answer a dispute of an own record; CORRECTED after a further version of it, which corrects it."""
        return await self._run(self._member.answer_dispute(record_id, outcome, evidence, issuer))

    async def disputes(self, *, issuer: str = "", opened: bool = False, ended: bool = False) -> tuple[DisputeView, ...]:
        """Return the disputes of live records that stand, with the day until which an answer is due, or have ended."""
        return await self._run(self._member.disputes(issuer, opened=opened, ended=ended))

    async def add_statement(self, issuer: str, record_id: bytes, identity: Identity, text: str) -> AnnotationReceipt:
        """Attach the subject's own statement to a record (征信业管理条例 Art. 16), sealed to the subject."""
        return await self._run(self._member.add_statement(issuer, record_id, identity, text))

    async def remove_statement(self, issuer: str, record_id: bytes) -> AnnotationReceipt:
        """Remove the subject's own statement from a record with one; arguments and errors as for ``open_dispute``."""
        return await self._run(self._member.remove_statement(issuer, record_id))

    async def hide(
        self, record_id: bytes, identity: Identity, overlay: str, *, issuer: str = "", dry_run: bool = False
    ) -> AnnotationReceipt | None:
        """Hide an own record under an overlay of the rulebook, until it is corrected or shown again."""
        return await self._run(self._member.hide(record_id, identity, overlay, issuer, dry_run=dry_run))

    async def show_again(self, record_id: bytes, *, issuer: str = "") -> AnnotationReceipt:
        """Show an own record again that was hidden."""
        return await self._run(self._member.show_again(record_id, issuer))

    def inbox(self, *, follow: bool = False, everything: bool = False, after: int = 0) -> AsyncIterator[Notice]:
        """Yield the notices to this member in order: changes of records that it was shown, and disputes of its own."""
        return self._pages(self._member.inbox(after, everything=everything, follow=follow))

    async def acknowledge(self, notice: Notice) -> AcknowledgementReceipt:
        """Sign that a notice was taken note of, and return the receipt; once more gives that of the first time."""
        return await self._run(self._member.acknowledge(notice))

    async def propose(self, body: Body, *, after: bytes | None = None) -> Approved:
        """Propose an act with one's own signature; where one signature is the threshold, it is logged at once."""
        return await self._run(self._member.propose(body, after))

    async def acts(self) -> tuple[LoggedAct, ...]:
        """Follow the directory now, and return every act that is logged, from genesis on."""
        return await self._run(self._member.acts())

    async def proposals(self) -> tuple[ProposalView, ...]:
        """Return the acts that wait for signatures, oldest first."""
        return await self._run(self._member.proposals())

    async def approve(self, proposal: ProposalView) -> Approved:
        """Add one's own signature to a proposal that was read; the one that reaches the threshold logs the act."""
        return await self._run(self._member.approve(proposal))

    async def bring_approval(self, proposal: ProposalView, approval: Approval) -> Approved:
        """Add the signature of an administrator whom the act itself enrols, and who has no certificate yet."""
        return await self._run(self._member.bring_approval(proposal, approval))

    async def issue_certificate(self, request: CertificateRequest) -> bytes:
        """Have a certificate issued; administrators may carry the request of any member."""
        return await self._run(self._member.issue_certificate(request))

    async def renew_certificate(self, *, new_key: bool = False) -> bytes:
        """Vouch for the own TLS key anew, have a certificate issued, write it into the home folder, and return it."""
        return await self._run(self._member.renew_certificate(new_key=new_key))

    async def revoke_tls_key(self, spki_hash: bytes) -> datetime:
        """End a TLS key of the own institution, at once and for good; return when it was first revoked, UTC."""
        return await self._run(self._member.revoke_tls_key(spki_hash))

    async def certificates(self, institution: str = "") -> tuple[CertificateView, ...]:
        """Return the newest certificates that were issued for an institution, newest first, at most 1,000."""
        return await self._run(self._member.certificates(institution))

    async def status(self) -> Status:
        """Follow the directory now, and return how registry, key services and the own inbox stand."""
        return await self._run(self._member.status())

    async def statistics(self, *, first_month: str = "", last_month: str = "") -> Statistics:
        """Return counts of what all lenders reported, by month: events, sizes of issuers, products and causes."""
        return await self._run(self._member.statistics(first_month, last_month))

    async def member_quality(self, *, first_month: str = "", last_month: str = "") -> MemberQuality:
        """Return the quality of what this member reported, by month, with a score."""
        return await self._run(self._member.member_quality(first_month, last_month))

    async def connect(self, older: bytes, newer: bytes) -> None:
        """Let the registry prove that two checkpoints belong to one history, such as another member's and the own."""
        await self._run(self._member.connect(older, newer))

    async def directory(self) -> Directory:
        """Return the directory that was followed from the trust root, at most a minute old."""
        return await self._run(self._member.directory())
