"""Signers by URI, and the keys of a new member.

    file:keys/report.pem                    PKCS#8 in PEM, mode 0600, relative to the member's home; encrypted or not
    pkcs11:token=lender-1;object=report     a key in a hardware module or another PKCS#11 token (RFC 7512)
    ssh-agent:SHA256:fjfuZ3j...             a key of the ssh-agent that SSH_AUTH_SOCK names
    <scheme>:<rest>                         what an application registers

A URI names a key and never holds a secret: a passphrase or a PIN is asked for by a callback when the key is opened.
Verifying needs no signer.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from client_sdk._files import drafts_of, read_private, write_private
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.ledger.holder import Holder, HolderKind
from client_sdk.passphrase import SecretPrompt, encoded, is_encrypted, opened
from client_sdk.signers.ssh_agent import open_ssh_agent_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from client_sdk.kernel.formats.keys import Signer

__all__ = [
    "SCHEMES",
    "SecretPrompt",
    "SignerScheme",
    "chain_pem",
    "create_certificate_request",
    "create_signing_key",
    "create_tls_key",
    "institution_of",
    "open_signer",
    "read_chain",
    "read_key",
    "read_private",
    "write_private",
]


# A draft is put in the place of its key within moments; an older one was left by a run that was killed.
_DRAFT_SECONDS = 60.0


class SignerScheme(Protocol):
    """Opens keys of one scheme."""

    def __call__(self, uri: str, home: Path, secret: SecretPrompt | None) -> Signer:
        """Return the signer of a URI.

        Raises:
            ConfigError: there is no such key, or it cannot be opened.
        """
        ...


def open_signer(
    uri: str,
    home: Path,
    secret: SecretPrompt | None = None,
    schemes: Mapping[str, SignerScheme] | None = None,
) -> Signer:
    """Return the signer that a URI names.

    Args:
        uri: such as ``file:keys/report.pem``.
        home: what relative paths start from.
        secret: asked for the passphrase of an encrypted key.
        schemes: further schemes by name, beside ``SCHEMES``.

    Raises:
        ConfigError: an unknown scheme, or a key that is missing, readable for others, or no Ed25519 key.
    """
    scheme, colon, _ = uri.partition(":")
    opener = {**SCHEMES, **(schemes or {})}.get(scheme)
    if not colon or opener is None:
        raise ConfigError(f"key URI with an unknown scheme: {scheme}; want {', '.join(SCHEMES)}")
    return opener(uri, home, secret)


def create_signing_key(path: Path, passphrase: bytes | None = None) -> Ed25519Signer:
    """Make an Ed25519 key, write it as PKCS#8 in PEM with mode 0600, and return its signer.

    Args:
        path: of the file.
        passphrase: under which it is encrypted; None for none.

    Raises:
        ConfigError: the file exists already, or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    write_private(path, encoded(key, passphrase))
    return Ed25519Signer(key)


def create_tls_key(path: Path, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """Make an ECDSA P-256 key for TLS and write it as PKCS#8 in PEM with mode 0600; arguments as for a signing key.

    Raises:
        ConfigError: the file exists already, or cannot be written.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    write_private(path, encoded(key, passphrase))
    return key


def read_key(path: Path, secret: SecretPrompt | None) -> PrivateKeyTypes:
    """Open a key file of mode 0600; its passphrase is asked for if it has one.

    Args:
        path: PKCS#8 in PEM.
        secret: asked with ``file:`` and the path.

    Raises:
        ConfigError: the file is missing, readable for others or no such key, or its passphrase is wrong or not given.
    """
    return _open_key(path, f"file:{path}", secret)


def _open_key(path: Path, uri: str, secret: SecretPrompt | None) -> PrivateKeyTypes:
    pem = read_private(path)
    if is_encrypted(pem):
        _forget_drafts(path.resolve())
    return opened(pem, secret(uri) if is_encrypted(pem) and secret is not None else None, path)


def institution_of(certificate: x509.Certificate) -> str:
    """Return the id of the institution that a certificate names; empty where it names none, or several holders."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        holder = Holder.of_names(names.get_values_for_type(x509.UniformResourceIdentifier))
    except (x509.ExtensionNotFound, ValueError, FormatError):
        return ""
    return holder.name if holder.kind is HolderKind.INSTITUTION else ""


def chain_pem(chain: Iterable[x509.Certificate]) -> bytes:
    """Return certificates in PEM, in order."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in chain)


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


def create_certificate_request(tls_key_pem: bytes, institution: str) -> bytes:
    """Return a PKCS#10 request in PEM that asks for a client certificate of an institution.

    Args:
        tls_key_pem: PKCS#8 in PEM.
        institution: its id; common name, and part of a URI among the subject alternative names.

    Raises:
        ConfigError: the key is no ECDSA key in PKCS#8, PEM.
    """
    try:
        key = load_pem_private_key(tls_key_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError("the TLS key is no unencrypted PKCS#8 key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError("the TLS key is no ECDSA key")
    names = x509.SubjectAlternativeName(
        [x509.UniformResourceIdentifier(Holder(HolderKind.INSTITUTION, institution).uri)]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, institution)])
    )
    return builder.add_extension(names, critical=False).sign(key, SHA256()).public_bytes(Encoding.PEM)


def _forget_drafts(path: Path) -> None:
    """Delete drafts of a key that nobody is writing any more."""
    for draft in drafts_of(path):
        # What cannot be deleted, as in a home that is mounted read-only, keeps nobody from using the key.
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime > _DRAFT_SECONDS:
                draft.unlink()


def _open_file(uri: str, home: Path, secret: SecretPrompt | None) -> Signer:
    path = home / uri.removeprefix("file:")
    key = _open_key(path, uri, secret)
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} is no Ed25519 key")
    return Ed25519Signer(key)


def _open_token_key(uri: str, home: Path, secret: SecretPrompt | None) -> Signer:
    del home
    from client_sdk.signers.token_signer import open_token_signer  # noqa: PLC0415 - needs an extra package

    return open_token_signer(uri, secret)


def _open_agent_key(uri: str, home: Path, secret: SecretPrompt | None) -> Signer:
    del home, secret
    return open_ssh_agent_signer(uri)


SCHEMES: Mapping[str, Callable[[str, Path, SecretPrompt | None], Signer]] = {
    "file": _open_file,
    "pkcs11": _open_token_key,
    "ssh-agent": _open_agent_key,
}
