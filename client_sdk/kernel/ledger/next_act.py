"""The act that would follow the newest one of a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["next_act"]


def next_act(directory: Directory, body: Body, now: int, after: bytes | None = None) -> Act:
    """Return the act that would follow the newest one, once what it decides was checked.

    Args:
        directory: newest.
        body: what it decides.
        now: ms since 1970 UTC.
        after: leaf hash of the act that was the newest when it was decided; None for whichever is.

    Raises:
        RuleError: what it decides breaks a rule; ACT_ORDER where another act was logged since it was decided.
    """
    state = directory.state
    if after is not None and after != state.act_hash:
        raise RuleError("ACT_ORDER", "previous", "leaf.previous", want="the hash of the act before")
    act = Act(state.registry, state.act_number + 1, state.act_hash, body)
    # The index at which it will be logged is not known yet; any later one judges alike.
    directory.decide(act, directory.newest_act + 1, now)
    return act
