"""Assessment: what a lender's own criteria make of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.models.answer import Answer
from client_sdk.models.weighing import Criteria

if TYPE_CHECKING:
    from client_sdk.models.assessment import Assessment

__all__ = ["Criteria", "assess"]


def assess(answer: Answer, criteria: Criteria) -> Assessment:
    """Weigh an answer by a lender's criteria; a pure function of the two, the same as ``answer.assess(criteria)``.

    Args:
        answer: about one person.
        criteria: of the lender.

    Raises:
        FormatError: ``answer`` is no Answer.
        ConfigError: ``criteria`` are no Criteria.
    """
    given: object = answer
    if not isinstance(given, Answer):
        raise FormatError("answer", "field.type", got=type(given).__name__, want="an Answer")
    return answer.assess(criteria)
