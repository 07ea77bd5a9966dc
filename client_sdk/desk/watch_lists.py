"""Watch lists of a home: of each, what the last look found, sealed, so that the next look tells what has changed.

A list is a name and a purpose. Its file, ``desk-watch/PURPOSE.NAME.watch``, is what ``credit-registry watch --state``
keeps (``client_sdk.lending.screen_file``): it holds no identity number, so that the file with the customers is dropped
anew for each look.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.errors import ConfigError
from client_sdk.forms import MOST_NAME_DIGITS, digits_in
from client_sdk.models import Purpose

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MOST_LISTS", "WatchList", "WatchLists", "is_list_name"]

FOLDER = "desk-watch"
MOST_LISTS = 100
_ENDING = ".watch"
# As of people at the desk: too few digits for an identity number.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)


class WatchList(NamedTuple):
    """A watch list.

    Attributes:
        name: of it.
        purpose: of each look.
        looked_at: when the last look was kept, UTC.
    """

    name: str
    purpose: Purpose
    looked_at: datetime


def is_list_name(text: str) -> bool:
    """Whether a text can name a watch list: letters, digits, ``_`` and ``-``, too few digits for an identity number."""
    return _NAME.fullmatch(text) is not None and digits_in(text) <= MOST_NAME_DIGITS


class WatchLists:
    """The watch lists of a home.

    Args:
        home: of the member.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER

    def all(self) -> list[WatchList]:
        """Return all lists by name.

        Raises:
            ConfigError: the folder cannot be read.
        """
        try:
            files = sorted(self._folder.glob(f"*{_ENDING}")) if self._folder.exists() else []
            found = [_list_of(file) for file in files]
        except OSError as error:
            raise ConfigError(f"{self._folder} cannot be read: {error.strerror}") from error
        return sorted((one for one in found if one is not None), key=lambda one: (one.name, one.purpose))

    def file(self, name: str, purpose: Purpose) -> Path:
        """Return the file of a list, in a folder that is there.

        Raises:
            ConfigError: the folder cannot be made, or there are as many lists as there may be.
        """
        file = self._folder / f"{purpose.name}.{name}{_ENDING}"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if not file.exists() and sum(1 for _ in self._folder.iterdir()) >= MOST_LISTS:
                raise ConfigError(f"{self._folder} holds {MOST_LISTS} watch lists: forget one first")
        except OSError as error:
            raise ConfigError(f"{self._folder} cannot be made: {error.strerror}") from error
        return file

    def forget(self, name: str, purpose: Purpose) -> None:
        """Forget what the last look of a list found.

        Raises:
            ConfigError: the file cannot be removed.
        """
        file = self._folder / f"{purpose.name}.{name}{_ENDING}"
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError(f"{file} cannot be removed: {error.strerror}") from error


def _list_of(file: Path) -> WatchList | None:
    """Return the list of a file; None where a file of another name lies there."""
    purpose, _, name = file.name.removesuffix(_ENDING).partition(".")
    if purpose not in Purpose.__members__ or not is_list_name(name):
        return None
    return WatchList(name, Purpose[purpose], datetime.fromtimestamp(file.stat().st_mtime, UTC))
