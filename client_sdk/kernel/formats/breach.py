"""Notice of a breach, as an act carries it (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import dataclass

from creditregistry.v1 import breach_pb2 as pb

from client_sdk.kernel.formats.ascending import check_ascending
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import TIME_END_MS
from client_sdk.kernel.formats.statement import check_institution_id
from client_sdk.kernel.formats.words import BreachedData, BreachNature, word

__all__ = ["BREACH_TEXTS", "MAX_BREACH_CHARACTERS", "BreachBody"]

PART = "breach"
# Of each text.
MAX_BREACH_CHARACTERS = 1_000
# With five texts, the leaf stays below the limit of a leaf.
_MAX_MEMBERS = 200
BREACH_TEXTS = ("cause", "harm", "remedies", "advice", "contact")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachBody:
    """Notice of a breach (个人信息保护法 Art. 57). It names no person; each text has 1 to 1,000 characters in one line.

    Attributes:
        noticed_at: when the breach was noticed, ms since 1970 UTC.
        natures: what happened to the data, ascending, at least one.
        data: what kinds of data, ascending, at least one.
        cause: why it happened.
        harm: what may follow for the persons.
        remedies: what was done against it.
        advice: what the persons can do themselves.
        contact: whom to call.
        members: institution ids of the members that it concerns, ascending, at most 200; none for all of them.
    """

    noticed_at: int
    natures: tuple[BreachNature, ...]
    data: tuple[BreachedData, ...]
    cause: str
    harm: str
    remedies: str
    advice: str
    contact: str
    members: tuple[str, ...] = ()

    def message(self) -> pb.BreachAct:
        """Return the protobuf form."""
        return pb.BreachAct(
            noticed_at=self.noticed_at,
            natures=[pb.BreachNature.ValueType(nature.number) for nature in self.natures],
            data=[pb.BreachedData.ValueType(kind.number) for kind in self.data],
            members=self.members,
            **{name: getattr(self, name) for name in BREACH_TEXTS},
        )

    @classmethod
    def of(cls, message: pb.BreachAct) -> BreachBody:
        """Return the value of a parsed message; what its texts say is left to the rules.

        Raises:
            FormatError: a value is missing or not in its form.
        """
        if not 0 < message.noticed_at < TIME_END_MS:
            raise FormatError(PART, "noticed_at.time", got=str(message.noticed_at), want="a time before 9999-01-01 UTC")
        natures = tuple(word(BreachNature, nature, PART, "natures") for nature in message.natures)
        data = tuple(word(BreachedData, kind, PART, "data") for kind in message.data)
        check_ascending(natures, PART, "natures")
        check_ascending(data, PART, "data")
        if not natures or not data:
            raise FormatError(PART, "breach.complete", want="what happened, and to what kinds of data")
        texts = {name: getattr(message, name) for name in BREACH_TEXTS}
        for name, text in texts.items():
            if not 0 < len(text) <= MAX_BREACH_CHARACTERS:
                want = f"1 to {MAX_BREACH_CHARACTERS}"
                raise FormatError(PART, f"{name}.length", got=f"{len(text)} characters", want=want)
        for member in message.members:
            check_institution_id(member, PART, "members")
        check_ascending(list(message.members), PART, "members")
        if len(message.members) > _MAX_MEMBERS:
            got, want = str(len(message.members)), f"at most {_MAX_MEMBERS}, or none for all members"
            raise FormatError(PART, "members.count", got=got, want=want)
        return cls(noticed_at=message.noticed_at, natures=natures, data=data, members=tuple(message.members), **texts)
