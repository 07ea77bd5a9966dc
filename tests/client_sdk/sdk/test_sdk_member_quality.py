"""Quality of members as a client reads it: strictly, and with each score computed again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from creditregistry.v1 import transparency_pb2 as pb

from client_sdk._protocol.statistics import read_quality
from client_sdk.errors import VerificationError
from client_sdk.models import QualityEvent
from client_sdk.models.member_quality import member_quality_of

if TYPE_CHECKING:
    from collections.abc import Callable


def message() -> pb.GetStatisticsResponse:
    counts = [
        pb.QualityCount(event=pb.QUALITY_EVENT_STATEMENT, count=8),
        pb.QualityCount(event=pb.QUALITY_EVENT_REFUSED, rule="date.order", count=1),
        pb.QualityCount(event=pb.QUALITY_EVENT_REFUSED, rule="money.open", count=2),
    ]
    rows = [
        pb.QualityRow(month="2026-04", member="lender-1", counts=counts[:1], score=10_000),
        pb.QualityRow(month="2026-05", member="lender-1", counts=counts, score=9_727),
    ]
    return pb.GetStatisticsResponse(size=9, before="2026-06", quality=rows)


def other_score(sent: pb.GetStatisticsResponse) -> None:
    sent.quality[1].score = 9_728


def not_over(sent: pb.GetStatisticsResponse) -> None:
    sent.before = "2026-05"


def no_month(sent: pb.GetStatisticsResponse) -> None:
    sent.quality[0].month = "2026-4"


def turned(sent: pb.GetStatisticsResponse) -> None:
    sent.quality[0].month, sent.quality[1].month = "2026-05", "2026-04"


def twice(sent: pb.GetStatisticsResponse) -> None:
    sent.quality.append(sent.quality[-1])


def nothing(sent: pb.GetStatisticsResponse) -> None:
    sent.quality[0].counts[0].count = 0


def no_counts(sent: pb.GetStatisticsResponse) -> None:
    del sent.quality[0].counts[:]


def rule_of_a_statement(sent: pb.GetStatisticsResponse) -> None:
    sent.quality[0].counts[0].rule = "date.order"


def unknown(sent: pb.GetStatisticsResponse) -> None:
    sent.quality[0].counts[0].event = 99  # type: ignore[assignment]  # meant


def counts_turned(sent: pb.GetStatisticsResponse) -> None:
    sent.quality[1].counts[1].rule = "z"


def beyond(sent: pb.GetStatisticsResponse) -> None:
    sent.quality[0].counts[0].count = 2**64 - 1


def no_member(sent: pb.GetStatisticsResponse) -> None:
    sent.quality[0].member = "lender\x1b1"


def no_rule(sent: pb.GetStatisticsResponse) -> None:
    sent.quality[1].counts[2].rule = "money.open\x1b"


BROKEN: list[Callable[[pb.GetStatisticsResponse], None]] = [
    *(other_score, not_over, no_month, turned, twice, nothing, no_counts, rule_of_a_statement, unknown, counts_turned),
    *(beyond, no_member, no_rule),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_what_does_not_fit_together_is_refused(broken: Callable[[pb.GetStatisticsResponse], None]) -> None:
    sent = message()
    assert len(read_quality(sent)) == 2
    broken(sent)
    with pytest.raises(VerificationError):
        read_quality(sent)


def test_the_rules_that_were_broken_most_come_first_and_a_plot_shows_each_month() -> None:
    found = member_quality_of(9, "2026-06", read_quality(message()))
    newest = found.months[-1]
    assert list(newest.refused) == ["money.open", "date.order"]
    assert newest.counts == {QualityEvent.STATEMENT: 8, QualityEvent.REFUSED: 3}
    text = " ".join(ET.fromstring(found.to_svg()).itertext())  # noqa: S314 - written by this process
    assert all(word in text for word in ("2026-04", "2026-05", "REFUSED"))
    assert found.of("lender-2").months == ()
    assert found.to_dict()["months"][1]["score"] == 9_727  # type: ignore[index, call-overload]  # as JSON has it
