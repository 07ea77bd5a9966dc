"""Data quality by month as the registry counted it, and reciprocity: what this lender gives and receives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.desk.journal import DeskAct
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_, say_in
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.models import QualityEvent
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response

    from client_sdk.desk.texts import Language, Say
    from client_sdk.models import Kind, LevelStanding, MemberQuality, QualityMonth, Reciprocity

__all__ = ["PAGES", "MonthOfQuality", "level_rows", "months_of", "plot_of"]

_EVENTS = {
    QualityEvent.STATEMENT: N_("versions logged"),
    QualityEvent.DISPUTE_CONFIRMED: N_("disputes answered: the record was right"),
    QualityEvent.DISPUTE_LOST: N_("disputes answered: the record was wrong"),
    QualityEvent.DISPUTE_UNCONFIRMED: N_("disputes answered: it cannot be shown"),
    QualityEvent.DISPUTE_UNANSWERED: N_("disputes left unanswered"),
    QualityEvent.WITHDRAWN_ERROR: N_("records withdrawn as mistakes"),
    QualityEvent.CORRECTION: N_("corrections"),
    QualityEvent.LATE_UPDATE: N_("updates that came late"),
    QualityEvent.LATE_END: N_("ends of debts reported late"),
    QualityEvent.REFUSED: N_("submissions refused by a rule"),
    QualityEvent.SAME_DAY: N_("further versions on one day"),
}
_PLOT = N_("Weight of what was wrong, by month")
# Of a month.
_WORST = 10


class MonthOfQuality(NamedTuple):
    """A month in words.

    Attributes:
        month: YYYY-MM.
        score: percent.
        events: name, count and weight of each, those that cost most first.
        refused: rule and count of refused submissions, the most frequent first.
    """

    month: str
    score: str
    events: list[tuple[str, str, str]]
    refused: list[tuple[str, str]]


def months_of(found: MemberQuality, say: Say) -> list[MonthOfQuality]:
    """Return the months in words, the newest first."""
    return [_month(item, say) for item in reversed(found.months)]


def plot_of(found: MemberQuality, say: Say) -> str:
    """Return the plot of the months, its words in a language."""
    names = {event.name: text for event, text in _EVENTS.items()}
    return found.to_svg(lambda text: say(names.get(text, text)))


def level_rows(found: Reciprocity, language: Language, say: Say) -> list[tuple[str, str, str, str, str]]:
    """Return of each level: what it gives, when that last was, until when it counts, what it opens, what to do."""
    return [_level(level, found, language, say) for level in found.levels]


def _quality(visit: Visit) -> Response:
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_QUALITY):
        found, status = visit.desk.client.member_quality(), visit.desk.client.status()
    return visit.show(
        "quality.html.j2",
        before=found.before,
        months=months_of(found, visit.say),
        plot=plot_of(found, visit.say) if found.months else "",
        given=_reciprocity(visit, status.reciprocity),
    )


def _reciprocity(visit: Visit, found: Reciprocity | None) -> dict[str, object]:
    if found is None:
        return {"levels": [], "reached": 0, "grace": "", "held_back": ""}
    grace = found.grace_until
    return {
        "levels": level_rows(found, visit.language, visit.say),
        "reached": sum(level.reached for level in found.levels),
        "grace": grace.isoformat() if grace is not None and found.as_of <= grace else "",
        "held_back": _kinds(sorted(found.held_back), visit.language),
    }


def _month(item: QualityMonth, say: Say) -> MonthOfQuality:
    costs = {event: item.weights[event] * count for event, count in item.counts.items()}
    events = [
        (say(_EVENTS[event]), f"{item.counts[event]:,}", str(item.weights[event]) if item.weights[event] else "")
        for event in sorted(item.counts, key=lambda event: (-costs[event], event))
    ]
    refused = [(rule, f"{count:,}") for rule, count in list(item.refused.items())[:_WORST]]
    return MonthOfQuality(item.month, f"{item.score / 100:.2f} %", events, refused)


def _level(level: LevelStanding, found: Reciprocity, language: Language, say: Say) -> tuple[str, str, str, str, str]:
    gives = term_of(level.gives).of(language)
    wanting = not level.reached and not found.held_back.isdisjoint(level.receives)
    if level.reached:
        todo = say("reached")
    else:
        todo = say("report or update: {kind}", kind=gives) if wanting else say("not reached; nothing is held back now")
    return (
        gives,
        level.given_on.isoformat() if level.given_on else say("never"),
        level.until.isoformat() if level.until else "",
        _kinds(level.receives, language),
        todo,
    )


def _kinds(kinds: Iterable[Kind], language: Language) -> str:
    return say_in(language).list(term_of(kind).of(language) for kind in kinds)


PAGES = (DeskPage("GET", "/quality", Right.READ, _quality),)
