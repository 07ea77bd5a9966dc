"""A member's home folder: made by ``credit-registry init``, completed by ``trust`` and by a certificate."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_sdk._durable import take_folder
from client_sdk._files import drafts_of, read_private, replace_file, write_private
from client_sdk.clock import clock_ms
from client_sdk.config import CONFIG_FILE, NEXT_TLS_KEY, ClientConfig
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.act import Enrolment, grant_key
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.record_id import SECRET_BYTES
from client_sdk.kernel.formats.replay_quorum import replay_name
from client_sdk.kernel.formats.tls_key import TlsKeyClaim, sign_claim, spki_hash
from client_sdk.kernel.formats.words import USAGES, KeyUsage, Role, TlsKeyAction, go_together
from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.passphrase import check_passphrase, encoded, is_encrypted, opened
from client_sdk.signing import (
    chain_pem,
    create_certificate_request,
    create_signing_key,
    create_tls_key,
    institution_of,
    open_signer,
    read_chain,
    read_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.signing import SecretPrompt

__all__ = [
    "change_passphrase",
    "create_home",
    "create_next_tls_key",
    "install_certificate",
    "install_own_certificate",
    "install_trust_root",
    "read_private",
    "replace_file",
    "replay_key",
    "request_certificate",
]


def create_home(
    path: str | Path,
    *,
    institution: str,
    registry: str,
    name: str,
    licence_number: str,
    display_name: str,
    roles: Iterable[Role | str],
    passphrase: bytes | None = None,
    devices: Mapping[KeyUsage, str] | Mapping[str, str] | None = None,
    secret: SecretPrompt | None = None,
) -> EnrolmentFile:
    """Make a member's home folder with its keys, and return what the administrators need to enrol it.

    The folder then holds ``config.toml``, one signing key a usage, the TLS key, the secret behind record ids (lenders
    only) and ``<institution>.enrolment.json``. Back up ``keys/`` and ``record-id.secret``: with both, a lender that
    lost everything finds its records again.

    Args:
        path: of the folder; it may exist, its files may not.
        institution: id asked for.
        registry: host:port.
        name: of the registry.
        licence_number: of the institution (征信业管理条例 Art. 7).
        display_name: of the institution.
        roles: that it asks for: members, or their words.
        passphrase: under which signing keys and TLS key are encrypted, 8 bytes or more; None for none.
        devices: key URIs by usage, or its word, of signing keys that a device or an agent holds
            (``client_sdk.signing``); for the other usages keys are made. The TLS key is always a file.
        secret: asked for the PIN of such a key.

    Raises:
        ConfigError: a file exists already or cannot be written, an argument has a wrong form, or a key of a device
            cannot be opened; no file was written.
    """
    home = Path(path)
    held = _roles(roles)
    if passphrase is not None:
        check_passphrase(passphrase)
    usages = sorted(usage for role in held for usage in USAGES[role])
    held_by_devices = _devices(devices or {}, usages)
    uris = {usage: f"file:keys/{usage.name.lower()}.pem" for usage in usages} | held_by_devices
    role = Role.REPRESENTATIVE if Role.REPRESENTATIVE in held else None
    config = ClientConfig(institution=institution, registry=registry, name=name, home=home, keys=uris, role=role)
    signing_keys = {usage: Ed25519PrivateKey.generate() for usage in usages if usage not in held_by_devices}
    signers: dict[KeyUsage, Signer] = {usage: Ed25519Signer(key) for usage, key in signing_keys.items()}
    signers |= {usage: open_signer(uri, home, secret) for usage, uri in held_by_devices.items()}
    if len({signer.public_key.key_id for signer in signers.values()}) != len(signers):
        raise ConfigError("devices: want another key for each usage")
    tls_key = ec.generate_private_key(ec.SECP256R1())
    unencrypted = encoded(tls_key, None)
    file = _enrolment(config, held, signers, unencrypted, licence_number, display_name)
    files = {home / CONFIG_FILE: config.to_toml().encode(), config.tls_key: encoded(tls_key, passphrase)}
    files |= {
        home / "keys" / f"{usage.name.lower()}.pem": encoded(key, passphrase) for usage, key in signing_keys.items()
    }
    if Role.LENDER in held:
        files[config.secret_file] = secrets.token_bytes(SECRET_BYTES)
    files[home / f"{institution}.enrolment.json"] = file.encode()
    _take_folder(home)
    _write_all(files)
    return file


def request_certificate(config: ClientConfig, tls_key: bytes, signer: Signer, now: datetime) -> CertificateRequest:
    """Return what the registry needs to issue a certificate of a member's TLS key.

    Args:
        config: of the member.
        tls_key: PKCS#8 in PEM, without a passphrase.
        signer: a signing key of the member, which vouches for the TLS key.
        now: aware time at which it is signed.

    Raises:
        ConfigError: the TLS key is no ECDSA key in PKCS#8, PEM.
    """
    csr = create_certificate_request(tls_key, config.institution)
    key = spki_hash(x509.load_pem_x509_csr(csr).public_key())
    claim = TlsKeyClaim(config.name, config.institution, key, milliseconds(now), TlsKeyAction.VOUCH)
    return CertificateRequest(config.institution, csr, sign_claim(claim, signer))


def create_next_tls_key(config: ClientConfig) -> bytes:
    """Return the TLS key that waits for its certificate, unencrypted PKCS#8 in PEM; it is made where none waits yet.

    It has the passphrase of the TLS key in use, if that has one.

    Raises:
        ConfigError: it cannot be read or written, or the passphrase is wrong or not given.
    """
    if not config.next_tls_key.exists():
        create_tls_key(config.next_tls_key, config.new_key_passphrase())
    return config.tls_key_pem(config.next_tls_key)


def replay_key(config: ClientConfig) -> VerifierKey:
    """Return the key with which an auditor cosigns what it has rebuilt; made where there is none.

    Args:
        config: of the auditor's home.

    Raises:
        ConfigError: it cannot be made or opened, or no key can have a name with that of the registry in it.
    """
    try:
        name = replay_name(config.name, config.institution)
    except FormatError as error:
        raise ConfigError(str(error)) from error
    if not config.replay_key_file.exists():
        create_signing_key(config.replay_key_file, config.new_key_passphrase())
    return VerifierKey.cosigner(name, config.replay_signer().public_key.raw)


def change_passphrase(config: ClientConfig, new: bytes | None) -> tuple[Path, ...]:
    """Give the signing keys and TLS keys of a home another passphrase, or take it off, and return their files.

    All are opened before the first is written. After a crash in between the same call finishes the work: a key that
    has the new passphrase already is left under it.

    Args:
        config: of the home; its ``secret`` returns the present passphrase, if the keys have one.
        new: 8 bytes or more; None for none.

    Raises:
        ConfigError: a key cannot be opened or written, or the new passphrase is too short or too long.
    """
    if new is not None:
        check_passphrase(new)
    named = [config.home / uri.removeprefix("file:") for uri in config.keys.values() if uri.startswith("file:")]
    others = [*(config.home / "keys").glob("*.pem"), config.tls_key, config.next_tls_key]
    # Behind a symbolic link lies the file that is to change.
    files = sorted({path.resolve() for path in (*named, *(path for path in others if path.exists()))})
    keys = [(path, _opened_by_either(path, config.secret, new)) for path in files]
    for path in files:
        # What a run left that was killed: a key under no passphrase, where that one took it off.
        for draft in drafts_of(path):
            draft.unlink(missing_ok=True)
    for path, key in keys:
        replace_file(path, encoded(key, new))
    return tuple(files)


def _opened_by_either(path: Path, secret: SecretPrompt | None, new: bytes | None) -> PrivateKeyTypes:
    pem = read_private(path)
    if new is not None and is_encrypted(pem):
        # Tried first: where there was none before, keys have the new one by a run that was broken off.
        with contextlib.suppress(ConfigError):
            return opened(pem, new, path)
    return opened(pem, secret(f"file:{path}") if is_encrypted(pem) and secret is not None else None, path)


def install_trust_root(home: str | Path, trust_root: bytes, fingerprint: str) -> TrustRoot:
    """Write the trust root into a member's home, once its fingerprint was compared over another channel.

    Args:
        home: of the member.
        trust_root: the file that the registry hands out.
        fingerprint: hexadecimal, received over a trusted channel.

    Raises:
        ConfigError: it is no trust root, or has another fingerprint.
    """
    try:
        root = TrustRoot.parse(trust_root)
    except (FormatError, RuleError) as error:
        raise ConfigError(f"no trust root: {error}") from error
    if root.fingerprint != "".join(fingerprint.split()).lower():
        raise ConfigError(f"the trust root has another fingerprint: got {root.fingerprint}, want {fingerprint}")
    replace_file(Path(home) / "trust-root.bin", trust_root)
    return root


def install_certificate(
    home: str | Path, certificate: bytes, ca: bytes | None = None, *, secret: SecretPrompt | None = None
) -> None:
    """Write a client certificate, and the CA's where given, into a member's home; the old one is replaced.

    Where it is for the TLS key that waits for its certificate, that key takes the place of the old one. A crash in
    between leaves the certificate as ``tls/next-certificate.pem``, from which it can be installed again.

    Args:
        home: of the member.
        certificate: with its chain, PEM.
        ca: certificate of the registry's authority, PEM; None leaves the one that is there.
        secret: asked for the passphrase of a TLS key that waits.

    Raises:
        ConfigError: it is no certificate, a file cannot be written, or the passphrase is wrong or not given.
    """
    tls = Path(home) / "tls"
    if ca is not None:
        replace_file(tls / "ca.pem", ca)
    replace_file(tls / "next-certificate.pem", certificate)
    if _is_for(certificate, tls / NEXT_TLS_KEY, secret):
        (tls / NEXT_TLS_KEY).replace(tls / "key.pem")
    (tls / "next-certificate.pem").replace(tls / "certificate.pem")


def install_own_certificate(config: ClientConfig, certificate: bytes, ca: bytes | None) -> x509.Certificate:
    """Install the certificate that an administrator handed back, once it is for this member and a TLS key of this home.

    Args:
        config: of the member.
        certificate: with its chain, PEM; the registry's CA may be its last.
        ca: certificate of the registry's authority, PEM; None where the chain ends with it or it is there already.

    Returns:
        The member's own.

    Raises:
        ConfigError: it is none, of another member or for another key, or there is no CA; or as ``install_certificate``.
    """
    chain = read_chain(certificate, "the certificate's file")
    authority = None if ca is None else chain_pem(read_chain(ca, "the CA's file"))
    if authority is None and len(chain) > 1 and chain[-1].issuer == chain[-1].subject:
        authority = chain_pem(chain[-1:])
    if config.institution != institution_of(chain[0]):
        raise ConfigError(f"the certificate is not for {config.institution}")
    keys = [config.tls_key_pem(file) for file in (config.tls_key, config.next_tls_key) if file.exists()]
    requests = [x509.load_pem_x509_csr(create_certificate_request(key, config.institution)) for key in keys]
    if all(request.public_key() != chain[0].public_key() for request in requests):
        raise ConfigError("the certificate is for another TLS key than the one in this home")
    if authority is None and not config.tls_ca.exists():
        raise ConfigError("this home has no CA yet: give the ca.pem of the registry with the certificate (--ca)")
    install_certificate(config.home, chain_pem(chain), authority, secret=config.secret)
    return chain[0]


def _is_for(certificate: bytes, key_file: Path, secret: SecretPrompt | None) -> bool:
    """Return whether a certificate is for the key of a file; not where there is no such file."""
    if not key_file.exists():
        return False
    key = read_key(key_file, secret)
    try:
        return x509.load_pem_x509_certificates(certificate)[0].public_key() == key.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError("the certificate is not in order") from None


def _roles(roles: Iterable[Role | str]) -> tuple[Role, ...]:
    try:
        held = tuple(sorted({Role(role) for role in roles}))
    except (TypeError, ValueError):
        held = ()
    if not held:
        raise ConfigError(f"roles: want one or more of {', '.join(Role)}")
    if not go_together(held):
        raise ConfigError("roles: an AUDITOR or a REPRESENTATIVE has no other role")
    return held


def _devices(devices: Mapping[KeyUsage, str] | Mapping[str, str], usages: Sequence[KeyUsage]) -> dict[KeyUsage, str]:
    """Return the keys that devices hold, each of a usage of the member.

    Raises:
        ConfigError: a usage is none of the member's, or a URI is of a file.
    """
    given: dict[KeyUsage, str] = {}
    for word, uri in devices.items():
        if word not in usages:
            wanted = ", ".join(usage.name for usage in usages)
            raise ConfigError(f"devices: {str(word)[:20]} is no usage of these roles; want {wanted}")
        if str(uri).startswith("file:"):
            raise ConfigError("devices: want URIs of keys that a device or an agent holds; keys in files are made here")
        given[KeyUsage(word)] = uri
    return given


def _enrolment(
    config: ClientConfig,
    roles: tuple[Role, ...],
    signers: Mapping[KeyUsage, Signer],
    tls_key: bytes,
    licence_number: str,
    display_name: str,
) -> EnrolmentFile:
    """Return the enrolment of a member; it reads as the administrators will read it.

    Raises:
        ConfigError: an argument has a wrong form.
    """
    for argument, text in (("licence_number", licence_number), ("display_name", display_name)):
        if not isinstance(text, str):
            raise ConfigError(f"{argument} must be a text")
    try:
        grants = [
            grant_key(config.name, config.institution, signer, usage) for usage, signer in sorted(signers.items())
        ]
        keys = tuple(sorted(grants, key=lambda grant: grant.key_id))
        enrolment = Enrolment(config.institution, licence_number, display_name, roles, keys)
        request = request_certificate(config, tls_key, next(iter(signers.values())), moment(clock_ms()))
        file = EnrolmentFile(enrolment, request.csr, request.vouch)
        EnrolmentFile.parse(file.encode())
    except (FormatError, TypeError, ValueError) as error:
        # The libraries for messages and certificates refuse a wrong type, or text that is not Unicode, by the last two.
        raise ConfigError(f"the enrolment is not in order: {error}") from error
    return file


def _write_all(files: Mapping[Path, bytes]) -> None:
    """Write new private files: all of them, or none.

    Raises:
        ConfigError: one exists already, or cannot be written.
    """
    written: list[Path] = []
    try:
        for path, data in files.items():
            write_private(path, data)
            written.append(path)
    except ConfigError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _take_folder(home: Path) -> None:
    """Make a folder with mode 0700, or take one that is there; an empty one is given that mode.

    Raises:
        ConfigError: others may enter it, and it holds something already; or it cannot be made.
    """
    try:
        taken = take_folder(home)
    except OSError as error:
        raise ConfigError(f"{home} cannot be made: {error.strerror}") from error
    if not taken:
        raise ConfigError(f"{home} is open to others and not empty: name a folder of its own, or chmod 700 {home}")
