"""The certificate authority: it signs what a request asks for, for its institution, and nothing more."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from registry_server.certificates.authority import CertificateAuthority, server_tls
from registry_server.errors import RegistryError
from registry_server.serving.files import FileError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

NOW = 1_760_000_000_000
DAY_MS = 86_400_000
MEMBER = "creditregistry:institution:lender-1"
SERVICE = "creditregistry:key-service:key-service-a"


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority.create(tmp_path / "ca", "example", NOW)


def request(
    common_names: Sequence[str] = ("lender-1",),
    names: Sequence[x509.GeneralName] = (x509.UniformResourceIdentifier(MEMBER),),
    key: CertificateIssuerPrivateKeyTypes | None = None,
) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in common_names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    key = key or ec.generate_private_key(ec.SECP256R1())
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()
    return builder.sign(key, algorithm).public_bytes(Encoding.PEM)


def read(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def test_a_member_gets_a_client_certificate_for_a_year(authority: CertificateAuthority) -> None:
    issued = read(authority.issue_for_institution(request(), "lender-1", NOW))
    issued.verify_directly_issued_by(read(authority.certificate))
    names = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == [MEMBER]
    usages = issued.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not issued.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    now = datetime.fromtimestamp(NOW / 1000, UTC)
    assert issued.not_valid_before_utc < now
    assert issued.not_valid_after_utc - now == timedelta(days=365)


def test_a_key_service_gets_a_certificate_for_both_ends(authority: CertificateAuthority) -> None:
    names = [x509.UniformResourceIdentifier(SERVICE), x509.DNSName("key.example")]
    csr = request(("key-service-a",), names)
    issued = read(authority.issue_for_key_service(csr, "key-service-a", "key.example", NOW))
    usages = issued.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usages) == {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}
    with pytest.raises(RegistryError) as caught:
        authority.issue_for_key_service(csr, "key-service-a", "another.example", NOW)
    assert caught.value.rule == "certificate.names"


def broken_possession() -> bytes:
    """A request whose signature is by another key than the one in it."""
    good = x509.load_pem_x509_csr(request()).public_bytes(Encoding.DER)
    changed = bytearray(good)
    changed[-5] ^= 1
    return x509.load_der_x509_csr(bytes(changed)).public_bytes(Encoding.PEM)


URI = x509.UniformResourceIdentifier
BAD_REQUESTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "no request": (lambda: b"nothing", "certificate.pkcs10"),
    "empty": (lambda: b"", "certificate.pkcs10"),
    "too long": (lambda: b"-" * 20_000, "certificate.size"),
    "another's name": (lambda: request(("lender-2",)), "certificate.subject"),
    "two names": (lambda: request(("lender-1", "lender-1")), "certificate.subject"),
    "no name": (lambda: request(()), "certificate.subject"),
    "another's uri": (lambda: request(names=[URI("creditregistry:institution:lender-2")]), "certificate.uri"),
    "a service's uri": (lambda: request(names=[URI("creditregistry:key-service:lender-1")]), "certificate.uri"),
    "no uri": (lambda: request(names=()), "certificate.uri"),
    "two uris": (lambda: request(names=[URI(MEMBER), URI("https://example.org")]), "certificate.uri"),
    "a host": (lambda: request(names=[URI(MEMBER), x509.DNSName("example.org")]), "certificate.names"),
    "an address": (lambda: request(names=[URI(MEMBER), x509.RFC822Name("a@example.org")]), "certificate.names"),
    "an rsa key": (lambda: request(key=rsa.generate_private_key(65_537, 2048)), "certificate.key"),
    "an ed25519 key": (lambda: request(key=ed25519.Ed25519PrivateKey.generate()), "certificate.key"),
    "another curve": (lambda: request(key=ec.generate_private_key(ec.SECP521R1())), "certificate.key"),
    "no possession": (broken_possession, "certificate.possession"),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_request_that_asks_for_something_else_is_refused(authority: CertificateAuthority, name: str) -> None:
    make, rule = BAD_REQUESTS[name]
    with pytest.raises(RegistryError) as caught:
        authority.issue_for_institution(make(), "lender-1", NOW)
    assert (caught.value.reason, caught.value.rule) == ("CERTIFICATE_REQUEST_INVALID", rule)


def test_an_authority_is_kept_in_its_folder_and_never_overwritten(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    folder = tmp_path / "ca"
    assert CertificateAuthority.load(folder).certificate == authority.certificate
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    with pytest.raises(FileError, match="exists already"):
        CertificateAuthority.create(folder, "example", NOW)
    (folder / "key.pem").write_bytes(b"")
    with pytest.raises(RegistryError, match="INTERNAL"):
        CertificateAuthority.load(folder)


def test_the_server_renews_its_own_certificate_in_time_and_for_other_hosts(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    folder, hosts = tmp_path / "tls", ("registry.example", "127.0.0.1")
    first = server_tls(authority, folder, hosts, NOW)
    names = read(first.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == list(hosts)
    assert server_tls(authority, folder, hosts, NOW + 300 * DAY_MS) == first
    renewed = server_tls(authority, folder, hosts, NOW + 340 * DAY_MS)
    assert renewed != first
    assert server_tls(authority, folder, hosts[1:], NOW + 340 * DAY_MS) == renewed
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600


def test_processes_of_one_folder_hold_one_certificate_of_all_their_names(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    folder, names = tmp_path / "tls", [f"registry-{number}.example" for number in range(8)]
    started = Barrier(len(names))

    def start(name: str) -> None:
        started.wait(60)
        server_tls(authority, folder, (name,), NOW)

    with ThreadPoolExecutor(len(names)) as pool:
        for done in [pool.submit(start, name) for name in names]:
            done.result()
    kept = {server_tls(authority, folder, (name,), NOW) for name in names}
    assert len(kept) == 1
    held = read(kept.pop().certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(str(name.value) for name in held) == names


@pytest.mark.parametrize("left", ["key.pem", "certificate.pem"])
def test_a_renewal_that_was_killed_between_its_two_files_is_made_again(
    authority: CertificateAuthority, tmp_path: Path, left: str
) -> None:
    first = server_tls(authority, tmp_path / "one", ("registry.example",), NOW)
    other = server_tls(authority, tmp_path / "other", ("registry.example",), NOW)
    (tmp_path / "one" / left).write_bytes(other.key if left == "key.pem" else other.certificate)
    again = server_tls(authority, tmp_path / "one", ("registry.example",), NOW)
    assert again not in (first, other)
    own = load_pem_private_key(again.key, password=None).public_key()
    assert read(again.certificate).public_key() == own
