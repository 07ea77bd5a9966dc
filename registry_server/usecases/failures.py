"""Conversion of any error to a refusal of the catalogue, including those of storage and sequencing."""

from __future__ import annotations

from client_sdk.kernel.formats.complaint import Complaint
from registry_server import errors
from registry_server.errors import RefusalReason
from registry_server.sequencing.errors import (
    ClockError,
    ClockJumpedError,
    ClockUnconfirmedError,
    LedgerClosedError,
    LogAheadError,
    MapDamagedError,
    NoGenesisError,
    RegisterMismatch,
    RegisterMismatchError,
)
from registry_server.serving.full_disk import is_full
from registry_server.storage.errors import RegisterError, RegisterFault, StorageError, StorageFault

__all__ = ["complaint_of", "reason_of"]

_BY_FAULT = {
    StorageFault.BUSY: (RefusalReason.STORAGE_UNAVAILABLE, "storage.busy"),
    StorageFault.GONE: (RefusalReason.STORAGE_UNAVAILABLE, "storage.gone"),
    StorageFault.READ_ONLY: (RefusalReason.STORAGE_UNAVAILABLE, "storage.read-only"),
    StorageFault.STANDBY: (RefusalReason.STORAGE_UNAVAILABLE, "storage.standby"),
    StorageFault.FULL: (RefusalReason.DISK_FULL, "storage.full"),
    StorageFault.OTHER: (RefusalReason.STORAGE_UNAVAILABLE, "storage.failed"),
}
_BY_CLOCK: dict[type[ClockError], tuple[RefusalReason, str, str]] = {
    ClockJumpedError: (RefusalReason.CLOCK_JUMPED, "clock.step", "a clock that runs on"),
    ClockUnconfirmedError: (RefusalReason.CLOCK_UNCONFIRMED, "clock.vouched", "a clock that something vouches for"),
    LogAheadError: (RefusalReason.LOG_AHEAD, "clock.log-ahead", "a log that is not ahead of the clock"),
}

_BY_MISMATCH = {
    RegisterMismatch.AHEAD: "register.below",
    RegisterMismatch.FORK: "register.fork",
    RegisterMismatch.MISSING: "register.present",
}


def complaint_of(error: BaseException) -> Complaint:
    """Return the refusal for an error; an unexpected one becomes INTERNAL without any detail."""
    match error:
        case RegisterError(register_fault=RegisterFault.DAMAGED):
            return Complaint(RefusalReason.REGISTER_DAMAGED, "", "register.form", want="one checkpoint of this log")
        case RegisterError():
            want = "a checkpoint register that can be read and written"
            return Complaint(RefusalReason.REGISTER_UNAVAILABLE, "", f"register.{error.fault}", want=want)
        case RegisterMismatchError():
            want = "the database whose newest checkpoint the register holds"
            return Complaint(error.mismatch.value, "", _BY_MISMATCH[error.mismatch], want=want)
        case StorageError(fault=StorageFault.VALUE):
            return Complaint(RefusalReason.INTERNAL)
        case StorageError():
            reason, rule = _BY_FAULT[error.fault]
            return Complaint(reason, "", rule, want="a database that answers and has room")
        case ClockError():
            reason, rule, want = _BY_CLOCK[type(error)]
            return Complaint(reason, "logged_at", rule, error.got, want)
        case MapDamagedError():
            return Complaint(RefusalReason.MAP_DAMAGED, "", "storage.whole", want="a map as the HEAD has it")
        case LedgerClosedError():
            return Complaint(RefusalReason.SHUTTING_DOWN)
        case NoGenesisError():
            return Complaint(RefusalReason.NOT_READY, "", "log.genesis", want="a genesis act in the log")
        case OSError() if is_full(error):
            return Complaint(RefusalReason.DISK_FULL, "", "storage.full", want="a disk that has room")
        case _:
            return errors.complaint_of(error)


def reason_of(error: BaseException) -> str:
    """Return the reason alone of the refusal for an error."""
    return complaint_of(error).reason
