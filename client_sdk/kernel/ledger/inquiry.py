"""Inquiries: the signed payload with commitments, and their openings (proto/README.md 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import check_pb2, common_pb2, facts_pb2
from creditregistry.v1 import inquiry_pb2 as pb
from google.protobuf.message import DecodeError

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.commitment import (
    check_open,
    commit_consent,
    commit_inquiry,
    commit_officer,
)
from client_sdk.kernel.formats.consent_terms import ConsentTerms
from client_sdk.kernel.formats.discreet import Discreet
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.map_page import MAX_PAGE_DEPTH
from client_sdk.kernel.formats.statement import check_institution_id, is_day
from client_sdk.kernel.formats.words import Purpose, word
from client_sdk.kernel.rules.consent import terms_of
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.fact_parts import Consent
from client_sdk.kernel.rules.officer import check_officer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "INQUIRY_ID_BYTES",
    "MAX_PERSONS",
    "Inquiry",
    "InquiryOpening",
    "PersonOpening",
    "Screening",
    "check_officer_opening",
    "person_message",
    "person_of",
]

PART = "inquiry"
INQUIRY_ID_BYTES = 16
MAX_PERSONS = 100


class PersonOpening(NamedTuple):
    """Opens one person's commitment: an opening and (subject_key_version, pseudonym) under each live version."""

    opening: bytes
    pseudonyms: tuple[tuple[int, bytes], ...]

    def __repr__(self) -> str:
        return "PersonOpening(...)"


class Screening(NamedTuple):
    """Which pages of the map an inquiry asks for.

    Attributes:
        persons: number of persons who are looked for in them.
        depth: number of bits that name a page.
        pages: number of different pages at most.
    """

    persons: int
    depth: int
    pages: int


def person_message(person: PersonOpening) -> check_pb2.PersonOpening:
    """Return the protobuf form of one person's opening."""
    message = check_pb2.PersonOpening(opening=person.opening)
    for version, subject in person.pseudonyms:
        message.pseudonyms.add(subject_key_version=version, subject=subject)
    return message


def person_of(message: check_pb2.PersonOpening) -> PersonOpening:
    """Return the value of a parsed message."""
    return PersonOpening(
        message.opening, tuple((name.subject_key_version, name.subject) for name in message.pseudonyms)
    )


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The signed question: about persons, or for pages of the map. Holds no pseudonym.

    ``alerts_until`` is the last day (``YYYY-MM-DD``) on which the asker is to be alerted about the one person that a
    question for SUBJECT_ACCESS is about; empty where it is not.
    """

    registry: str
    asker: str
    inquiry_id: bytes
    issued_at: int
    purpose: Purpose
    subject_commitments: tuple[bytes, ...]
    consent_commitment: bytes
    officer_commitment: bytes
    consent_terms: ConsentTerms
    screening: Screening | None = None
    alerts_until: str = ""

    @property
    def persons(self) -> int:
        """Number of persons whom it is about."""
        return len(self.subject_commitments) if self.screening is None else self.screening.persons

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(
            pb.Inquiry(
                registry=self.registry,
                asker=self.asker,
                inquiry_id=self.inquiry_id,
                issued_at=self.issued_at,
                purpose=common_pb2.Purpose.ValueType(self.purpose.number),
                subject_commitments=self.subject_commitments,
                consent_commitment=self.consent_commitment,
                officer_commitment=self.officer_commitment,
                consent_terms=self.consent_terms.message(),
                screening=None if self.screening is None else pb.Screening(**self.screening._asdict()),
                alerts_until=self.alerts_until,
            )
        )

    @classmethod
    def parse(cls, payload: bytes) -> Inquiry:
        """Return the inquiry that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field has the wrong form.
        """
        message = canonical.parse(pb.Inquiry, payload, PART)
        check_institution_id(message.asker, PART, "asker")
        commitments = tuple(message.subject_commitments)
        if len(message.inquiry_id) != INQUIRY_ID_BYTES:
            raise FormatError(PART, "inquiry_id.length", got=f"{len(message.inquiry_id)} bytes", want="16 bytes")
        screening = _screening(message) if message.HasField("screening") else None
        if not (0 < len(commitments) <= MAX_PERSONS if screening is None else not commitments):
            want = f"1 to {MAX_PERSONS}, or none for a screening"
            raise FormatError(PART, "inquiry.persons", got=str(len(commitments)), want=want)
        hashes = (*commitments, message.consent_commitment, message.officer_commitment)
        if any(len(value) != HASH_BYTES for value in hashes):
            raise FormatError(PART, "inquiry.commitment-length", want="32 bytes")
        if not message.registry or not message.issued_at or not message.HasField("consent_terms"):
            raise FormatError(PART, "inquiry.complete", want="registry, issued_at and consent_terms")
        purpose = word(Purpose, message.purpose, PART, "purpose")
        if purpose is Purpose.SUBJECT_ACCESS and screening is None:
            _check_one_person(len(commitments))
        if message.alerts_until:
            _check_alerts(message.alerts_until, purpose, len(commitments))
        terms = ConsentTerms.of(message.consent_terms)
        if screening is None and terms.first_given_on != terms.last_given_on:
            raise FormatError(PART, "consent-terms.days", want="one day, but for a screening")
        return cls(
            message.registry,
            message.asker,
            message.inquiry_id,
            message.issued_at,
            purpose,
            commitments,
            message.consent_commitment,
            message.officer_commitment,
            terms,
            screening,
            message.alerts_until,
        )

    def check_person(self, position: int, person: PersonOpening, versions: Sequence[int]) -> None:
        """Check that an opening opens one person's commitment, under exactly the live versions.

        Raises:
            FormatError: another position, other versions, or it does not open.
        """
        if position >= len(self.subject_commitments):
            raise FormatError(
                PART, "inquiry.position", got=str(position), want=f"below {len(self.subject_commitments)}"
            )
        if tuple(version for version, _ in person.pseudonyms) != tuple(versions):
            raise FormatError(PART, "inquiry.versions", want="each live version of the subject keys, ascending")
        check_open(self.subject_commitments[position], commit_inquiry(person.opening, person.pseudonyms), PART)


def _screening(message: pb.Inquiry) -> Screening:
    """Return which pages an inquiry asks for.

    Raises:
        FormatError: it asks for no page or for more than there are, or for no person.
    """
    found = Screening(message.screening.persons, message.screening.depth, message.screening.pages)
    if not 1 <= found.depth <= MAX_PAGE_DEPTH:
        raise FormatError("screening", "screening.depth", got=str(found.depth), want=f"1 to {MAX_PAGE_DEPTH}")
    # The first bit is the same for all subjects.
    most = 1 << (found.depth - 1)
    if not 1 <= found.pages <= most:
        raise FormatError("screening", "screening.pages", got=str(found.pages), want=f"1 to {most} at this depth")
    if not found.persons:
        raise FormatError("screening", "screening.persons", got="0", want="1 or more")
    return found


def _check_one_person(persons: int) -> None:
    """Check about how many persons an inquiry for SUBJECT_ACCESS is: one: a request serves the person who signed it.

    Raises:
        FormatError: it is about more.
    """
    if persons != 1:
        want = "one person under SUBJECT_ACCESS: a request serves the person who signed it"
        raise FormatError(PART, "inquiry.one-person", got=str(persons), want=want)


def _check_alerts(until: str, purpose: Purpose, persons: int) -> None:
    """Check that alerts are asked for about one person, for the person, up to a day.

    Raises:
        FormatError: they are not.
    """
    if not is_day(until):
        raise FormatError(PART, "alerts_until.date", want="a real day as YYYY-MM-DD")
    if purpose is not Purpose.SUBJECT_ACCESS or persons != 1:
        got, want = f"{purpose.name} about {persons}", "SUBJECT_ACCESS about one person"
        raise FormatError(PART, "alerts.one-person", got=got, want=want)


@dataclass(frozen=True, slots=True, repr=False)
class InquiryOpening(Discreet):
    """Openings of an inquiry's commitments: persons, consent, officer. Sent with it, deleted after retention."""

    persons: tuple[PersonOpening, ...]
    consent_opening: bytes
    consent: bytes
    officer_opening: bytes
    officer: str

    def message(self) -> check_pb2.InquiryOpening:
        """Return the protobuf form."""
        message = check_pb2.InquiryOpening(
            consent_opening=self.consent_opening,
            consent=self.consent,
            officer_opening=self.officer_opening,
            officer=self.officer,
        )
        message.persons.extend(map(person_message, self.persons))
        return message

    @classmethod
    def of(cls, message: check_pb2.InquiryOpening) -> InquiryOpening:
        """Return the value of a parsed message."""
        persons = tuple(map(person_of, message.persons))
        return cls(persons, message.consent_opening, message.consent, message.officer_opening, message.officer)

    @classmethod
    def parse(cls, data: bytes) -> InquiryOpening:
        """Return the value that bytes encode, in whatever spelling of protobuf.

        Raises:
            FormatError: they encode none.
        """
        try:
            return cls.of(check_pb2.InquiryOpening.FromString(data))
        except DecodeError:
            raise FormatError(PART, "inquiry.opening", want="openings of an inquiry") from None

    def check(self, inquiry: Inquiry, versions: Sequence[int]) -> None:
        """Check that this opens every commitment of an inquiry.

        Args:
            inquiry: the question.
            versions: live versions of the subject keys, ascending.

        Raises:
            FormatError: a commitment does not open, the consent is not canonical or has other terms than the inquiry
                says, or the officer has no name that one may have; of a screening, something beside it is opened.
            RuleError: DATE_INVALID; the consent has no real day.
        """
        if inquiry.screening is not None:
            if self.persons or self.consent or self.consent_opening:
                raise FormatError(PART, "screening.opening", want="the opening of the officer alone")
            check_officer_opening(inquiry, self.officer_opening, self.officer)
            return
        if len(self.persons) != len(inquiry.subject_commitments):
            want = str(len(inquiry.subject_commitments))
            raise FormatError(PART, "inquiry.persons", got=str(len(self.persons)), want=want)
        for position, person in enumerate(self.persons):
            inquiry.check_person(position, person, versions)
        consent = Consent.of(canonical.parse(facts_pb2.Consent, self.consent, "consent"), "consent")
        check_open(inquiry.consent_commitment, commit_consent(self.consent_opening, self.consent), "consent")
        if terms_of([consent]) != inquiry.consent_terms:
            raise FormatError("consent", "consent.terms", want="the day and purposes that the inquiry says")
        check_officer_opening(inquiry, self.officer_opening, self.officer)


def check_officer_opening(inquiry: Inquiry, opening: bytes, officer: str) -> None:
    """Check that an officer is the one whom an inquiry commits to, and can be one.

    Raises:
        FormatError: it is another one, or breaks a rule of names.
    """
    try:
        check_officer(officer, "officer")
    except RuleError as error:
        raise FormatError("officer", error.rule, got=error.got, want=error.want) from None
    check_open(inquiry.officer_commitment, commit_officer(opening, officer), "officer")
