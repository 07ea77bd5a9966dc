"""Members and acts, for administrators: who is in the directory with which keys, and what changed when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.acts import ReviewState, members_of
from client_sdk.clock import clock_ms
from client_sdk.desk.act_words import ActWords
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.member_words import roles_text, status_text, usage_text
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from starlette.responses import Response

    from client_sdk.acts import Directory, InstitutionKey, InstitutionState, ReviewStanding
    from client_sdk.desk.texts import Say
    from client_sdk.models.act import LoggedAct

__all__ = ["PAGES", "review_text"]

_NEWEST = 200
_REVIEWS = {
    ReviewState.NOT_ASKED: N_("none is asked for"),
    ReviewState.CURRENT: N_("counts until {until}"),
    ReviewState.OVER: N_("over since {until}"),
    ReviewState.MISSING: N_("missing"),
}


@dataclass(frozen=True, slots=True)
class _ShownAct:
    """An act of the log, for a template."""

    act: LoggedAct
    words: ActWords


@dataclass(frozen=True, slots=True)
class _ShownKey:
    """A key of a member, for a template: its use, from when until when it counts, and from when on it is in doubt."""

    usage: str
    key_id: str
    since: str
    until: str
    doubt: str


def review_text(standing: ReviewStanding, say: Say) -> str:
    """Return how the registry's review of a member stands."""
    return say(_REVIEWS[standing.state], until=standing.until or "")


def _members(visit: Visit) -> Response:
    client, say = visit.desk.client, visit.say
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_MEMBERS):
        directory, acts = client.directory(), client.acts()
    newest = {member: act for act in acts for member in members_of(act.act.body)}
    rows = [
        {
            "id": state.id,
            "name": state.name,
            "roles": roles_text((role.name for role in state.roles), say),
            "state": status_text(state.status.name, say),
            "active": state.status.name == "ACTIVE",
            "running": sum(key.running for key in state.keys),
            "ended": sum(not key.running for key in state.keys),
            "changed": _changed(newest.get(state.id), say),
        }
        for _, state in sorted(directory.institutions.items())
    ]
    return visit.show("members.html.j2", rows=rows)


def _changed(act: LoggedAct | None, say: Say) -> str:
    return "" if act is None else f"{clock_text(act.logged_at)}: {ActWords(act.act.body, say).title}"


def _member(visit: Visit) -> Response:
    client, id_ = visit.desk.client, str(visit.path["member"])
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_MEMBERS):
        directory = client.directory()
        state = directory.institutions.get(id_)
        if state is None:
            return visit.show("message.html.j2", status=404, title=visit.say("There is no such member"), text="")
        acts = client.acts()
        certificates = client.certificates(id_)
    times = {act.index: act.logged_at for act in acts}
    return visit.show(
        "member.html.j2",
        member=state,
        facts=_facts(state, directory, visit.say),
        keys=[_key(key, times, visit.say) for key in state.keys],
        acts=_shown_acts(visit, [act for act in acts if id_ in members_of(act.act.body)]),
        certificates=certificates,
        ended_tls={key.spki_hash for key in state.ended_tls_keys},
    )


def _facts(state: InstitutionState, directory: Directory, say: Say) -> list[tuple[str, str]]:
    rows = [
        (say("Name"), state.name),
        (say("Licence"), state.licence_number),
        (say("Roles"), roles_text((role.name for role in state.roles), say)),
        (say("State"), status_text(state.status.name, say)),
        (say("Review"), review_text(directory.review_standing(state.id, clock_ms()), say)),
    ]
    return [*rows, (say("Successor"), state.successor)] if state.successor else rows


def _key(key: InstitutionKey, times: Mapping[int, datetime], say: Say) -> _ShownKey:
    return _ShownKey(
        usage_text(key.usage.name, say),
        key.key_id.hex(),
        clock_text(times.get(key.first)),
        clock_text(times.get(key.end)) if key.end else "",
        say("from leaf {leaf}", leaf=key.contested_from) if key.contested_from else "",
    )


def _acts(visit: Visit) -> Response:
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_ACTS):
        acts = visit.desk.client.acts()
    return visit.show("acts.html.j2", acts=_shown_acts(visit, acts[-_NEWEST:]), more=len(acts) > _NEWEST, most=_NEWEST)


def _act(visit: Visit) -> Response:
    number = int(str(visit.path["number"]))
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_ACTS, about=[str(number)]):
        found = [act for act in visit.desk.client.acts() if act.act.number == number]
    if not found:
        return visit.show("message.html.j2", status=404, title=visit.say("There is no such act"), text="")
    return visit.show("act.html.j2", shown=_shown_acts(visit, found)[0])


def _shown_acts(visit: Visit, acts: Sequence[LoggedAct]) -> list[_ShownAct]:
    """Return acts for a template, the newest first."""
    return [_ShownAct(act, ActWords(act.act.body, visit.say)) for act in reversed(acts)]


PAGES = (
    DeskPage("GET", "/members", Right.READ, _members),
    DeskPage("GET", "/members/{member}", Right.READ, _member),
    DeskPage("GET", "/acts", Right.READ, _acts),
    DeskPage("GET", "/acts/{number:number}", Right.READ, _act),
)
