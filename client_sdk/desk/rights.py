"""Roles of the people at the desk, and what each role may do."""

from __future__ import annotations

from enum import IntEnum, StrEnum

__all__ = ["DeskRole", "Right"]


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
