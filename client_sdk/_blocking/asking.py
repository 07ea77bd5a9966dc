"""Methods of the blocking client that ask about persons, and verify what was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._blocking.base import FlowRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Executor
    from datetime import date
    from pathlib import Path

    from client_sdk.kernel.formats.words import Purpose
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.models.alert import AlertPage, AlertsAsked
    from client_sdk.models.answer import Answer
    from client_sdk.models.own_inquiry import OwnInquiry
    from client_sdk.models.receipt import InquiryReceipt
    from client_sdk.models.screening import Customer, ScreenProgressCallback, ScreenReport, WatchReport
    from client_sdk.models.subject_report import SubjectReport

__all__ = ["AskingMethods"]


class AskingMethods(FlowRunner):
    """Checks, screenings, reports to a person, and evidence."""

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
        executor: Executor | None = None,
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
            executor: where the pages are verified; None for this process. It gets pages as the registry shows them, and
                neither a number nor a pseudonym.

        Returns:
            LISTED, OWN or CLEAR for each customer, proved by the map of one HEAD.

        Raises:
            PreflightError: purpose, officer or a consent are not in order; nothing was sent.
            ConfigError: the file cannot be used.
            VerificationError: a page does not verify.
            ExecutorError: the executor did not verify one.
            CreditRegistryError: else as for ``check``.
        """
        return self._run(self._member.screen(customers, purpose, officer, resume, progress, executor))

    def watch(
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
        """Screen customers again, and tell what has changed since the last look.

        Args:
            customers: as for ``screen``; the key services are asked about new ones alone.
            purpose: why, the same at each look.
            officer: the member of staff who asks.
            state: file that keeps the last look, sealed; made by the first one.
            progress: called after each step.
            take: called with the report before the last look is replaced, so that a crash repeats and loses nothing; if
                it raises, the last look is kept as it was.
            executor: as for ``screen``.

        Raises:
            CreditRegistryError: as for ``screen``; the last look is kept as it was.
        """
        return self._run(self._member.watch(customers, purpose, officer, state, progress, take, executor))

    def subject_report(self, identity: Identity, *, mandate: Consent, officer: str) -> SubjectReport:
        """Return a person's own report: all that is held about the person, and who asked (征信业管理条例 Art. 17).

        For a REPRESENTATIVE. It is an inquiry for SUBJECT_ACCESS, which is logged as any other.

        Args:
            identity: of the person; its number never leaves this machine.
            mandate: the request that the person signed, as ``written_consent`` makes it; it serves for no other
                person.
            officer: the member of staff who asks, by the office's own name.

        Raises:
            PreflightError: the mandate or the officer is not in order, or this member is no REPRESENTATIVE.
            RefusedError: the registry refuses.
            KeyServiceError: a key service refuses, or proves nothing.
            VerificationError: what the registry answers does not verify.
            TransportError: registry or key service is away.
        """
        return self._run(self._member.subject_report(identity, mandate, officer))

    def alerts_on(
        self,
        identity: Identity,
        *,
        mandate: Consent,
        officer: str,
        until: date,
        keep: Callable[[AlertsAsked], None] | None = None,
    ) -> AlertsAsked:
        """Ask for alerts about a person: whenever another institution asks about the person or reports a new record.

        For a REPRESENTATIVE. It is an inquiry for SUBJECT_ACCESS, which is logged as any other, but counts as no report
        of the person. The alerts are given by ``take_alerts``.

        Args:
            identity: of the person; its number never leaves this machine.
            mandate: the request that the person signed, as ``written_consent`` makes it; it serves for no other
                person.
            officer: the member of staff who asks, by the office's own name.
            until: last day, at most 366 days away.
            keep: called with what is asked for before it is sent, so that a crash afterwards leaves no alerts that
                nobody here knows of. Called again, with another id, where the registry asks for a new inquiry.

        Raises:
            PreflightError: mandate, officer or day are not in order, or this member is no REPRESENTATIVE.
            RefusedError: the registry refuses; reason ALERTS_ON where alerts about the person are on already,
                ALERTS_FULL for too many.
            KeyServiceError: a key service refuses, or proves nothing.
            VerificationError: what the registry answers does not verify.
            TransportError: registry or key service is away.
        """
        return self._run(self._member.alerts_on(identity, mandate, officer, until, keep))

    def take_alerts(self, stored: Iterable[bytes] = ()) -> AlertPage:
        """Return the alerts that wait for this member, after the registry has forgotten those that are stored here.

        Args:
            stored: ids of alerts that were returned before and are safe, at most 256: they do not come again. Until it
                is told, the registry gives the same ones.

        Raises:
            RefusedError: the registry refuses.
            VerificationError: an alert is not in its form.
            TransportError: the registry is away.
        """
        return self._run(self._member.take_alerts(stored))

    def alerts_off(self, inquiry_id: bytes) -> bool:
        """End the alerts that an inquiry asked for, those that wait included; return whether there were any to end.

        Args:
            inquiry_id: as ``alerts_on`` returned it.

        Raises:
            RefusedError: the registry refuses.
            TransportError: the registry is away.
        """
        return self._run(self._member.alerts_off(inquiry_id))

    def inquiries(self, since: date | None = None, limit: int = 1_000) -> tuple[OwnInquiry, ...]:
        """Return own inquiries, the newest first: who asked, when, for what, and how it ended.

        None says about whom it was.

        Args:
            since: only those received on that day or later, in the registry's legal time zone; None for all.
            limit: how many at most, up to 1,000,000.

        Raises:
            VerificationError: the registry shows one that this member has not signed, or another officer.
        """
        return self._run(self._member.inquiries(since, limit))

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
