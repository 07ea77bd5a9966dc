"""Early facts of a default: contacts with the person, and the arrangement about the payment (proto/README.md 3).

Only the newest arrangement of an episode is in the facts; the earlier ones are in the versions before.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from creditregistry.v1 import facts_pb2 as pb

from client_sdk.kernel.formats.discreet import Discreet
from client_sdk.kernel.formats.plain import Plain
from client_sdk.kernel.formats.words import Standing, Word, Worded, word
from client_sdk.kernel.rules.dates import check_order, required_date
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.fact_words import ArrangementOutcome, ArrangementPeriod, NoticeChannel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

__all__ = ["Arrangement", "ContactCount", "check_arrangement", "check_contacts", "check_same_arrangement"]

_MAX_CONTACTS = 10_000
_MAX_INSTALMENTS = 600


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ContactCount(Worded, Discreet, Plain):
    """How often the person was contacted through one channel about the episode.

    Attributes:
        channel: LETTER, SMS, EMAIL, APP, CALL or SERVED.
        count: contacts up to the day of the facts, 1 to 10,000.
    """

    _words: ClassVar[Mapping[str, type[Word]]] = {"channel": NoticeChannel}

    channel: NoticeChannel
    count: int

    def message(self) -> pb.ContactCount:
        """Return the protobuf form."""
        return pb.ContactCount(channel=pb.NoticeChannel.ValueType(self.channel.number), count=self.count)

    @classmethod
    def of(cls, message: pb.ContactCount) -> ContactCount:
        """Return the value of a parsed message.

        Raises:
            FormatError: unknown channel.
        """
        return cls(channel=word(NoticeChannel, message.channel, "facts", "contacts.channel"), count=message.count)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Arrangement(Worded, Discreet, Plain):
    """The newest arrangement about the payment of a debt (协商).

    Attributes:
        agreed_on: day on which it was agreed.
        instalments: how many were agreed, 1 to 600; 1 where the period is ONCE.
        period: ONCE (展期), WEEK, MONTH or QUARTER.
        outcome: RUNNING, KEPT or BROKEN.
        paid: how many instalments were paid; all of them where KEPT, and only there.
    """

    _words: ClassVar[Mapping[str, type[Word]]] = {"period": ArrangementPeriod, "outcome": ArrangementOutcome}

    agreed_on: date
    instalments: int
    period: ArrangementPeriod
    outcome: ArrangementOutcome
    paid: int = 0

    def message(self) -> pb.Arrangement:
        """Return the protobuf form."""
        return pb.Arrangement(
            agreed_on=self.agreed_on.isoformat(),
            instalments=self.instalments,
            period=pb.ArrangementPeriod.ValueType(self.period.number),
            paid=self.paid,
            outcome=pb.ArrangementOutcome.ValueType(self.outcome.number),
        )

    @classmethod
    def of(cls, message: pb.Arrangement) -> Arrangement:
        """Return the value of a parsed message.

        Raises:
            FormatError: unknown period or outcome.
            RuleError: DATE_INVALID; no real date.
        """
        return cls(
            agreed_on=required_date(message.agreed_on, "facts.arrangement.agreed_on"),
            instalments=message.instalments,
            period=word(ArrangementPeriod, message.period, "facts", "arrangement.period"),
            outcome=word(ArrangementOutcome, message.outcome, "facts", "arrangement.outcome"),
            paid=message.paid,
        )


def check_contacts(contacts: Sequence[ContactCount]) -> None:
    """Check the counts of contacts of one version.

    Raises:
        RuleError: FACTS_INVALID; a channel twice or out of order, or a count out of bounds.
    """
    if any(later.channel <= earlier.channel for earlier, later in itertools.pairwise(contacts)):
        raise _refused("contacts", "contacts.order", want="ascending by channel, each channel once")
    if any(not 1 <= contact.count <= _MAX_CONTACTS for contact in contacts):
        raise _refused("contacts", "contacts.count", want=f"1 to {_MAX_CONTACTS:,} of each channel")


def check_arrangement(standing: Standing, arrangement: Arrangement, *, since: date, as_of: date) -> None:
    """Check the arrangement of one version by itself.

    Args:
        standing: of the version.
        arrangement: of its facts.
        since: first day of the delinquency.
        as_of: day of the facts.

    Raises:
        RuleError: FACTS_INVALID or DATE_INVALID; the first rule that is broken.
    """
    most = 1 if arrangement.period is ArrangementPeriod.ONCE else _MAX_INSTALMENTS
    if not 1 <= arrangement.instalments <= most:
        raise _refused(
            "arrangement.instalments", "arrangement.instalments", want=f"1 to {most} while {arrangement.period.name}"
        )
    kept = arrangement.outcome is ArrangementOutcome.KEPT
    if arrangement.paid > arrangement.instalments or (arrangement.paid == arrangement.instalments) is not kept:
        want = "every instalment" if kept else "fewer than all instalments"
        raise _refused("arrangement.paid", "arrangement.paid", want=f"{want} while {arrangement.outcome.name}")
    runs = arrangement.outcome is ArrangementOutcome.RUNNING
    # A debt that was sold may be under an arrangement that goes on.
    if standing is not Standing.TRANSFERRED and runs is not (standing is Standing.ARRANGED):
        raise _refused(
            "arrangement.outcome",
            "arrangement.standing",
            got=f"{arrangement.outcome.name} while {standing.name}",
            want="RUNNING while ARRANGED, KEPT or BROKEN otherwise",
        )
    check_order(since, "facts.first_delinquency_on", arrangement.agreed_on, "facts.arrangement.agreed_on")
    check_order(arrangement.agreed_on, "facts.arrangement.agreed_on", as_of, "facts.as_of")


def check_same_arrangement(previous: Arrangement | None, new: Arrangement | None) -> None:
    """Check an arrangement against that of the version before: it is not forgotten, rewritten or taken up again.

    A new arrangement has a day of its own; the one before has ended by then.

    Raises:
        RuleError: FACTS_INVALID or DATE_INVALID; the first rule that is broken.
    """
    if previous is None:
        return
    if new is None:
        raise _refused("arrangement", "arrangement.stays", got="none", want="that of the version before or a newer one")
    check_order(previous.agreed_on, "facts.arrangement.agreed_on before", new.agreed_on, "facts.arrangement.agreed_on")
    if new.agreed_on > previous.agreed_on:
        return
    if (new.instalments, new.period) != (previous.instalments, previous.period):
        raise _refused("arrangement", "arrangement.same", want="the terms of the version before, or a newer agreed_on")
    over = previous.outcome is not ArrangementOutcome.RUNNING
    if new.paid < previous.paid or (over and (new.outcome, new.paid) != (previous.outcome, previous.paid)):
        raise _refused(
            "arrangement.outcome",
            "arrangement.onward",
            got=f"{previous.outcome.name} -> {new.outcome.name}",
            want="as many instalments paid or more, and no change once KEPT or BROKEN",
        )


def _refused(field: str, rule: str, *, got: str = "", want: str = "") -> RuleError:
    return RuleError(RuleReason.FACTS_INVALID, f"facts.{field}", rule, got=got, want=want)
