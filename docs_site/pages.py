"""Which file of the tree is which page, and links between them.

Texts lie where a reader of the tree looks for them, and link to each other by their places in the tree. Pages of the
site have the same paths, but ``docs/`` is the root and ``README.md`` the front page. A link to a file that is no page,
such as a module, becomes its text: the site stands by itself.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ROOT", "TEXTS", "page_of", "pictures", "with_site_links"]

ROOT = Path(__file__).parents[1]
FRONT = "index.md"
# Texts outside of docs/ that are pages.
TEXTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "THREATS.md",
    "proto/README.md",
    "tests/README.md",
)
_LINK = re.compile(r"(!?)\[((?:[^\]\\]|\\.)*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```.*?^```)$", re.MULTILINE | re.DOTALL)
# The name of a file behind the language of a block: here it is the title of the block.
_NAMED = re.compile(r"^```(\w+) ([^\s{][^\n\"]*)$", re.MULTILINE)
_PICTURES = (".svg", ".png")


def page_of(place: str) -> str:
    """Return the path of the page of a text, which is given by its place in the tree."""
    return FRONT if place == "README.md" else place.removeprefix("docs/")


def with_site_links(text: str, place: str, pages: Mapping[str, str]) -> str:
    """Return a text whose links lead to pages, and whose blocks of code have their names as titles.

    Args:
        text: Markdown.
        place: of the text in the tree.
        pages: places in the tree of all pages and pictures, with their paths in the site.
    """
    here = posixpath.dirname(page_of(place))

    def link(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        if re.match(r"[a-z]+:|#", target):
            return found[0]
        path, sharp, anchor = target.partition("#")
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(place), path))
        page = pages.get(wanted)
        if page is None:
            return str(words)
        return f"{picture}[{words}]({posixpath.relpath(page, here or '.')}{sharp}{anchor})"

    parts = _FENCE.split(text)
    return "".join(
        _NAMED.sub(r'```\1 title="\2"', part) if part.startswith("```") else _LINK.sub(link, part) for part in parts
    )


def pictures() -> list[str]:
    """Return the places of the pictures of docs/."""
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*") if path.suffix in _PICTURES)
