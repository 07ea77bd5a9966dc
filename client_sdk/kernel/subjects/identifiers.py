"""Identity numbers in the one canonical form that all lenders turn into the same pseudonym (proto/README.md 4).

Two lenders with different canonical forms would get a silent, false "clear", so whatever people type is folded first
(NFKC, separators and invisible characters removed, capitals) and then must be exactly one number of its type. What
is folded is only what cannot change the meaning: look-alikes of other alphabets are refused, not guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.check_digits import lei_fits, resident_check_digit, uscc_fits
from client_sdk.kernel.formats.encoding import lp, u64
from client_sdk.kernel.formats.folding import without_separators
from client_sdk.kernel.subjects.countries import COUNTRIES, NATIONALITIES
from client_sdk.kernel.subjects.errors import IdentityError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CANONICALISATION_VERSION", "IdType", "Identity"]

# Part of every pseudonym: another way to fold is another version, and so another subject_key_version.
CANONICALISATION_VERSION = 1

_MAX_TYPED = 64
_DIGITS = frozenset("0123456789")
# Earliest accepted birth year; synthetic numbers use the years from here to 1899.
_FIRST_BIRTH_YEAR = 1800
_LAST_BIRTH_YEAR = 2199
_ADULT_YEARS = 18

_RESIDENT = re.compile(r"[0-9]{17}[0-9X]")
_RESIDENT_OLD = re.compile(r"[0-9]{15}")
_MONTH_AND_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_RESIDENT_SHAPE = re.compile(
    rf"[1-9][0-9]{{5}}(?:(?:1[89]|20)[0-9]{{2}}{_MONTH_AND_DAY}[0-9]{{3}}[0-9X]|[0-9]{{2}}{_MONTH_AND_DAY}[0-9]{{3}})"
)
_FOREIGNER = re.compile(r"[A-Z]{3}[0-9]{12}")
# Order codes and regions begin with 1; a spreadsheet keeps 15 digits of a number and puts zeros for the others.
_NO_ORDER_CODE = "000"
_NO_REGION = "000000"
# Permits of people from Taiwan until 2015: ten digits and a letter in brackets.
_BRACKETED = re.compile(r"\A([0-9]{10})\(([A-Za-z])\)\Z")
_HONG_KONG_OR_MACAO = re.compile(r"[HM][0-9]+\Z")
_PERMIT_LENGTHS = frozenset((9, 11))
_CENTENARIANS = frozenset(("996", "997", "998", "999"))


class IdType(StrEnum):
    """Type of an identity number; its name is part of the pseudonym's input and must not change."""

    # 18 characters, GB 11643: resident identity cards, residence permits of people from Hong Kong (81), Macao (82) and
    # Taiwan (83), and permanent residence cards of foreigners since December 2023 (9).
    CN_RESIDENT_ID = "CN_RESIDENT_ID"
    # Permanent residence cards of foreigners until 2023: three letters and twelve digits.
    CN_FOREIGNER_PERMIT = "CN_FOREIGNER_PERMIT"
    # Travel permits of people from Hong Kong and Macao, whose number is theirs for life, and from Taiwan, whose older
    # permits changed it at renewal.
    CN_PERMIT = "CN_PERMIT"
    # Passports of any state; they change at renewal.
    PASSPORT = "PASSPORT"
    # Unified social credit codes of enterprises, GB 32100.
    CN_USCC = "CN_USCC"
    # Legal entity identifiers, ISO 17442; issued by no state.
    LEI = "LEI"


_ENTERPRISES = frozenset((IdType.CN_USCC, IdType.LEI))
# Nothing in these numbers shows that one is right.
_WITHOUT_CHECK = frozenset((IdType.CN_PERMIT, IdType.PASSPORT))
# Types without a check character: only their form can be checked.
_FORMS: dict[IdType, tuple[re.Pattern[str], str]] = {
    IdType.CN_FOREIGNER_PERMIT: (_FOREIGNER, "three letters and twelve digits"),
    IdType.CN_PERMIT: (re.compile(r"[A-Z0-9]{8,12}"), "8 to 12 letters and digits"),
    IdType.PASSPORT: (re.compile(r"[A-Z0-9]{5,20}"), "5 to 20 letters and digits"),
}


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """An identity number in canonical form; made by ``parse``, shown by nothing.

    Attributes:
        id_type: kind of number.
        number: canonical, ASCII.
        issuing_state: ISO 3166-1 alpha-2; empty for an LEI.
    """

    id_type: IdType
    number: str
    issuing_state: str

    def __repr__(self) -> str:
        return f"Identity({self.id_type.value})"

    @classmethod
    def parse(
        cls, id_type: IdType | str, number: str, issuing_state: str = "", *, today: date | None = None
    ) -> Identity:
        """Return the identity that a number as typed, read or stored names.

        Args:
            id_type: kind of number: a member, or its word.
            number: with separators, full-width or lower-case characters, as it comes.
            issuing_state: ISO 3166-1 alpha-2 code, in any case. A passport needs it; CN or empty for all Chinese types,
                not used for an LEI.
            today: refuse a date of birth after it; None where the caller does that later (``check_born``).

        Raises:
            IdentityError: it is no number of that type. The error never shows it.
        """
        given: tuple[object, ...] = (id_type, number, issuing_state)
        if not all(isinstance(text, str) for text in given):
            raise IdentityError("identity", "identity.text", want="text")
        kind = IdType.__members__.get(id_type)
        if kind is None:
            raise IdentityError("identity", "identity.type", want=f"one of {', '.join(IdType)}")
        compact = _compact(number, bracketed=kind is IdType.CN_PERMIT)
        _check_no_placeholder(compact)
        state = _state(kind, issuing_state)
        try:
            canonical = _CANONICAL[kind](compact)
        except IdentityError:
            # A typing error in a resident number makes a code of an enterprise one time in 31.
            if kind is not IdType.CN_RESIDENT_ID or not _RESIDENT.fullmatch(compact):
                _check_type(kind, compact)
            raise
        if kind in _WITHOUT_CHECK:
            _check_type(kind, compact)
        identity = cls(kind, canonical, state)
        if today is not None:
            identity.check_born(_day(today))
        return identity

    def check_canonical(self) -> None:
        """Refuse an identity that ``parse`` did not make: in another form it would be another pseudonym.

        Raises:
            IdentityError: it is not the canonical form of a number of its type. The error never shows it.
        """
        made = type(self.id_type) is IdType and Identity.parse(self.id_type, self.number, self.issuing_state) == self
        if not made:
            raise _refused("identity.canonical", "an identity as Identity.parse returns it")

    def voprf_input(self) -> bytes:
        """Return x, what the key services are asked about, blinded (proto/README.md 4).

            u64(canonicalisation version = 1) || lp(id type) || lp(issuing state) || lp(canonical number)

        u64 is 8 bytes big-endian; lp is the length in 4 bytes big-endian before ASCII text; the id type is its name,
        such as CN_RESIDENT_ID; the issuing state of an LEI is empty, so four zero bytes.
        """
        return u64(CANONICALISATION_VERSION) + lp(self.id_type.value) + lp(self.issuing_state) + lp(self.number)

    @property
    def is_enterprise(self) -> bool:
        """Whether it names an enterprise and not a person."""
        return self.id_type in _ENTERPRISES

    @property
    def birth_date(self) -> date | None:
        """Date of birth, where the number contains it."""
        if self.id_type is not IdType.CN_RESIDENT_ID:
            return None
        return date(int(self.number[6:10]), int(self.number[10:12]), int(self.number[12:14]))

    def check_born(self, on: date) -> None:
        """Refuse a person who is not born yet.

        Raises:
            IdentityError: the date of birth is after that day.
        """
        born = self.birth_date
        if born is not None and born > on:
            raise _refused("identity.birth-date", "a date of birth that is past")

    def is_minor(self, on: date) -> bool:
        """Whether the number shows that the person is under 18 on that day (未成年人); ``rules.minors`` decides."""
        born = self.birth_date
        if born is None:
            return False
        return on.year - born.year - ((on.month, on.day) < (born.month, born.day)) < _ADULT_YEARS


def _compact(number: str, *, bracketed: bool) -> str:
    """Fold what cannot change the meaning; what is left must be ASCII letters and digits.

    Args:
        number: as it comes.
        bracketed: read a last letter that stands in brackets, as on permits of people from Taiwan until 2015.
    """
    if len(number) > _MAX_TYPED:
        raise _refused("identity.length", f"at most {_MAX_TYPED} characters")
    if not number.isalnum() or not number.isascii():
        number = without_separators(number)
        if bracketed:
            number = _BRACKETED.sub(r"\1\2", number)
        if not number.isascii() or not number.isalnum():
            raise _refused("identity.characters", "letters and digits of the Latin alphabet")
    return number.upper()


def _resident(number: str) -> str:
    """Return the 18-character number; 15 digits are those of people born from 1900 to 1999 (GB 11643-1989)."""
    if _RESIDENT_OLD.fullmatch(number):
        if number[12:] in _CENTENARIANS:
            # These sequence numbers were for people born in the 1800s: the century is not known.
            raise _refused("identity.centenarian", "the number with 18 characters")
        body = number[:6] + "19" + number[6:]
        number = body + resident_check_digit(body)
    if not _RESIDENT.fullmatch(number):
        raise _refused("identity.form", "18 characters of GB 11643, or 15 digits")
    if number[:6] == _NO_REGION:
        raise _refused("identity.region", "the code of a region in the first six digits")
    if number[14:17] == _NO_ORDER_CODE:
        raise _refused("identity.order", "an order code from 001; a spreadsheet turns the last digits into zeros")
    if resident_check_digit(number[:17]) != number[17]:
        raise _refused("identity.checksum", "the check character of GB 11643")
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    try:
        date(year, month, day)
    except ValueError:
        raise _refused("identity.date", "a real date of birth") from None
    if not _FIRST_BIRTH_YEAR <= year <= _LAST_BIRTH_YEAR:
        raise _refused("identity.date", f"a year of birth from {_FIRST_BIRTH_YEAR}")
    return number


def _permit(number: str) -> str:
    """Return the part of a permit's number that names its holder.

    Of H or M and ten digits the first nine characters are the holder's for life; the last two count the renewals
    (notice of the Ministry of Public Security on the numbers of permits, 2010-03-10), and since 2013 they are left out.
    """
    formed = _formed(IdType.CN_PERMIT, number)
    if not _HONG_KONG_OR_MACAO.match(formed):
        return formed
    if len(formed) not in _PERMIT_LENGTHS:
        raise _refused("identity.form", "H or M with 8 digits, or with 10 where the renewals are counted")
    return formed[:9]


def _check_no_placeholder(number: str) -> None:
    """Reject placeholders: all persons entered with one would share a pseudonym."""
    characters = set(number)
    digits = characters & _DIGITS
    if digits <= {"0"} or len(characters) == 1:
        got = "one character, repeated" if len(characters) == 1 else "no digit but 0" if digits else "no digit"
        raise IdentityError("identity", "identity.placeholder", got=got, want="the number of a person, no placeholder")


def _check_type(id_type: IdType, number: str) -> None:
    """Refuse a number that is whole and right as another type: entered so, it would lead to another pseudonym."""
    other = next((kind for kind, fits in _TELLTALE.items() if fits(number)), None)
    if other not in {None, id_type}:
        got = f"a number of the type {other}"
        raise IdentityError("identity", "identity.type", got=got, want=f"a number of the type {id_type}")


def _foreigner(number: str) -> str:
    """Return the number of an old permit: nationality, four digits of the place, birth as YYMMDD, two more digits."""
    formed = _formed(IdType.CN_FOREIGNER_PERMIT, number)
    if formed[:3] not in NATIONALITIES:
        raise _refused("identity.nationality", "an ISO 3166-1 alpha-3 code before the digits")
    if not _has_birth_date(formed):
        raise _refused("identity.date", "a real date of birth, YYMMDD, from the eighth character on")
    return formed


def _has_birth_date(number: str) -> bool:
    year, month, day = int(number[7:9]), int(number[9:11]), int(number[11:13])
    # The century is missing; 2000 is the leap year of the two candidates for year 00.
    try:
        date(2000 + year if year % 4 == 0 else 1900 + year, month, day)
    except ValueError:
        return False
    return True


def _checked(number: str, fits: bool | None, want: str) -> str:  # noqa: FBT001 - the verdict of a check function
    if fits is None:
        raise _refused("identity.form", want)
    if not fits:
        raise _refused("identity.checksum", "the right check characters")
    return number


def _formed(id_type: IdType, number: str) -> str:
    pattern, want = _FORMS[id_type]
    if not pattern.fullmatch(number):
        raise _refused("identity.form", want)
    return number


def _state(id_type: IdType, issuing_state: str) -> str:
    if id_type is IdType.LEI:
        return ""
    state = issuing_state.strip().upper()
    if id_type is not IdType.PASSPORT:
        if state not in {"", "CN"}:
            raise IdentityError("issuing_state", "identity.state", want="CN, or nothing, for this type")
        return "CN"
    if not state:
        raise IdentityError("issuing_state", "identity.state", got="none", want="the state that issued the passport")
    if state not in COUNTRIES:
        raise IdentityError("issuing_state", "identity.state", want="an ISO 3166-1 alpha-2 code, such as GB")
    return state


def _day(today: date) -> date:
    if type(today) is not date:
        raise IdentityError("today", "identity.today", got=type(today).__name__, want="a date")
    return today


def _refused(rule: str, want: str) -> IdentityError:
    return IdentityError("identity", rule, want=want)


_CANONICAL: dict[IdType, Callable[[str], str]] = {
    IdType.CN_RESIDENT_ID: _resident,
    IdType.CN_FOREIGNER_PERMIT: _foreigner,
    IdType.CN_PERMIT: _permit,
    IdType.PASSPORT: partial(_formed, IdType.PASSPORT),
    IdType.CN_USCC: lambda number: _checked(number, uscc_fits(number), "18 characters of GB 32100"),
    IdType.LEI: lambda number: _checked(number, lei_fits(number), "20 characters of ISO 17442"),
}
# Numbers whose type can be recognised whatever type was given.
_TELLTALE: dict[IdType, Callable[[str], object]] = {
    # Also with a wrong check character: no other number has a date at that place.
    IdType.CN_RESIDENT_ID: _RESIDENT_SHAPE.fullmatch,
    IdType.CN_USCC: uscc_fits,
    IdType.LEI: lei_fits,
    IdType.CN_FOREIGNER_PERMIT: lambda number: (
        _FOREIGNER.fullmatch(number) and number[:3] in NATIONALITIES and _has_birth_date(number)
    ),
}
