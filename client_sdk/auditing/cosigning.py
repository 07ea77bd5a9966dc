"""Cosigning what an auditor has rebuilt: the log's checkpoint of the leaves that the last whole audit verified.

The time is when that audit began, or that of the HEAD which it rebuilt where that is earlier: a registry that goes on
showing its auditors the log of a past day has no answer of today labelled as replayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.auditing.silencing import is_ahead, silences
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats import note as notes
from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.cosignature import cosign
from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from client_sdk.auditing.home import AuditHome
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.ledger.trust_root import TrustRoot

__all__ = ["CosignedAudit", "cosign_audit"]


class CosignedAudit(NamedTuple):
    """What an auditor has rebuilt and cosigned.

    Attributes:
        size: leaves.
        note: the checkpoint with the log's line and the auditor's.
    """

    size: int
    note: bytes


def cosign_audit(home: AuditHome, trust_root: TrustRoot, name: str, signer: Signer) -> CosignedAudit | None:
    """Cosign the log up to where the last whole audit of a folder went, if no finding tells against it.

    It follows from what that audit left there in one step with its findings: the same audit makes the same bytes, after
    whatever crash.

    Args:
        home: the auditor's folder.
        trust_root: of the registry.
        name: of the auditor's key.
        signer: its Ed25519 key, which signs nothing else.

    Returns:
        None where there was no audit yet, a finding silences the auditor (``silencing``), or the HEAD lies in the
        future of its clock.

    Raises:
        ConfigError: the folder is damaged, or of another registry.
    """
    position, found = home.load()
    if position.fingerprint not in {"", trust_root.fingerprint}:
        raise ConfigError("the audit's folder belongs to another registry")
    if not position.size or position.beyond or is_ahead(position) or any(silences(item, position) for item in found):
        return None
    data = position.checkpoint.encode()
    try:
        checkpoint = parse_checkpoint(data, trust_root.log_key).checkpoint
        if (checkpoint.size, checkpoint.root.hex()) != (position.size, position.root):
            raise ConfigError("the audit's folder is damaged: its checkpoint is not that of its leaves")
        signed = notes.parse(data)
        line = cosign(signed.text, name, signer, min(position.audited_at, position.logged_at) // 1_000)
    except FormatError as error:
        raise ConfigError(f"the audit's folder holds no checkpoint that can be cosigned: {error}") from error
    return CosignedAudit(position.size, notes.Note(signed.text, (*signed.signatures, line)).encode())
