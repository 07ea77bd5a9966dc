"""Lies about the end of a registry: what is taken after it closes, and what is destroyed before its day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.closing import ClosingBody, SuccessorRegistry
from client_sdk.kernel.formats.words import AnnotationFlag, ClosingWay, LapseKind, Standing
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.rules.dates import day_of
from tests.support.handmade_log import DAY_MS, HandmadeLog, seed
from tests.support.lying import lie

if TYPE_CHECKING:
    from tests.support.transparency_server import HandmadeRegistry

_F = FindingId


def closing(
    log: HandmadeLog, days: int = 2, way: ClosingWay = ClosingWay.DESTROY, taker: str = "registry-2"
) -> ClosingBody:
    """The act by which a log closes so many days after its newest leaf."""
    last = day_of(log.logged_at + days * DAY_MS, "Asia/Shanghai").isoformat()
    successor = None if way is ClosingWay.DESTROY else SuccessorRegistry(taker, seed(taker))
    return ClosingBody(way, last, "(2026) 41", seed("approval"), successor)


@lie(_F.CLOSED)
def a_new_record_after_the_closing(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(closing(log))
    log.say("lender-1", "new")
    log.head()


@lie(_F.CLOSED)
def a_version_after_the_last_day(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(closing(log))
    log.wait(3 * DAY_MS)
    log.say("lender-1", "running", Standing.CURED)
    log.head()


@lie(_F.CLOSED)
def an_annotation_after_the_last_day(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(closing(log))
    log.wait(3 * DAY_MS)
    log.annotate("lender-1", "lender-1", "running", AnnotationFlag.RESTRICTED)
    log.head()


@lie(_F.INQUIRY)
def an_answer_after_the_last_day(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(closing(log))
    log.wait(3 * DAY_MS)
    log.inquire("too late")
    log.head()


@lie(_F.LAPSE_EARLY)
def a_record_destroyed_before_the_day(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(closing(log))
    log.wait(DAY_MS)
    log.lapse("lender-1", "running", LapseKind.ERASED, ground="closing")
    log.head()


@lie(_F.ACT_INVALID, _F.CLOSED)
def a_last_day_brought_forward(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(closing(log, days=9))
    log.act(closing(log))
    log.say("lender-1", "new")
    log.head()


@lie(_F.ACT_INVALID)
def a_registry_that_succeeds_itself(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(closing(log, way=ClosingWay.TRANSFER, taker=log.state.directory.state.registry))
    log.say("lender-1", "new")
    log.head()
