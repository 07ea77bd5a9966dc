"""Reasons of withdrawals in words."""

from __future__ import annotations

from client_sdk.desk.texts import N_
from client_sdk.models import WithdrawalReason

__all__ = ["REASONS", "REMOVED"]

REASONS = {
    WithdrawalReason.ERROR: N_("It was a mistake"),
    WithdrawalReason.FRAUD: N_("Fraud, with evidence"),
    WithdrawalReason.IDENTITY_THEFT: N_("Identity theft, with evidence"),
    WithdrawalReason.COURT_ORDER: N_("A court ordered it, with evidence"),
    WithdrawalReason.PAID_IN_TIME: N_("A judgment that was paid within the rulebook's months"),
    WithdrawalReason.COURT_REMOVED: N_("The court removed the entry of the list"),
    WithdrawalReason.REMOVED_ON_REQUEST: N_("The court removed the entry on request"),
}
# Those that name the day on which the court removed the entry.
REMOVED = (WithdrawalReason.COURT_REMOVED, WithdrawalReason.REMOVED_ON_REQUEST)
