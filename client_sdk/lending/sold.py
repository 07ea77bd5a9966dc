"""Records that were sold to this lender and that its own continue, looked up before anything is signed.

A sale begins no new clock, so version 1 of a bought record is held against the newest version of the sold one. Its
facts are sealed to the person, whom the buyer knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.errors import RefusedError
from client_sdk.kernel.formats.words import Standing
from client_sdk.lending.link import MAX_LISTED
from client_sdk.models.record import RecordState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk._steps import Flow
    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.lending.link import HeldRecords
    from client_sdk.models.report import Report

__all__ = ["sold_records"]

# The registry shows none of them to this lender: no such issuer, or nothing of it was sold here.
_NONE = frozenset(("INSTITUTION_UNKNOWN", "NOT_THE_SUCCESSOR"))


def sold_records(link: HeldRecords, reports: Iterable[Report]) -> Flow[dict[RecordKey, HeldRecord]]:
    """Return the records that reports continue, by their keys; what was not sold to this lender is left out."""
    found: dict[RecordKey, HeldRecord] = {}
    for issuer, record_ids in _asked(reports):
        try:
            held = yield from link.held(record_ids, issuer)
        except RefusedError as error:
            if error.reason not in _NONE:
                raise
            continue
        found |= {one.key: one for one in held if _is_sold(one)}
    return found


def _asked(reports: Iterable[Report]) -> Iterator[tuple[str, Sequence[bytes]]]:
    """Yield issuers with record ids, as many at a time as one listing takes."""
    by_issuer: dict[str, dict[bytes, None]] = {}
    for report in reports:
        if report.continues is not None:
            by_issuer.setdefault(report.continues.issuer, {})[report.continues.record_id] = None
    for issuer, wanted in by_issuer.items():
        record_ids = list(wanted)
        for start in range(0, len(record_ids), MAX_LISTED):
            yield issuer, record_ids[start : start + MAX_LISTED]


def _is_sold(held: HeldRecord) -> bool:
    return held.state is RecordState.LIVE and held.statement.standing is Standing.TRANSFERRED
