"""Libraries of the extra ``files``, loaded when a file needs them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["library"]


def library(name: str) -> ModuleType:
    """Return a library.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        package = name.partition(".")[0]
        raise ConfigError(f"{package} is not installed: pip install 'credit-registry[files]'") from None
