"""The README and the guides of members as data: their blocks, their links, their tables."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
MEMBERS = (ROOT / "docs" / "members.md").read_text()

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str, text: str = TEXT) -> list[str]:
    """The blocks of a language, in order."""
    return [body for found, body in _BLOCK.findall(text) if found == language]
