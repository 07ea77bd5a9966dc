"""A person's own report as one HTML page without script or outside reference."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from jinja2 import Template

    from client_sdk.subject_report.content import Document

__all__ = ["as_page"]

_DAY = re.compile(
    r"((?<![0-9-])[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2}:[0-9]{2} UTC(?:[+-][0-9]+)?)?(?![0-9-]))"
)


def as_page(document: Document) -> bytes:
    """Return the page, UTF-8; it needs nothing else, and every text in it is escaped."""
    return _template().render(document=document).encode()


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("client_sdk.subject_report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["pieces"] = _pieces
    return environment.get_template("page.html.j2")


def _pieces(text: str) -> list[tuple[str, bool]]:
    """Return a text in pieces, each with whether it is a day or time, which no end of a line may break."""
    return [(piece, place % 2 == 1) for place, piece in enumerate(_DAY.split(text)) if piece]
