"""Which keys of a rulebook's auditors count under a directory: those of members that are auditors, and active."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.replay_quorum import replay_name, replaying_institution
from client_sdk.kernel.formats.words import InstitutionStatus, Role

if TYPE_CHECKING:
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["idle_auditors"]


def idle_auditors(directory: Directory) -> frozenset[VerifierKey]:
    """Return the keys that the rulebook names and that do not count: of no active auditor of this registry.

    A member that is suspended or terminated says nothing of the log any more, though the rulebook still names its key.

    Args:
        directory: under which it is judged, such as that of an answer.
    """
    quorum = directory.rulebook.replaying
    keys = () if quorum is None else tuple(witness.key for witness in quorum.witnesses)
    return frozenset(key for key in keys if not _is_active(key, directory))


def _is_active(key: VerifierKey, directory: Directory) -> bool:
    institution = replaying_institution(key.name)
    state = directory.institutions.get(institution)
    return (
        state is not None
        and key.name == replay_name(directory.state.registry, institution)
        and state.status is InstitutionStatus.ACTIVE
        and Role.AUDITOR in state.roles
    )
