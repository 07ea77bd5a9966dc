"""Methods of the blocking client for acts, certificates, and the state of the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._blocking.base import FlowRunner

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.formats.leaf import Approval
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.models.act import LoggedAct
    from client_sdk.models.certificate import CertificateView
    from client_sdk.models.member_quality import MemberQuality
    from client_sdk.models.proposal import Approved, ProposalView
    from client_sdk.models.statistics import Statistics
    from client_sdk.models.status import Status

__all__ = ["AdministeringMethods"]


class AdministeringMethods(FlowRunner):
    """Acts, certificates, status and statistics."""

    def propose(self, body: Body, *, after: bytes | None = None) -> Approved:
        """Propose an act with one's own signature; where one signature is the threshold, it is logged at once.

        Args:
            body: what it decides.
            after: ``state.act_hash`` of the directory that it was decided on, so that nothing is proposed once another
                act was logged; None proposes it after whichever act is the newest.

        Raises:
            RuleError: what it decides breaks a rule, or (ACT_ORDER) another act was logged; nothing was sent.
            RefusedError: the registry refuses, such as because another act took its number.
        """
        return self._run(self._member.propose(body, after))

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

    def statistics(self, *, first_month: str = "", last_month: str = "") -> Statistics:
        """Return counts of what all lenders reported, by month: events, sizes of issuers, products and causes.

        Counts that are small are withheld, with others from which they could be recomputed. Nothing here is about a
        person, or is proved; an audit holds it against the log.

        Args:
            first_month: YYYY-MM; empty for the oldest there is.
            last_month: YYYY-MM; empty for the newest that is over. Of more than 240 months the newest are given.

        Raises:
            PreflightError: one is no month; nothing was sent.
            VerificationError: the counts do not fit together.
        """
        return self._run(self._member.statistics(first_month, last_month))

    def member_quality(self, *, first_month: str = "", last_month: str = "") -> MemberQuality:
        """Return the quality of what this member reported, by month, with a score.

        An auditor gets that of all members. Each score is recomputed from its counts. Counts of what the log shows are
        held against it by audits; what facts say, and what was refused, is the registry's word.

        Args:
            first_month: YYYY-MM; empty for the oldest there is.
            last_month: YYYY-MM; empty for the newest that is over. Of more counts than fit the newest months are given.

        Raises:
            PreflightError: one is no month; nothing was sent.
            VerificationError: the counts do not fit together, or a score is not theirs.
        """
        return self._run(self._member.member_quality(first_month, last_month))

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
