"""The first page: what is due, what waits, and what ends soon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.desk.failures import error_words
from client_sdk.desk.jobs import JobKind
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.jobs import job_lines
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import ConfigError, CreditRegistryError
from client_sdk.home_standing import certificate_end, pending_reports

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.responses import Response

    from client_sdk.desk.failures import ErrorWords
    from client_sdk.models import DisputeView, Status

__all__ = ["PAGES"]

# Renewal is due so long before the end.
_SOON = timedelta(days=30)
_MOST_DISPUTES = 20


class RegistryToday(NamedTuple):
    """What the registry says today.

    Attributes:
        status: of registry, key services and inbox.
        due: disputes that wait for an answer, the first to be answered first: of own records, or of those that a
            representative has opened.
        closing: last day on which a registry that closes serves its members; empty else.
    """

    status: Status
    due: list[DisputeView]
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
        disputes=[] if found is None else [_dispute(visit, one) for one in found.due[:_MOST_DISPUTES]],
        silent=[] if found is None else [one.url for one in found.status.key_services if not one.reachable],
        pending=pending_reports(desk.config) if desk.lends else 0,
        approvals=len(desk.approvals.waiting_for(visit.user.name)) if visit.may(Right.APPROVE) else 0,
        jobs=job_lines(visit, (JobKind.CHECK_FILE, JobKind.REPORT_FILE, JobKind.SCREEN)),
        certificates=_certificates(visit),
    )


def _asked(visit: Visit) -> RegistryToday:
    client = visit.desk.client
    disputes = client.disputes(opened=visit.desk.represents)
    due = sorted((one for one in disputes if one.due_on is not None), key=lambda one: str(one.due_on))
    closing = client.directory().closing
    return RegistryToday(client.status(), due, "" if closing is None else closing.body.open_until)


def _dispute(visit: Visit, one: DisputeView) -> tuple[str, str, str, bool]:
    """Return where a dispute is shown, which one it is, the last day for its answer, and whether that is over."""
    due = one.due_on
    assert due is not None  # noqa: S101 - the others were left out
    over = due < datetime.now().astimezone().date()
    if not visit.desk.represents:
        return (
            f"/records/{one.uuid}",
            visit.say("Answer the dispute of record {record}", record=one.uuid),
            str(due),
            over,
        )
    told = visit.say("{lender} answers the dispute of record {record}", lender=one.issuer, record=one.uuid)
    return f"/disputes/of/{one.issuer}/{one.uuid}", told, str(due), over


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
