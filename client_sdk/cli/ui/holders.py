"""Institution ids in a certificate's subject alternative names."""

from __future__ import annotations

from cryptography import x509

from client_sdk.errors import ConfigError
from client_sdk.signing import HOLDER_PREFIX

__all__ = ["check_holder", "institutions_of", "read_chain"]


def institutions_of(certificate: x509.Certificate) -> list[str]:
    """Return the ids of the institutions that a certificate names; one, of those that a registry issued."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return [uri.removeprefix(HOLDER_PREFIX) for uri in uris if uri.startswith(HOLDER_PREFIX)]


def check_holder(certificate: x509.Certificate, institution: str) -> None:
    """Reject the certificate of another institution.

    Args:
        certificate: of a home.
        institution: whose home it is.

    Raises:
        ConfigError: it names another institution, or none.
    """
    named = institutions_of(certificate)
    if institution not in named:
        holder = ", ".join(named) or "no institution"
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
