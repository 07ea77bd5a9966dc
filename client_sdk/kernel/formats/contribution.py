"""Contributions of lenders and levels of reciprocity, as map and rulebook hold them (proto/README.md 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import common_pb2
from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.ascending import check_ascending
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import check_institution_id, is_day_of_facts
from client_sdk.kernel.formats.words import Kind, word

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Contribution", "Given", "ReciprocityLevel", "levels_of", "read_levels"]

_PART = "contribution"


class ReciprocityLevel(NamedTuple):
    """One level: who gives a kind receives the facts of some kinds."""

    gives: Kind
    receives: tuple[Kind, ...]

    @property
    def text(self) -> str:
        """The level as people write it: ``JUDGMENT:JUDGMENT+ENFORCEMENT``."""
        return f"{self.gives.name}:{'+'.join(kind.name for kind in self.receives)}"

    @classmethod
    def of_text(cls, text: str) -> ReciprocityLevel:
        """Return the level that a text names; kinds in any order.

        Raises:
            FormatError: it has another form, or names no kind.
        """
        gives, _, receives = str(text).partition(":")
        try:
            kinds = sorted({Kind(name.strip()) for name in receives.split("+")})
            return cls(Kind(gives.strip()), tuple(kinds))
        except ValueError:
            rule, want = "rulebook.reciprocity-level", "KIND:KIND or KIND:KIND+KIND, as JUDGMENT:JUDGMENT+ENFORCEMENT"
            raise FormatError("rulebook", rule, want=want) from None

    def message(self) -> pb.ReciprocityLevel:
        """Return the protobuf form."""
        return pb.ReciprocityLevel(gives=_number(self.gives), receives=map(_number, self.receives))


def levels_of(texts: Iterable[str]) -> tuple[ReciprocityLevel, ...]:
    """Return the levels that texts name, ascending by the kind that is given.

    Raises:
        FormatError: a text names none, or two give the same kind.
    """
    levels = tuple(sorted(map(ReciprocityLevel.of_text, texts), key=lambda level: level.gives))
    check_ascending([level.gives for level in levels], "rulebook", "reciprocity_levels")
    return levels


def read_levels(messages: Iterable[pb.ReciprocityLevel]) -> tuple[str, ...]:
    """Return the levels of a rulebook as texts.

    Raises:
        FormatError: a kind is unknown or missing, or they are out of order.
    """
    part = "rulebook"
    levels: list[ReciprocityLevel] = []
    for message in messages:
        receives = tuple(word(Kind, kind, part, "reciprocity_levels.receives") for kind in message.receives)
        check_ascending(receives, part, "reciprocity_levels.receives")
        if not receives:
            raise FormatError(part, "rulebook.reciprocity-level", got="nothing received", want="at least one kind")
        levels.append(ReciprocityLevel(word(Kind, message.gives, part, "reciprocity_levels.gives"), receives))
    check_ascending([level.gives for level in levels], part, "reciprocity_levels")
    return tuple(level.text for level in levels)


class Given(NamedTuple):
    """A kind that a lender has given, and the legal day of the newest version of it, YYYY-MM-DD."""

    kind: Kind
    given_on: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one lender has given, as the map holds it.

    Attributes:
        institution: institution id.
        enrolled_on: legal day of its enrolment, YYYY-MM-DD.
        given: ascending by kind.
    """

    institution: str
    enrolled_on: str
    given: tuple[Given, ...] = ()

    def given_on(self, kind: Kind) -> str:
        """Return the day on which it last gave a kind, YYYY-MM-DD; empty where it never has."""
        return next((given.given_on for given in self.given if given.kind is kind), "")

    def after(self, kind: Kind, day: str) -> Contribution:
        """Return the contribution after a version of that kind on that day; the same one where nothing changes."""
        if self.given_on(kind) == day:
            return self
        others = (given for given in self.given if given.kind is not kind)
        return Contribution(self.institution, self.enrolled_on, tuple(sorted((*others, Given(kind, day)))))

    def encode(self) -> bytes:
        """Return the canonical bytes that the map's value hashes."""
        given = [pb.GivenKind(kind=_number(item.kind), given_on=item.given_on) for item in self.given]
        return canonical.encode(
            pb.Contribution(institution=self.institution, enrolled_on=self.enrolled_on, given=given)
        )

    @classmethod
    def parse(cls, data: bytes) -> Contribution:
        """Return the contribution that the bytes canonically encode.

        Raises:
            FormatError: they are not canonical, or a field has the wrong form.
        """
        message = canonical.parse(pb.Contribution, data, _PART)
        check_institution_id(message.institution, _PART, "institution")
        given = tuple(Given(word(Kind, item.kind, _PART, "given.kind"), item.given_on) for item in message.given)
        check_ascending([item.kind for item in given], _PART, "given")
        if not all(map(is_day_of_facts, (message.enrolled_on, *(item.given_on for item in given)))):
            raise FormatError(_PART, "contribution.day", want="real days as YYYY-MM-DD, from 1900 to 2199")
        return cls(message.institution, message.enrolled_on, given)


def _number(kind: Kind) -> common_pb2.Kind.ValueType:
    return common_pb2.Kind.ValueType(kind.number)
