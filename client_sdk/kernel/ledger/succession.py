"""The records of a lender that is gone: a successor answers for them, or an act ends them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.member_parts import Succession
from client_sdk.kernel.formats.words import InstitutionStatus, Role
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from client_sdk.kernel.formats.member_parts import EndedRecords
    from client_sdk.kernel.formats.state import InstitutionState

__all__ = ["succeeded", "with_records_ended"]


def succeeded(state: InstitutionState, heir: InstitutionState, index: int, act_hash: bytes) -> InstitutionState:
    """Return a lender with its successor; there is no circle, as a successor is ACTIVE and who has one TERMINATED.

    Args:
        state: of the lender.
        heir: of the successor.
        index: of the act.
        act_hash: of the act's leaf.

    Raises:
        RuleError: STATE_INVALID.
    """
    _check_records(state)
    if heir.status is not InstitutionStatus.ACTIVE or Role.LENDER not in heir.roles or heir.id == state.id:
        got, want = f"{heir.id}, {heir.status.name}", "another active LENDER"
        raise RuleError("STATE_INVALID", "successor", "successor.active-lender", got=got, want=want)
    if heir.id == state.successor:
        want = "another than the successor that it has"
        raise RuleError("STATE_INVALID", "successor", "successor.once", got=heir.id, want=want)
    successions = (*state.successions, Succession(heir.id, index, act_hash))
    return replace(state, status=InstitutionStatus.TERMINATED, successions=successions)


def with_records_ended(state: InstitutionState, ending: EndedRecords) -> InstitutionState:
    """Return a lender whose records have ended.

    Raises:
        RuleError: STATE_INVALID.
    """
    _check_records(state)
    if state.status is not InstitutionStatus.TERMINATED:
        want = "a lender that is TERMINATED before"
        raise RuleError("STATE_INVALID", "institution", "ending.terminated", got=state.status.name, want=want)
    return replace(state, ending=ending)


def _check_records(state: InstitutionState) -> None:
    """Check that an institution is a lender whose records were not ended by an act."""
    if Role.LENDER not in state.roles:
        want = "a LENDER: nobody else has records"
        raise RuleError("STATE_INVALID", "institution", "succession.lender", got=state.id, want=want)
    if state.ending is not None:
        got = f"ended by the act at leaf {state.ending.index}"
        want = "a lender whose records are not ended"
        raise RuleError("STATE_INVALID", "institution", "ending.final", got=got, want=want)
