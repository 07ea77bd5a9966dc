"""Roles of the people at the desk and what each may do; scopes of the programs that come with a token."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from client_sdk.models import Role

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["ApiScope", "DeskRole", "Right", "roles_for", "scopes_of"]


class Right(IntEnum):
    """What a page asks of its visitor; each role has all rights up to its own."""

    # Reads own records and the inbox; every signed-in role has it.
    READ = 1
    # Asks about persons, reports, corrects, withdraws, acknowledges.
    ACT = 2
    # Approves what another has prepared.
    APPROVE = 3
    # Reads the journal.
    ADMINISTER = 4


class DeskRole(StrEnum):
    """Role of a person at the desk; not the role of the member at the registry."""

    READER = "reader"
    OFFICER = "officer"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"

    @property
    def rank(self) -> int:
        """Place among the roles, from 1."""
        return list(DeskRole).index(self) + 1

    def may(self, right: Right) -> bool:
        """Whether the role has a right."""
        return self.rank >= right


class ApiScope(StrEnum):
    """What a token is good for."""

    # Asks about persons.
    CHECK = "check"
    # Reports records and files of records.
    REPORT = "report"
    # Reads own records and receipts, and opens facts with the person's number.
    RECORDS = "records"
    # Makes reports of persons who asked for them, sets their statements beside records, alerts them.
    PERSONS = "persons"
    # Lists, opens, answers and withdraws disputes.
    DISPUTES = "disputes"
    # Reads and acknowledges notices.
    INBOX = "inbox"
    # Reads what is counted of all lenders.
    STATISTICS = "statistics"


# Scopes that serve members of one role alone.
_SCOPES_OF = {
    Role.LENDER: frozenset((ApiScope.CHECK, ApiScope.REPORT, ApiScope.RECORDS)),
    Role.REPRESENTATIVE: frozenset((ApiScope.PERSONS,)),
}


def scopes_of(roles: Collection[Role]) -> frozenset[ApiScope]:
    """Return the scopes that serve a member of these roles: its own, and those that serve every member."""
    return frozenset(ApiScope).difference(*(scopes for role, scopes in _SCOPES_OF.items() if role not in roles))


def roles_for(scopes: Collection[ApiScope]) -> list[Role]:
    """Return the roles of which one serves these scopes; none where they serve every member."""
    return [role for role, served in _SCOPES_OF.items() if served.intersection(scopes)]
