"""The commands ``registry-server`` and ``subject-key-service``; they say what to install where it is missing."""

from __future__ import annotations

import sys
from importlib import import_module

__all__ = ["registry_server", "subject_key_service"]

_OURS = frozenset(("client_sdk", "creditregistry", "registry_server"))


def registry_server() -> None:
    """Run the command of a registry's operator."""
    _run("registry-server", "registry_server.cli")


def subject_key_service() -> None:
    """Run the command of a key service."""
    _run("subject-key-service", "registry_server.subject_key_service.cli")


def _run(program: str, module: str) -> None:
    try:
        main = import_module(module).main
        main()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _OURS:
            raise
        missing = f"{program}: {error.name} is not installed"
        sys.exit(f'{missing}. What to do: pip install "credit-registry[server]"')
