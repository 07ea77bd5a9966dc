"""Errors that end a command of the operator, each printed in one line."""

from __future__ import annotations

from client_sdk.errors import ConfigError, ExecutorError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import RegistryError, entry_of
from registry_server.sequencing.errors import ClockError, InconsistentError, NoGenesisError, RegisterMismatchError
from registry_server.settings import SettingsError
from registry_server.storage.errors import StorageError
from registry_server.usecases.failures import complaint_of

__all__ = ["is_register_mismatch", "text_of"]

# Settings and files handed over, the database, the clock, files, what is stored.
_FORESEEN = (
    SettingsError,
    FormatError,
    RuleError,
    RegistryError,
    StorageError,
    InconsistentError,
    NoGenesisError,
    ClockError,
    OSError,
    RuntimeError,
    # Of a key with a passphrase.
    ConfigError,
    ExecutorError,
)


def text_of(error: Exception) -> str | None:
    """Return what an error means, its own text or the catalogue's words; None where it is a fault of this program."""
    if not isinstance(error, _FORESEEN):
        return None
    if str(error):
        return str(error)
    if isinstance(error, NoGenesisError):
        return "there is no genesis yet: let genesis.act be approved, then run init --finish"
    return entry_of(complaint_of(error).reason).text


def is_register_mismatch(error: Exception) -> bool:
    """Return whether the database is not the one that the registry signed last."""
    return isinstance(error, RegisterMismatchError)
