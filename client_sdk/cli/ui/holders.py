"""Institution ids in a certificate's subject alternative names."""

from __future__ import annotations

from cryptography import x509

from client_sdk.errors import ConfigError
from client_sdk.signing import institution_of
from client_sdk.texts import say

__all__ = ["check_holder", "read_chain"]


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


def read_chain(pem: bytes, name: str) -> list[x509.Certificate]:
    """Return the certificates of a file in PEM, leaf first.

    Args:
        pem: its bytes.
        name: what it is called in the error.

    Raises:
        ConfigError: there is none in it.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise ConfigError(f"{name} holds no certificate in PEM") from None
