"""``member list``: members, their licences, and how the review of each stands."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from client_sdk.acts import licence_fits, milliseconds
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.output import Json, counted, table
from client_sdk.cli.ui.review_shown import REVIEW_DUE, review_words
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.acts import Directory, ReviewStanding

__all__ = ["register"]

_COLUMNS = ("member", "name", "licence", "roles", "state", "review")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = typer.Typer(cls=Verbs, help="Members: list.", no_args_is_help=True)
    app.add_typer(group, name="member")

    @verb(group, "list", examples=["member list", "member list --json"])
    def list_(session: Run, /) -> None:
        """List all members: licence, roles, state, and until when the registry's review of each lender counts.

        It follows from the acts, verified from your trust root. Where real persons are in the registry, a lender needs
        a review, and each licence number one of the jurisdiction's forms.
        """
        with session.client() as client:
            directory = client.directory()
        now = milliseconds(datetime.now(UTC))
        standings = {id_: directory.review_standing(id_, now) for id_ in sorted(directory.institutions)}
        due = sum(standing.state in REVIEW_DUE for standing in standings.values())
        session.output.result(
            {"members": [_content(directory, id_, standing) for id_, standing in standings.items()]},
            table(_COLUMNS, [_row(directory, id_, standing) for id_, standing in standings.items()]),
            counted(len(standings), "member")
            + (say(", {due} missing or over", due=counted(due, "review")) if due else ""),
        )


def _odd_licence(directory: "Directory", id_: str) -> bool:
    rulebook = directory.rulebook
    return rulebook.production and not licence_fits(directory.institutions[id_].licence_number, rulebook.jurisdiction)


def _row(directory: "Directory", id_: str, standing: "ReviewStanding") -> tuple[object, ...]:
    state = directory.institutions[id_]
    licence = state.licence_number + (say(" (NO KNOWN FORM)") if _odd_licence(directory, id_) else "")
    roles = ", ".join(role.name for role in state.roles)
    return (id_, state.name, licence, roles, state.status.name, review_words(standing))


def _content(directory: "Directory", id_: str, standing: "ReviewStanding") -> dict[str, Json]:
    state, review = directory.institutions[id_], standing.review
    return {
        "institution": id_,
        "name": state.name,
        "licence_number": state.licence_number,
        "licence_has_known_form": not _odd_licence(directory, id_),
        "roles": [role.name for role in state.roles],
        "state": state.status.name,
        "review": standing.state.value,
        "reviewed_on": None if review is None else review.reviewed_on.isoformat(),
        "reference": None if review is None else review.reference,
        "document_digest": None if review is None else review.document_digest.hex(),
        "counts_until": None if standing.until is None else standing.until.isoformat(),
    }
