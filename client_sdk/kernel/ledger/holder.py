"""Holder of a TLS certificate: the URI in its subject alternative names.

creditregistry:institution:<id>
creditregistry:key-service:<name>
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.tls_key import spki_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Holder", "HolderKind", "Peer"]

PART = "certificate"
_SCHEME = "creditregistry:"
_URI = re.compile(r"creditregistry:(institution|key-service):([a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?)", re.ASCII)


class HolderKind(StrEnum):
    """Kind of certificate holder."""

    INSTITUTION = "institution"
    KEY_SERVICE = "key-service"


class Holder(NamedTuple):
    """The holder of a certificate.

    Attributes:
        kind: a member or a key service.
        name: institution id or name of the key service: lower-case letters, digits and inner hyphens, at most 64.
    """

    kind: HolderKind
    name: str

    @property
    def uri(self) -> str:
        """The URI that the certificate carries."""
        return f"{_SCHEME}{self.kind}:{self.name}"

    @classmethod
    def parse(cls, uri: str) -> Holder:
        """Return the holder that a URI names.

        Raises:
            FormatError: it is not of one of the two forms.
        """
        match = _URI.fullmatch(uri)
        if match is None:
            raise FormatError(
                PART, "holder.uri", want="creditregistry:institution:<id> or creditregistry:key-service:<name>"
            )
        return cls(HolderKind(match[1]), match[2])

    @classmethod
    def of_names(cls, names: Iterable[str]) -> Holder:
        """Return the holder among all subject alternative names of a certificate.

        Raises:
            FormatError: none of them names a holder, or more than one does.
        """
        uris = [name for name in names if name.startswith(_SCHEME)]
        if len(uris) != 1:
            raise FormatError(PART, "holder.one", got=f"{len(uris)} holders", want="a certificate with one holder")
        return cls.parse(uris[0])


class Peer(NamedTuple):
    """The other end of a TLS connection.

    Attributes:
        holder: that its certificate names.
        spki_hash: SHA-256 of the SubjectPublicKeyInfo of its TLS key, 32 bytes.
    """

    holder: Holder
    spki_hash: bytes

    @classmethod
    def of(cls, names: Iterable[bytes], certificate: bytes) -> Peer:
        """Return the peer of a client certificate that TLS has verified.

        Args:
            names: all its subject alternative names.
            certificate: PEM.

        Raises:
            FormatError: it names no holder, or more than one, or its key cannot be read.
        """
        holder = Holder.of_names(name.decode("ascii", "replace") for name in names)
        try:
            return cls(holder, spki_hash(x509.load_pem_x509_certificate(certificate).public_key()))
        except (ValueError, UnsupportedAlgorithm):
            raise FormatError(PART, "certificate.key", want="a certificate with a key") from None
