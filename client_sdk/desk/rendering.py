"""Templates of the pages: Jinja2, every value escaped, an unknown name an error."""

from __future__ import annotations

from datetime import date, datetime
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from client_sdk.subject_report.facts import visible

__all__ = ["STATIC", "clock_text", "make_templates", "static_file"]

# Files that are served as they are, with their media types.
STATIC = {
    "desk.css": "text/css; charset=utf-8",
    "hx-sse-4.0.1.min.js": "text/javascript; charset=utf-8",
    "htmx-4.0.1.min.js": "text/javascript; charset=utf-8",
}


def make_templates() -> Environment:
    """Return the templates of all pages."""
    environment = Environment(
        loader=PackageLoader("client_sdk.desk", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # What others wrote: nothing in it is hidden, and nothing around it turned.
    environment.filters["visible"] = visible
    environment.filters["clock"] = clock_text
    return environment


def clock_text(moment: datetime | date | None) -> str:
    """Return a time as the clock of this machine's zone shows it, with the difference to UTC; a day as it is."""
    if moment is None:
        return ""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    local = moment.astimezone()
    offset = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M:%S} UTC" + ("" if offset == "+0000" else f"{offset[:3]}:{offset[3:]}")


def static_file(name: str) -> bytes | None:
    """Return a file that is served as it is; None where there is none of that name."""
    if name not in STATIC:
        return None
    return resources.files("client_sdk.desk").joinpath("static", name).read_bytes()
