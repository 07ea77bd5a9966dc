"""One running desk: everything that its pages share."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from client_sdk.criteria_file import read_criteria
from client_sdk.desk.api.tokens import TokenFile
from client_sdk.desk.api.webhooks import JobHooks
from client_sdk.desk.approval_requests import ApprovalRequests
from client_sdk.desk.asking_loop import AskingLoop
from client_sdk.desk.attempts import Attempts
from client_sdk.desk.audit_run import AuditRuns
from client_sdk.desk.jobs import Jobs
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.kept import KeptValues
from client_sdk.desk.openid import OpenId
from client_sdk.desk.rendering import make_templates
from client_sdk.desk.rights import Right
from client_sdk.desk.seen_proposals import SeenProposals
from client_sdk.desk.sessions import Sessions
from client_sdk.desk.start_link import StartLink
from client_sdk.desk.texts import N_
from client_sdk.desk.unsent import UnsentForms
from client_sdk.desk.users import UserFile
from client_sdk.errors import ConfigError
from client_sdk.models import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from jinja2 import Environment

    from client_sdk.client import Client
    from client_sdk.config import ClientConfig
    from client_sdk.desk.approval_requests import ApprovalRequest
    from client_sdk.desk.journal import Journal
    from client_sdk.desk.member_client import MemberClient
    from client_sdk.desk.sessions import DeskSession
    from client_sdk.desk.settings import DeskSettings
    from client_sdk.desk.users import User
    from client_sdk.models import Criteria

__all__ = ["Desk"]

_MINUTE, _HOUR = 60.0, 3_600.0
# Pages that are named on each page, by the member's role; the first one that a visitor may see is the visitor's first
# page.
_MENUS = {
    Role.LENDER: (
        ("/today", N_("Today"), Right.READ),
        ("/ask", N_("Ask"), Right.ACT),
        ("/report", N_("Report"), Right.ACT),
        ("/portfolio", N_("Portfolio"), Right.ACT),
        ("/approvals", N_("Approvals"), Right.ACT),
        ("/screening", N_("Screening"), Right.ACT),
        ("/records", N_("Own records"), Right.READ),
        ("/disputes", N_("Disputes"), Right.READ),
        ("/inbox", N_("Inbox"), Right.READ),
        ("/quality", N_("Quality"), Right.READ),
    ),
    Role.REPRESENTATIVE: (
        ("/today", N_("Today"), Right.READ),
        ("/person", N_("Own report"), Right.ACT),
        ("/disputes", N_("Disputes"), Right.READ),
        ("/statements", N_("Statements"), Right.ACT),
        ("/alerts", N_("Alerts"), Right.READ),
        ("/inbox", N_("Inbox"), Right.READ),
    ),
    Role.AUDITOR: (
        ("/audit", N_("Audit"), Right.READ),
        ("/log", N_("Log"), Right.READ),
        ("/inquiries", N_("Inquiries"), Right.READ),
        ("/forks", N_("Forks"), Right.READ),
    ),
    Role.ADMINISTRATOR: (
        ("/proposals", N_("Proposals"), Right.READ),
        ("/members", N_("Members"), Right.READ),
        ("/acts", N_("Acts"), Right.READ),
        ("/health", N_("Health"), Right.READ),
        ("/founding", N_("Founding"), Right.READ),
    ),
}
_FOUNDING = (("/founding", N_("Founding"), Right.READ),)
_MENU = (("/journal", N_("Journal"), Right.ADMINISTER),)


@dataclass(frozen=True, slots=True)
class Desk:
    """One running desk.

    Attributes:
        config: of the member.
        settings: of the desk.
        member: opens the member's client.
        journal: open.
        users: of the home.
        sessions: of who has signed in.
        unsent: forms that were sent once their session had ended.
        attempts: to sign in.
        link: the one-time link; used where nobody signs in by name.
        openid: sign-in by OpenID Connect; None where it is not set up.
        kept: what pages show after a form.
        jobs: that outlive the page that began them.
        approvals: acts that wait for an approver.
        tokens: of programs that use the API.
        hooks: that are told of the ends of their jobs.
        asking: puts their checks.
        templates: of the pages.
        criteria: the lender's own.
        audits: of an auditor.
        proposals: that an administrator's desk has seen.
        origin: scheme, name and port under which the one-time link reaches it.
        tell: a line for who started the desk.
    """

    config: ClientConfig
    settings: DeskSettings
    member: MemberClient
    journal: Journal
    users: UserFile
    sessions: Sessions
    unsent: UnsentForms
    attempts: Attempts
    link: StartLink
    openid: OpenId | None
    kept: KeptValues
    jobs: Jobs
    approvals: ApprovalRequests
    tokens: TokenFile
    hooks: JobHooks
    asking: AskingLoop
    templates: Environment
    criteria: Criteria
    audits: AuditRuns
    proposals: SeenProposals
    origin: str
    tell: Callable[[str], None]

    @classmethod
    def of(  # noqa: D102 - the class says it
        cls,
        config: ClientConfig,
        settings: DeskSettings,
        member: MemberClient,
        journal: Journal,
        port: int,
        tell: Callable[[str], None],
    ) -> Desk:
        sessions = Sessions(settings.idle_minutes * _MINUTE, settings.session_hours * _HOUR)
        link = StartLink()
        return cls(
            config,
            settings,
            member,
            journal,
            UserFile(config.home),
            sessions,
            UnsentForms(secure=settings.tls is not None),
            Attempts(),
            link,
            None if settings.openid is None else OpenId(settings.openid, config.home),
            KeptValues(sessions.lives),
            Jobs(lambda error: tell(f"a job was not done: a mistake of this program ({type(error).__name__})")),
            ApprovalRequests(settings.approval.hours, partial(_note_lapse, journal, tell)),
            TokenFile(config.home),
            JobHooks(config, tell),
            AskingLoop(config, journal),
            make_templates(),
            read_criteria(None if settings.criteria is None else config.home / settings.criteria),
            AuditRuns(config, journal),
            SeenProposals(config.home),
            f"{'http' if settings.tls is None else 'https'}://{link.host}:{port}",
            tell,
        )

    @property
    def client(self) -> Client:
        """The client of the member; thread-safe.

        Raises:
            ConfigError: there is none before the founding.
        """
        return self.member.open()

    @property
    def today(self) -> date:
        """The day in the registry's legal time zone, which rules and due days are in."""
        return self.member.today

    @property
    def menu(self) -> tuple[tuple[str, str, Right], ...]:
        """Path, name and right of the pages that each page names: those of the member's roles, and the journal."""
        if self.member.founding:
            return (*_FOUNDING, *_MENU)
        rows = (*(entry for role, menu in _MENUS.items() if role in self.config.roles for entry in menu), *_MENU)
        return tuple(row for row in rows if row[0] != "/approvals" or self.settings.approval.wanted)

    @property
    def lends(self) -> bool:
        """Whether the member is a lender."""
        return Role.LENDER in self.config.roles

    @property
    def represents(self) -> bool:
        """Whether the member speaks for persons."""
        return Role.REPRESENTATIVE in self.config.roles

    @property
    def by_name(self) -> bool:
        """Whether people sign in by name; else by the one-time link."""
        return self.openid is not None or bool(self.users.read())

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.settings.tls is not None

    @property
    def cookie(self) -> str:
        """Name of the cookie of a session; browsers take the prefix by TLS alone."""
        return "desk-session" if self.settings.tls is None else "__Host-desk-session"

    def session_of(self, cookie: str | None) -> DeskSession | None:
        """Return the session of a cookie; it has ended where its person was removed or changed since."""
        session = self.sessions.find(cookie)
        if session is None or not session.local:
            # Sessions that began with the one-time link end as soon as people sign in by name.
            if session is not None and self.openid is None and self.by_name:
                self.sessions.end(session)
                return None
            return session
        user = self.users.read().get(session.user.name)
        if user is None or not secrets.compare_digest(user.tag, session.user.tag):
            self.sessions.end(session)
            self.journal.note(DeskAct.USERS_CHANGED, session.user.name)
            return None
        return session

    def new_link(self) -> None:
        """Tell a new one-time link to who started the desk."""
        self.tell(f"Open this once, in a browser on this machine: {self.origin}/start/{self.link.make()}")

    def begin(self, user: User, *, local: bool) -> str:
        """Begin a session, and return the value of its cookie."""
        self.journal.note(DeskAct.SIGN_IN, user.name)
        return self.sessions.begin(user, local=local)


def _note_lapse(journal: Journal, tell: Callable[[str], None], request: ApprovalRequest) -> None:
    """Write that nobody has decided on a request in time; also where that fails, it is forgotten."""
    record = [request.record] if request.record else []
    try:
        journal.note(DeskAct.LAPSE, about=[request.id, *record])
    except ConfigError as error:
        tell(str(error))
