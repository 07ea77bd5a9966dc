"""The error catalogue of one server: gRPC status and public message of each refusal reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from registry_server.errors import RefusalReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from client_sdk.kernel.formats.complaint import Complaint
    from registry_server.errors import Entry

__all__ = ["Catalogue"]


class Catalogue(NamedTuple):
    """Refusal reasons of a server, and the conversion of errors to them.

    Attributes:
        entries: status, public text and retryability by reason; INTERNAL is among them.
        complaint_of: returns the refusal for any exception; INTERNAL, without details, for one that was not foreseen.
    """

    entries: Mapping[str, Entry]
    complaint_of: Callable[[BaseException], Complaint]

    def entry(self, refusal: Complaint) -> Entry:
        """Return gRPC status and public message of a refusal; those of INTERNAL for one that is not in it."""
        return self.entries.get(refusal.reason, self.entries[RefusalReason.INTERNAL])
