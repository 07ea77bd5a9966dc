"""The registry's own small certificate authority: ECDSA P-256, one level, only for TLS between its members.

A certificate authenticates a connection, never the author of a statement: nothing signed for the log rests on it.
It names its holder in
one URI of its subject alternative names, and never holds more than its request asked for:

    creditregistry:institution:<id>      clients; an act has enrolled them
    creditregistry:key-service:<name>    clients and servers; also the host of their address
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from filelock import FileLock, Timeout

from client_sdk._address import LOOPBACK_HOSTS, is_this_machine
from client_sdk.kernel.formats.tls_key import spki_hash
from client_sdk.kernel.ledger.holder import Holder, HolderKind
from registry_server.errors import RefusalReason, RegistryError
from registry_server.serving.files import FileError, replace_file, write_secret

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "CERTIFICATE_DAYS",
    "CertificateAuthority",
    "TlsIdentity",
    "server_tls",
]

CERTIFICATE_DAYS = 365
_AUTHORITY_DAYS = 3_650
# A server that starts with less than this left makes itself a new certificate.
_RENEWED_BEFORE = timedelta(days=30)
# Clocks differ: a certificate counts from a little before it was made.
_BACKDATED = timedelta(minutes=5)
# Longer than another process takes for two files.
_RENEWAL_SECONDS = 10.0
_MAX_REQUEST_BYTES = 16_384
_CURVES = (ec.SECP256R1, ec.SECP384R1)


class TlsIdentity(NamedTuple):
    """Certificate chain and private key of one end of a TLS connection, in PEM."""

    key: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class _CertificateSigningRequest:
    """A certificate signing request whose signature verifies."""

    public_key: ec.EllipticCurvePublicKey
    common_name: str
    uris: tuple[str, ...]
    hosts: tuple[str, ...]


class CertificateAuthority:
    """Issues certificates; its key and its own certificate lie in one folder.

    Args:
        key: of the authority.
        certificate: its own.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate

    @classmethod
    def create(cls, folder: Path, registry: str, now: int) -> Self:
        """Make an authority in a new folder.

        Args:
            folder: is made with mode 0700.
            registry: name of the registry.
            now: ms since 1970 UTC.

        Raises:
            FileError: the folder holds one already, or cannot be written.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"{registry} certificate authority")
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        certificate = (
            _builder(name, key.public_key(), now, _AUTHORITY_DAYS)
            .issuer_name(name)
            .add_extension(constraints, critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, SHA256())
        )
        write_secret(folder / "key.pem", _key_pem(key))
        replace_file(folder / "certificate.pem", certificate.public_bytes(Encoding.PEM))
        return cls(key, certificate)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the authority of a folder.

        Raises:
            RegistryError: INTERNAL; the files are missing or not in order.
        """
        try:
            key = load_pem_private_key((folder / "key.pem").read_bytes(), password=None)
            certificate = x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
            raise _broken("a key and a certificate") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise _broken("the key of the certificate")
        return cls(key, certificate)

    @property
    def certificate(self) -> bytes:
        """Its own certificate in PEM, which every peer must know."""
        return self._certificate.public_bytes(Encoding.PEM)

    @staticmethod
    def check_institution_request(request: bytes, institution: str) -> bytes:
        """Return the hash of the key that a request asks a certificate for (``formats.tls_key``).

        Args:
            request: PKCS#10 in PEM; asks for the institution's URI and nothing else.
            institution: id.

        Raises:
            RegistryError: CERTIFICATE_REQUEST_INVALID.
        """
        return spki_hash(_institution_request(request, institution).public_key)

    def issue_for_institution(self, request: bytes, institution: str, now: int) -> bytes:
        """Return a client certificate of an institution, PEM.

        Args:
            request: PKCS#10 in PEM; asks for the institution's URI and nothing else.
            institution: id, which was found to be enrolled, and to vouch for the key of the request.
            now: ms since 1970 UTC.

        Raises:
            RegistryError: CERTIFICATE_REQUEST_INVALID.
        """
        asked = _institution_request(request, institution)
        return self._issue(asked, ExtendedKeyUsageOID.CLIENT_AUTH, now=now)

    def issue_for_key_service(self, request: bytes, name: str, host: str, now: int) -> bytes:
        """Return a certificate of a key service for both ends of a connection, PEM.

        Args:
            request: PKCS#10 in PEM; asks for the service's URI, and for the host of its address at most.
            name: of the service.
            host: of its address.
            now: ms since 1970 UTC.

        Raises:
            RegistryError: CERTIFICATE_REQUEST_INVALID.
        """
        asked = _read_request(request)
        _check_holder(asked, Holder(HolderKind.KEY_SERVICE, name))
        allowed = {host, *(LOOPBACK_HOSTS if is_this_machine(host) else ())}
        if not set(asked.hosts) <= allowed:
            raise _refused("csr.names", "certificate.names", got="another host", want="the host of the address")
        return self._issue(asked, ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH, now=now)

    def issue_for_server(self, hosts: Iterable[str], now: int) -> TlsIdentity:
        """Return a new key with a server certificate for these host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = tuple(dict.fromkeys(hosts))
        asked = _CertificateSigningRequest(key.public_key(), names[0], (), names)
        return TlsIdentity(_key_pem(key), self._issue(asked, ExtendedKeyUsageOID.SERVER_AUTH, now=now))

    def _issue(self, asked: _CertificateSigningRequest, *usages: x509.ObjectIdentifier, now: int) -> bytes:
        uris = [x509.UniformResourceIdentifier(uri) for uri in asked.uris]
        hosts = [_general_name(host) for host in asked.hosts]
        authority = self._key.public_key()
        certificate = (
            _builder(_name(asked.common_name), asked.public_key, now, CERTIFICATE_DAYS)
            .issuer_name(self._certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
            .add_extension(x509.SubjectAlternativeName([*uris, *hosts]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
            .sign(self._key, SHA256())
        )
        return certificate.public_bytes(Encoding.PEM)


def server_tls(authority: CertificateAuthority, folder: Path, hosts: Iterable[str], now: int) -> TlsIdentity:
    """Return the server's TLS identity; renewed if missing, near expiry, or if it lacks a host name.

    Several processes may share the folder: one renews, the others take what it has written. A new certificate keeps the
    names of the one before, which may be those of another process.

    Args:
        authority: signs it.
        folder: of key.pem and certificate.pem; is made with mode 0700.
        hosts: names and addresses under which clients reach the server.
        now: ms since 1970 UTC.

    Raises:
        FileError: a file cannot be written, or another process is writing them for too long.
    """
    wanted = tuple(dict.fromkeys(hosts))
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    if (held := _held(key, certificate)) is not None and _serves(held, wanted, now):
        return held.identity
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with FileLock(folder / "renewal.lock", timeout=_RENEWAL_SECONDS, mode=0o600):
            # Another process may have renewed it meanwhile.
            held = _held(key, certificate)
            if held is not None and _serves(held, wanted, now):
                return held.identity
            identity = authority.issue_for_server(dict.fromkeys((*wanted, *(held.hosts if held else ()))), now)
            # Never away: another process that starts looks at its mode.
            replace_file(key, identity.key)
            replace_file(certificate, identity.certificate)
    except Timeout:
        raise FileError(f"{folder} is being written by another process for {_RENEWAL_SECONDS:.0f} s") from None
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{folder} cannot be written: {error.strerror}", error) from error
    return identity


class _Held(NamedTuple):
    identity: TlsIdentity
    hosts: tuple[str, ...]
    until: datetime


def _held(key: Path, certificate: Path) -> _Held | None:
    """Return what the files hold; None where one is missing, is no such file, or does not belong to the other."""
    try:
        identity = TlsIdentity(key.read_bytes(), certificate.read_bytes())
        parsed = x509.load_pem_x509_certificate(identity.certificate)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        # A process that was killed between the two files has left a certificate of the key before.
        if parsed.public_key() != load_pem_private_key(identity.key, password=None).public_key():
            return None
    except (FileNotFoundError, ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return None
    return _Held(identity, tuple(str(name.value) for name in names), parsed.not_valid_after_utc)


def _serves(held: _Held, hosts: tuple[str, ...], now: int) -> bool:
    left = held.until - datetime.fromtimestamp(now // 1000, UTC)
    return left > _RENEWED_BEFORE and set(hosts) <= set(held.hosts)


def _builder(subject: x509.Name, public_key: ec.EllipticCurvePublicKey, now: int, days: int) -> x509.CertificateBuilder:
    moment = datetime.fromtimestamp(now // 1000, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - _BACKDATED)
        .not_valid_after(moment + timedelta(days=days))
    )


def _read_request(pem: bytes) -> _CertificateSigningRequest:
    if len(pem) > _MAX_REQUEST_BYTES:
        raise _refused("csr", "certificate.size", got=f"{len(pem)} bytes", want=f"at most {_MAX_REQUEST_BYTES} bytes")
    try:
        request = x509.load_pem_x509_csr(pem)
        signed = request.is_signature_valid
        key = request.public_key()
        names = _alternative_names(request)
        common_names = [str(item.value) for item in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature, x509.DuplicateExtension):
        # Not chained: the library's message may quote what it read.
        raise _refused("csr", "certificate.pkcs10", want="a PKCS#10 request in PEM") from None
    if not signed:
        raise _refused("csr", "certificate.possession", want="a signature by the key in it")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, _CURVES):
        raise _refused("csr.key", "certificate.key", want="an ECDSA key on P-256 or P-384")
    if len(common_names) != 1:
        raise _refused("csr.subject", "certificate.subject", got=f"{len(common_names)} names", want="one common name")
    uris = tuple(str(name.value) for name in names if isinstance(name, x509.UniformResourceIdentifier))
    hosts = tuple(str(name.value) for name in names if isinstance(name, (x509.DNSName, x509.IPAddress)))
    if len(uris) + len(hosts) != len(names):
        raise _refused("csr.names", "certificate.names", want="URIs and hosts only")
    return _CertificateSigningRequest(key, common_names[0], uris, hosts)


def _institution_request(pem: bytes, institution: str) -> _CertificateSigningRequest:
    asked = _read_request(pem)
    _check_holder(asked, Holder(HolderKind.INSTITUTION, institution))
    if asked.hosts:
        raise _refused("csr.names", "certificate.names", got=f"{len(asked.hosts)} hosts", want="the URI alone")
    return asked


def _alternative_names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _check_holder(asked: _CertificateSigningRequest, holder: Holder) -> None:
    if asked.common_name != holder.name:
        raise _refused("csr.subject", "certificate.subject", got="another name", want=holder.name)
    if asked.uris != (holder.uri,):
        raise _refused("csr.names", "certificate.uri", got=f"{len(asked.uris)} URIs", want=holder.uri)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _refused(field: str, rule: str, *, got: str = "", want: str = "") -> RegistryError:
    return RegistryError(RefusalReason.CERTIFICATE_REQUEST_INVALID, field, rule, got=got, want=want)


def _broken(want: str) -> RegistryError:
    return RegistryError(RefusalReason.INTERNAL, "ca", "certificate.authority", want=want)
