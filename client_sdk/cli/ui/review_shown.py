"""Reviews of lenders in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.acts import ReviewState

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
    text = f"of {review.reviewed_on}, {review.reference}"
    if standing.until is None:
        return text
    return f"{text}, {'OVER since' if standing.state is ReviewState.OVER else 'counts until'} {standing.until}"
