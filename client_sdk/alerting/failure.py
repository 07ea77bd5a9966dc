"""Failure of one attempt to deliver a message."""

from __future__ import annotations

__all__ = ["DeliveryError"]


class DeliveryError(Exception):
    """One attempt to deliver a message failed.

    Attributes:
        rule: stable id of the rule that was broken, such as ``webhook.redirect``.
        found: what was found instead; names no person and no address.
        final: whether no further attempt is made.
    """

    def __init__(self, rule: str, found: str = "", *, final: bool = False) -> None:
        super().__init__(f"{rule}: {found}" if found else rule)
        self.rule = rule
        self.found = found
        self.final = final
