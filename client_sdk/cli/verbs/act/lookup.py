"""Lookup of an act: a file, or a proposal at the registry by the beginning of its id."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk.acts import ActFile
from client_sdk.cli.ui.failures import UsageError
from client_sdk.texts import say
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from client_sdk.client import Client
    from client_sdk.models.proposal import ProposalView

__all__ = ["act_file_at", "find_proposal"]

_SHORTEST = 8
_ID = re.compile(r"[0-9a-f]{8,64}")


def act_file_at(what: str) -> ActFile | None:
    """Return the act file of that name; None where it names a proposal.

    Raises:
        UsageError: it is neither a file nor the beginning of an id.
        FormatError: the file is no act file.
    """
    path = Path(what)
    if path.is_file():
        return ActFile.parse(read_whole(path))
    if not _ID.fullmatch(what.lower()):
        hint = say("`act show` lists proposals; {shortest} digits of an id are enough.", shortest=_SHORTEST)
        raise UsageError(say("there is no file of that name, and it is no id of a proposal"), hint)
    return None


def find_proposal(client: Client, what: str) -> ProposalView:
    """Return the proposal whose id begins so.

    Raises:
        UsageError: there is none, or more than one.
    """
    found = [proposal for proposal in client.proposals() if proposal.proposal_id.hex().startswith(what.lower())]
    if len(found) != 1:
        message = say("no proposal waits under this id") if not found else say("several proposals begin so")
        raise UsageError(
            message,
            say("`act show` lists those that wait; they lapse after 7 days, and when another act is logged first."),
        )
    return found[0]
