"""Hiding commitments (proto/README.md 1, 2, 5, 9): HMAC-SHA256 keyed by a 32-byte random opening, used once.

Without the opening nothing is learnt about what was committed to, even with the value in hand; deleting the
opening makes the commitment, and every root above it, untestable for ever.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import HASH_BYTES, label, lp, u64
from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "OPENING_BYTES",
    "SUBJECT_BYTES",
    "binding_opens",
    "check_binding",
    "check_open",
    "commit_consent",
    "commit_consents",
    "commit_erased_person",
    "commit_facts",
    "commit_inquiry",
    "commit_notice",
    "commit_officer",
    "commit_subject",
    "commit_text",
    "require_opening",
]

OPENING_BYTES = 32
SUBJECT_BYTES = 32

_SUBJECT = label("creditregistry/subject/v1")
_FACTS = label("creditregistry/facts/v1")
_TEXT = label("creditregistry/text/v1")
_INQUIRY = label("creditregistry/inquiry/v1")
_CONSENT = label("creditregistry/consent/v1")
_CONSENTS = label("creditregistry/consents/v1")
_OFFICER = label("creditregistry/officer/v1")
_ERASED_PERSON = label("creditregistry/erased-person/v1")
_NOTICE = label("creditregistry/notice/v1")


def require_opening(opening: bytes, part: str) -> bytes:
    """Return the opening if it has the right length.

    Raises:
        FormatError: it is not 32 bytes long.
    """
    if len(opening) != OPENING_BYTES:
        raise FormatError(part, "opening.length", got=f"{len(opening)} bytes", want=f"{OPENING_BYTES} bytes")
    return opening


def check_binding(subject: bytes, opening: bytes) -> None:
    """Check the lengths of a pseudonym and of an opening.

    Raises:
        FormatError: one is not 32 bytes long.
    """
    if len(subject) != SUBJECT_BYTES:
        raise FormatError("subject", "subject.length", got=f"{len(subject)} bytes", want=f"{SUBJECT_BYTES} bytes")
    require_opening(opening, "subject opening")


def commit_subject(opening: bytes, subject: bytes) -> bytes:
    """Return ``HMAC(opening, "creditregistry/subject/v1" || subject)`` (proto/README.md 2); the pseudonym is 32 bytes.

    Raises:
        FormatError: opening or pseudonym are not 32 bytes long.
    """
    check_binding(subject, opening)
    return hmac.digest(opening, _SUBJECT + subject, "sha256")


def binding_opens(commitment: bytes, subject: bytes, opening: bytes) -> bool:
    """Whether a binding opens a statement's subject commitment.

    Raises:
        FormatError: opening or pseudonym are not 32 bytes long.
    """
    return hmac.compare_digest(commit_subject(opening, subject), commitment)


def commit_erased_person(opening: bytes, subject_key_version: int, subject: bytes) -> bytes:
    """Return ``HMAC(opening, "creditregistry/erased-person/v1" || version || subject)`` (proto/README.md 8).

    Raises:
        FormatError: opening or pseudonym are not 32 bytes long.
    """
    if len(subject) != SUBJECT_BYTES:
        raise FormatError("subject", "subject.length", got=f"{len(subject)} bytes", want=f"{SUBJECT_BYTES} bytes")
    message = _ERASED_PERSON + u64(subject_key_version) + subject
    return hmac.digest(require_opening(opening, "person opening"), message, "sha256")


def commit_facts(opening: bytes, facts: bytes) -> bytes:
    """Return ``HMAC(opening, "creditregistry/facts/v1" || facts)`` over canonical facts.

    The facts are the last part and a protobuf of their own, so they are length-prefixed like every value of variable
    length (proto/README.md 1).

    Raises:
        FormatError: the opening is not 32 bytes long.
    """
    return hmac.digest(require_opening(opening, "facts opening"), _FACTS + lp(facts), "sha256")


def commit_text(opening: bytes, text: str) -> bytes:
    """Return ``HMAC(opening, "creditregistry/text/v1" || text)`` over UTF-8 in NFC (proto/README.md 5).

    Raises:
        FormatError: the opening is not 32 bytes long.
    """
    return hmac.digest(require_opening(opening, "text opening"), _TEXT + lp(text), "sha256")


def commit_inquiry(opening: bytes, pseudonyms: Sequence[tuple[int, bytes]]) -> bytes:
    """Return the commitment to one person asked about (proto/README.md 9).

    Args:
        opening: 32 bytes of its own.
        pseudonyms: (subject_key_version, pseudonym) for each live version, ascending.

    Raises:
        FormatError: opening or a pseudonym are not 32 bytes long.
    """
    parts = [_INQUIRY]
    for version, subject in pseudonyms:
        if len(subject) != SUBJECT_BYTES:
            raise FormatError("subject", "subject.length", got=f"{len(subject)} bytes", want=f"{SUBJECT_BYTES} bytes")
        parts += (u64(version), subject)
    return hmac.digest(require_opening(opening, "inquiry opening"), b"".join(parts), "sha256")


def commit_consent(opening: bytes, consent: bytes) -> bytes:
    """Return ``HMAC(opening, "creditregistry/consent/v1" || canonical Consent)`` (proto/README.md 9).

    Raises:
        FormatError: the opening is not 32 bytes long.
    """
    return hmac.digest(require_opening(opening, "consent opening"), _CONSENT + lp(consent), "sha256")


def commit_consents(opening: bytes, consents: Iterable[bytes]) -> bytes:
    """Return ``HMAC(opening, "creditregistry/consents/v1" || canonical Consent ...)`` (proto/README.md 9).

    Args:
        opening: 32 bytes of its own.
        consents: of the persons of a screening, in their order; gone through once, however many.

    Raises:
        FormatError: the opening is not 32 bytes long.
    """
    mac = hmac.new(require_opening(opening, "consents opening"), _CONSENTS, "sha256")
    for consent in consents:
        mac.update(lp(consent))
    return mac.digest()


def commit_officer(opening: bytes, officer: str) -> bytes:
    """Return ``HMAC(opening, "creditregistry/officer/v1" || officer)`` (proto/README.md 9).

    Raises:
        FormatError: the opening is not 32 bytes long.
    """
    return hmac.digest(require_opening(opening, "officer opening"), _OFFICER + lp(officer), "sha256")


def commit_notice(opening: bytes, index: int, leaf_hash: bytes, reason: int) -> bytes:
    """Return the commitment to the notice of a leaf (proto/README.md 5).

    Args:
        opening: 32 bytes of its own.
        index: of the leaf.
        leaf_hash: of it, 32 bytes.
        reason: number of the notice's reason.

    Raises:
        FormatError: opening or hash are not 32 bytes long.
    """
    if len(leaf_hash) != HASH_BYTES:
        raise FormatError("notice", "leaf_hash.length", got=f"{len(leaf_hash)} bytes", want=f"{HASH_BYTES} bytes")
    text = _NOTICE + u64(index) + leaf_hash + u64(reason)
    return hmac.digest(require_opening(opening, "notice opening"), text, "sha256")


def check_open(commitment: bytes, opened: bytes, part: str) -> None:
    """Compare a commitment with what an opening gives, in constant time.

    Raises:
        FormatError: they differ.
    """
    if not hmac.compare_digest(commitment, opened):
        raise FormatError(part, "commitment.opens", want="the opening and value that were committed to")
