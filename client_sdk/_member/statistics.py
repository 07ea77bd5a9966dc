"""The flow of the statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import transparency_pb2

from client_sdk._member.core import Core
from client_sdk._protocol import arguments
from client_sdk._protocol.statistics import read_quality, read_statistics
from client_sdk._steps import ask
from client_sdk.kernel.ledger.statistics import COLUMNS
from client_sdk.models.member_quality import member_quality_of
from client_sdk.models.statistics import Statistics, StatisticsRow

if TYPE_CHECKING:
    from client_sdk._steps import Flow
    from client_sdk.models.member_quality import MemberQuality

__all__ = ["CountedMonths"]


class CountedMonths(Core):
    """What the registry counts: of all lenders together, and of one member."""

    def statistics(self, first_month: str, last_month: str) -> Flow[Statistics]:
        """Return the counts of months that are over."""
        request = transparency_pb2.GetStatisticsRequest(
            first_month=arguments.month_of(first_month, "first_month"),
            last_month=arguments.month_of(last_month, "last_month"),
        )
        response = yield from ask(self.services.transparency.GetStatistics, request)
        rows = tuple(
            StatisticsRow(
                month=row.month,
                breakdown=row.breakdown,
                total=row.total,
                counts=dict(zip(COLUMNS[row.breakdown], row.counts, strict=True)),
            )
            for row in read_statistics(response)
        )
        return Statistics(size=response.size, before=response.before, rows=rows)

    def member_quality(self, first_month: str, last_month: str) -> Flow[MemberQuality]:
        """Return the quality of what a member reported in months that are over."""
        request = transparency_pb2.GetStatisticsRequest(
            first_month=arguments.month_of(first_month, "first_month"),
            last_month=arguments.month_of(last_month, "last_month"),
            quality=True,
        )
        response = yield from ask(self.services.transparency.GetStatistics, request)
        return member_quality_of(response.size, response.before, read_quality(response))
