"""Certificates of members: issued for TLS keys that a running signing key of the member vouches for, and for no other.

An administrator may carry another member's request and cannot make one. One vouch gives one certificate: brought
again, it gives the same one, so that carrying it often fills nothing. What is refused or repeated is decided in a
snapshot: it takes no lock for which others would wait.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import structlog

from client_sdk.kernel.formats.moment import DAY_MS
from client_sdk.kernel.formats.words import Role, TlsKeyAction
from client_sdk.kernel.ledger.tls_key import check_claim, check_not_ended
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from registry_server.certificates.authority import CERTIFICATE_DAYS, CertificateAuthority
from registry_server.errors import RefusalReason, RegistryError
from registry_server.storage import head, quotas, tls_keys
from registry_server.storage.quotas import QuotaKey
from registry_server.storage.tls_keys import StoredCertificate, StoredTlsKey
from registry_server.usecases.standing import TlsStanding, standing_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.kernel.formats.state import InstitutionState
    from client_sdk.kernel.formats.tls_key import SignedClaim, TlsKeyClaim
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.ledger import Ledger
    from registry_server.storage.unit_of_work import Database, UnitOfWork
    from registry_server.usecases.standing import PeerStanding

__all__ = ["MAX_CLAIMS_PER_DAY", "MAX_LISTED", "Certificates", "Listed", "check_request", "issue", "issued_before"]

# New vouches, and revocations of unknown keys, of one member a day: each is a row for ever.
MAX_CLAIMS_PER_DAY = 100
MAX_LISTED = 1_000
_log = structlog.get_logger("registry.certificates")


class Listed(NamedTuple):
    """A certificate in a list.

    Attributes:
        issued: what the journal holds.
        standing: of its key now; None where the certificate is another member's.
        revoked_at: ms; 0 while the member has not revoked the key.
    """

    issued: StoredCertificate
    standing: TlsStanding | None
    revoked_at: int


def check_request(directory: Directory, request: CertificateRequest, now: int) -> TlsKeyClaim:
    """Return the vouch of a request for a certificate, if it counts and is for the key of the request.

    Args:
        directory: of the newest HEAD.
        request: of the institution.
        now: ms since 1970 UTC.

    Raises:
        FormatError: the vouch is malformed, or its signature does not verify.
        RegistryError: CERTIFICATE_REQUEST_INVALID.
        RuleError: the vouch does not count (``check_claim``), or an act has ended the TLS key.
    """
    claim = check_claim(directory, request.vouch, action=TlsKeyAction.VOUCH, institution=request.institution, now=now)
    if CertificateAuthority.check_institution_request(request.csr, request.institution) != claim.spki_hash:
        raise RuleError(
            reason="TLS_CLAIM_MISMATCH", field="vouch.spki_hash", rule="tls-key.key", want="the key of the request"
        )
    check_not_ended(directory.institution(request.institution), claim.spki_hash)
    return claim


def issued_before(database: Database, request: CertificateRequest) -> StoredCertificate | None:
    """Return the certificate that the vouch of a request has given; None where it has given none yet."""
    with database.snapshot() as work:
        return tls_keys.certificate(work, _vouch_hash(request))


def issue(
    database: Database,
    directory: Directory,
    authority: CertificateAuthority,
    request: CertificateRequest,
    *,
    carried_by: str,
    now: int,
) -> tuple[StoredCertificate, StoredTlsKey]:
    """Issue a certificate and write down that it was; the same vouch gives the same certificate.

    Args:
        database: of table and journal.
        directory: of the newest HEAD.
        authority: what signs.
        request: of the institution.
        carried_by: institution id of the member that brought it; empty for the founding ceremony.
        now: ms since 1970 UTC.

    Returns:
        The certificate, and what is on record of its key.

    Raises:
        FormatError: as ``check_request``.
        RegistryError: as ``check_request``, TLS_KEY_REVOKED, VOUCH_STALE or QUOTA_EXCEEDED.
        RuleError: as ``check_request``.
        StorageError: the database failed.
    """
    claim, vouch_hash = check_request(directory, request, now), _vouch_hash(request)
    spki_hash, place = claim.spki_hash, _quota_place(directory, claim, now)
    with database.snapshot() as work:
        key, before = _decide_issue(work, claim, vouch_hash, place, now)
    if before is not None:
        return before, key
    certificate = authority.issue_for_institution(request.csr, claim.institution, now)
    with database.append() as work:
        head.lock(work)
        key, before = _decide_issue(work, claim, vouch_hash, place, now)
        if before is not None:
            return before, key
        quotas.add(work, {place: 1})
        ends = now + CERTIFICATE_DAYS * DAY_MS
        issued = StoredCertificate(
            vouch_hash, claim.institution, spki_hash, now, ends, request.vouch.key_id, carried_by, certificate
        )
        tls_keys.add_certificate(work, issued)
        key = tls_keys.put(work, _vouched(key, request.vouch, claim, now))
        work.commit()
    _log.info(
        "certificate issued",
        institution=claim.institution,
        spki_hash=spki_hash.hex(),
        vouching_key_id=request.vouch.key_id.hex(),
        carried_by=carried_by,
        not_after=issued.not_after,
    )
    return issued, key


def _vouched(key: StoredTlsKey, vouch: SignedClaim, claim: TlsKeyClaim, now: int) -> StoredTlsKey:
    """Return what is on record of a key from this certificate on."""
    return replace(
        key,
        vouch=vouch.encode(),
        vouching_key_id=vouch.key_id,
        vouched_at=claim.issued_at,
        first_issued_at=key.first_issued_at or now,
        last_issued_at=now,
    )


class Certificates:
    """The use case.

    Args:
        ledger: who is enrolled.
        authority: what signs.
        standing: notified of every change.
        clock: ms since 1970 UTC, as the machines have it that will verify the certificates.
    """

    def __init__(
        self, ledger: Ledger, authority: CertificateAuthority, standing: PeerStanding, clock: Callable[[], int]
    ) -> None:
        self._ledger = ledger
        self._authority = authority
        self._standing = standing
        self._clock = clock

    def issue(self, peer: str, request: CertificateRequest, *, vouched: bool) -> bytes:
        """Return a certificate with its chain, PEM, leaf first.

        Args:
            peer: institution id of the caller.
            request: the peer's own, or any member's where the peer is an administrator.
            vouched: whether the peer's own TLS key is vouched for; without that it asks for itself alone.

        Raises:
            FormatError: as ``issue``.
            RegistryError: NOT_PERMITTED, TLS_KEY_NOT_VOUCHED, or as ``issue``.
            RuleError: as ``issue``.
        """
        directory = self._directory()
        if request.institution != peer:
            self._check_administrator(directory, peer, request.institution)
            if not vouched:
                raise RegistryError(
                    RefusalReason.TLS_KEY_NOT_VOUCHED, "certificate", "tls-key.vouched", want="the caller's own id"
                )
        issued, key = issue(
            self._ledger.database, directory, self._authority, request, carried_by=peer, now=self._clock()
        )
        self._standing.learn([key])
        return issued.certificate + self._authority.certificate

    def revoke(self, peer: str, revocation: SignedClaim) -> int:
        """End a TLS key of the peer's institution for good; return when it was first revoked, ms.

        Raises:
            FormatError: it is no revocation, or its signature does not verify.
            RegistryError: PEER_MISMATCH or QUOTA_EXCEEDED.
            RuleError: the revocation does not count (``check_claim``).
        """
        directory, now = self._directory(), self._clock()
        if revocation.claim.institution != peer:
            got = revocation.claim.institution
            raise RegistryError(RefusalReason.PEER_MISMATCH, "claim.institution", "peer.match", got=got, want=peer)
        claim = check_claim(directory, revocation, action=TlsKeyAction.REVOKE, institution=peer, now=now)
        place, database = _quota_place(directory, claim, now), self._ledger.database
        with database.snapshot() as work:
            key, counts = _decide_revocation(work, claim, place)
        if key.revoked_at:
            return key.revoked_at
        with database.append() as work:
            head.lock(work)
            key, counts = _decide_revocation(work, claim, place)
            if key.revoked_at:
                return key.revoked_at
            if counts:
                quotas.add(work, {place: 1})
            key = tls_keys.put(work, replace(key, revoked_at=now, revocation=revocation.encode()))
            work.commit()
        self._standing.learn([key])
        _log.info(
            "TLS key revoked",
            institution=peer,
            spki_hash=claim.spki_hash.hex(),
            revoking_key_id=revocation.key_id.hex(),
        )
        return now

    def issued_for(self, peer: str, institution: str) -> list[Listed]:
        """Return the newest certificates of an institution, newest first, at most 1,000.

        Args:
            peer: institution id of the caller.
            institution: that they name; of others an administrator sees when they were issued, nothing more.

        Raises:
            RegistryError: NOT_PERMITTED.
            RuleError: INSTITUTION_UNKNOWN.
        """
        with self._ledger.view() as view:
            state = view.directory.institution(institution)
            if institution != peer:
                self._check_administrator(view.directory, peer, institution)
            found = tls_keys.certificates_of(view.work, institution, MAX_LISTED)
            if institution != peer:
                return [Listed(issued, None, 0) for issued in found]
            keys = {hash_: tls_keys.get(view.work, institution, hash_) for hash_ in {one.spki_hash for one in found}}
        return [_listed(issued, state, keys[issued.spki_hash]) for issued in found]

    def _directory(self) -> Directory:
        with self._ledger.view() as view:
            return view.directory

    @staticmethod
    def _check_administrator(directory: Directory, peer: str, institution: str) -> None:
        if Role.ADMINISTRATOR not in directory.institution(peer).roles:
            raise RegistryError(
                RefusalReason.NOT_PERMITTED,
                "institution",
                "permissions",
                got=institution[:64],
                want="the caller's own id",
            )


def _vouch_hash(request: CertificateRequest) -> bytes:
    return sha256(request.vouch.payload + request.vouch.key_id).digest()


def _listed(issued: StoredCertificate, state: InstitutionState, key: StoredTlsKey | None) -> Listed:
    return Listed(issued, standing_of(state, issued.spki_hash, key), 0 if key is None else key.revoked_at)


def _decide_issue(
    work: UnitOfWork, claim: TlsKeyClaim, vouch_hash: bytes, place: QuotaKey, now: int
) -> tuple[StoredTlsKey, StoredCertificate | None]:
    """Decide a request for a certificate: first in a snapshot, and once more under the lock where one is to be issued.

    Returns:
        What is on record of the key, and the certificate that the vouch has given; None where one is to be issued.

    Raises:
        RegistryError: TLS_KEY_REVOKED, VOUCH_STALE or QUOTA_EXCEEDED.
    """
    key = _on_record(work, claim)
    if key.revoked_at:
        raise RegistryError(RefusalReason.TLS_KEY_REVOKED, "csr.key", "tls-key.revoked", want="a key not revoked")
    before = tls_keys.certificate(work, vouch_hash)
    if before is not None and before.not_after > now:
        return key, before
    if before is not None or claim.issued_at < key.vouched_at:
        raise RegistryError(RefusalReason.VOUCH_STALE, "vouch", "tls-key.newest", want="a vouch signed just now")
    _check_quota(work, place)
    return key, None


def _decide_revocation(work: UnitOfWork, claim: TlsKeyClaim, place: QuotaKey) -> tuple[StoredTlsKey, bool]:
    """Decide a revocation: first in a snapshot, and once more under the lock where it is to be written.

    Returns:
        What is on record of the key, and whether its revocation counts against the day's quota.

    Raises:
        RegistryError: QUOTA_EXCEEDED.
    """
    key = _on_record(work, claim)
    # A key on record is revoked whatever the day has seen; of others there would be no end.
    counts = not key.change
    if counts:
        _check_quota(work, place)
    return key, counts


def _on_record(work: UnitOfWork, claim: TlsKeyClaim) -> StoredTlsKey:
    found = tls_keys.get(work, claim.institution, claim.spki_hash)
    return found or StoredTlsKey(claim.institution, claim.spki_hash)


def _quota_place(directory: Directory, claim: TlsKeyClaim, now: int) -> QuotaKey:
    day = day_of(now, directory.rulebook.time_zone).isoformat()
    return QuotaKey(claim.institution, quotas.CERTIFICATES, day)


def _check_quota(work: UnitOfWork, place: QuotaKey) -> None:
    if quotas.used(work, [place])[place] >= MAX_CLAIMS_PER_DAY:
        want = f"at most {MAX_CLAIMS_PER_DAY} a day"
        raise RegistryError(RefusalReason.QUOTA_EXCEEDED, "claim", "tls-key.daily", want=want)
