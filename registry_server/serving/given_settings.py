"""Settings that an operator gave, on a command line or in a file: their addresses, and what is wrong with one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from client_sdk._address import host_port

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

__all__ = ["CORRECT_IT", "Address", "wrong_setting"]

CORRECT_IT = "correct what is named, and run the same command again."


def _check_address(address: str) -> str:
    """Return an address as it is; the error about another text does not repeat it, for it may be a secret."""
    host_port(address, free=True)
    return address


Address = Annotated[str, AfterValidator(_check_address)]


def wrong_setting(item: ErrorDetails, known: Iterable[str]) -> str:
    """Return what is wrong with a setting, without its value.

    Args:
        item: what the validation found.
        known: names of all settings.
    """
    if item["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(str(item["loc"][0]), list(known), n=1)
        return f"unknown setting{f', the nearest one is {nearest[0]}' if nearest else ''}"
    if item["type"] == "missing":
        return "this setting is needed"
    return item["msg"].removeprefix("Value error, ")
