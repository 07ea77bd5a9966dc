"""The caller's identity from its TLS client certificate.

TLS has already rejected foreign ones, and those that had ended when the connection was made. A connection may outlast
its certificate, so that its end is looked at with each call.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.ledger.holder import Peer
from registry_server.errors import RefusalReason, RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["peer_of", "peer_of_certificate"]

_NAMES = "x509_subject_alternative_name"
_CERTIFICATE = "x509_pem_cert"


def peer_of(auth_context: Mapping[str, Iterable[bytes]]) -> Peer:
    """Return the holder that the client's certificate names, and its key.

    Args:
        auth_context: as gRPC gives it, of a connection with mutual TLS.

    Raises:
        RegistryError: CERTIFICATE_UNKNOWN; it names no holder or many, its key cannot be read, or it has ended.
    """
    return _current(tuple(auth_context.get(_NAMES, ())), b"".join(auth_context.get(_CERTIFICATE, ())))


def peer_of_certificate(certificate: bytes) -> Peer:
    """Return the holder that a client's certificate names, and its key.

    Args:
        certificate: DER, verified by TLS.

    Raises:
        RegistryError: as ``peer_of``.
    """
    try:
        read = x509.load_der_x509_certificate(certificate)
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return _current((), certificate)
    listed = (*names.get_values_for_type(x509.UniformResourceIdentifier), *names.get_values_for_type(x509.DNSName))
    return _current(tuple(name.encode() for name in listed), read.public_bytes(Encoding.PEM))


def _current(names: tuple[bytes, ...], certificate: bytes) -> Peer:
    peer, ends = _read(names, certificate)
    if time.time() > ends:
        want = "a connection with the certificate that follows it"
        raise RegistryError(
            RefusalReason.CERTIFICATE_UNKNOWN, "certificate", "certificate.ended", got="one that has ended", want=want
        )
    return peer


@lru_cache(maxsize=4_096)
def _read(names: tuple[bytes, ...], certificate: bytes) -> tuple[Peer, float]:
    """Return whom a certificate names, and when it ends, seconds since 1970 UTC."""
    try:
        peer = Peer.of(names, certificate)
        return peer, x509.load_pem_x509_certificate(certificate).not_valid_after_utc.timestamp()
    except FormatError as error:
        raise RegistryError(
            RefusalReason.CERTIFICATE_UNKNOWN, "certificate", error.rule, got=error.got, want=error.want
        ) from None
