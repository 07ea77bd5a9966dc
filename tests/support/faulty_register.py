"""Registers whose process dies at a move: between commit and register, and between register and signature."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from registry_server.storage.register import FileRegister
from tests.support.registers import ORIGIN, register_path

if TYPE_CHECKING:
    from client_sdk.kernel.formats.checkpoint import Checkpoint

__all__ = ["DyingRegister"]


class DyingRegister(FileRegister):
    """A register whose process is killed at one of its moves.

    Args:
        url: of the database that it belongs to.
        at: at which move, counted from 1.
        after: whether the move is made first.
    """

    def __init__(self, url: str, at: int, *, after: bool) -> None:
        super().__init__(register_path(url), ORIGIN)
        self._at = at
        self._after = after
        self._moves = 0

    def move(self, before: Checkpoint, after: Checkpoint) -> Checkpoint | None:
        """Move, or die."""
        self._moves += 1
        if self._moves == self._at and not self._after:
            os.kill(os.getpid(), signal.SIGKILL)
        moved = super().move(before, after)
        if self._moves == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        return moved
