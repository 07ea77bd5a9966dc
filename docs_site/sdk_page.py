"""Reference of the SDK: the public modules, whose docstrings mkdocstrings reads."""

from __future__ import annotations

from tests.contract.public_api import MODULES

__all__ = ["sdk_page"]


def sdk_page() -> str:
    """Return the page."""
    listed = "\n".join(f"- [`{module}`][{module}]" for module in MODULES)
    modules = "\n\n".join(f"::: {module}\n" for module in MODULES)
    return (
        "# Python SDK\n\n"
        "What is listed here is public; modules with an underscore and `client_sdk.kernel` are not for others.\n\n"
        f"{listed}\n\n{modules}\n"
    )
