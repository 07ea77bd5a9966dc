"""Checkpoint registers of the tests: files beside SQLite databases, and in a folder of their own for PostgreSQL's."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from registry_server.storage.register import FileRegister
from tests.support.handmade_log import REGISTRY

__all__ = ["ORIGIN", "forget_register", "register_of", "register_path"]

ORIGIN = f"{REGISTRY}/log/1"


def register_path(url: str) -> Path:
    """Where the register of a database of the tests is; the same for the same URL, in every process."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return Path(tempfile.gettempdir()) / "credit-registry-tests" / str(parsed.database) / "checkpoint"
    path = Path(str(parsed.database))
    return path.with_name(f"{path.name}.register") / "checkpoint"


def register_of(url: str) -> FileRegister:
    """The register of a database of the tests."""
    return FileRegister(register_path(url), ORIGIN)


def forget_register(url: str) -> None:
    """Delete the register of a database that is no more."""
    shutil.rmtree(register_path(url).parent, ignore_errors=True)
