"""The pages: one module a topic, each with the rows of its pages in ``PAGES``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.desk.pages import (
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
    portfolio,
    proposals,
    propose,
    quality,
    record,
    records,
    report,
    screening,
    sign_in,
    today,
)
from client_sdk.models import KeyUsage

if TYPE_CHECKING:
    from client_sdk.desk.desk import Desk
    from client_sdk.desk.visit import DeskPage

__all__ = ["PAGES", "ROLE_PAGES", "all_pages"]

PAGES: tuple[DeskPage, ...] = (*sign_in.PAGES, *journal.PAGES)
# By what a member signs, which follows from its role.
ROLE_PAGES: dict[KeyUsage, tuple[DeskPage, ...]] = {
    KeyUsage.REPORT: (
        *(*ask.PAGES, *answers.PAGES, *report.PAGES, *approvals.PAGES, *records.PAGES, *record.PAGES, *correct.PAGES),
        *(*disputes.PAGES, *inbox.PAGES, *today.PAGES, *portfolio.PAGES, *screening.PAGES, *jobs.PAGES, *quality.PAGES),
    ),
    KeyUsage.AUDIT: (*audit.PAGES, *log.PAGES, *forks.PAGES),
    KeyUsage.ADMINISTER: (*proposals.PAGES, *propose.PAGES, *members.PAGES, *health.PAGES, *founding.PAGES),
}


def all_pages(desk: Desk) -> tuple[DeskPage, ...]:
    """Return the pages of a member: those for everybody, and those of its roles."""
    roles = (pages for usage, pages in ROLE_PAGES.items() if usage in desk.config.keys)
    return (*PAGES, *(page for pages in roles for page in pages))
