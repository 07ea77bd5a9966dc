"""Exceptions of the rules; their reasons are those of the error catalogue."""

from __future__ import annotations

from enum import StrEnum

from client_sdk.kernel.formats.complaint import Complaining, Complaint
from client_sdk.kernel.formats.errors import CreditRegistryError

__all__ = ["RuleError", "RuleReason"]


class RuleReason(StrEnum):
    """Reasons of the error catalogue that rules on facts give; stable, never renamed."""

    APPROVER_MISSING = "APPROVER_MISSING"
    BASIS_INVALID = "BASIS_INVALID"
    BASIS_MISSING = "BASIS_MISSING"
    CASE_NUMBER_INVALID = "CASE_NUMBER_INVALID"
    CONSENT_MISSING = "CONSENT_MISSING"
    CURRENCY_INVALID = "CURRENCY_INVALID"
    DATE_INVALID = "DATE_INVALID"
    DEBT_CHANGED = "DEBT_CHANGED"
    FACTS_INVALID = "FACTS_INVALID"
    IDENTIFIER_INVALID = "IDENTIFIER_INVALID"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    MINOR_SUBJECT = "MINOR_SUBJECT"
    NOTICE_LATE = "NOTICE_LATE"
    NOTICE_MISSING = "NOTICE_MISSING"
    REAGED = "REAGED"
    RETENTION_INVALID = "RETENTION_INVALID"
    ROLE_NOT_LIABLE = "ROLE_NOT_LIABLE"
    STAGE_BACKWARDS = "STAGE_BACKWARDS"


class RuleError(Complaining, CreditRegistryError):
    """Facts, a standing or a date that a rule refuses.

    Args:
        reason: of the error catalogue, e.g. ``NOTICE_LATE``; a ``RuleReason``, or one of the ledger's own.
        field: path of the field inside what was submitted, e.g. ``facts.notice.sent_at``.
        rule: short stable id of the broken rule, e.g. ``C06`` or ``money.parts``.
        got: what was found: a date that the rule weighs, the name of an enum value, a count. Never an identity
            number, a name, an amount or any other fact.
        want: what the rule asks for.
    """

    def __init__(self, reason: str, field: str, rule: str, *, got: str = "", want: str = "") -> None:
        # The rest travels in __dict__, so that the error survives pickling.
        super().__init__(reason, field, rule)
        self.complaint = Complaint(reason, field, rule, got, want)
