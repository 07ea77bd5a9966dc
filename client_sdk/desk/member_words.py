"""Words for what members are: roles, states, uses of their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.act_titles import STATES
from client_sdk.desk.texts import N_

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.desk.texts import Say

__all__ = ["roles_text", "status_text", "usage_text"]

# By the names of the enums, which the log holds.
_ROLES = {
    "LENDER": N_("lender"),
    "AUDITOR": N_("auditor"),
    "ADMINISTRATOR": N_("administrator of the registry"),
    "REPRESENTATIVE": N_("representative of persons"),
}
_USAGES = {
    "REPORT": N_("signs reports"),
    "INQUIRE": N_("signs inquiries"),
    "ADMINISTER": N_("signs acts"),
    "AUDIT": N_("is an auditor's"),
}


def roles_text(roles: Iterable[str], say: Say) -> str:
    """Return roles, by their names, as people say them."""
    return say.list(say(_ROLES[role]) for role in roles)


def status_text(status: str, say: Say) -> str:
    """Return a state of a member, by its name, as people say it."""
    return say(STATES[status])


def usage_text(usage: str, say: Say) -> str:
    """Return what a key is for, by its name, as people say it."""
    return say(_USAGES[usage])
