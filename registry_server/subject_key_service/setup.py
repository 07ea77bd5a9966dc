"""Setting up a key service: folder, keys, its file for the administrators, certificate and trust root from them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from client_sdk._address import LOOPBACK_HOSTS, host_port, is_this_machine
from client_sdk._transport.addresses import is_address_list
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import KeyService
from client_sdk.kernel.ledger.holder import Holder, HolderKind
from client_sdk.kernel.ledger.key_service_file import KeyServiceFile
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.errors import RuleError
from registry_server.serving.files import read_whole, replace_file, take_folder, write_secret
from registry_server.serving.given_settings import CORRECT_IT
from registry_server.subject_key_service import SetupError
from registry_server.subject_key_service.keys import create_key
from registry_server.subject_key_service.settings import (
    OPTIONS,
    KeyServiceFolder,
    KeyServiceSettings,
    make_settings,
    read_settings,
    settings_toml,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["add_version", "create", "install"]


def create(folder: KeyServiceFolder, settings: KeyServiceSettings, hosts: Iterable[str] = ()) -> Path:
    """Make the folder of a new key service with its first key; return the file for the administrators.

    Args:
        folder: must not hold a key service yet.
        settings: of the service.
        hosts: further names and addresses for the certificate, beside the host of the url.

    Raises:
        SetupError: there is one already.
        FileError: something cannot be written.
        FormatError: a certificate cannot carry the name.
    """
    Holder.parse(Holder(HolderKind.KEY_SERVICE, settings.name).uri)
    if folder.settings.exists():
        raise SetupError(
            f"{folder.home} holds a key service already",
            "name a new folder by --home. Delete a folder only where its keys are in no registry: without them no "
            "pseudonym can be made.",
        )
    take_folder(folder.home)
    folder.tls.mkdir(mode=0o700, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    write_secret(folder.tls / "key.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _, voprf_key = create_key(folder.keys)
    # Last, so that what was made half can be made again after it was removed.
    replace_file(folder.settings, settings_toml(settings))
    host = host_port(settings.url).host
    names = dict.fromkeys((host, *(LOOPBACK_HOSTS if is_this_machine(host) else ()), *hosts))
    return _hand_out(folder, settings, voprf_key.public_key, _request(key, settings.name, names), settings.name)


def add_version(folder: KeyServiceFolder) -> tuple[int, Path]:
    """Make a key for a further version of the subject keys; return its number and the file for the administrators.

    Raises:
        SetupError: there is no key service.
        FileError: something cannot be written.
    """
    settings = read_settings(folder)
    csr = KeyServiceFile.parse(_read(folder.home / f"{settings.name}.key-service.json")).csr
    number, key = create_key(folder.keys)
    return number, _hand_out(folder, settings, key.public_key, csr, f"{settings.name}-{number}")


def install(
    folder: KeyServiceFolder, certificate: bytes, ca: bytes, trust_root: bytes, registry: str, database_url: str = ""
) -> TrustRoot:
    """Install certificate and trust root from the administrators; return the trust root, for people to compare.

    Args:
        folder: of the key service.
        certificate: PEM, leaf first.
        ca: PEM of the authority that every peer's certificate leads to.
        trust_root: canonical bytes.
        registry: host:port, or several with commas between.
        database_url: SQLAlchemy URL of the log of requests; empty leaves it as it is.

    Raises:
        SetupError: the certificate is not for this service's key and name, or a file or the URL is not in order.
        FileError: something cannot be written.
    """
    settings = read_settings(folder)
    if not is_address_list(registry):
        raise SetupError("--registry: want HOST:PORT, or several, each once, with commas between", CORRECT_IT)
    try:
        root = TrustRoot.parse(trust_root)
    except (FormatError, RuleError) as error:
        raise SetupError(
            f"--trust-root: {error}", "give trust-root.bin of the registry's public folder, whole and unchanged."
        ) from error
    _check_certificate(_read(folder.tls / "key.pem"), certificate, ca, settings.name)
    changed = {"registry": registry, **({"database_url": database_url} if database_url else {})}
    new_settings = make_settings({**settings.model_dump(exclude_unset=True), **changed}, OPTIONS)
    replace_file(folder.tls / "certificate.pem", certificate)
    replace_file(folder.tls / "ca.pem", ca)
    replace_file(folder.trust_root, trust_root)
    replace_file(folder.settings, settings_toml(new_settings))
    return root


def _hand_out(folder: KeyServiceFolder, settings: KeyServiceSettings, public_key: bytes, csr: bytes, stem: str) -> Path:
    path = folder.home / f"{stem}.key-service.json"
    replace_file(path, KeyServiceFile(KeyService(settings.url, public_key, settings.name), csr).encode())
    return path


def _request(key: ec.EllipticCurvePrivateKey, name: str, hosts: Iterable[str]) -> bytes:
    uri = x509.UniformResourceIdentifier(Holder(HolderKind.KEY_SERVICE, name).uri)
    names = x509.SubjectAlternativeName([uri, *map(_general_name, hosts)])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(names, critical=False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _check_certificate(key_pem: bytes, certificate_pem: bytes, ca_pem: bytes, name: str) -> None:
    try:
        key = load_pem_private_key(key_pem, password=None)
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        ca = x509.load_pem_x509_certificate(ca_pem)
        certificate.verify_directly_issued_by(ca)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        holder = Holder.of_names(names.get_values_for_type(x509.UniformResourceIdentifier))
    except (InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound, FormatError):
        # Not chained: a library's message may quote what it read.
        raise SetupError(
            "--certificate: none that the authority in --ca gave a key service",
            f"give {name}.pem of the registry's public/certificates, and ca.pem of its public folder.",
        ) from None
    another = (
        f"give {name}.pem of the registry's public/certificates; its operator makes it by `registry-server certify`"
    )
    if holder != Holder(HolderKind.KEY_SERVICE, name):
        raise SetupError(
            f"--certificate: for {holder.uri} (want {Holder(HolderKind.KEY_SERVICE, name).uri})", f"{another}."
        )
    if certificate.public_key() != key.public_key():
        raise SetupError(
            "--certificate: for another key than this folder's",
            f"{another} from {name}.key-service.json of this folder.",
        )


def _read(path: Path) -> bytes:
    try:
        return read_whole(path)
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
