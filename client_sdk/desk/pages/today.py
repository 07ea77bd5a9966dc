"""The first page: what is due, what waits, and what ends soon."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.desk.failures import error_words
from client_sdk.desk.jobs import JobKind
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.jobs import job_lines
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import ConfigError, CreditRegistryError
from client_sdk.home_standing import certificate_end, pending_reports
from client_sdk.models import NoticeReason
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from starlette.responses import Response

    from client_sdk.desk.failures import ErrorWords
    from client_sdk.models import DisputeView, Notice, Status

__all__ = ["MOST_NOTICES", "PAGES", "answers_among"]

# Renewal is due so long before the end.
_SOON = timedelta(days=30)
_MOST_DISPUTES = 20
# Notices that are looked through for answers.
MOST_NOTICES = 200


class DisputeToday(NamedTuple):
    """A dispute as a line.

    Attributes:
        path: where it is shown.
        told: what it waits for, or how it was answered.
        badges: what else is to be known.
    """

    path: str
    told: str
    badges: list[str]


class RegistryToday(NamedTuple):
    """What the registry says today.

    Attributes:
        status: of registry, key services and inbox.
        answered: notices of answers to a representative's disputes that nobody has acknowledged, the newest first.
        behind: whether more notices wait than were looked through for answers.
        disputes: of own records those that wait for an answer, of a representative's all that stand; the first to be
            answered first.
        closing: last day on which a registry that closes serves its members; empty else.
    """

    status: Status
    answered: list[Notice]
    behind: bool
    disputes: list[DisputeView]
    closing: str


def _today(visit: Visit) -> Response:
    """Show what waits; where the registry is away, what this machine knows."""
    found: RegistryToday | None = None
    away: ErrorWords | None = None
    try:
        with visit.desk.journal.act(visit.user.name, DeskAct.READ_TODAY):
            found = _asked(visit)
    except ConfigError:
        raise
    except CreditRegistryError as error:
        away = error_words(error, visit.say)
    desk = visit.desk
    return visit.show(
        "today.html.j2",
        found=found,
        away=away,
        answered=[] if found is None else [_answered(visit, one) for one in found.answered[:_MOST_DISPUTES]],
        disputes=[] if found is None else [_dispute(visit, one) for one in found.disputes[:_MOST_DISPUTES]],
        most_notices=MOST_NOTICES,
        more=found is not None and max(len(found.disputes), len(found.answered)) > _MOST_DISPUTES,
        silent=[] if found is None else [one.url for one in found.status.key_services if not one.reachable],
        pending=pending_reports(desk.config) if desk.lends else 0,
        approvals=len(desk.approvals.waiting_for(visit.user.name)) if visit.may(Right.APPROVE) else 0,
        jobs=job_lines(visit, (JobKind.CHECK_FILE, JobKind.REPORT_FILE, JobKind.SCREEN)),
        certificates=_certificates(visit),
    )


def _asked(visit: Visit) -> RegistryToday:
    client, represents = visit.desk.client, visit.desk.represents
    standing = [one for one in client.disputes(opened=represents) if represents or one.due_on is not None]
    answered, behind = answers_among(client.inbox()) if represents else ([], False)
    closing = client.directory().closing
    return RegistryToday(
        client.status(),
        answered,
        behind,
        sorted(standing, key=lambda one: one.due_on or date.max),
        "" if closing is None else closing.body.open_until,
    )


def answers_among(notices: Iterable[Notice]) -> tuple[list[Notice], bool]:
    """Return the answers to disputes, the newest first, and whether there are more notices than were looked through.

    Args:
        notices: in the order of the log.
    """
    read = list(islice(notices, MOST_NOTICES + 1))
    answers = [one for one in read[:MOST_NOTICES] if one.reason is NoticeReason.ANSWERED]
    return answers[::-1], len(read) > MOST_NOTICES


def _answered(visit: Visit, notice: Notice) -> DisputeToday:
    """Return an answer that nobody here has acknowledged."""
    assert notice.outcome is not None  # noqa: S101 - of an answer
    outcome = term_of(notice.outcome).of(visit.language)
    told = visit.say(
        "{lender} has answered the dispute of record {record}: {outcome} ({time})",
        lender=notice.issuer,
        record=notice.uuid,
        outcome=outcome,
        time=clock_text(notice.logged_at),
    )
    return DisputeToday(f"/inbox/{notice.number}", told, [])


def _dispute(visit: Visit, one: DisputeView) -> DisputeToday:
    """Return a dispute with the last day for its answer; one that waits for none with how it was answered."""
    badges = [visit.say("over")] if one.due_on is not None and one.due_on < visit.desk.today else []
    if one.restricted:
        badges.append(visit.say("restricted"))
    if not visit.desk.represents:
        told = visit.say("Answer the dispute of record {record}: until {day}", record=one.uuid, day=one.due_on)
        return DisputeToday(f"/disputes/{one.uuid}", told, badges)
    path = f"/disputes/of/{one.issuer}/{one.uuid}"
    if one.due_on is None:
        outcome = "" if one.outcome is None else term_of(one.outcome).of(visit.language)
        told = visit.say("The dispute of record {record} stands: {outcome}", record=one.uuid, outcome=outcome)
        return DisputeToday(path, told, badges)
    text = N_("{lender} answers the dispute of record {record}: until {day}")
    told = visit.say(text, lender=one.issuer, record=one.uuid, day=one.due_on)
    return DisputeToday(path, told, badges)


def _certificates(visit: Visit) -> list[tuple[str, str, bool]]:
    """Return name and end of each certificate, and whether it ends soon."""
    desk = visit.desk
    files = [(visit.say("To the registry"), desk.config.tls_certificate)]
    if desk.settings.tls is not None:
        files.append((visit.say("Of this desk"), desk.config.home / desk.settings.tls.certificate))
    return [(name, *_end(file)) for name, file in files]


def _end(file: Path) -> tuple[str, bool]:
    try:
        end = certificate_end(file)
    except (OSError, ValueError):
        raise ConfigError(f"{file} is no certificate that can be read") from None
    return clock_text(end), end - datetime.now(UTC) < _SOON


PAGES = (DeskPage("GET", "/today", Right.READ, _today),)
