"""The client of a member: asks, reports, decides, and verifies every answer before it returns it.

    with Client.from_home("lender-1") as client:
        answer = client.check(identity, purpose=Purpose.LOAN_APPROVAL, consent=consent, officer="clerk-7")
        assessment = answer.assess()

One client serves any number of threads of one process; a process that was forked opens its own. ``AsyncClient`` does
the same for asyncio, over the same core. Every method also raises ConfigError where the client is closed, or was made
in another process.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from creditregistry.v1 import check_pb2, proposal_pb2, submission_pb2
from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceStub
from creditregistry.v1.inquiry_service_pb2_grpc import InquiryServiceStub
from creditregistry.v1.record_service_pb2_grpc import RecordServiceStub

from client_sdk._following import Following
from client_sdk._link import ClientLink
from client_sdk._protocol import proposal as proposals
from client_sdk._protocol.arguments import purpose_of, sixteen_bytes
from client_sdk._protocol.inquiry import unproved
from client_sdk._protocol.own_record import views_of
from client_sdk._protocol.receipt import read_inquiry_receipt, read_receipt
from client_sdk._session import Session, is_stale
from client_sdk._transport.calling import calling
from client_sdk._transport.channels import channel
from client_sdk._transport.owner import Owner
from client_sdk.certificates import CertificateMethods
from client_sdk.config import ClientConfig
from client_sdk.errors import InvalidError, RefusedError, RollbackError, VerificationError
from client_sdk.kernel.formats.act import ClockBody
from client_sdk.kernel.formats.words import KeyUsage, KeyUse, Purpose, Standing
from client_sdk.kernel.ledger.inquiry import MAX_PERSONS
from client_sdk.key_client import KeyClient
from client_sdk.lending.batch import BatchReporter
from client_sdk.lending.chains import ChainKey, plan, record_id_of
from client_sdk.lending.single import Dispatch, SingleReport, ending
from client_sdk.verification import verify_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk.following import Proving
    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.formats.leaf import Approval
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.lending.outbox import Outbox
    from client_sdk.lending.signing_room import Prepared
    from client_sdk.models.act import LoggedAct
    from client_sdk.models.answer import Answer
    from client_sdk.models.batch import BatchReport, PreflightReport, ProgressCallback, RejectedRow
    from client_sdk.models.proposal import Approved, ProposalView
    from client_sdk.models.receipt import InquiryReceipt, Receipt
    from client_sdk.models.record import RecordView
    from client_sdk.models.report import RecordName, Report
    from client_sdk.models.status import Status

__all__ = ["Client"]

R = TypeVar("R")


class Client(CertificateMethods):
    """A member's connection to the registry and its key services.

    Args:
        config: of the member.

    Raises:
        ConfigError: settings, trust root, TLS files or keys are not in order.
        OutboxError: the outbox is damaged or belongs to another institution.
    """

    def __init__(self, config: ClientConfig) -> None:
        self.config = config
        self._session = Session(config, Owner())
        self._channel = channel(config.registry, self._session.tls, self._session.deadlines)
        self._records = RecordServiceStub(self._channel)
        self._inquiries = InquiryServiceStub(self._channel)
        self._directory = DirectoryServiceStub(self._channel)
        self._keys = KeyClient(
            config.institution, self._session.key_signers, self._session.tls, deadline_seconds=config.deadline
        )
        config.state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._following = Following(self._session, self._channel)
        except BaseException:
            self.close()
            raise

    @classmethod
    def from_home(cls, path: str | Path) -> Self:
        """Return the client of a member's home folder; errors as for the class."""
        return cls(ClientConfig.from_home(path))

    @classmethod
    def from_env(cls) -> Self:
        """Return the client of the folder that ``CREDIT_REGISTRY_HOME`` names; errors as for the class."""
        return cls(ClientConfig.from_env())

    def __enter__(self) -> Self:
        self._session.owner.check()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and outbox; calls under way in other threads fail."""
        if self._session.owner.close():
            self._keys.close()
            self._channel.close()
            self._session.close()

    # --- asking ------------------------------------------------------------------------------------------------------

    def check(self, identity: Identity, *, purpose: Purpose | str, consent: Consent, officer: str) -> Answer:
        """Ask whether a person has live records, and verify the answer.

        Args:
            identity: of the person; its number never leaves this machine.
            purpose: why (征信业管理条例 Art. 18, 20): a member, or its word.
            consent: that the person gave, in writing.
            officer: who asks, as the lender names its staff.

        Returns:
            LISTED or CLEAR where it is proved; UNVERIFIABLE, with the part that failed, where it is not.

        Raises:
            PreflightError: purpose, consent or officer are not in order; nothing was sent.
            TransportError: registry or key service is away.
            RefusedError: the registry refuses.
            KeyServiceError: a key service refuses, or proves nothing.
            RollbackError: the log went back or split in two.
        """
        return self.check_many([identity], purpose=purpose, consent=consent, officer=officer)[0]

    def check_many(
        self, identities: Sequence[Identity], *, purpose: Purpose | str, consent: Consent, officer: str
    ) -> list[Answer]:
        """Ask about many persons under one consent, 100 an inquiry; arguments and errors as for ``check``.

        Returns:
            One answer for each of the identities; a person who is named twice is asked about once.
        """
        why = purpose_of(identities, purpose, consent, officer)
        answers: list[Answer] = []
        persons = list(dict.fromkeys(identities))
        for start in range(0, len(persons), MAX_PERSONS):
            asked = persons[start : start + MAX_PERSONS]
            try:
                answers += self._fresh(partial(self._ask, asked, why, consent, officer))
            except RollbackError:
                raise
            except VerificationError as error:
                answers += unproved(self.config.name, asked, error)
        found = dict(zip(persons, answers, strict=True))
        return [found[identity] for identity in identities]

    def _ask(self, identities: Sequence[Identity], purpose: Purpose, consent: Consent, officer: str) -> list[Answer]:
        directory = self.directory()
        self._session.check_asking(directory, identities, purpose, consent, officer)
        names = self._keys.pseudonyms(directory, identities, KeyUse.INQUIRE, purpose)
        question = self._session.ask(list(zip(identities, names, strict=True)), purpose, consent, officer)
        page = self._session.pages(question)
        while (request := page.request()) is not None:
            with calling():
                response = self._inquiries.Check(request)
            page.read(response)
        if page.note:
            try:
                self._prove(self._session.proving(page.note))
            except RollbackError as error:
                page.refuse(error)
        return page.answers

    def inquiry_receipt(self, inquiry_id: bytes) -> InquiryReceipt:
        """Return the place of an own inquiry in the inquiry tree; there is one after the next HEAD.

        Raises:
            UnavailableError: it has none yet; reason INQUIRY_WAITING.
            RefusedError: there is no such inquiry.
            VerificationError: the receipt does not verify.
        """
        with calling():
            response = self._inquiries.GetInquiryReceipt(
                check_pb2.GetInquiryReceiptRequest(inquiry_id=sixteen_bytes(inquiry_id, "inquiry_id"))
            )
        receipt = read_inquiry_receipt(response.receipt, inquiry_id, self._session.log_key)
        self._prove(self._session.proving(receipt.checkpoint))
        return receipt

    def verify(self, path: str | Path, identity: Identity | None = None) -> tuple[Answer, ...]:
        """Verify an evidence file against the trust root.

        Args:
            path: of the file.
            identity: who it is said to be about. The key services are then asked again whether the pseudonym is that
                person's, and facts are opened; without it nobody is asked and facts stay sealed.

        Returns:
            One answer for each person in it, as of the HEAD's time.

        Raises:
            ConfigError: the file cannot be read.
            VerificationError: a part does not verify, or the pseudonym is not that person's.
        """
        names: Mapping[int, Pseudonym] | None = None
        if identity is not None:
            names = self._names([identity], KeyUse.INQUIRE, Purpose.POST_LOAN_REVIEW)[0]
        return verify_with(self._session.verifier, path, identity, names)

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
        return self._fresh(partial(self._report, report, must_exist=False))

    def correct(self, report: Report) -> Receipt:
        """Report a further version of a record that the registry holds, with its standing unchanged.

        Raises:
            ConflictError: there is no such record, or its standing is another; errors else as for ``report``.
        """
        return self._fresh(partial(self._report, report, must_exist=True))

    def report_many(
        self, reports: Iterable[Report | RejectedRow], progress: ProgressCallback | None = None
    ) -> BatchReport:
        """Report a portfolio; may be interrupted at any point and run again with the same input.

        Args:
            reports: such as ``read_portfolio`` yields; versions of one record, records of one debt, and what rests on
                each other, each in order of time.
            progress: told after each step.

        Returns:
            What became of each row; rows that break a rule are rejected, and the others are sent.

        Raises:
            OutboxError: another process is reporting from this home, or the outbox cannot be written.
            CreditRegistryError: as for ``report``; what was signed waits in the outbox.
        """
        directory = self.directory()
        reporter = BatchReporter(
            ClientLink(partial(self._names, use=KeyUse.REPORT, purpose=Purpose.REPORTING), self._held, self._records),
            self._outbox,
            self._session.issuer(directory),
            self.config.record_secret(),
            self._session.preflight(directory),
            self._session.log_key,
            self.config.batch_deadline,
        )
        return reporter.run(reports, progress)

    def preflight(self, reports: Iterable[Report | RejectedRow]) -> PreflightReport:
        """Hold a portfolio against the rules without sending anything; return what is wrong or odd in it, by row."""
        return plan(reports, self._session.preflight(self.directory())).report()

    def withdraw(self, record_id: bytes, issuer: str = "", *, identity: Identity | None = None) -> Receipt:
        """Withdraw a record that was a mistake; it is erased from all answers at once.

        Args:
            record_id: 16 bytes.
            issuer: of the record, for its successor; empty for an own record.
            identity: whom the record must be about; None holds it against nobody.

        Raises:
            ConflictError: there is no such live record, or it is about another person; errors else as for ``report``.
        """
        return self._end(record_id, issuer, Standing.WITHDRAWN, identity)

    def set_aside(self, record_id: bytes, issuer: str = "", *, identity: Identity | None = None) -> Receipt:
        """Report that a court set a judgment or an enforcement aside; arguments and errors as for ``withdraw``."""
        return self._end(record_id, issuer, Standing.SET_ASIDE, identity)

    def record_id(self, name: RecordName) -> bytes:
        """Return the id of an own record; attempt 0 where the name does not tell it.

        Raises:
            ConfigError: the secret behind record ids is missing.
        """
        return record_id_of(self.config.record_secret(), ChainKey.of(name), name.attempt or 0)

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
        names = None if identity is None else self._names([identity], KeyUse.REPORT, Purpose.REPORTING)[0]
        yield from views_of(self._held(record_ids, issuer), names)

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
        record = self._session.record(record_id, issuer)
        kept = self._outbox.receipt(record.issuer, record_id, version)
        if kept is not None:
            return kept
        request = submission_pb2.GetReceiptRequest(record_id=record_id, version=version, issuer=issuer)
        with calling():
            response = self._records.GetReceipt(request)
        receipt = read_receipt(response.receipt, record, version, self.config.name, self._session.log_key)
        self._prove(self._session.proving(receipt.checkpoint))
        return receipt

    def _report(self, report: Report, *, must_exist: bool) -> Receipt:
        directory = self.directory()
        single = SingleReport(
            report, self._session.issuer(directory), self.config.record_secret(), self._session.preflight(directory)
        )
        names = self._names([report.identity], KeyUse.REPORT, Purpose.REPORTING)[0]
        while wanted := single.wanted():
            single.take(self._held(wanted))
        if must_exist:
            single.check_correction()
        prepared = single.work_off(names)
        if prepared is None:
            return self.receipt(single.key().record_id, single.newest_version())
        dispatch, receipt = self._dispatch(prepared)
        return self._report(report, must_exist=must_exist) if dispatch.replaced else receipt

    def _end(self, record_id: bytes, issuer: str, standing: Standing, identity: Identity | None) -> Receipt:
        names = None if identity is None else self._names([identity], KeyUse.REPORT, Purpose.REPORTING)[0]
        held = self._held([record_id], issuer)
        prepared = ending(self._session.issuer(self.directory()), held, standing, self._session.now_ms(), names)
        dispatch, receipt = self._dispatch(prepared)
        return self._end(record_id, issuer, standing, identity) if dispatch.replaced else receipt

    def _dispatch(self, prepared: Prepared) -> tuple[Dispatch, Receipt]:
        dispatch = Dispatch(self._outbox, prepared, self._session.log_key)
        request = dispatch.keep()
        try:
            with calling():
                response = self._records.Submit(request)
        except RefusedError as error:
            dispatch.refused(error)
            raise
        return dispatch, dispatch.settle(response)

    # --- administering -----------------------------------------------------------------------------------------------

    def propose(self, body: Body) -> Approved:
        """Propose an act with one's own signature; where one signature is the threshold, it is logged at once.

        Raises:
            RuleError: what it decides breaks a rule; nothing was sent.
            RefusedError: the registry refuses, such as because another act took its number.
        """
        directory = self._refresh(at_any_time=isinstance(body, ClockBody))
        request = proposals.propose(proposals.next_act(directory, body), self._session.signer(KeyUsage.ADMINISTER))
        with calling():
            response = self._directory.ProposeAct(request)
        return proposals.read_approved(response, directory, self._session.log_key)

    def acts(self) -> tuple[LoggedAct, ...]:
        """Follow the directory now, and return every act that is logged, from genesis on."""
        self._refresh()
        return self._session.acts()

    def proposals(self) -> tuple[ProposalView, ...]:
        """Return the acts that wait for signatures, oldest first."""
        directory = self._refresh(at_any_time=True)
        with calling():
            response = self._directory.ListProposals(proposal_pb2.ListProposalsRequest())
        return tuple(proposals.read_proposal(message, directory) for message in response.proposals)

    def approve(self, proposal: ProposalView) -> Approved:
        """Add one's own signature to a proposal that was read; the one that reaches the threshold logs the act.

        Raises:
            RefusedError: the registry refuses, such as because the proposal has lapsed.
        """
        directory = self._refresh(at_any_time=isinstance(proposal.act.body, ClockBody))
        return self._approve(proposals.approve(proposal, self._session.signer(KeyUsage.ADMINISTER)), directory)

    def bring_approval(self, proposal: ProposalView, approval: Approval) -> Approved:
        """Add the signature of an administrator whom the act itself enrols, and who has no certificate yet.

        Raises:
            RefusedError: the signature is none, or the proposal has lapsed.
        """
        return self._approve(proposals.bring(proposal, approval), self._refresh())

    def _approve(self, request: proposal_pb2.ApproveActRequest, directory: Directory) -> Approved:
        with calling():
            response = self._directory.ApproveAct(request)
        return proposals.read_approved(response, directory, self._session.log_key)

    def status(self) -> Status:
        """Follow the directory now, and return how registry and key services stand."""
        directory = self._refresh()
        return self._session.status(directory, self._keys.statuses(directory))

    def connect(self, older: bytes, newer: bytes) -> None:
        """Let the registry prove that two checkpoints belong to one history, such as another member's and the own.

        Args:
            older: signed note.
            newer: another one, at least as large.

        Raises:
            RollbackError: they do not; what shows it is kept in the state folder.
            VerificationError: one is no checkpoint of this log.
        """
        self._prove(self._session.newest.connect(older, newer))

    def directory(self) -> Directory:
        """Return the directory that was followed from the trust root, at most a minute old.

        Raises:
            TransportError: the registry is away.
            VerificationError: the directory does not verify, or its HEAD is too old.
        """
        self._session.owner.check()
        return self._following.directory()

    # --- what the methods above share --------------------------------------------------------------------------------

    @property
    def _outbox(self) -> Outbox:
        return self._session.outbox()

    def _refresh(self, *, at_any_time: bool = False) -> Directory:
        self._session.owner.check()
        return self._following.refresh(at_any_time=at_any_time)

    def _prove(self, steps: Proving) -> None:
        self._following.prove(steps)

    def _fresh(self, call: Callable[[], R]) -> R:
        """Make a call; once more, with the directory followed again, where the registry says that it has moved on."""
        try:
            return call()
        except InvalidError as error:
            if not is_stale(error):
                raise
            self._refresh()
            return call()

    def _names(self, identities: Sequence[Identity], use: KeyUse, purpose: Purpose) -> list[dict[int, Pseudonym]]:
        return self._keys.pseudonyms(self.directory(), identities, use, purpose)

    def _held(self, record_ids: Sequence[bytes], issuer: str = "") -> list[HeldRecord]:
        # The act that named the caller may be younger than the directory.
        directory = self._refresh() if issuer else self.directory()
        held: list[HeldRecord] = []
        for request in self._session.listings(record_ids, issuer):
            with calling():
                pages = list(self._records.ListRecords(request))
            held += self._session.read_records(pages, directory, request)
        return held
