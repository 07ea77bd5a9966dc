"""Driving what proves checkpoints, for blocking calls and for asyncio alike: one step is one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from creditregistry.v1 import transparency_pb2

    from client_sdk.errors import CreditRegistryError
    from client_sdk.following import Proving

__all__ = ["step"]


def step(
    steps: Proving, answer: transparency_pb2.GetCheckpointResponse | CreditRegistryError | None
) -> transparency_pb2.GetCheckpointRequest | None:
    """Hand over what became of the last request, and return the next one; None when all is proved.

    Args:
        steps: what proves.
        answer: the response, or why there is none; None before the first request.

    Raises:
        CreditRegistryError: as the proving does; the call's own error, where it has no answer to that.
    """
    try:
        if answer is None:
            return next(steps)
        return steps.throw(answer) if isinstance(answer, Exception) else steps.send(answer)
    except StopIteration:
        return None
