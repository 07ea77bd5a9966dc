"""Libraries of the extra ``files``, loaded when a file needs them."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["check_library", "library"]


def library(name: str) -> ModuleType:
    """Return a library.

    Raises:
        ConfigError: it is not installed.
    """
    check_library(name.partition(".")[0])
    return importlib.import_module(name)


def check_library(package: str) -> None:
    """Check that a library is there, without loading it.

    Raises:
        ConfigError: it is not installed.
    """
    if importlib.util.find_spec(package) is None:
        raise ConfigError(f"{package} is not installed: pip install 'credit-registry[files]'")
