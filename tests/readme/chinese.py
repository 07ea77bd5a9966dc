"""README.zh.md beside README.md: their sections, and the digest of the English that a Chinese section was made from.

``python -m tests.readme.chinese`` writes the digests anew, once the Chinese text of a changed section was brought up to
date.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from tests.readme.readme import ROOT, TEXT

__all__ = ["CHINESE", "ChineseSection", "chinese_sections", "digest_of", "english_sections"]

CHINESE = ROOT / "README.zh.md"
_HEADING = re.compile(r"^(?=#{1,6} )", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_DIGEST = re.compile(r"^<!-- README\.md ([0-9a-f]{16}) -->$", re.MULTILINE)


class ChineseSection(NamedTuple):
    """One section of README.zh.md.

    Attributes:
        text: with its heading.
        digest: of the English section that it was made from; empty for none.
    """

    text: str
    digest: str


def _sections(text: str) -> list[str]:
    """Split a text before each heading; a line of a code block is none."""
    blocks = iter(_FENCED.findall(text))
    parts = _HEADING.split(_FENCED.sub("\0", text))
    return [re.sub("\0", lambda _: next(blocks), part) for part in parts if part.strip()]


def english_sections() -> list[str]:
    """The sections of README.md."""
    return _sections(TEXT)


def chinese_sections() -> list[ChineseSection]:
    """The sections of README.zh.md."""
    found = []
    for text in _sections(CHINESE.read_text(encoding="utf-8")):
        digest = _DIGEST.search(text)
        found.append(ChineseSection(text, digest[1] if digest else ""))
    return found


def digest_of(section: str) -> str:
    """Return how a section of README.md is named beside the Chinese one."""
    return sha256(section.strip().encode()).hexdigest()[:16]


def main() -> None:
    """Write the digests of today's README.md into README.zh.md."""
    digests = iter(map(digest_of, english_sections()))
    text = CHINESE.read_text(encoding="utf-8")
    CHINESE.write_text(_DIGEST.sub(lambda _: f"<!-- README.md {next(digests)} -->", text), encoding="utf-8")


if __name__ == "__main__":
    main()
