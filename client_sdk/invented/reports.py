"""Reports for an integrator's tests: lawful by every rule, about whom the test says."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError
from client_sdk.invented.histories import Loan, overdue
from client_sdk.invented.parties import CHINA, LENDERS
from client_sdk.models import CollectionStage, Product

if TYPE_CHECKING:
    from client_sdk.models import DefaultReport, Identity

__all__ = ["overdue_report"]

_SIGNED_DAYS_BEFORE = 365
_DAYS = range(2, 3_651)


def overdue_report(
    identity: Identity, *, days_past_due: int = 60, principal: int = 1_000_000, reference: str = ""
) -> DefaultReport:
    """Return the report of a consumer loan that is overdue today, which any lender may send: a DEFAULT, OPEN.

    Args:
        identity: who owes.
        days_past_due: 2 to 3650.
        principal: what is owed besides interest and penalty interest, in fen.
        reference: the lender's own name of the loan; a new one unless given.

    Raises:
        ConfigError: days_past_due is out of range.
    """
    if days_past_due not in _DAYS:
        raise ConfigError(f"days_past_due: want {_DAYS.start} to {_DAYS.stop - 1}, got {days_past_due}")
    today = datetime.now(CHINA).date()
    since = today - timedelta(days_past_due)
    loan = Loan(
        lender=LENDERS[0],
        identity=identity,
        contract=reference or f"test-{secrets.token_hex(4)}",
        product=Product.CONSUMER_LOAN,
        principal=principal,
        signed_on=since - timedelta(_SIGNED_DAYS_BEFORE),
        since=since,
    )
    return overdue(loan, today, CollectionStage.COLLECTING)
