"""One call of the API: whose token it came with, and what it needs to be answered."""

import json
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from functools import partial
from typing import Annotated, NamedTuple

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.responses import Response

from client_sdk.client import Client
from client_sdk.desk.api.gate import TOKEN_KEY
from client_sdk.desk.api.job_document import job_content
from client_sdk.desk.api.problems import ApiProblemError, shown_name
from client_sdk.desk.api.tokens import ApiToken
from client_sdk.desk.desk import Desk
from client_sdk.desk.jobs import DeskJob, JobKind
from client_sdk.desk.journal import ActEntry, DeskAct
from client_sdk.desk.rights import ApiScope, roles_for, scopes_of
from client_sdk.desk.texts import N_
from client_sdk.forms import Json
from client_sdk.models import Role

__all__ = [
    "AnyCall",
    "ApiCall",
    "CheckCall",
    "DisputeCall",
    "InboxCall",
    "JobCall",
    "PersonCall",
    "RecordCall",
    "ReportCall",
    "StatisticsCall",
    "json_response",
]


class ApiCall(NamedTuple):
    """One call.

    Attributes:
        desk: that answers it.
        token: that it came with.
    """

    desk: Desk
    token: ApiToken

    @property
    def client(self) -> Client:
        """The SDK's client of the member; thread-safe."""
        return self.desk.client

    def act(
        self, act: DeskAct, *, about: list[str] | None = None, reason: str = ""
    ) -> AbstractContextManager[ActEntry]:
        """Write to the journal that an act of this token begins, and how it ended."""
        return self.desk.journal.act(self.token.who, act, about=about, reason=reason)

    @staticmethod
    def on_behalf_of(officer: str | None) -> list[str]:
        """Return how the journal names a member of staff for whom a system asks."""
        return [] if officer is None else [f"officer:{officer}"]

    def start(
        self, kind: JobKind, work: Callable[[DeskJob], object], held: int, about: list[str] | None = None
    ) -> Response:
        """Start a job of this token, and return the answer that names it; a message goes to its webhook when it ends.

        Args:
            kind: of the work.
            work: as ``Jobs.start`` takes it.
            held: bytes that it keeps in memory.
            about: for the journal.

        Raises:
            JobsFullError: too many wait or run.
        """
        hooks, token = self.desk.hooks, self.token
        ended = partial(hooks.put, token.webhook, token.name) if token.webhook else None
        with self.act(DeskAct.START_JOB, about=about, reason=kind) as entry:
            job = self.desk.jobs.start(token.owner, kind, work, held=held, ended=ended)
            entry.about.append(job.key)
        return json_response(job_content(job), 202, {"Location": f"/api/v1/jobs/{job.key}"})


def json_response(content: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return an answer of JSON."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, headers, "application/json")


class _BearerToken(SecurityBase):
    """The token of a request, which the gate has found."""

    def __init__(self) -> None:
        self.model = HTTPBearer(description="A token of `credit-registry desk token add`.")
        self.scheme_name = "token"

    async def __call__(self, request: Request) -> ApiToken:
        token: ApiToken = request.scope[TOKEN_KEY]
        return token


async def _call(
    request: Request, security: SecurityScopes, token: Annotated[ApiToken, Security(_BearerToken())]
) -> ApiCall:
    """Return the call of a request, whose token is good for one of the scopes of its path.

    Raises:
        ApiProblemError: the token is good for none of them, none of them serves a member of this role, or the address
            has a parameter that the path does not know.
    """
    desk: Desk = request.app.state.desk
    wanted = frozenset(map(ApiScope, security.scopes))
    if wanted:
        _check_scopes(wanted, token, desk.config.roles)
    _check_query(request)
    return ApiCall(desk, token)


def _check_scopes(wanted: frozenset[ApiScope], token: ApiToken, roles: Collection[Role]) -> None:
    """Check that a token is good for one of the scopes, and that one of them serves a member of these roles."""
    if not wanted & token.scopes:
        raise ApiProblemError(
            403,
            "SCOPE_MISSING",
            N_("This token is not good for that"),
            N_("Who looks after this desk makes a token with the scope that is wanted, by `desk token add`."),
            field="Authorization",
            rule="token.scope",
            got=" ".join(sorted(token.scopes)),
            want=" or ".join(sorted(wanted)),
        )
    if not wanted & scopes_of(roles):
        raise ApiProblemError(
            403,
            "NOT_PERMITTED",
            N_("This member's role does not allow this"),
            N_("Use the desk of a member that has the role which is wanted."),
            rule="member.role",
            got=" ".join(sorted(role.name for role in roles)),
            want=" or ".join(role.name for role in roles_for(wanted)),
        )


def _check_query(request: Request) -> None:
    """Check that the address has no parameter that the path does not know, which would change nothing."""
    known = [one.alias for one in request.scope["route"].dependant.query_params]
    unknown = sorted(request.query_params.keys() - set(known))
    if unknown:
        raise ApiProblemError(
            422,
            "MALFORMED",
            N_("The request has another form than the contract"),
            N_("Correct what is named and send it again."),
            field=f"query.{shown_name(unknown[0])}",
            rule="query.known",
            got="a parameter that this path does not know",
            want=" or ".join(known) or "no parameter in the address",
        )


# A path takes a token that is good for one of the scopes that it names.
AnyCall = Annotated[ApiCall, Security(_call)]
CheckCall = Annotated[ApiCall, Security(_call, scopes=[ApiScope.CHECK.value])]
ReportCall = Annotated[ApiCall, Security(_call, scopes=[ApiScope.REPORT.value])]
JobCall = Annotated[ApiCall, Security(_call, scopes=[ApiScope.CHECK.value, ApiScope.REPORT.value])]
PersonCall = Annotated[ApiCall, Security(_call, scopes=[ApiScope.PERSONS.value])]
RecordCall = Annotated[ApiCall, Security(_call, scopes=[ApiScope.RECORDS.value])]
DisputeCall = Annotated[ApiCall, Security(_call, scopes=[ApiScope.DISPUTES.value])]
InboxCall = Annotated[ApiCall, Security(_call, scopes=[ApiScope.INBOX.value])]
StatisticsCall = Annotated[ApiCall, Security(_call, scopes=[ApiScope.STATISTICS.value])]
