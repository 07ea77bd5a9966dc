"""Lies about overlays: records hidden that none covers, kept hidden, or in the map or out of it against the log."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import RulebookBody
from client_sdk.kernel.formats.prefix_tree import root_of
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import AnnotationFlag, LapseKind, Standing
from client_sdk.kernel.ledger.findings import FindingId
from tests.support.handmade_log import DAY_MS, HandmadeLog
from tests.support.live_map import map_entries
from tests.support.lying import lie
from tests.support.overlays import REPAIR

if TYPE_CHECKING:
    from client_sdk.kernel.formats.overlay import Overlay
    from tests.support.live_map import Bound
    from tests.support.transparency_server import HandmadeRegistry

__all__ = ["hide", "set_overlays"]

_F = FindingId


def set_overlays(log: HandmadeLog, *overlays: Overlay) -> None:
    """Log a rulebook with these overlays."""
    log.act(RulebookBody(replace(Rulebook(), overlays=overlays)))


def hide(log: HandmadeLog, name: str = "cured", author: str = "lender-1") -> int:
    """Log an annotation that hides a record."""
    return log.annotate(author, "lender-1", name, AnnotationFlag.HIDDEN, overlay=REPAIR.name)


def _serve(log: HandmadeLog, registry: HandmadeRegistry, bound: list[Bound]) -> None:
    """End the commit with a map of these records."""
    registry.entries = map_entries(log.state.directory, bound)
    registry.bindings = log.bindings()
    log.head(map_root=root_of(sorted(registry.entries.items())), entry_count=len(registry.entries))


@lie(_F.ANNOTATION)
def a_record_hidden_under_no_overlay(log: HandmadeLog, _: HandmadeRegistry) -> None:
    hide(log)
    log.head()


@lie(_F.ANNOTATION)
def a_record_hidden_under_an_overlay_that_has_ended(log: HandmadeLog, _: HandmadeRegistry) -> None:
    set_overlays(log, replace(REPAIR, hides_until=date(2025, 12, 1)))
    hide(log)
    log.head()


@lie(_F.ANNOTATION)
def a_record_hidden_before_the_overlay_begins(log: HandmadeLog, _: HandmadeRegistry) -> None:
    set_overlays(log, replace(REPAIR, hides_from=date(2026, 2, 1)))
    hide(log)
    log.head()


@lie(_F.ANNOTATION)
def a_debt_hidden_that_was_not_repaid(log: HandmadeLog, _: HandmadeRegistry) -> None:
    set_overlays(log, REPAIR)
    hide(log, "running")
    log.head()


@lie(_F.ANNOTATION)
def a_record_hidden_that_was_repaid_too_late(log: HandmadeLog, _: HandmadeRegistry) -> None:
    set_overlays(log, replace(REPAIR, repaid_until=date(2026, 1, 31)))
    hide(log)
    log.head()


@lie(_F.ANNOTATION)
def a_record_hidden_by_a_stranger(log: HandmadeLog, _: HandmadeRegistry) -> None:
    set_overlays(log, REPAIR)
    hide(log, author="lender-3")
    log.head()


@lie(_F.ANNOTATION)
def a_record_shown_again_by_a_stranger(log: HandmadeLog, _: HandmadeRegistry) -> None:
    set_overlays(log, REPAIR)
    hide(log)
    log.annotate("lender-3", "lender-1", "cured", AnnotationFlag.DISPUTED)
    log.head()


@lie(_F.LAPSE_EARLY)
def a_record_shown_again_before_its_overlay_ends(log: HandmadeLog, _: HandmadeRegistry) -> None:
    set_overlays(log, REPAIR)
    hide(log)
    log.lapse("lender-1", "cured", LapseKind.SHOWN)
    log.head()


@lie(_F.LAPSE_EARLY)
def a_record_shown_again_that_was_not_hidden(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.lapse("lender-1", "cured", LapseKind.SHOWN, number=1)
    log.head()


@lie(_F.HIDDEN)
def a_record_not_shown_again_at_the_end_of_its_overlay(log: HandmadeLog, _: HandmadeRegistry) -> None:
    set_overlays(log, REPAIR)
    hide(log)
    log.wait(62 * DAY_MS)
    log.head()


@lie(_F.HIDDEN)
def a_record_not_shown_again_after_its_overlay_was_dropped(log: HandmadeLog, _: HandmadeRegistry) -> None:
    set_overlays(log, REPAIR)
    hide(log)
    set_overlays(log)
    log.wait(2 * DAY_MS)
    log.head()


@lie(_F.MAP_ROOT, _F.MAP_COUNT)
def a_hidden_record_that_stays_in_the_map(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    set_overlays(log, REPAIR)
    hide(log)
    _serve(log, registry, log.bound(hidden=True))


@lie(_F.MAP_ROOT, _F.MAP_COUNT)
def a_record_kept_out_of_the_map_although_it_was_shown_again(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    set_overlays(log, REPAIR)
    hide(log)
    hidden = log.bound()
    log.annotate("lender-1", "lender-1", "cured")
    _serve(log, registry, hidden)


@lie(_F.MAP_ROOT, _F.MAP_COUNT)
def a_record_kept_out_of_the_map_although_it_was_corrected(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    set_overlays(log, REPAIR)
    hide(log)
    hidden = log.bound()
    log.say("lender-1", "cured", Standing.CURED)
    _serve(log, registry, hidden)
