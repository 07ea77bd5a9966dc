"""Languages of texts, and which of them the user of this machine reads."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["LANGUAGE_VARIABLE", "Language", "language_named", "language_of_user"]

LANGUAGE_VARIABLE = "CREDIT_REGISTRY_LANG"
# The first that is set decides, as POSIX has it for messages.
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
# The low ten bits of a language identifier of Windows are the language alone, without its region.
_WINDOWS_LANGUAGE_BITS = 0x3FF
_WINDOWS_CHINESE = 0x04


class Language(StrEnum):
    """Language of texts."""

    CHINESE = "zh"
    ENGLISH = "en"

    def listing(self, items: Iterable[str]) -> str:
        """Return items as a list of this language: "a, b" or "甲、乙"."""
        return ("、" if self is Language.CHINESE else ", ").join(items)


def language_named(name: str) -> Language | None:
    """Return the language that a tag or a locale names, such as ``zh-CN``, ``zh_CN.UTF-8`` or ``en``; None for others.

    The locales ``C`` and ``POSIX`` are English.
    """
    first = name.strip().lower().replace("-", "_").partition(".")[0].partition("_")[0]
    if first in {"c", "posix"}:
        return Language.ENGLISH
    return Language(first) if first in tuple(Language) else None


def language_of_user(environ: Mapping[str, str]) -> Language:
    """Return the language of the user: by the environment, on Windows else by the language of its surface.

    ``CREDIT_REGISTRY_LANG`` goes before the locale. A locale of another language means English. On macOS the terminal
    sets ``LANG`` to the user's region; where nothing is set, it is English there and on Linux.
    """
    for variable in (LANGUAGE_VARIABLE, *_LOCALE_VARIABLES):
        named = environ.get(variable, "")
        if named:
            return language_named(named) or Language.ENGLISH
    return _language_of_windows() if sys.platform == "win32" else Language.ENGLISH


def language_of_identifier(identifier: int) -> Language:
    """Return the language that an identifier of Windows names, such as 0x0804."""
    chinese = identifier & _WINDOWS_LANGUAGE_BITS == _WINDOWS_CHINESE
    return Language.CHINESE if chinese else Language.ENGLISH


def _language_of_windows() -> Language:
    if sys.platform != "win32":
        return Language.ENGLISH
    import ctypes  # noqa: PLC0415 - only here is it needed

    return language_of_identifier(ctypes.windll.kernel32.GetUserDefaultUILanguage())
