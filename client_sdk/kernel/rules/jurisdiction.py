"""Rules on facts that a rulebook turns on: how old a default is, which causes it may name, part payments.

Arrears in the United Kingdom become a default after three months (K05); a fraud marker needs four parts of proof, which
a DEFAULT does not carry (K04); the register of judgments knows paid and unpaid, and nothing between (K03).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.fact_words import DefaultCause
from client_sdk.kernel.rules.facts import DefaultFacts, JudgmentFacts

if TYPE_CHECKING:
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.rules.facts import Facts

__all__ = ["check_cause", "check_part_payment", "check_ripe"]


def check_cause(facts: Facts, rulebook: Rulebook) -> None:
    """Check that the rulebook lets a DEFAULT name its cause.

    Raises:
        RuleError: FACTS_INVALID; FRAUD under a rulebook with ``no_fraud_cause``.
    """
    if rulebook.no_fraud_cause and isinstance(facts, DefaultFacts) and facts.default_cause is DefaultCause.FRAUD:
        want = "another cause, or none: what proves a fraud is not part of a DEFAULT"
        raise RuleError(RuleReason.FACTS_INVALID, "facts.default_cause", "K04", got="FRAUD", want=want)


def check_ripe(facts: Facts, rulebook: Rulebook) -> None:
    """Check that arrears are old enough to be reported first.

    Args:
        facts: of version 1.
        rulebook: with ``default_days``.

    Raises:
        RuleError: FACTS_INVALID; fewer days past due.
    """
    if isinstance(facts, DefaultFacts) and facts.days_past_due < rulebook.default_days:
        got, want = str(facts.days_past_due), f"at least {rulebook.default_days} when it is reported first"
        raise RuleError(RuleReason.FACTS_INVALID, "facts.days_past_due", "K05", got=got, want=want)


def check_part_payment(
    previous_standing: Standing, previous: Facts, standing: Standing, facts: Facts, rulebook: Rulebook
) -> None:
    """Check that a version does not record the payment of a part of a judgment.

    An appeal may award less, and then the stage is another. A mistyped sum is mended by WITHDRAWN and reporting anew.

    Raises:
        RuleError: FACTS_INVALID; less than the version before, while OPEN at the same stage.
    """
    if not rulebook.no_part_payments or (previous_standing, standing) != (Standing.OPEN, Standing.OPEN):
        return
    if not (isinstance(previous, JudgmentFacts) and isinstance(facts, JudgmentFacts)):
        return
    if facts.stage is previous.stage and facts.amounts.total < previous.amounts.total:
        want = "the sum of the version before until all is paid"
        raise RuleError(RuleReason.FACTS_INVALID, "facts.amounts", "K03", got="less", want=want)
