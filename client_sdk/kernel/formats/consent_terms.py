"""Terms of the consents that an inquiry is made on, as it says them in clear (proto/README.md 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import common_pb2
from creditregistry.v1 import inquiry_pb2 as pb

from client_sdk.kernel.formats.ascending import check_ascending
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import is_day_of_facts
from client_sdk.kernel.formats.words import Purpose, word

if TYPE_CHECKING:
    from datetime import date

__all__ = ["ConsentTerms"]

_PART = "inquiry"


class ConsentTerms(NamedTuple):
    """Days and purposes of the consents of an inquiry; of one about persons there is one consent.

    Attributes:
        first_given_on: day of the oldest, YYYY-MM-DD.
        last_given_on: day of the newest, YYYY-MM-DD.
        purposes: for which all of them were given, ascending.
    """

    first_given_on: str
    last_given_on: str
    purposes: tuple[Purpose, ...]

    @classmethod
    def on(cls, given: date, *purposes: Purpose) -> ConsentTerms:
        """Return the terms of one consent."""
        return cls(given.isoformat(), given.isoformat(), purposes)

    def message(self) -> pb.ConsentTerms:
        """Return the protobuf form."""
        purposes = [common_pb2.Purpose.ValueType(purpose.number) for purpose in self.purposes]
        return pb.ConsentTerms(first_given_on=self.first_given_on, last_given_on=self.last_given_on, purposes=purposes)

    @classmethod
    def of(cls, message: pb.ConsentTerms) -> ConsentTerms:
        """Return the value of a parsed message.

        Raises:
            FormatError: a day is none, they are in the wrong order, or there is no purpose or an unknown one.
        """
        days = (message.first_given_on, message.last_given_on)
        if not all(map(is_day_of_facts, days)) or days[0] > days[1]:
            raise FormatError(_PART, "consent-terms.days", want="real days as YYYY-MM-DD, the oldest first")
        purposes = tuple(word(Purpose, purpose, _PART, "consent_terms.purposes") for purpose in message.purposes)
        check_ascending(purposes, _PART, "consent_terms.purposes")
        if not purposes:
            raise FormatError(_PART, "consent-terms.purposes", got="none", want="the purposes of the consents")
        return cls(*days, purposes)
