"""A person's own report as one HTML page without script or outside reference."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from jinja2 import Template

    from client_sdk.subject_report.content import Document

__all__ = ["as_page"]


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
    return environment.get_template("page.html.j2")
