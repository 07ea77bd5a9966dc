"""Jurisdictions: the rulebooks that ship, and what a rulebook of each may not exceed (proto/README.md 5).

They are data, ``jurisdictions/NAME.toml``: a further jurisdiction is a further file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CHINA", "JURISDICTIONS", "Jurisdiction", "jurisdiction"]

_FOLDER = resources.files("client_sdk.kernel.formats") / "jurisdictions"
_SUFFIX = ".toml"

CHINA = "cn"
# Names, ascending.
JURISDICTIONS = tuple(
    sorted(file.name.removesuffix(_SUFFIX) for file in _FOLDER.iterdir() if file.name.endswith(_SUFFIX))
)


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """A jurisdiction as it ships.

    Attributes:
        name: two small letters.
        title: for people.
        rulebook: values of its rulebook that differ from the defaults of ``Rulebook``, or are named for their source.
        most: what no rulebook of it may exceed, by name of the limit.
        wording: what a person's own report says of its law, by name of the sentence and by language, ``zh`` and ``en``.
        licence_forms: forms of a member's licence number, by name, one of which it has in production.
        chinese_case_numbers: whether numbers of cases have the form of Chinese courts; else any.
    """

    name: str
    title: str
    rulebook: Mapping[str, int | str | bool | list[str]]
    most: Mapping[str, int]
    wording: Mapping[str, Mapping[str, str]]
    licence_forms: tuple[str, ...]
    chinese_case_numbers: bool


@cache
def jurisdiction(name: str) -> Jurisdiction:
    """Return a jurisdiction by its name.

    Raises:
        FormatError: this version knows none of that name.
    """
    if name not in JURISDICTIONS:
        raise FormatError("rulebook", "jurisdiction.known", got=name[:16], want=" or ".join(JURISDICTIONS))
    content = tomllib.loads((_FOLDER / f"{name}{_SUFFIX}").read_text("utf-8"))
    forms = tuple(content["licence"]["forms"])
    return Jurisdiction(
        name,
        content["title"],
        content["rulebook"],
        content["most"],
        content["wording"],
        forms,
        content["chinese_case_numbers"],
    )
