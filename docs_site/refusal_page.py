"""Reference of the refusals of the registry, from its catalogue."""

from __future__ import annotations

from registry_server.errors import CATALOGUE

__all__ = ["refusal_page"]

_BEGIN = """# Refusals

What the registry does not accept it refuses with a reason, which is stable; the field and the rule that was broken (see
[Rules](../rules.md)), what was found and what is wanted stand beside it. In the SDK each is a `RefusedError`, in the
command's `--json` the field `reason`. What may be sent again is `retryable`: the SDK does so by itself within its
deadline.

| reason | gRPC status | retryable | says |
|---|---|---|---|
"""


def refusal_page() -> str:
    """Return the page."""
    rows = [
        f"| `{reason}` | {entry.status} | {'yes' if entry.retryable else 'no'} | {entry.text} |"
        for reason, entry in sorted(CATALOGUE.items())
    ]
    return _BEGIN + "\n".join(rows) + "\n"
