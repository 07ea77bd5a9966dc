"""A small certificate authority for tests: mutual TLS is real in every test that talks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from client_sdk._transport.channels import TlsMaterial
from client_sdk.kernel.ledger.holder import Holder, HolderKind

if TYPE_CHECKING:
    from collections.abc import Sequence

HOSTS = ("localhost", "127.0.0.1")
# Longer than the time before its end at which a server warns of it.
LIFETIME = timedelta(days=365)
_CA_KEY_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def institution(id_: str) -> str:
    """The URI of a member's certificate."""
    return Holder(HolderKind.INSTITUTION, id_).uri


def key_service(name: str) -> str:
    """The URI of a key service's certificate."""
    return Holder(HolderKind.KEY_SERVICE, name).uri


def server_credentials(tls: TlsMaterial) -> grpc.ServerCredentials:
    """Credentials for a server that demands a certificate of every client."""
    return grpc.ssl_server_credentials([(tls.key, tls.certificate)], tls.ca, require_client_auth=True)


class Authority:
    """Signs certificates; everything it signs is good for a year unless the test says otherwise."""

    def __init__(self, name: str = "test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        certificate = (
            self._builder(self._name, self._key.public_key(), LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_CA_KEY_USAGE, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.ca = certificate.public_bytes(Encoding.PEM)

    def issue(
        self,
        *uris: str,
        hosts: Sequence[str] = HOSTS,
        common_name: str = "",
        lifetime: timedelta = LIFETIME,
        wait: timedelta = timedelta(hours=-1),
    ) -> TlsMaterial:
        """A new key and its certificate, for these holders and hosts; a negative lifetime gives an expired one."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(key.public_key(), common_name or "nobody", uris, hosts, lifetime, wait)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return TlsMaterial(self.ca, certificate, pem)

    def member(self, id_: str, *, lifetime: timedelta = LIFETIME, wait: timedelta = timedelta(hours=-1)) -> TlsMaterial:
        """What a member shows and trusts; it is good after the wait."""
        return self.issue(institution(id_), common_name=id_, lifetime=lifetime, wait=wait)

    def server(self) -> TlsMaterial:
        """What a server on this machine shows and trusts."""
        return self.issue(common_name="server")

    def certify(self, csr: bytes) -> bytes:
        """The certificate that a request asks for, with its names as they are."""
        request = x509.load_pem_x509_csr(csr)
        if not request.is_signature_valid:
            raise AssertionError("a request that its own key did not sign")
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        public_key = request.public_key()
        assert isinstance(public_key, ec.EllipticCurvePublicKey)
        builder = self._builder(request.subject, public_key, LIFETIME).add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def _sign(
        self,
        public_key: ec.EllipticCurvePublicKey,
        common_name: str,
        uris: Sequence[str],
        hosts: Sequence[str],
        lifetime: timedelta,
        wait: timedelta,
    ) -> bytes:
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
        names += [_host(host) for host in hosts]
        builder = self._builder(_name(common_name), public_key, lifetime, wait)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def _builder(
        self,
        subject: x509.Name,
        public_key: ec.EllipticCurvePublicKey,
        lifetime: timedelta,
        wait: timedelta = timedelta(hours=-1),
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        start = now + wait if lifetime > timedelta(0) else now + 2 * lifetime
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(now + lifetime)
            # Python 3.13 verifies strictly by RFC 5280, which asks for it.
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
