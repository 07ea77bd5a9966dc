"""Extras of the installation: whether what a part needs besides the SDK is there."""

from __future__ import annotations

import importlib.util

from client_sdk.errors import ConfigError

__all__ = ["check_desk", "check_extras"]

# Modules of each extra without which nothing of it starts.
_MODULES = {
    "server": ("registry_server", "sqlalchemy", "pydantic_settings", "structlog"),
    "desk": ("argon2", "authlib", "babel", "fastapi", "httpx2", "itsdangerous", "python_multipart", "uvicorn"),
}


def check_desk() -> None:
    """Check that what a desk needs is installed; errors as of ``check_extras``."""
    check_extras("the desk", "desk")


def check_extras(what: str, *extras: str) -> None:
    """Check that extras are installed.

    Args:
        what: needs them; for people.
        extras: their names.

    Raises:
        ConfigError: one is not; the text says what is missing, and how to install all of them.
    """
    wanted = [module for extra in extras for module in _MODULES[extra]]
    missing = [module for module in wanted if importlib.util.find_spec(module) is None]
    if missing:
        named, install = ", ".join(missing), f'pip install "credit-registry[{",".join(extras)}]"'
        raise ConfigError(f"{what} needs {named}, not installed here: {install}")
