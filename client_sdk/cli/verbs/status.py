"""``status``: state of the registry, the key services and this home."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import typer

from client_sdk.acts import milliseconds
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.holders import check_holder
from client_sdk.cli.ui.output import counted, pairs, table
from client_sdk.cli.ui.review_shown import REVIEW_DUE, review_words
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import rebuilt_words, witnessed_line
from client_sdk.cli.ui.verb import verb
from client_sdk.forms import moment_text, plain
from client_sdk.home_standing import certificate_in, pending_reports
from client_sdk.models import Role
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rich.console import RenderableType

    from client_sdk.acts import Closing, ReviewStanding
    from client_sdk.cli.ui.output import Json
    from client_sdk.models import Kind, LevelStanding, Reciprocity
    from client_sdk.models.status import KeyServiceStatus, Status

__all__ = ["register"]

# Renewal is due so long before the end.
_SOON = timedelta(days=30)


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(app, "status", examples=["status", "status --json"])
    def status(session: Run) -> ExitCode:
        """Show registry, key services, quotas, the outbox, the inbox, the certificate, and what is given and received.

        Ends with 3 where a key service does not answer: without each of them there is no pseudonym.
        Ends with 5 where the certificate in this home is another member's.
        """
        config = session.config()
        with session.client() as client:
            # Checked once its form is: a registry and key services would refuse calls one by one, each in its words.
            certificate = certificate_in(config.tls_certificate)
            check_holder(certificate, config.institution)
            found = client.status()
            directory = client.directory()
            own, closing = directory.institutions.get(config.institution), directory.closing
            lends = own is not None and Role.LENDER in own.roles
            due = sorted(one.due_on for one in (client.disputes() if lends else ()) if one.due_on is not None)
        now = datetime.now(UTC)
        pending, until = pending_reports(config), certificate.not_valid_after_utc
        roles = [] if own is None else [role.name for role in own.roles]
        review = None if own is None else directory.review_standing(own.id, milliseconds(now))
        state = say("not enrolled") if own is None else own.status.name
        session.output.result(
            found.to_dict()
            | {
                "address": config.registry,
                "state": state,
                "roles": plain(roles),
                "outbox_pending": pending,
                "disputes_waiting": len(due),
                "next_answer_due": due[0].isoformat() if due else None,
                "certificate_until": plain(until),
                "open_until": None if closing is None else closing.body.open_until,
                **_review_content(review),
            },
            say("Registry {registry} at {registry_2}", registry=found.registry, registry_2=config.registry),
            pairs(
                [*_log_rows(found, now), *_witnessed_rows(found, now), *_replayed_rows(found), *_closing_rows(closing)]
            ),
            say(
                "This home: {institution}, {state}, {roles}",
                institution=found.institution,
                state=state,
                roles=", ".join(roles) or say("no role"),
            ),
            pairs(
                [
                    *_home_rows(pending, until, now),
                    *(_dispute_rows(due) if lends else []),
                    *_inbox_rows(found.notices_waiting),
                    *_stale_rows(found.stale_records, directory.rulebook.stale_days),
                    *_review_rows(review),
                ]
            ),
            *_reciprocity_lines(found.reciprocity),
            say("Key services"),
            table(
                ("  address", "answers", "directory", "left today: report", "inquire"),
                [_service_row(service, now) for service in found.key_services],
            ),
            *(f"  {service.url}: {service.problem}" for service in found.key_services if service.problem),
            *_young(found.key_services),
            *_idle(own is not None and not {Role.LENDER, Role.REPRESENTATIVE}.isdisjoint(own.roles)),
        )
        return ExitCode.OK if all(service.reachable for service in found.key_services) else ExitCode.UNREACHABLE


def _review_content(review: "ReviewStanding | None") -> "dict[str, Json]":
    until = None if review is None else review.until
    return {
        "review": None if review is None else review.state.value,
        "review_until": None if until is None else until.isoformat(),
    }


def _log_rows(found: "Status", now: datetime) -> list[tuple[str, str]]:
    return [
        ("  fingerprint", found.fingerprint),
        (
            "  log",
            say(
                "{size} leaves, {entries} entries in the map, newest act {act_number}",
                size=found.size,
                entries=found.entries,
                act_number=found.act_number,
            ),
        ),
        (
            "  newest HEAD",
            say("{head_at}, {age} old", head_at=moment_text(found.head_at), age=_age(now, found.head_at)),
        ),
    ]


def _witnessed_rows(found: "Status", now: datetime) -> list[tuple[str, str]]:
    """Return how far witnesses have confirmed the log; nothing where none are demanded."""
    if found.witnessed is None:
        return []
    return [("  witnesses", witnessed_line(found.witnessed, found.size, now, N_("now")))]


def _replayed_rows(found: "Status") -> list[tuple[str, str]]:
    """Return how far auditors have rebuilt the log; nothing where none are named."""
    return [] if found.replayed is None else [("  auditors", rebuilt_words(found.replayed, found.size))]


def _home_rows(pending: int, until: datetime, now: datetime) -> list[tuple[str, str]]:
    waiting = (
        say("nothing waits")
        if not pending
        else say("{pending} signed reports wait: run `report` with the same file again", pending=pending)
    )
    soon = say(" (soon: credit-registry certificate renew)") if until - now < _SOON else ""
    return [
        ("  outbox", waiting),
        ("  certificate", say("good until {until}{soon}", until=moment_text(until), soon=soon)),
    ]


def _closing_rows(closing: "Closing | None") -> list[tuple[str, str]]:
    """Return until when a registry that closes serves its members, and where its data goes."""
    if closing is None:
        return []
    taker = closing.body.successor
    goes = (
        say("is destroyed")
        if taker is None
        else say("goes to {registry}: report there what you keep reporting", registry=taker.registry)
    )
    return [
        (
            "  CLOSES",
            say(
                "no new record; all else until {open_until}; then its data {goes}",
                open_until=closing.body.open_until,
                goes=goes,
            ),
        )
    ]


def _inbox_rows(waiting: int | None) -> list[tuple[str, str]]:
    if waiting is None:
        return []
    return [("  inbox", say("{waiting} waiting: run `inbox`", waiting=waiting) if waiting else say("nothing waits"))]


def _stale_rows(stale: int | None, days: int) -> list[tuple[str, str]]:
    """Return how many own records wait for a further version, and what to do."""
    if stale is None:
        return []
    told = say(
        "{stale} without a version for {days} days: `records --stale`, then report each anew",
        stale=counted(stale, "record"),
        days=days,
    )
    return [("  stale", told if stale else say("no record"))]


def _review_rows(review: "ReviewStanding | None") -> list[tuple[str, str]]:
    """Return how the registry's review of this member stands, where there is one or one is asked for."""
    text = "" if review is None else review_words(review)
    due = review is not None and review.state in REVIEW_DUE
    return [("  review", say("{text}: ask the registry for another", text=text) if due else text)] if text else []


def _reciprocity_lines(reciprocity: "Reciprocity | None") -> "list[RenderableType]":
    """Return what this member gives, what it receives for it, and what is missing for more."""
    if reciprocity is None or not reciprocity.levels:
        return []
    reached = sum(level.reached for level in reciprocity.levels)
    grace, held = reciprocity.grace_until, ", ".join(kind.name for kind in sorted(reciprocity.held_back))
    if grace is not None and reciprocity.as_of <= grace:
        text = say("everything until {grace}, as a new member; from then on what it gives", grace=grace)
    else:
        text = say("held back are the facts of {held}", held=held) if held else say("everything")
    return [
        say(
            "Reciprocity: {reached} of {count} levels reached; received is {text}",
            reached=reached,
            count=len(reciprocity.levels),
            text=text,
        ),
        table(("  gives", "last given", "counts until", "receives"), map(_level_row, reciprocity.levels)),
        *(
            say(
                "  To receive {kinds}: report or update a {gives}", kinds=_kinds(level.receives), gives=level.gives.name
            )
            for level in reciprocity.levels
            if not level.reached and not reciprocity.held_back.isdisjoint(level.receives)
        ),
    ]


def _level_row(level: "LevelStanding") -> tuple[object, ...]:
    until = "" if level.until is None else str(level.until) + ("" if level.reached else say(" (over)"))
    return (f"  {level.gives.name}", level.given_on or say("never"), until, _kinds(level.receives))


def _kinds(kinds: "Sequence[Kind]") -> str:
    return say(" and ").join(kind.name for kind in kinds)


def _dispute_rows(due: "list[date]") -> list[tuple[str, str]]:
    """Return how many disputes wait for an answer of this member, and until when the first of them does."""
    waiting = (
        say("{count} to answer, the first by {due}: `dispute list`", count=counted(len(due), "dispute"), due=due[0])
        if due
        else say("none waits")
    )
    return [("  disputes", waiting)]


def _service_row(service: "KeyServiceStatus", now: datetime) -> tuple[object, ...]:
    if not service.reachable:
        return (f"  {service.url}", say("no"), "", "", "")
    age = say("{age} old", age=_age(now, service.directory_as_of)) if service.directory_as_of else say("none yet")
    return (f"  {service.url}", say("yes"), age, service.report_quota_left, service.inquire_quota_left)


def _age(now: datetime, then: datetime) -> str:
    seconds = max(0, int((now - then).total_seconds()))
    minutes = seconds // 60
    return say("{seconds} s", seconds=seconds) if minutes == 0 else say("{minutes} min", minutes=minutes)


def _young(services: "tuple[KeyServiceStatus, ...]") -> list[str]:
    if any(service.problem.startswith("INSTITUTION_UNKNOWN") for service in services):
        return [say("  Enrolled just now? Key services follow the directory every few seconds; try again.")]
    return []


def _idle(lends: bool) -> list[str]:  # noqa: FBT001 - whether it lends
    return [] if lends else [say("  (quotas are for lenders)")]
