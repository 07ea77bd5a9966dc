"""The pages: one module a topic, each with the rows of its pages in ``PAGES``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.desk.pages import (
    alerts,
    answers,
    approvals,
    ask,
    audit,
    correct,
    disputes,
    forks,
    founding,
    health,
    inbox,
    jobs,
    journal,
    log,
    members,
    opened_disputes,
    person,
    portfolio,
    proposals,
    propose,
    quality,
    record,
    records,
    report,
    screening,
    sign_in,
    statements,
    today,
    unread,
)
from client_sdk.models import Role

if TYPE_CHECKING:
    from client_sdk.desk.desk import Desk
    from client_sdk.desk.visit import DeskPage

__all__ = ["PAGES", "ROLE_PAGES", "all_pages"]

PAGES: tuple[DeskPage, ...] = (*sign_in.PAGES, *journal.PAGES)
# By the member's role; some pages are of two.
ROLE_PAGES: dict[Role, tuple[DeskPage, ...]] = {
    Role.LENDER: (
        *(*ask.PAGES, *answers.PAGES, *report.PAGES, *approvals.PAGES, *records.PAGES, *record.PAGES, *correct.PAGES),
        *(*disputes.PAGES, *inbox.PAGES, *today.PAGES, *portfolio.PAGES, *screening.PAGES, *jobs.PAGES, *quality.PAGES),
        *unread.PAGES,
    ),
    Role.REPRESENTATIVE: (
        *(*person.PAGES, *opened_disputes.PAGES, *statements.PAGES, *alerts.PAGES, *inbox.PAGES, *today.PAGES),
    ),
    Role.AUDITOR: (*audit.PAGES, *log.PAGES, *forks.PAGES),
    Role.ADMINISTRATOR: (*proposals.PAGES, *propose.PAGES, *members.PAGES, *health.PAGES, *founding.PAGES),
}


def all_pages(desk: Desk) -> tuple[DeskPage, ...]:
    """Return the pages of a member: those for everybody, and those of its roles."""
    roles = (pages for role, pages in ROLE_PAGES.items() if role in desk.config.roles)
    return (*PAGES, *(page for pages in roles for page in pages))
