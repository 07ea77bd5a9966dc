"""Institution ids in a certificate's subject alternative names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError
from client_sdk.signing import institution_of
from client_sdk.texts import say

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["check_holder"]


def check_holder(certificate: x509.Certificate, institution: str) -> None:
    """Reject the certificate of another institution.

    Args:
        certificate: of a home.
        institution: whose home it is.

    Raises:
        ConfigError: it names another institution, or none.
    """
    named = institution_of(certificate)
    if named != institution:
        holder = named or say("no institution")
        raise ConfigError(f"TLS: certificate.pem: it is for {holder}, but this home is that of {institution}")
