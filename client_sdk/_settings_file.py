"""Settings files in TOML, read strictly: of a bounded size, without unknown settings, every text seen whole."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.readable import flaw_of
from client_sdk.whole_file import open_regular

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

__all__ = ["MAX_SETTINGS_BYTES", "check_known", "parse_settings", "read_settings", "shown_text", "text_setting"]

MAX_SETTINGS_BYTES = 65_536


def read_settings(file: Path, known: Collection[str], *, optional: bool = False) -> dict[str, object]:
    """Return the settings of a file.

    Args:
        file: to read.
        known: names of all settings of its top level.
        optional: a missing file has no settings, and is no error.

    Raises:
        ConfigError: it is missing, cannot be read, is too long or no TOML, or holds an unknown setting.
    """
    try:
        with open_regular(file) as opened:
            raw = opened.read(MAX_SETTINGS_BYTES + 1)
    except OSError as error:
        if optional and isinstance(error, FileNotFoundError):
            return {}
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    return parse_settings(raw, known, str(file))


def parse_settings(raw: bytes, known: Collection[str], place: str) -> dict[str, object]:
    """Return the settings that bytes hold.

    Args:
        raw: of a file.
        known: names of all settings of its top level.
        place: of the bytes, for the error.

    Raises:
        ConfigError: they are too many or no TOML, or hold an unknown setting.
    """
    if len(raw) > MAX_SETTINGS_BYTES:
        raise ConfigError(f"{place} is longer than any settings: want at most {MAX_SETTINGS_BYTES:,} bytes")
    try:
        content: dict[str, object] = tomllib.loads(raw.decode())
    except RecursionError:
        raise ConfigError(f"{place} is nested too deeply") from None
    except ValueError as error:
        # Beside what is no TOML and no UTF-8: numbers longer than Python reads.
        raise ConfigError(f"{place} is no TOML: {error}") from error
    check_known(content, known, place)
    return content


def check_known(content: Mapping[str, object], known: Collection[str], place: str) -> None:
    """Refuse settings that do not exist.

    Args:
        content: settings of a file or of one of its tables.
        known: names of those that exist.
        place: of the content, for the error.

    Raises:
        ConfigError: there is an unknown one.
    """
    if unknown := sorted(set(content) - set(known)):
        raise ConfigError(f"{place}: unknown settings: {', '.join(unknown)}; want {', '.join(sorted(known))}")


def text_setting(content: Mapping[str, object], name: str, place: object, default: str | None = None) -> str:
    """Return a setting that is a text.

    Args:
        content: settings of a file or of one of its tables.
        name: of the setting.
        place: of the content, for the error.
        default: where it is missing; None where it may not be.

    Raises:
        ConfigError: it is missing, or as ``shown_text``.
    """
    value = content.get(name, default)
    if value is None:
        raise ConfigError(f"{place}: {name} is missing: want a text")
    return shown_text(value, f"{place}: {name}")


def shown_text(value: object, what: str) -> str:
    """Return a setting that is a text and is read as it was written.

    Args:
        value: given.
        what: it is, for the error.

    Raises:
        ConfigError: it is no text, or one that holds what is not seen.
    """
    if not isinstance(value, str):
        raise ConfigError(f"{what} must be a text")
    if flaw := flaw_of(value):
        raise ConfigError(f"{what}: got {flaw.got}, want {flaw.want}")
    return value
