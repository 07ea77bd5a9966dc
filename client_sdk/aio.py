"""The client for asyncio: the same core, the same arguments, results and errors as ``Client``.

    async with AsyncClient.from_home("lender-1") as client:
        answer = await client.check(identity, purpose=Purpose.LOAN_APPROVAL, consent=consent, officer="clerk-7")

A client is opened inside of the event loop that uses it; in another one every method raises ConfigError. What writes to
the disk runs beside the loop; so does ``report_many`` as a whole, which computes more than it waits.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from creditregistry.v1 import certificate_pb2, check_pb2, proposal_pb2, submission_pb2
from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceStub
from creditregistry.v1.inquiry_service_pb2_grpc import InquiryServiceStub
from creditregistry.v1.record_service_pb2_grpc import RecordServiceStub

from client_sdk import _beside_loop
from client_sdk._following import AioFollowing
from client_sdk._protocol import certificates
from client_sdk._protocol import proposal as proposals
from client_sdk._protocol.arguments import purpose_of, sixteen_bytes
from client_sdk._protocol.inquiry import unproved
from client_sdk._protocol.own_record import views_of
from client_sdk._protocol.receipt import read_inquiry_receipt, read_receipt
from client_sdk._session import Session, is_stale
from client_sdk._transport.calling import calling
from client_sdk._transport.channels import aio_channel
from client_sdk._transport.owner import Owner
from client_sdk.config import ClientConfig
from client_sdk.errors import InvalidError, RefusedError, RollbackError, VerificationError
from client_sdk.home import create_next_tls_key, install_certificate
from client_sdk.kernel.formats.act import ClockBody
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.words import KeyUsage, KeyUse, Purpose, Standing
from client_sdk.kernel.ledger.inquiry import MAX_PERSONS
from client_sdk.key_client import AsyncKeyClient
from client_sdk.lending.chains import ChainKey, plan, record_id_of
from client_sdk.lending.single import Dispatch, SingleReport, ending
from client_sdk.signing import read_private
from client_sdk.verification import verify_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk.following import Proving
    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.formats.leaf import Approval
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.lending.outbox import Outbox
    from client_sdk.lending.signing_room import Prepared
    from client_sdk.models.act import LoggedAct
    from client_sdk.models.answer import Answer
    from client_sdk.models.batch import BatchReport, PreflightReport, ProgressCallback, RejectedRow
    from client_sdk.models.certificate import CertificateView
    from client_sdk.models.proposal import Approved, ProposalView
    from client_sdk.models.receipt import InquiryReceipt, Receipt
    from client_sdk.models.record import RecordView
    from client_sdk.models.report import RecordName, Report
    from client_sdk.models.status import Status

__all__ = ["AsyncClient"]

R = TypeVar("R")


class AsyncClient:
    """A member's connection for asyncio; see ``Client`` for what each method does and raises.

    Args:
        config: of the member.

    Raises:
        ConfigError: settings, trust root, TLS files or keys are not in order, or no event loop is running.
    """

    def __init__(self, config: ClientConfig) -> None:
        self.config = config
        self._session = Session(config, Owner.of_running_loop())
        self._channel = aio_channel(config.registry, self._session.tls, self._session.deadlines)
        self._records = RecordServiceStub(self._channel)
        self._inquiries = InquiryServiceStub(self._channel)
        self._directory = DirectoryServiceStub(self._channel)
        self._keys = AsyncKeyClient(
            config.institution, self._session.key_signers, self._session.tls, deadline_seconds=config.deadline
        )
        config.state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._following = AioFollowing(self._session, self._channel)

    @classmethod
    def from_home(cls, path: str | Path) -> Self:
        """Return the client of a member's home folder."""
        return cls(ClientConfig.from_home(path))

    @classmethod
    def from_env(cls) -> Self:
        """Return the client of the folder that ``CREDIT_REGISTRY_HOME`` names."""
        return cls(ClientConfig.from_env())

    async def __aenter__(self) -> Self:
        self._session.owner.check()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close connections and outbox."""
        if self._session.owner.close():
            await self._keys.close()
            await self._channel.close()
            await asyncio.to_thread(self._session.close)

    # --- asking ------------------------------------------------------------------------------------------------------

    async def check(self, identity: Identity, *, purpose: Purpose | str, consent: Consent, officer: str) -> Answer:
        """Ask whether a person has live records, and verify the answer; see ``Client.check``."""
        answers = await self.check_many([identity], purpose=purpose, consent=consent, officer=officer)
        return answers[0]

    async def check_many(
        self, identities: Sequence[Identity], *, purpose: Purpose | str, consent: Consent, officer: str
    ) -> list[Answer]:
        """Ask about many persons under one consent, 100 an inquiry; see ``Client.check_many``."""
        why = purpose_of(identities, purpose, consent, officer)
        answers: list[Answer] = []
        persons = list(dict.fromkeys(identities))
        for start in range(0, len(persons), MAX_PERSONS):
            asked = persons[start : start + MAX_PERSONS]
            try:
                answers += await self._fresh(partial(self._ask, asked, why, consent, officer))
            except RollbackError:
                raise
            except VerificationError as error:
                answers += unproved(self.config.name, asked, error)
        found = dict(zip(persons, answers, strict=True))
        return [found[identity] for identity in identities]

    async def _ask(
        self, identities: Sequence[Identity], purpose: Purpose, consent: Consent, officer: str
    ) -> list[Answer]:
        directory = await self.directory()
        self._session.check_asking(directory, identities, purpose, consent, officer)
        names = await self._keys.pseudonyms(directory, identities, KeyUse.INQUIRE, purpose)
        question = self._session.ask(list(zip(identities, names, strict=True)), purpose, consent, officer)
        page = self._session.pages(question)
        while (request := page.request()) is not None:
            with calling():
                response = await self._inquiries.Check(request)
            page.read(response)
        if page.note:
            try:
                await self._prove(self._session.proving(page.note))
            except RollbackError as error:
                page.refuse(error)
        return page.answers

    async def inquiry_receipt(self, inquiry_id: bytes) -> InquiryReceipt:
        """Return the place of an own inquiry in the inquiry tree; see ``Client.inquiry_receipt``."""
        request = check_pb2.GetInquiryReceiptRequest(inquiry_id=sixteen_bytes(inquiry_id, "inquiry_id"))
        with calling():
            response = await self._inquiries.GetInquiryReceipt(request)
        receipt = read_inquiry_receipt(response.receipt, inquiry_id, self._session.log_key)
        await self._prove(self._session.proving(receipt.checkpoint))
        return receipt

    async def verify(self, path: str | Path, identity: Identity | None = None) -> tuple[Answer, ...]:
        """Verify an evidence file against the trust root; see ``Client.verify``."""
        names: Mapping[int, Pseudonym] | None = None
        if identity is not None:
            (names,) = await self._names([identity], KeyUse.INQUIRE, Purpose.POST_LOAN_REVIEW)
        return await asyncio.to_thread(verify_with, self._session.verifier, path, identity, names)

    # --- reporting ---------------------------------------------------------------------------------------------------

    async def report(self, report: Report) -> Receipt:
        """Report one version of one record, and return its verified receipt; see ``Client.report``."""
        return await self._fresh(partial(self._report, report, must_exist=False))

    async def correct(self, report: Report) -> Receipt:
        """Report a further version with its standing unchanged; see ``Client.correct``."""
        return await self._fresh(partial(self._report, report, must_exist=True))

    async def report_many(
        self, reports: Iterable[Report | RejectedRow], progress: ProgressCallback | None = None
    ) -> BatchReport:
        """Report a portfolio beside the loop, over a connection of its own; see ``Client.report_many``.

        Where the task is cancelled, the work in the thread is ended and the outbox given back before this returns; what
        was signed waits in the outbox.

        Args:
            reports: read in a thread.
            progress: called in the loop.
        """
        self._session.owner.check()
        return await _beside_loop.report_many(self.config, reports, progress)

    async def preflight(self, reports: Iterable[Report | RejectedRow]) -> PreflightReport:
        """Hold a portfolio against the rules without sending anything; see ``Client.preflight``."""
        rules = self._session.preflight(await self.directory())
        return (await asyncio.to_thread(plan, reports, rules)).report()

    def record_id(self, name: RecordName) -> bytes:
        """Return the id of an own record; see ``Client.record_id``."""
        return record_id_of(self.config.record_secret(), ChainKey.of(name), name.attempt or 0)

    async def withdraw(self, record_id: bytes, issuer: str = "", *, identity: Identity | None = None) -> Receipt:
        """Withdraw a record that was a mistake; see ``Client.withdraw``."""
        return await self._end(record_id, issuer, Standing.WITHDRAWN, identity)

    async def set_aside(self, record_id: bytes, issuer: str = "", *, identity: Identity | None = None) -> Receipt:
        """Report that a court set a judgment or an enforcement aside; see ``Client.set_aside``."""
        return await self._end(record_id, issuer, Standing.SET_ASIDE, identity)

    async def records(
        self, record_ids: Sequence[bytes] = (), *, identity: Identity | None = None, issuer: str = ""
    ) -> AsyncIterator[RecordView]:
        """Yield own records as the registry holds them; see ``Client.records``."""
        names: Mapping[int, Pseudonym] | None = None
        if identity is not None:
            (names,) = await self._names([identity], KeyUse.REPORT, Purpose.REPORTING)
        for view in views_of(await self._held(record_ids, issuer), names):
            yield view

    async def receipt(self, record_id: bytes, version: int, *, issuer: str = "") -> Receipt:
        """Return the receipt of a version of an own record; see ``Client.receipt``."""
        record = self._session.record(record_id, issuer)
        kept = await asyncio.to_thread(self._outbox.receipt, record.issuer, record_id, version)
        if kept is not None:
            return kept
        request = submission_pb2.GetReceiptRequest(record_id=record_id, version=version, issuer=issuer)
        with calling():
            response = await self._records.GetReceipt(request)
        receipt = read_receipt(response.receipt, record, version, self.config.name, self._session.log_key)
        await self._prove(self._session.proving(receipt.checkpoint))
        return receipt

    async def _report(self, report: Report, *, must_exist: bool) -> Receipt:
        directory = await self.directory()
        single = SingleReport(
            report, self._session.issuer(directory), self.config.record_secret(), self._session.preflight(directory)
        )
        (names,) = await self._names([report.identity], KeyUse.REPORT, Purpose.REPORTING)
        while wanted := single.wanted():
            single.take(await self._held(wanted))
        if must_exist:
            single.check_correction()
        prepared = single.work_off(names)
        if prepared is None:
            return await self.receipt(single.key().record_id, single.newest_version())
        dispatch, receipt = await self._dispatch(prepared)
        return await self._report(report, must_exist=must_exist) if dispatch.replaced else receipt

    async def _end(self, record_id: bytes, issuer: str, standing: Standing, identity: Identity | None) -> Receipt:
        names = None
        if identity is not None:
            (names,) = await self._names([identity], KeyUse.REPORT, Purpose.REPORTING)
        held = await self._held([record_id], issuer)
        prepared = ending(self._session.issuer(await self.directory()), held, standing, self._session.now_ms(), names)
        dispatch, receipt = await self._dispatch(prepared)
        return await self._end(record_id, issuer, standing, identity) if dispatch.replaced else receipt

    async def _dispatch(self, prepared: Prepared) -> tuple[Dispatch, Receipt]:
        dispatch = Dispatch(self._outbox, prepared, self._session.log_key)
        request = await asyncio.to_thread(dispatch.keep)
        try:
            with calling():
                response = await self._records.Submit(request)
        except RefusedError as error:
            await asyncio.to_thread(dispatch.refused, error)
            raise
        return dispatch, await asyncio.to_thread(dispatch.settle, response)

    # --- administering -----------------------------------------------------------------------------------------------

    async def propose(self, body: Body) -> Approved:
        """Propose an act with one's own signature; see ``Client.propose``."""
        directory = await self._refresh(at_any_time=isinstance(body, ClockBody))
        request = proposals.propose(proposals.next_act(directory, body), self._session.signer(KeyUsage.ADMINISTER))
        with calling():
            response = await self._directory.ProposeAct(request)
        return proposals.read_approved(response, directory, self._session.log_key)

    async def acts(self) -> tuple[LoggedAct, ...]:
        """Follow the directory now, and return every act that is logged, from genesis on."""
        await self._refresh()
        return self._session.acts()

    async def proposals(self) -> tuple[ProposalView, ...]:
        """Return the acts that wait for signatures, oldest first."""
        directory = await self._refresh(at_any_time=True)
        with calling():
            response = await self._directory.ListProposals(proposal_pb2.ListProposalsRequest())
        return tuple(proposals.read_proposal(message, directory) for message in response.proposals)

    async def approve(self, proposal: ProposalView) -> Approved:
        """Add one's own signature to a proposal that was read; see ``Client.approve``."""
        directory = await self._refresh(at_any_time=isinstance(proposal.act.body, ClockBody))
        return await self._approve(proposals.approve(proposal, self._session.signer(KeyUsage.ADMINISTER)), directory)

    async def bring_approval(self, proposal: ProposalView, approval: Approval) -> Approved:
        """Add the signature of an administrator who has no certificate yet; see ``Client.bring_approval``."""
        directory = await self._refresh()
        return await self._approve(proposals.bring(proposal, approval), directory)

    async def _approve(self, request: proposal_pb2.ApproveActRequest, directory: Directory) -> Approved:
        with calling():
            response = await self._directory.ApproveAct(request)
        return proposals.read_approved(response, directory, self._session.log_key)

    async def issue_certificate(self, request: CertificateRequest) -> bytes:
        """Have a certificate issued; see ``Client.issue_certificate``."""
        with calling():
            response = await self._directory.IssueCertificate(certificates.issue_request(request))
        return response.certificate

    async def renew_certificate(self, *, new_key: bool = False) -> bytes:
        """Vouch for the own TLS key anew and have a certificate issued; see ``Client.renew_certificate``."""
        read = partial(create_next_tls_key, self.config) if new_key else partial(read_private, self.config.tls_key)
        tls_key, refused = await asyncio.to_thread(read), None
        for request in certificates.renewals(self.config, tls_key, self._session.now_ms()):
            try:
                certificate = await self.issue_certificate(request)
            except RefusedError as error:
                if not certificates.key_has_ended(error):
                    raise
                refused = error
                continue
            await asyncio.to_thread(install_certificate, self.config.home, certificate)
            return certificate
        raise refused or AssertionError("a member has a signing key")

    async def revoke_tls_key(self, spki_hash: bytes) -> datetime:
        """End a TLS key of the own institution; see ``Client.revoke_tls_key``."""
        refused = None
        for request in certificates.revocations(self.config, spki_hash, self._session.now_ms()):
            try:
                with calling():
                    response = await self._directory.RevokeTlsKey(request)
            except RefusedError as error:
                if not certificates.key_has_ended(error):
                    raise
                refused = error
            else:
                return moment(response.revoked_at)
        raise refused or AssertionError("a member has a signing key")

    async def certificates(self, institution: str = "") -> tuple[CertificateView, ...]:
        """Return the certificates that were issued for an institution; see ``Client.certificates``."""
        with calling():
            request = certificate_pb2.ListCertificatesRequest(institution=institution)
            response = await self._directory.ListCertificates(request)
        return certificates.listed(response)

    async def status(self) -> Status:
        """Follow the directory now, and return how registry and key services stand."""
        directory = await self._refresh()
        return self._session.status(directory, await self._keys.statuses(directory))

    async def connect(self, older: bytes, newer: bytes) -> None:
        """Let the registry prove that two checkpoints belong to one history; see ``Client.connect``."""
        await self._prove(self._session.newest.connect(older, newer))

    async def directory(self) -> Directory:
        """Return the directory that was followed from the trust root, at most a minute old."""
        self._session.owner.check()
        return await self._following.directory()

    # --- what the methods above share --------------------------------------------------------------------------------

    @property
    def _outbox(self) -> Outbox:
        return self._session.outbox()

    async def _refresh(self, *, at_any_time: bool = False) -> Directory:
        self._session.owner.check()
        return await self._following.refresh(at_any_time=at_any_time)

    async def _prove(self, steps: Proving) -> None:
        await self._following.prove(steps)

    async def _fresh(self, call: Callable[[], Awaitable[R]]) -> R:
        """Make a call; once more, with the directory followed again, where the registry says that it has moved on."""
        try:
            return await call()
        except InvalidError as error:
            if not is_stale(error):
                raise
        await self._refresh()
        return await call()

    async def _names(self, identities: Sequence[Identity], use: KeyUse, purpose: Purpose) -> list[dict[int, Pseudonym]]:
        return await self._keys.pseudonyms(await self.directory(), identities, use, purpose)

    async def _held(self, record_ids: Sequence[bytes], issuer: str = "") -> list[HeldRecord]:
        # The act that named the caller may be younger than the directory.
        directory = await (self._refresh() if issuer else self.directory())
        held: list[HeldRecord] = []
        for request in self._session.listings(record_ids, issuer):
            with calling():
                pages = [page async for page in self._records.ListRecords(request)]
            held += self._session.read_records(pages, directory, request)
        return held
