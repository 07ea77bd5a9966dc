"""Founding a registry: its folder, its genesis act, and leaf 0.

draft   keys, authority, database, genesis.act            the administrators approve that file, each at home
finish  logs it; hands out trust root and certificates    nothing is served before
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk._address import host_port
from client_sdk.kernel.formats.act import NO_PREVIOUS, Act, GenesisBody
from client_sdk.kernel.formats.keys import ED25519, Ed25519Signer
from client_sdk.kernel.formats.leaf import ActLeaf
from client_sdk.kernel.formats.state import KeyServices, LogKey, Rulebook
from client_sdk.kernel.ledger.act_file import ActFile
from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.kernel.ledger.key_service_file import KeyServiceFile
from client_sdk.kernel.ledger.trust_root import TrustRoot
from registry_server.certificates.authority import CertificateAuthority
from registry_server.sequencing.genesis import found
from registry_server.sequencing.recover import recover
from registry_server.serving.files import replace_file, take_folder, write_secret
from registry_server.storage import leaves, migrations
from registry_server.storage.unit_of_work import Database
from registry_server.usecases import certificates

if TYPE_CHECKING:
    from pathlib import Path

    from registry_server.storage.register import Register

__all__ = ["Founded", "Founders", "RegistryFolder", "certify_key_service", "draft", "finish"]

_ENROLMENT = ".enrolment.json"
_KEY_SERVICE = ".key-service.json"


@dataclass(frozen=True, slots=True)
class RegistryFolder:
    """Paths of a registry's files.

    Attributes:
        home: everything is below it.
        database_url: of SQLAlchemy.
        log_key: the log's private key.
        authority: the certificate authority.
        genesis: the genesis act while it gathers signatures.
        public: what may be handed out.
    """

    home: Path
    database_url: str
    log_key: Path
    authority: Path
    genesis: Path
    public: Path

    @property
    def founders(self) -> Path:
        """The files that administrators and key services handed in, for their certificates."""
        return self.home / "founders"


@dataclass(frozen=True, slots=True)
class Founders:
    """Parameters of a new registry.

    Attributes:
        registry: its name.
        log_origin: of its log.
        administrators: their enrolments.
        threshold: how many of them must sign an act.
        key_services: in the order in which their outputs are joined.
        rulebook: the first one.
    """

    registry: str
    log_origin: str
    administrators: tuple[EnrolmentFile, ...]
    threshold: int
    key_services: tuple[KeyServiceFile, ...]
    rulebook: Rulebook


@dataclass(frozen=True, slots=True)
class Founded:
    """A registry that may serve.

    Attributes:
        trust_root: what verifiers start from.
        certificates: files of administrators and key services.
    """

    trust_root: TrustRoot
    certificates: tuple[Path, ...]


def draft(folder: RegistryFolder, founders: Founders, now: int) -> ActFile:
    """Make keys, authority, tables and the genesis act; every argument is checked before a file is written.

    Raises:
        FormatError: a key or a request is not in order.
        RegistryError: CERTIFICATE_REQUEST_INVALID.
        RuleError: the administrators, their keys, the rulebook or the vouch for a TLS key are not in order.
        FileExistsError: the folder holds a registry already.
        StorageError: the database cannot be reached.
    """
    signer = Ed25519Signer.generate()
    act = ActFile(_genesis(founders, signer).encode())
    directory = Directory.drafted(ActLeaf(0, act.payload, ()))
    for file in founders.administrators:
        certificates.check_request(directory, CertificateRequest.of(file), now)
    for path in (folder.log_key, folder.genesis, folder.authority / "key.pem"):
        if path.exists():
            raise FileExistsError(path)
    take_folder(folder.home)
    write_secret(folder.log_key, signer.to_pkcs8_pem())
    CertificateAuthority.create(folder.authority, founders.registry, now)
    migrations.upgrade(folder.database_url)
    folder.founders.mkdir(mode=0o700, exist_ok=True)
    for enrolment in founders.administrators:
        replace_file(folder.founders / f"{enrolment.enrolment.id}{_ENROLMENT}", enrolment.encode())
    for service in founders.key_services:
        replace_file(folder.founders / f"{service.name}{_KEY_SERVICE}", service.encode())
    replace_file(folder.genesis, act.encode())
    return act


def _genesis(founders: Founders, signer: Ed25519Signer) -> Act:
    enrolments = tuple(sorted((file.enrolment for file in founders.administrators), key=lambda item: item.id))
    services = KeyServices(1, tuple(file.service for file in founders.key_services))
    log_key = LogKey(founders.log_origin, ED25519, signer.public_key.raw)
    body = GenesisBody(enrolments, founders.threshold, (log_key,), services, founders.rulebook)
    return Act(founders.registry, 0, NO_PREVIOUS, body)


def finish(folder: RegistryFolder, register: Register, now: int) -> Founded:
    """Log the genesis act and the first HEAD, and write what is handed out; again, it changes nothing.

    Args:
        folder: of the registry.
        register: of its log; made with the first checkpoint.
        now: ms.

    Raises:
        FormatError: the act file is not in order.
        RuleError: ACT_THRESHOLD, ACT_SIGNATURE, or another act is leaf 0.
        InconsistentError: database and register do not belong together.
        OSError: a file cannot be read or written.
        StorageError: the database or the register failed.
    """
    file = ActFile.parse(folder.genesis.read_bytes())
    signer = Ed25519Signer.from_pkcs8_pem(folder.log_key.read_bytes())
    authority = CertificateAuthority.load(folder.authority)
    handed_out = folder.public / "certificates"
    handed_out.mkdir(mode=0o755, parents=True, exist_ok=True)
    with Database(folder.database_url) as database:
        found(database, register, signer, file.payload, file.approvals, now)
        with database.snapshot() as work:
            genesis = leaves.leaf_range(work, 0, 1)[0].leaf
        written = _certify_administrators(folder, database, authority, handed_out, now)
    trust_root = TrustRoot.from_genesis(genesis)
    replace_file(folder.public / "ca.pem", authority.certificate)
    replace_file(folder.public / "trust-root.bin", trust_root.encode())
    written += [
        certify_key_service(KeyServiceFile.parse(path.read_bytes()), authority, handed_out, now)
        for path in sorted(folder.founders.glob(f"*{_KEY_SERVICE}"))
    ]
    return Founded(trust_root, tuple(written))


def _certify_administrators(
    folder: RegistryFolder, database: Database, authority: CertificateAuthority, handed_out: Path, now: int
) -> list[Path]:
    """Write the administrators' first certificates, by the rule that holds for every member."""
    directory = recover(database).state.directory
    written = []
    for path in sorted(folder.founders.glob(f"*{_ENROLMENT}")):
        request = CertificateRequest.of(EnrolmentFile.parse(path.read_bytes()))
        issued = certificates.issued_before(database, request)
        if issued is None:
            issued, _ = certificates.issue(database, directory, authority, request, carried_by="", now=now)
        target = handed_out / f"{request.institution}.pem"
        replace_file(target, issued.certificate + authority.certificate)
        written.append(target)
    return written


def certify_key_service(file: KeyServiceFile, authority: CertificateAuthority, handed_out: Path, now: int) -> Path:
    """Write the certificate of a key service and return its file; the operator has checked whose it is.

    Raises:
        RegistryError: CERTIFICATE_REQUEST_INVALID.
    """
    issued = authority.issue_for_key_service(file.csr, file.name, host_port(file.service.url).host, now)
    target = handed_out / f"{file.name}.pem"
    replace_file(target, issued + authority.certificate)
    return target
