"""Assessment: what a lender's own criteria make of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.models.weighing import Criteria

if TYPE_CHECKING:
    from client_sdk.models.answer import Answer
    from client_sdk.models.assessment import Assessment

__all__ = ["Criteria", "assess"]


def assess(answer: Answer, criteria: Criteria) -> Assessment:
    """Weigh an answer by a lender's criteria; a pure function of the two, the same as ``answer.assess(criteria)``.

    Args:
        answer: about one person.
        criteria: of the lender.
    """
    return answer.assess(criteria)
