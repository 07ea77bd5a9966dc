"""Statements and annotations: what lenders sign and the log keeps for ever (proto/README.md 2 and 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

from creditregistry.v1 import common_pb2
from creditregistry.v1 import statement_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.check_digits import holds_resident_number
from client_sdk.kernel.formats.encoding import HASH_BYTES, is_digest_of_nothing
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import (
    AnnotationFlag,
    DisputeOutcome,
    Kind,
    Standing,
    WithdrawalReason,
    word,
)

__all__ = [
    "CODE",
    "EVIDENCED",
    "FIRST_YEAR",
    "LAST_YEAR",
    "MAX_EVIDENCE",
    "REMOVALS",
    "Annotation",
    "RecordKey",
    "Statement",
    "check_code",
    "check_hash",
    "check_institution_id",
    "check_reason_code",
    "check_record_id",
    "is_day",
    "is_day_of_facts",
    "is_weekend",
    "payload_hash",
]

RECORD_ID_BYTES = 16
# Nothing that a lender reports happened before, and nothing later is a date that anybody means.
FIRST_YEAR, LAST_YEAR = 1900, 2199
_FRIDAY = 5
# Documents that one annotation or withdrawal rests on.
MAX_EVIDENCE = 16
# RFC 9562 4.1 and 5.8: the bits of bytes 6 and 8 that say "UUID, version 8".
_VERSION_8 = 0x80
_VARIANT = 0x80
# Lower-case letters, digits and inner hyphens; also a host label, so it can name folders and certificates.
INSTITUTION_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
CODE = re.compile(r"[A-Za-z0-9._-]{0,64}")
# Enough for a year; a telephone, passport, account or identity number has more.
_REASON_DIGITS = 4
# Reasons that nobody is taken at his word for.
EVIDENCED = frozenset((WithdrawalReason.FRAUD, WithdrawalReason.IDENTITY_THEFT, WithdrawalReason.COURT_ORDER))
# Of a listing that the court removed from its list.
REMOVALS = frozenset((WithdrawalReason.COURT_REMOVED, WithdrawalReason.REMOVED_ON_REQUEST))
_ENDED_BY_COURT_OR_ERROR = frozenset((Standing.SET_ASIDE, Standing.WITHDRAWN))


class RecordKey(NamedTuple):
    """Which record: its issuer's institution id and its 16-byte id."""

    issuer: str
    record_id: bytes


def payload_hash(payload: bytes) -> bytes:
    """Return SHA-256 of a signed payload, as the next version's ``previous`` carries it."""
    return sha256(payload).digest()


@lru_cache(maxsize=4096)
def _is_institution_id(text: str) -> bool:
    """Whether the text has the form; the same few institutions speak in every leaf."""
    return INSTITUTION_ID.fullmatch(text) is not None


def check_institution_id(text: str, part: str, field: str) -> str:
    """Return the institution id if it has the form of one.

    Raises:
        FormatError: it has another form.
    """
    if not _is_institution_id(text):
        raise FormatError(part, f"{field}.form", want="lower-case letters, digits, inner hyphens, at most 64")
    return text


def check_record_id(record_id: bytes, part: str) -> bytes:
    """Return the record id if it is a UUIDv8 (RFC 9562 5.8).

    Raises:
        FormatError: wrong length, version or variant.
    """
    if len(record_id) != RECORD_ID_BYTES or record_id[6] & 0xF0 != _VERSION_8 or record_id[8] & 0xC0 != _VARIANT:
        raise FormatError(part, "record_id.uuid8", got=f"{len(record_id)} bytes", want="16 bytes, UUIDv8")
    return record_id


def check_code(text: str, part: str) -> str:
    """Return a code if it has the form of one; it may be empty.

    Raises:
        FormatError: it has another form, or holds an identity number: it would stand in the log for good.
    """
    if not CODE.fullmatch(text):
        raise FormatError(part, "code.form", want="at most 64 letters, digits, dots, underscores, hyphens")
    if holds_resident_number(text):
        raise FormatError(part, "code.number", got="an identity number", want="a code that names nobody")
    return text


def check_reason_code(text: str, part: str) -> str:
    """Return the reason code of a remark on a record; it may be empty.

    Raises:
        FormatError: as for ``check_code``, or it has so many digits that it may name a person or a contract.
    """
    digits = sum(char.isdigit() for char in check_code(text, part))
    if digits > _REASON_DIGITS:
        want = f"a code that names nobody, of at most {_REASON_DIGITS} digits"
        raise FormatError(part, "code.digits", got=f"{digits} digits", want=want)
    return text


def check_hash(value: bytes, part: str, field: str, *, present: bool) -> None:
    """Check that a hash has its length, or is empty where none may be present.

    Raises:
        FormatError: it has another length.
    """
    want = HASH_BYTES if present else 0
    if len(value) != want:
        raise FormatError(part, f"{field}.length", got=f"{len(value)} bytes", want=f"{want} bytes")


@lru_cache(maxsize=4096)
def is_day(text: str) -> bool:
    """Whether a real day is written as YYYY-MM-DD; the standard library reads other spellings too."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_day_of_facts(text: str) -> bool:
    """Whether a real day between 1900 and 2199 is written as YYYY-MM-DD."""
    return is_day(text) and FIRST_YEAR <= int(text[:4]) <= LAST_YEAR


def is_weekend(text: str) -> bool:
    """Whether a day as YYYY-MM-DD is a Saturday or a Sunday."""
    return is_day(text) and date.fromisoformat(text).isoweekday() > _FRIDAY


def _check_date(text: str, part: str, field: str) -> None:
    if text and not is_day(text):
        raise FormatError(part, f"{field}.date", want="a real day as YYYY-MM-DD")


def _check_evidence(digests: tuple[bytes, ...], part: str) -> None:
    for digest in digests:
        check_hash(digest, part, "evidence", present=True)
        if is_digest_of_nothing(digest):
            want = "the SHA-256 of a document"
            raise FormatError(part, "digest.document", got="that of an empty document", want=want)
    if len(digests) > MAX_EVIDENCE or any(later <= earlier for earlier, later in pairwise(digests)):
        raise FormatError(part, "evidence.order", want=f"ascending, without repetition, at most {MAX_EVIDENCE}")


@dataclass(frozen=True, slots=True)
class Statement:
    """The signed half of one version (proto/README.md 2). Lengths and presence are checked, rules are not."""

    registry: str
    issuer: str
    signer: str
    record_id: bytes
    version: int
    previous: bytes
    kind: Kind
    standing: Standing
    subject_key_version: int
    subject_commitment: bytes
    facts_commitment: bytes
    disclosure_digest: bytes
    issued_at: int
    retain_until: str = ""
    transferee: str = ""
    continues: RecordKey | None = None
    reason: WithdrawalReason | None = None
    evidence: tuple[bytes, ...] = ()
    removed_on: str = ""

    @property
    def key(self) -> RecordKey:
        """Which record."""
        return RecordKey(self.issuer, self.record_id)

    @property
    def carries_subject(self) -> bool:
        """Whether the version is bound to a subject and facts: all but WITHDRAWN and SET_ASIDE."""
        return self.standing not in _ENDED_BY_COURT_OR_ERROR

    def encode(self) -> bytes:
        """Return the canonical payload."""
        message = pb.Statement(
            registry=self.registry,
            issuer=self.issuer,
            signer=self.signer,
            record_id=self.record_id,
            version=self.version,
            previous=self.previous,
            kind=common_pb2.Kind.ValueType(self.kind.number),
            standing=common_pb2.Standing.ValueType(self.standing.number),
            subject_key_version=self.subject_key_version,
            subject_commitment=self.subject_commitment,
            facts_commitment=self.facts_commitment,
            disclosure_digest=self.disclosure_digest,
            issued_at=self.issued_at,
            retain_until=self.retain_until,
            transferee=self.transferee,
            reason=pb.WithdrawalReason.ValueType(0 if self.reason is None else self.reason.number),
            evidence=self.evidence,
            removed_on=self.removed_on,
        )
        if self.continues is not None:
            message.continues.issuer = self.continues.issuer
            message.continues.record_id = self.continues.record_id
        return canonical.encode(message)

    @classmethod
    def parse(cls, payload: bytes) -> Statement:
        """Return the statement that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field has the wrong form.
        """
        message = canonical.parse(pb.Statement, payload, "statement")
        continues = None
        if message.HasField("continues"):
            continues = RecordKey(message.continues.issuer, message.continues.record_id)
        statement = cls(
            message.registry,
            message.issuer,
            message.signer,
            message.record_id,
            message.version,
            message.previous,
            word(Kind, message.kind, "statement", "kind"),
            word(Standing, message.standing, "statement", "standing"),
            message.subject_key_version,
            message.subject_commitment,
            message.facts_commitment,
            message.disclosure_digest,
            message.issued_at,
            message.retain_until,
            message.transferee,
            continues,
            word(WithdrawalReason, message.reason, "statement", "reason") if message.reason else None,
            tuple(message.evidence),
            message.removed_on,
        )
        statement._check()
        return statement

    def _check(self) -> None:
        part = "statement"
        check_institution_id(self.issuer, part, "issuer")
        check_institution_id(self.signer, part, "signer")
        check_record_id(self.record_id, part)
        if not self.registry or not self.issued_at or not self.version:
            raise FormatError(part, "statement.complete", want="registry, version and issued_at")
        check_hash(self.previous, part, "previous", present=self.version > 1)
        bound = self.carries_subject
        check_hash(self.subject_commitment, part, "subject_commitment", present=bound)
        check_hash(self.facts_commitment, part, "facts_commitment", present=bound)
        check_hash(self.disclosure_digest, part, "disclosure_digest", present=bound)
        if bool(self.subject_key_version) is not bound:
            raise FormatError(part, "subject_key_version.present", want="a version, and 0 where nothing is bound")
        _check_date(self.retain_until, part, "retain_until")
        if self.retain_until and not bound:
            raise FormatError(part, "retain_until.absent", want="none for a standing that binds nothing")
        if self.transferee:
            check_institution_id(self.transferee, part, "transferee")
            if self.standing is not Standing.TRANSFERRED:
                raise FormatError(part, "transferee.absent", want="none but for TRANSFERRED")
        if self.continues is not None:
            check_institution_id(self.continues.issuer, part, "continues.issuer")
            check_record_id(self.continues.record_id, part)
            if self.version != 1 or self.continues == self.key:
                raise FormatError(part, "continues.first", want="only in version 1, and another record")
        self._check_withdrawal(part)

    def _check_withdrawal(self, part: str) -> None:
        _check_evidence(self.evidence, part)
        if (self.reason is not None) is not (self.standing is Standing.WITHDRAWN):
            raise FormatError(part, "withdrawal.reason", got=self.standing.name, want="a reason exactly for WITHDRAWN")
        _check_date(self.removed_on, part, "removed_on")
        if bool(self.removed_on) is not (self.reason in REMOVALS):
            want = "a day exactly for COURT_REMOVED and REMOVED_ON_REQUEST"
            raise FormatError(part, "withdrawal.removed-on", got=self.removed_on or "none", want=want)
        if self.evidence and self.reason is None:
            raise FormatError(part, "withdrawal.evidence", got=self.standing.name, want="none but for WITHDRAWN")
        if self.reason in EVIDENCED and not self.evidence:
            want = "digests of the documents that show it"
            raise FormatError(part, "withdrawal.evidence", got=f"none for {self.reason}", want=want)


@dataclass(frozen=True, slots=True)
class Annotation:
    """A snapshot of all annotations of one record (proto/README.md 5)."""

    registry: str
    author: str
    issuer: str
    record_id: bytes
    number: int
    previous: bytes
    flags: tuple[AnnotationFlag, ...]
    code: str
    text_commitment: bytes
    disclosure_digest: bytes
    issued_at: int
    outcome: DisputeOutcome | None = None
    evidence: tuple[bytes, ...] = ()
    overlay: str = ""

    @property
    def key(self) -> RecordKey:
        """Which record."""
        return RecordKey(self.issuer, self.record_id)

    @property
    def disputed(self) -> bool:
        """Whether a dispute stands after it."""
        return AnnotationFlag.DISPUTED in self.flags

    @property
    def answers(self) -> bool:
        """Whether it answers a dispute: one that is taken back is not answered."""
        return self.outcome not in (None, DisputeOutcome.WITHDRAWN)

    @property
    def hides(self) -> bool:
        """Whether the map does not hold the record after it."""
        return AnnotationFlag.HIDDEN in self.flags

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(
            pb.Annotation(
                registry=self.registry,
                author=self.author,
                issuer=self.issuer,
                record_id=self.record_id,
                number=self.number,
                previous=self.previous,
                flags=[pb.AnnotationFlag.ValueType(flag.number) for flag in self.flags],
                code=self.code,
                text_commitment=self.text_commitment,
                disclosure_digest=self.disclosure_digest,
                issued_at=self.issued_at,
                outcome=pb.DisputeOutcome.ValueType(0 if self.outcome is None else self.outcome.number),
                evidence=self.evidence,
                overlay=self.overlay,
            )
        )

    @classmethod
    def parse(cls, payload: bytes) -> Annotation:
        """Return the annotation that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field has the wrong form.
        """
        message = canonical.parse(pb.Annotation, payload, "annotation")
        annotation = cls(
            message.registry,
            message.author,
            message.issuer,
            message.record_id,
            message.number,
            message.previous,
            tuple(word(AnnotationFlag, flag, "annotation", "flags") for flag in message.flags),
            message.code,
            message.text_commitment,
            message.disclosure_digest,
            message.issued_at,
            word(DisputeOutcome, message.outcome, "annotation", "outcome") if message.outcome else None,
            tuple(message.evidence),
            message.overlay,
        )
        annotation._check()
        return annotation

    def _check(self) -> None:
        part = "annotation"
        check_institution_id(self.author, part, "author")
        check_institution_id(self.issuer, part, "issuer")
        check_record_id(self.record_id, part)
        if not self.registry or not self.issued_at or not self.number:
            raise FormatError(part, "annotation.complete", want="registry, number and issued_at")
        check_hash(self.previous, part, "previous", present=self.number > 1)
        if any(later <= earlier for earlier, later in pairwise(self.flags)):
            raise FormatError(part, "flags.order", want="ascending, without repetition")
        check_reason_code(self.code, part)
        stated = AnnotationFlag.STATEMENT in self.flags
        check_hash(self.text_commitment, part, "text_commitment", present=stated)
        check_hash(self.disclosure_digest, part, "disclosure_digest", present=stated)
        if bool(check_code(self.overlay, part)) is not self.hides:
            raise FormatError(part, "overlay.present", want="the name of an overlay exactly with HIDDEN")
        self._check_answer(part)

    def _check_answer(self, part: str) -> None:
        _check_evidence(self.evidence, part)
        if self.outcome is None:
            return
        if self.disputed is not (self.outcome is DisputeOutcome.UNCONFIRMED):
            raise FormatError(part, "outcome.flags", want="DISPUTED where UNCONFIRMED, and not after another outcome")
        if self.outcome is not DisputeOutcome.WITHDRAWN and not self.evidence:
            raise FormatError(part, "outcome.evidence", got="none", want="digests of what the answer rests on")
