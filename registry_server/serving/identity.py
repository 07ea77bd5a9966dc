"""Who calls: what TLS has verified of the client's certificate. Expired and foreign ones never come this far."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from client_sdk.formats.errors import FormatError
from client_sdk.ledger.holder import Holder
from registry_server.errors import Reason, RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["holder_of"]

_NAMES = "x509_subject_alternative_name"


def holder_of(auth_context: Mapping[str, Iterable[bytes]]) -> Holder:
    """Return whom the client's certificate names.

    Args:
        auth_context: as gRPC gives it, of a connection with mutual TLS.

    Raises:
        RegistryError: CERTIFICATE_UNKNOWN; it names nobody, or more than one.
    """
    return _holder(tuple(auth_context.get(_NAMES, ())))


@lru_cache(maxsize=4_096)
def _holder(names: tuple[bytes, ...]) -> Holder:
    try:
        return Holder.of_names(name.decode("ascii", "replace") for name in names)
    except FormatError as error:
        raise RegistryError(
            Reason.CERTIFICATE_UNKNOWN, "certificate", error.rule, got=error.got, want=error.want
        ) from None
