"""The pages: one module a topic, each with the rows of its pages in ``PAGES``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.desk.pages import answers, ask, correct, inbox, journal, records, sign_in
from client_sdk.models import KeyUsage

if TYPE_CHECKING:
    from client_sdk.desk.desk import Desk
    from client_sdk.desk.visit import DeskPage

__all__ = ["LENDER_PAGES", "PAGES", "all_pages"]

PAGES: tuple[DeskPage, ...] = (*sign_in.PAGES, *journal.PAGES)
LENDER_PAGES: tuple[DeskPage, ...] = (*ask.PAGES, *answers.PAGES, *records.PAGES, *correct.PAGES, *inbox.PAGES)


def all_pages(desk: Desk) -> tuple[DeskPage, ...]:
    """Return the pages of a member: those of lenders where it has a key that reports."""
    return PAGES + (LENDER_PAGES if KeyUsage.REPORT in desk.config.keys else ())
