"""Reviews of lenders in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.acts import ReviewState
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.acts import ReviewStanding

__all__ = ["REVIEW_DUE", "review_words"]

# In these states another review is needed.
REVIEW_DUE = (ReviewState.MISSING, ReviewState.OVER)


def review_words(standing: ReviewStanding) -> str:
    """Return how a review stands, in words; empty where there is none and none is asked for."""
    review = standing.review
    if review is None:
        return "MISSING" if standing.state is ReviewState.MISSING else ""
    text = say("of {reviewed_on}, {reference}", reviewed_on=review.reviewed_on, reference=review.reference)
    if standing.until is None:
        return text
    return text + (
        say(", OVER since {until}", until=standing.until)
        if standing.state is ReviewState.OVER
        else say(", counts until {until}", until=standing.until)
    )
