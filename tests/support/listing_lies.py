"""Lies in leaves of listings: copies that outlive the court's list, or that stand where none may."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import RulebookBody
from client_sdk.kernel.formats.words import Kind, Standing, WithdrawalReason
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.rules.dates import day_of
from tests.support.handmade_log import DAY_MS
from tests.support.lying import lie

if TYPE_CHECKING:
    from tests.support.handmade_log import HandmadeLog
    from tests.support.transparency_server import HandmadeRegistry

_F = FindingId


@lie(_F.RETENTION)
def a_listing_without_a_date(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "new", kind=Kind.LISTING, retain_until="")
    log.head()


@lie(_F.RETENTION)
def a_listing_kept_longer_than_any_entry(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "new", kind=Kind.LISTING, retain_until="2031-02-03")
    log.head()


@lie(_F.RETENTION)
def a_listing_kept_longer_than_the_court_s(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "new", kind=Kind.LISTING, retain_until="2026-02-10")
    log.wait(60 * DAY_MS)
    log.head()


@lie(_F.TRANSITION)
def a_listing_that_was_sold(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "new", kind=Kind.LISTING, retain_until="2026-02-10")
    log.say("lender-1", "new", Standing.TRANSFERRED)
    log.head()


@lie(_F.TRANSITION)
def a_listing_where_the_rulebook_knows_none(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(RulebookBody(replace(log.state.directory.rulebook, listing_years=0)))
    log.say("lender-1", "new", kind=Kind.LISTING, retain_until="2026-02-10")
    log.head()


@lie(_F.TRANSITION)
def a_default_withdrawn_like_an_entry_that_the_court_removed(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", Standing.WITHDRAWN, reason=WithdrawalReason.COURT_REMOVED, removed_on="2026-01-05")
    log.head()


@lie(_F.TIME)
def a_listing_that_the_court_removed_before_it_was_copied(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.wait(DAY_MS)
    log.say("lender-1", "new", kind=Kind.LISTING, retain_until="2026-02-10")
    copied_on = day_of(log.logged_at, log.state.directory.rulebook.time_zone)
    log.say(
        "lender-1",
        "new",
        Standing.WITHDRAWN,
        kind=Kind.LISTING,
        reason=WithdrawalReason.REMOVED_ON_REQUEST,
        removed_on=(copied_on - timedelta(days=1)).isoformat(),
    )
    log.head()


@lie(_F.TIME)
def a_statement_of_the_future(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", Standing.WITHDRAWN, reason=WithdrawalReason.ERROR, issued_at=log.logged_at + DAY_MS)
    log.head()


@lie(_F.TIME)
def a_listing_that_the_court_removes_tomorrow(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "new", kind=Kind.LISTING, retain_until="2026-02-10")
    tomorrow = datetime.fromtimestamp(log.logged_at / 1000 + 86_400 * 2, UTC).date().isoformat()
    log.say(
        "lender-1",
        "new",
        Standing.WITHDRAWN,
        kind=Kind.LISTING,
        reason=WithdrawalReason.COURT_REMOVED,
        removed_on=tomorrow,
    )
    log.head()
