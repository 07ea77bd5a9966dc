"""Exceptions of storage; driver messages are kept only for failed connections."""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "DatabaseInUseError",
    "LimitsError",
    "MigrationNeededError",
    "RegisterError",
    "RegisterFault",
    "StorageError",
    "StorageFault",
]


class StorageFault(StrEnum):
    """Kind of a database failure, by its error code."""

    BUSY = "busy"
    FULL = "full"
    GONE = "gone"
    # Its file, or the folder of it.
    READ_ONLY = "read-only"
    # A server of PostgreSQL that follows another one and takes no writes.
    STANDBY = "a standby"
    # Not the database is at fault but this program, which gave it a value that its column cannot hold.
    VALUE = "given a value that it does not take"
    OTHER = "other"


class StorageError(Exception):
    """The database did not do what it was asked; nothing is known of a commit that was under way.

    Attributes:
        fault: what kind of failure it was.
    """

    def __init__(self, fault: StorageFault, what: str) -> None:
        super().__init__(fault, what)
        self.fault = fault
        self.what = what

    def __str__(self) -> str:
        found = "failed" if self.fault is StorageFault.OTHER else f"is {self.fault}"
        return f"the database {found}: {self.what}"


class DatabaseInUseError(StorageError):
    """Another process serves the same SQLite file."""

    def __init__(self, path: str) -> None:
        super().__init__(StorageFault.BUSY, f"{path} is served by another process")


class LimitsError(StorageError):
    """Limits that bound every wait in the database are not in force."""

    def __init__(self, what: str) -> None:
        super().__init__(StorageFault.OTHER, what)

    def __str__(self) -> str:
        return f"the database's limits are not in force: {self.what}"


class MigrationNeededError(StorageError):
    """The tables are older or newer than this program."""

    def __init__(self, found: str, want: str) -> None:
        super().__init__(StorageFault.OTHER, f"its tables are at version {found}, this program needs {want}")
        self.found = found
        self.want = want


class RegisterFault(StrEnum):
    """Fault of a checkpoint register."""

    UNAVAILABLE = "unavailable"
    DAMAGED = "damaged"


class RegisterError(StorageError):
    """The checkpoint register cannot be read or written; nothing was signed, and nothing was acknowledged.

    Attributes:
        register_fault: what is wrong with it.
    """

    def __init__(self, register_fault: RegisterFault, fault: StorageFault, what: str) -> None:
        super().__init__(fault, what)
        self.register_fault = register_fault

    def __str__(self) -> str:
        if self.register_fault is RegisterFault.DAMAGED:
            return (
                f"the checkpoint register is damaged: {self.what}; put back its newest copy, or see what the database "
                "holds and confirm it: registry-server register reset"
            )
        return f"the checkpoint register is {self.fault}: {self.what}; nothing is signed until it can be used again"
