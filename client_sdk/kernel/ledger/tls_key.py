"""Verification of claims about TLS keys: signed by a running signing key of the same institution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.tls_key import TlsKeyClaim
from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from client_sdk.kernel.formats.state import InstitutionKey, InstitutionState
    from client_sdk.kernel.formats.tls_key import SignedClaim
    from client_sdk.kernel.formats.words import TlsKeyAction
    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["CLOCK_TOLERANCE_MS", "check_claim", "check_not_ended"]

# How far the signer's clock may be ahead.
CLOCK_TOLERANCE_MS = 5 * 60 * 1000


def check_claim(
    directory: Directory, signed: SignedClaim, *, action: TlsKeyAction, institution: str, now: int
) -> TlsKeyClaim:
    """Return a claim of an institution about a TLS key of its own, if it counts by this directory.

    Args:
        directory: of the newest HEAD.
        signed: the claim.
        action: what it must say.
        institution: whose key it must be about.
        now: ms since 1970 UTC.

    Raises:
        FormatError: it is no claim, or the signature does not verify.
        RuleError: REGISTRY_OTHER, TLS_CLAIM_MISMATCH, INSTITUTION_UNKNOWN, INSTITUTION_TERMINATED, KEY_UNKNOWN,
            KEY_OF_ANOTHER, KEY_RANGE or TIME_INVALID.
    """
    claim = TlsKeyClaim.parse(signed.payload)
    if claim.registry != directory.state.registry:
        raise RuleError("REGISTRY_OTHER", "claim.registry", "tls-key.registry", want=directory.state.registry)
    if claim.institution != institution:
        raise RuleError(
            "TLS_CLAIM_MISMATCH", "claim.institution", "tls-key.institution", got=claim.institution, want=institution
        )
    if claim.action is not action:
        raise RuleError("TLS_CLAIM_MISMATCH", "claim.action", "tls-key.action", got=claim.action.name, want=action.name)
    state = directory.institution(institution)
    if state.status is InstitutionStatus.TERMINATED:
        raise RuleError("INSTITUTION_TERMINATED", "institution", "tls-key.member", want="a member")
    key = _running_key(directory, signed.key_id, institution)
    dsse.verify(dsse.TLS_KEY, signed.payload, key.public_key, signed.signature)
    if claim.issued_at > now + CLOCK_TOLERANCE_MS:
        got = f"{(claim.issued_at - now) // 1000} s ahead"
        want = f"at most {CLOCK_TOLERANCE_MS // 1000} s ahead"
        raise RuleError("TIME_INVALID", "claim.issued_at", "tls-key.time", got=got, want=want)
    return claim


def check_not_ended(state: InstitutionState, spki_hash: bytes) -> None:
    """Check that no act has ended a TLS key of an institution.

    Raises:
        RuleError: TLS_KEY_REVOKED.
    """
    ended = state.ended_tls_key(spki_hash)
    if ended is not None:
        raise RuleError(
            "TLS_KEY_REVOKED", "certificate", "tls-key.ended", got=f"ended by the act at leaf {ended.index}"
        )


def _running_key(directory: Directory, key_id: bytes, institution: str) -> InstitutionKey:
    owner = directory.owners.get(key_id)
    if owner is None:
        raise RuleError("KEY_UNKNOWN", "claim.key_id", "tls-key.signer", want="a key that an act gave")
    if owner != institution:
        raise RuleError("KEY_OF_ANOTHER", "claim.key_id", "tls-key.signer", got=owner, want=institution)
    key = directory.institution(owner).key(key_id)
    if key is None or not key.running:
        got = "none" if key is None else f"ended at leaf {key.end}"
        raise RuleError("KEY_RANGE", "claim.key_id", "tls-key.signer", got=got, want="a running key")
    return key
