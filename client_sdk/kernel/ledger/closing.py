"""Rules of a registry that closes: no new debt from its act on, no statement after its day (proto/README.md 5).

closing = closed_by(None, body, index, today, "registry-1")
check_not_closed(closing, day, opens=True)            a new debt from the act's leaf on: refused
is_over(closing, day)                           after the last day: everything may be erased
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from client_sdk.kernel.formats.closing import ClosingBody
    from client_sdk.kernel.formats.statement import Statement

__all__ = ["Closing", "check_not_closed", "closed_by", "is_over", "opens_record", "place_of"]


class Closing(NamedTuple):
    """The end of a registry, as its acts have decided it.

    Attributes:
        since: index of the first closing act: no record is opened from its leaf on.
        place: index of the newest closing act.
        body: of the newest closing act.
    """

    since: int
    place: int
    body: ClosingBody


def closed_by(before: Closing | None, body: ClosingBody, index: int, today: str, registry: str) -> Closing:
    """Return the closing after an act.

    Args:
        before: that of earlier acts; None where the registry was open.
        body: of the act.
        index: of its leaf.
        today: legal day of its leaf, YYYY-MM-DD.
        registry: name of the registry that closes.

    Raises:
        RuleError: CLOSING_INVALID: the day is over or comes earlier than before, a way comes before the one that was
            given up, or the registry names itself.
    """
    if body.open_until < today:
        raise _invalid("open_until", "closing.day", got=body.open_until, want=f"{today} or later")
    if body.successor is not None and body.successor.registry == registry:
        raise _invalid("successor", "closing.successor", got=registry, want="another registry")
    if before is None:
        return Closing(index, index, body)
    if body.open_until < before.body.open_until:
        want = f"{before.body.open_until} or later, as members were told"
        raise _invalid("open_until", "closing.earlier", got=body.open_until, want=want)
    if body.way < before.body.way:
        want = f"{before.body.way.name}, or a way after it"
        raise _invalid("way", "closing.order", got=body.way.name, want=want)
    return before._replace(place=index, body=body)


def place_of(closing: Closing | None) -> int:
    """Return the index of the newest closing act, as a HEAD has it: 0 while the registry is open."""
    return 0 if closing is None else closing.place


def is_over(closing: Closing | None, today: str) -> bool:
    """Whether a legal day, YYYY-MM-DD, is after the last one on which members are served."""
    return closing is not None and closing.body.is_over(today)


def opens_record(statement: Statement) -> bool:
    """Whether a version begins a record of a new debt; a buyer's continues the seller's."""
    return statement.version == 1 and statement.continues is None


def check_not_closed(closing: Closing | None, today: str, *, opens: bool = False) -> None:
    """Check that a member may still make a statement or an annotation.

    Args:
        closing: of the registry; None where it is open.
        today: legal day, YYYY-MM-DD.
        opens: whether a record begins that continues no other.

    Raises:
        RuleError: REGISTRY_CLOSED.
    """
    if closing is None:
        return
    until = closing.body.open_until
    if is_over(closing, today):
        raise RuleError("REGISTRY_CLOSED", "registry", "closing.last-day", got=today, want=f"{until} or earlier")
    if opens:
        want = f"no new record: the registry closes on {until}; changes of what it holds go on until then"
        raise RuleError("REGISTRY_CLOSED", "version", "closing.new-record", got="version 1", want=want)


def _invalid(field: str, rule: str, *, got: str, want: str) -> RuleError:
    return RuleError("CLOSING_INVALID", field, rule, got=got, want=want)
