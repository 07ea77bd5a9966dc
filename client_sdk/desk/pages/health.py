"""Health, for administrators: registry, key services, witnesses, auditors, reviews, certificates about to expire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from client_sdk.acts import ReviewState
from client_sdk.clock import clock_ms
from client_sdk.desk.cosigned_times import cosigned_at
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.members import review_text
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.following import kept_contradictions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.responses import Response

    from client_sdk.acts import Directory
    from client_sdk.config import ClientConfig
    from client_sdk.desk.texts import Say
    from client_sdk.models import CertificateView
    from client_sdk.models.status import Status

__all__ = ["PAGES", "ExpectedEnd", "expected_ends"]

# The registry writes a HEAD a minute, and clients refuse one that is older than five; likewise key services.
_LATE = timedelta(minutes=3)
_EXPIRES_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Sign:
    """One sign of health: what it is about, whether it is in order, what there is, what to do."""

    about: str
    well: bool
    found: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedEnd:
    """When a certificate ends.

    Attributes:
        member: whose it is.
        ends: when.
        exact: whether that stands in the certificate; else it follows from the day of issue.
        soon: whether it is in 30 days, or over.
    """

    member: str
    ends: datetime
    exact: bool
    soon: bool


def _health(visit: Visit) -> Response:
    desk, say = visit.desk, visit.say
    with desk.journal.act(visit.user.name, DeskAct.READ_HEALTH):
        status, directory = desk.client.status(), desk.client.directory()
        certificates = [one for member in directory.institutions for one in desk.client.certificates(member)]
        size, cosigned = cosigned_at(desk.config)
        waiting = len(desk.client.proposals())
    now = datetime.now(UTC)
    signs = [
        *_forks(desk.config, say),
        *_registry(status, now, say),
        *_key_services(status, directory, now, say),
        *_witnesses(status, size, cosigned, say),
        *_auditors(status, say),
        *_reviews(directory, say),
    ]
    active = {state.id for state in directory.institutions.values() if state.status.name != "TERMINATED"}
    ends = expected_ends([one for one in certificates if one.institution in active], now)
    return visit.show("health.html.j2", signs=signs, ends=ends, waiting=waiting)


def expected_ends(certificates: Iterable[CertificateView], now: datetime) -> list[ExpectedEnd]:
    """Return when each member's newest certificate ends, the first to end first.

    Of others an administrator learns when a certificate was issued, and not when it ends: the registry's authority
    gives each of them as many days as it gave the newest of this member.

    Args:
        certificates: of all members, those of this member with their ends.
        now: UTC.
    """
    newest: dict[str, CertificateView] = {}
    for one in sorted(certificates, key=lambda one: one.issued_at):
        newest[one.institution] = one
    lasts = [one.not_after - one.issued_at for one in newest.values() if one.not_after is not None]
    ends = []
    for member, one in newest.items():
        if one.not_after is not None or lasts:
            end = one.not_after or one.issued_at + max(lasts)
            ends.append(ExpectedEnd(member, end, one.not_after is not None, end - now < _EXPIRES_SOON))
    return sorted(ends, key=lambda one: one.ends)


def _forks(config: ClientConfig, say: Say) -> Iterator[_Sign]:
    proofs = kept_contradictions(config.state_folder)
    if proofs:
        todo = say("Stop using this registry, and hand `state/{file}` to all members.", file=proofs[0].name)
        found = say("This home holds a proof that the log has two histories.")
        yield _Sign(say("Proof of misbehaviour"), well=False, found=found, todo=todo)


def _registry(status: Status, now: datetime, say: Say) -> Iterator[_Sign]:
    age = now - status.head_at
    yield _Sign(
        say("Newest HEAD of the registry"),
        age < _LATE,
        say("{size} leaves, logged {at}", size=format(status.size, ","), at=clock_text(status.head_at)),
        say("It writes one a minute: ask its operator, and look at the clock of this machine."),
    )


def _key_services(status: Status, directory: Directory, now: datetime, say: Say) -> Iterator[_Sign]:
    names = {item.url: item.name for version in directory.state.key_services for item in version.services}
    for service in status.key_services:
        at = service.directory_as_of
        fresh = at is not None and now - at < _LATE
        if not service.reachable:
            found, todo = service.problem, say("Without each of them nobody reports or asks: tell its operator.")
        else:
            found = say("answers; its directory is of {at}", at=clock_text(at) or "–")
            todo = say("It refuses with a directory older than five minutes: tell its operator.")
        about = say("Key service {name}", name=names.get(service.url, service.url))
        yield _Sign(about, service.reachable and fresh, found, todo)


def _witnesses(status: Status, size: int, cosigned: dict[str, datetime], say: Say) -> Iterator[_Sign]:
    if status.witnessed is None:
        text = say("The rulebook names no witnesses: a fork is found by comparing alone.")
        yield _Sign(say("Witnesses"), well=False, found=text, todo=say("Propose a rulebook with `witness_quorum`."))
        return
    told = say("{size} leaves are cosigned by enough of them", size=format(status.witnessed.size, ","))
    todo = say("Ask those that are behind whether they run.")
    yield _Sign(say("Witnesses"), status.witnessed.size > 0, told, todo)
    for name, at in cosigned.items():
        found = say("cosigned {size} leaves at {at}", size=format(size, ","), at=clock_text(at))
        yield _Sign(say("Witness {name}", name=name), well=True, found=found)


def _auditors(status: Status, say: Say) -> Iterator[_Sign]:
    replayed = status.replayed
    if replayed is None:
        text = say("The rulebook names no auditors that rebuild the log.")
        yield _Sign(say("Auditors"), well=False, found=text, todo=say("Propose a rulebook with `replay_quorum`."))
        return
    text = say("{size} leaves are rebuilt, {at}", size=format(replayed.size, ","), at=clock_text(replayed.at) or "–")
    todo = say("Ask the auditors whether `audit --follow --cosign` runs, and what they found.")
    yield _Sign(say("Auditors"), not replayed.late, text, todo)


def _reviews(directory: Directory, say: Say) -> Iterator[_Sign]:
    for member in sorted(directory.institutions):
        standing = directory.review_standing(member, clock_ms())
        if standing.state in {ReviewState.OVER, ReviewState.MISSING}:
            todo = say("Review it anew, and propose `act propose review`.")
            yield _Sign(say("Review of {member}", member=member), False, review_text(standing, say), todo)


PAGES = (DeskPage("GET", "/health", Right.READ, _health),)
