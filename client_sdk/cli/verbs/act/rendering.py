"""Rendering of acts as text, for review before signing, and as JSON."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.act_titles import decision_of, title_of
from client_sdk.acts import (
    AdministratorsBody,
    BreachBody,
    ClockBody,
    ClosingBody,
    ClosingWay,
    EndingBody,
    ErasureBody,
    GenesisBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    KeyServicesBody,
    RetireKeyServicesBody,
    ReviewBody,
    RulebookBody,
    StateBody,
    SuccessionBody,
    TlsKeyBody,
    members_of,
    moment,
)
from client_sdk.cli.ui.breach_shown import breach_content, breach_rows, due_lines
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.verbs.act.rendering_members import (
    enrolment_content,
    enrolment_rows,
    member_content,
    member_rows,
)
from client_sdk.forms import moment_text, plain
from client_sdk.texts import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from client_sdk.acts import Act, Body, KeyServices, Overlay, Rulebook
    from client_sdk.cli.ui.output import Json
    from client_sdk.models.act import LoggedAct
    from client_sdk.models.proposal import ProposalView

__all__ = [
    "act_content",
    "act_lines",
    "logged_content",
    "logged_row",
    "proposal_content",
    "proposal_lines",
]


def act_content(act: Act) -> dict[str, Json]:
    """Return an act as JSON."""
    return {
        "registry": act.registry,
        "number": act.number,
        "previous": act.previous.hex(),
        "kind": decision_of(act.body),
        "body": _body_content(act.body),
    }


def _body_content(body: Body) -> dict[str, Json]:
    match body:
        case GenesisBody():
            return {
                "administrators": [enrolment_content(item) for item in body.administrators],
                "threshold": body.threshold,
                "logs": [key.origin for key in body.log_keys],
                "key_services": _services_content(body.key_services),
                "rulebook": _rulebook_content(body.rulebook),
            }
        case (
            InstitutionBody()
            | ReviewBody()
            | KeyGrantBody()
            | KeyEndBody()
            | StateBody()
            | SuccessionBody()
            | EndingBody()
            | TlsKeyBody()
        ):
            return member_content(body)
        case KeyServicesBody():
            return {"introduce": _services_content(body.introduce)}
        case RetireKeyServicesBody():
            return {"retire": body.retire}
        case RulebookBody():
            return _rulebook_content(body.rulebook)
        case ErasureBody():
            records: list[Json] = [f"{key.issuer}/{UUID(bytes=key.record_id)}" for key in body.records]
            return {"records": records, "ground": body.ground}
        case AdministratorsBody():
            return {
                "enrolments": [enrolment_content(item) for item in body.enrolments],
                "administrators": list(body.administrators),
                "threshold": body.threshold,
            }
        case ClockBody():
            return {"not_before": plain(moment(body.not_before))}
        case BreachBody():
            return breach_content(body)
        case ClosingBody():
            return _closing_content(body)


def _closing_content(body: ClosingBody) -> dict[str, Json]:
    taker = body.successor
    return {
        "way": body.way.name,
        "open_until": body.open_until,
        "successor": None if taker is None else taker.registry,
        "successor_fingerprint": None if taker is None else taker.genesis_hash.hex(),
        "approval": body.approval,
        "approval_digest": body.approval_digest.hex(),
    }


def _services_content(services: KeyServices) -> dict[str, Json]:
    return {
        "subject_key_version": services.subject_key_version,
        "services": [
            {"name": item.name, "url": item.url, "public_key": item.public_key.hex()} for item in services.services
        ],
    }


def _rulebook_content(rulebook: Rulebook) -> dict[str, Json]:
    values = {field.name: getattr(rulebook, field.name) for field in fields(rulebook)}
    plain: dict[str, Json] = {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }
    return plain | {"overlays": [overlay.to_dict() for overlay in rulebook.overlays]}


def _rulebook_rows(rulebook: Rulebook) -> Iterator[tuple[str, object]]:
    for name, value in _rulebook_content(rulebook).items():
        if name == "overlays":
            yield name, "\n".join(map(_overlay_line, rulebook.overlays)) or say("none")
        else:
            yield name, ", ".join(map(str, value)) or say("none") if isinstance(value, list) else value


def _overlay_line(overlay: Overlay) -> str:
    return say(
        "{overlay}: arisen {arisen_from} to {arisen_until}, at most {most} minor units of {currency}, repaid "
        "by {repaid_until}; hidden from {hides_from} to before {hides_until}",
        overlay=overlay.name,
        arisen_from=overlay.arisen_from,
        arisen_until=overlay.arisen_until,
        most=overlay.most,
        currency=overlay.currency,
        repaid_until=overlay.repaid_until,
        hides_from=overlay.hides_from,
        hides_until=overlay.hides_until,
    )


def act_lines(act: Act, in_force: Rulebook | None = None) -> Iterator[RenderableType]:
    """Yield an act in words.

    Args:
        act: to show.
        in_force: the rulebook now: what a new one changes is marked with its value, and until when an act has to be
            logged is counted by it; None leaves both out.
    """
    yield say("Act {number} of {registry}: {title}", number=act.number, registry=act.registry, title=_title(act.body))
    rows = _rows(act.body)
    if isinstance(act.body, RulebookBody) and in_force is not None:
        rows = _changes_marked(rows, in_force)
    yield pairs((f"  {name}", value) for name, value in rows)
    if in_force is not None:
        yield from due_lines(act.body, in_force)


def _changes_marked(rows: Iterable[tuple[str, object]], in_force: Rulebook) -> Iterator[tuple[str, object]]:
    for (name, value), (_, before) in zip(rows, _rulebook_rows(in_force), strict=True):
        yield name, value if value == before else say("{value}  <- CHANGES, now {before}", value=value, before=before)


def _title(body: Body) -> str:
    trial = isinstance(body, GenesisBody) and body.threshold == 1
    return title_of(body, say) + (say(" (ONE ADMINISTRATOR: A TRIAL, NO REGISTRY)") if trial else "")


def _rows(body: Body) -> Iterator[tuple[str, object]]:
    match body:
        case GenesisBody():
            yield from _genesis_rows(body)
        case (
            InstitutionBody()
            | ReviewBody()
            | KeyGrantBody()
            | KeyEndBody()
            | StateBody()
            | SuccessionBody()
            | EndingBody()
            | TlsKeyBody()
        ):
            yield from member_rows(body)
        case KeyServicesBody():
            yield from _services_rows(body.introduce)
        case RetireKeyServicesBody():
            yield "needs", say("no live record of that version")
        case RulebookBody():
            yield from _rulebook_rows(body.rulebook)
        case ErasureBody():
            yield "ground", body.ground
            yield from (("record", f"{key.issuer}/{UUID(bytes=key.record_id)}") for key in body.records)
        case AdministratorsBody():
            yield "threshold", say("{threshold} of {count}", threshold=body.threshold, count=len(body.administrators))
            yield "administrators", ", ".join(body.administrators)
            yield from (row for item in body.enrolments for row in enrolment_rows(item))
        case ClockBody():
            yield "not before", moment_text(moment(body.not_before))
        case BreachBody():
            yield from breach_rows(body)
        case ClosingBody():
            yield from _closing_rows(body)


def _closing_rows(body: ClosingBody) -> Iterator[tuple[str, object]]:
    taker = body.successor
    if taker is None:
        yield "its data", say("is destroyed under supervision")
    else:
        agreed = say("by agreement") if body.way is ClosingWay.TRANSFER else say("as the supervisor has designated")
        yield (
            "its data",
            say("goes to {registry}, {agreed}, and is then destroyed here", registry=taker.registry, agreed=agreed),
        )
        yield "fingerprint of the successor", taker.genesis_hash.hex()
    yield "approved by", body.approval
    yield "SHA-256 of the approval", body.approval_digest.hex()


def _genesis_rows(body: GenesisBody) -> Iterator[tuple[str, object]]:
    yield "threshold", say("{threshold} of {count}", threshold=body.threshold, count=len(body.administrators))
    for item in body.administrators:
        yield from enrolment_rows(item)
    yield "logs", ", ".join(key.origin for key in body.log_keys)
    yield from _services_rows(body.key_services)
    yield from _rulebook_rows(body.rulebook)


def _services_rows(services: KeyServices) -> Iterator[tuple[str, object]]:
    for service in services.services:
        yield (
            "key service",
            say(
                "{service} at {url}, public key {public_key}",
                service=service.name,
                url=service.url,
                public_key=service.public_key.hex(),
            ),
        )


def proposal_content(proposal: ProposalView) -> dict[str, Json]:
    """Return a proposal as JSON."""
    return {
        "id": proposal.proposal_id.hex(),
        **act_content(proposal.act),
        "approved_by": list(proposal.approved_by),
        "threshold": proposal.threshold,
        "proposed_at": plain(proposal.proposed_at),
        "lapses_at": plain(proposal.lapses_at),
    }


def proposal_lines(proposal: ProposalView, in_force: Rulebook) -> Iterator[RenderableType]:
    """Yield a proposal in words: the act, its signers, and until when it waits.

    Args:
        proposal: to show.
        in_force: the rulebook now; what a new one changes of it is marked.
    """
    yield say("Proposal {proposal_id}", proposal_id=proposal.proposal_id.hex())
    yield from act_lines(proposal.act, in_force)
    signed = ", ".join(proposal.approved_by) or say("nobody")
    yield say(
        "  signed by {signed}; {threshold} must sign; lapses {lapses_at}",
        signed=signed,
        threshold=proposal.threshold,
        lapses_at=moment_text(proposal.lapses_at),
    )


def logged_content(logged: LoggedAct) -> dict[str, Json]:
    """Return an act of the log as JSON."""
    return {
        "index": logged.index,
        "logged_at": plain(logged.logged_at),
        **act_content(logged.act),
        "title": _title(logged.act.body),
        "institutions": [*sorted(members_of(logged.act.body))],
        "approved_by": list(logged.approved_by),
    }


def logged_row(logged: LoggedAct) -> tuple[object, ...]:
    """Return one line of a list of acts: number, place, time, kind, content, subject, signers."""
    body = logged.act.body
    return (
        logged.act.number,
        logged.index,
        moment_text(logged.logged_at),
        decision_of(body),
        _title(body),
        ", ".join(sorted(members_of(body))),
        ", ".join(logged.approved_by),
    )
