"""TLS keys of members, and the journal of certificates that were issued for them.

A key has one row, which tells whether it may talk; a certificate has one row for ever. A writer holds the lock of
the head row, so that ``change`` grows in the order of the commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from registry_server.storage import schema
from registry_server.storage.driver import upsert

if TYPE_CHECKING:
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "StoredCertificate",
    "StoredTlsKey",
    "add_certificate",
    "certificate",
    "certificates_of",
    "changed_since",
    "get",
    "newest_change",
    "put",
]

_KEYS = schema.tls_keys
_CERTIFICATES = schema.certificates


@dataclass(frozen=True, slots=True)
class StoredTlsKey:
    """A TLS key of a member.

    Attributes:
        institution: whose.
        spki_hash: SHA-256 of its SubjectPublicKeyInfo.
        change: number of the row's newest change.
        vouch: newest SignedClaim with action VOUCH; empty where the key was revoked before it was ever vouched for.
        vouching_key_id: of the signing key that made it; empty likewise.
        vouched_at: ms, as signed; 0 likewise.
        first_issued_at: ms of the first certificate; 0 for none.
        last_issued_at: ms of the newest certificate; 0 for none.
        revoked_at: ms; 0 while the member has not revoked it.
        revocation: SignedClaim with action REVOKE; empty likewise.
    """

    institution: str
    spki_hash: bytes
    change: int = 0
    vouch: bytes = b""
    vouching_key_id: bytes = b""
    vouched_at: int = 0
    first_issued_at: int = 0
    last_issued_at: int = 0
    revoked_at: int = 0
    revocation: bytes = b""


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """A certificate that was issued.

    Attributes:
        vouch_hash: SHA-256 of the payload of the vouch and the id of its key; one vouch gives one certificate.
        institution: whose.
        spki_hash: SHA-256 of its key's SubjectPublicKeyInfo.
        issued_at: ms.
        not_after: ms.
        vouching_key_id: of the signing key that vouched.
        carried_by: institution id of the member that brought the request; empty for the founding ceremony.
        certificate: PEM, without its chain.
    """

    vouch_hash: bytes
    institution: str
    spki_hash: bytes
    issued_at: int
    not_after: int
    vouching_key_id: bytes
    carried_by: str
    certificate: bytes


def get(work: UnitOfWork, institution: str, spki_hash: bytes) -> StoredTlsKey | None:
    """Return a key; None where nothing is known of it."""
    query = select(_KEYS).where(_KEYS.c.institution == institution, _KEYS.c.spki_hash == spki_hash)
    row = work.connection.execute(query).one_or_none()
    return None if row is None else StoredTlsKey(*row)


def put(work: UnitOfWork, key: StoredTlsKey) -> StoredTlsKey:
    """Write a key with the next number of a change, and return it so; the caller holds the lock of the head row."""
    values = {name: getattr(key, name) for name in StoredTlsKey.__slots__} | {"change": newest_change(work) + 1}
    upsert(work, _KEYS, [tuple(values.values())])
    return StoredTlsKey(**values)


def newest_change(work: UnitOfWork) -> int:
    """Return the number of the newest change; 0 before the first."""
    return work.connection.execute(select(func.max(_KEYS.c.change))).scalar_one() or 0


def changed_since(work: UnitOfWork, change: int) -> list[StoredTlsKey]:
    """Return the keys that changed after that change, in order."""
    query = select(_KEYS).where(_KEYS.c.change > change).order_by(_KEYS.c.change)
    return [StoredTlsKey(*row) for row in work.connection.execute(query)]


def add_certificate(work: UnitOfWork, issued: StoredCertificate) -> None:
    """Add a certificate to the journal."""
    values = {name: getattr(issued, name) for name in StoredCertificate.__slots__}
    work.connection.execute(insert(_CERTIFICATES), values)


def certificate(work: UnitOfWork, vouch_hash: bytes) -> StoredCertificate | None:
    """Return the certificate that a vouch has given; None where it has given none yet."""
    row = work.connection.execute(select(_CERTIFICATES).where(_CERTIFICATES.c.vouch_hash == vouch_hash)).one_or_none()
    return None if row is None else StoredCertificate(*row)


def certificates_of(work: UnitOfWork, institution: str, limit: int) -> list[StoredCertificate]:
    """Return certificates of a member, newest first."""
    query = select(_CERTIFICATES).where(_CERTIFICATES.c.institution == institution)
    ordered = query.order_by(_CERTIFICATES.c.issued_at.desc(), _CERTIFICATES.c.vouch_hash).limit(limit)
    return [StoredCertificate(*row) for row in work.connection.execute(ordered)]
