"""Base of the errors that end a command of either server and say what to do next."""

from __future__ import annotations

__all__ = ["HintedError"]


class HintedError(Exception):
    """What an operator gave is missing or not in order.

    Args:
        text: the option or file, what was found there and what is wanted; never a secret.
        hint: what to do next, a whole sentence; empty where the text says it already.
    """

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text, hint)
        self.text = text
        self.hint = hint

    def __str__(self) -> str:
        return self.text
