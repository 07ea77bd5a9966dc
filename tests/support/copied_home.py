"""A copy of a member's home, for what would stop the others that share it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.config import ClientConfig
    from client_sdk.testing import TestRegistry

__all__ = ["copied_home"]


def copied_home(registry: TestRegistry, member: str, folder: Path) -> ClientConfig:
    """Settings of a copy of a member's home, with what it has seen of the log so far."""
    home = folder / member
    shutil.copytree(registry.home(member), home, ignore=shutil.ignore_patterns("*.lock", "outbox.sqlite*"))
    return replace(registry.config(member), home=home)
