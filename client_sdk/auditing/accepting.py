"""Accepting findings: a person at the auditor has looked into them, and says why the auditor may go on cosigning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.auditing.home import Accepted
from client_sdk.auditing.silencing import is_acceptable
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.text import check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.auditing.home import AuditFinding, AuditHome
    from client_sdk.kernel.ledger.trust_root import TrustRoot

__all__ = ["accept_findings"]

_MOST_CHARACTERS = 500


def accept_findings(
    home: AuditHome, trust_root: TrustRoot, references: Sequence[str], reason: str, now_ms: int
) -> tuple[AuditFinding, ...]:
    """Record in an auditor's folder that findings are accepted, all of them or none.

    Args:
        home: the folder.
        trust_root: of the registry.
        references: of the findings.
        reason: in the words of the person who accepts them.
        now_ms: when, ms since 1970 UTC.

    Raises:
        ConfigError: as ``Auditor.accept``.
    """
    _check_words(references, reason)
    with home.lock():
        position, found = home.load()
        if position.fingerprint not in {"", trust_root.fingerprint}:
            raise ConfigError("the audit's folder belongs to another registry")
        known = {item.reference: item for item in found}
        for reference in references:
            if reference not in known:
                raise ConfigError(f"finding {reference!r}: the audit's folder has none of this reference")
            finding = known[reference].finding
            if not is_acceptable(finding):
                raise ConfigError(f"finding {reference}: {finding.id} is never accepted: {finding.meaning}")
        accepted = Accepted(reason, moment(now_ms))
        chosen = frozenset(references)
        after = tuple(item._replace(accepted=accepted) if item.reference in chosen else item for item in found)
        home.save(position, after)
    return tuple(item for item in after if item.reference in chosen)


def _check_words(references: object, reason: object) -> None:
    named = isinstance(references, list | tuple) and all(isinstance(each, str) for each in references)
    if not named or not references:
        raise ConfigError("references: want the references of one finding or more, as a report shows them")
    if not isinstance(reason, str):
        raise ConfigError(f"reason: want text, got {type(reason).__name__}")
    try:
        check_text(reason, "reason", _MOST_CHARACTERS, required=True)
    except RuleError as error:
        raise ConfigError(str(error)) from None
