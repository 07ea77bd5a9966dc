"""A registry that runs in this process: the real server, real TLS, a database of the test's own.

with running_registry(folder, url) as registry:
    stub = registry.records("lender-1")            over a channel with that member's certificate
    registry.verify_log()                          everything that is stored, recomputed
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import grpc
from creditregistry.v1 import certificate_pb2, check_pb2, evidence_pb2
from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceStub
from creditregistry.v1.dispute_service_pb2_grpc import DisputeServiceStub
from creditregistry.v1.inbox_service_pb2_grpc import InboxServiceStub
from creditregistry.v1.inquiry_service_pb2_grpc import InquiryServiceStub
from creditregistry.v1.record_service_pb2_grpc import RecordServiceStub
from creditregistry.v1.subject_access_service_pb2_grpc import SubjectAccessServiceStub
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from google.rpc import error_details_pb2, status_pb2

from client_sdk.clock import clock_ms
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.commitment import commit_consent, commit_inquiry, commit_officer
from client_sdk.kernel.formats.tls_key import SignedClaim, TlsKeyClaim, sign_claim, spki_hash
from client_sdk.kernel.formats.words import Purpose, TlsKeyAction
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
from client_sdk.kernel.ledger.inquiry import Inquiry, InquiryOpening, PersonOpening
from client_sdk.kernel.ledger.key_service_file import KeyServiceFile
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.consent import for_purpose, terms_of
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.facts import Consent, ConsentForm
from client_sdk.signing import create_certificate_request
from registry_server.app import App, build
from registry_server.certificates.authority import CertificateAuthority
from registry_server.serving.files import write_secret
from registry_server.serving.status import DETAILS_KEY
from registry_server.settings import SETTINGS_FILE, load_settings, settings_toml
from registry_server.storage.register import FileRegister
from registry_server.storage.unit_of_work import Database
from registry_server.subject_key_service import setup
from registry_server.subject_key_service.settings import KeyServiceFolder, make_settings
from registry_server.usecases.certificates import issue
from registry_server.usecases.fsck.check import fsck
from tests.support.handmade_log import REGISTRY, seed, signer
from tests.support.registry_world import ADMINISTRATORS, AUDITOR, LENDERS, World, subject_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from client_sdk.kernel.ledger.answer import VerifiedAnswer
    from registry_server.settings import Value

__all__ = [
    "Refused",
    "RunningRegistry",
    "claim_of",
    "inquire",
    "read_refusal",
    "refusal",
    "request_of",
    "revoke",
    "running_registry",
    "serving",
]

START_SECONDS = 30


class Refused(NamedTuple):
    """How a call was refused."""

    status: str
    reason: str
    field: str
    rule: str
    got: str
    want: str


def refusal(call: Callable[[], object]) -> Refused:
    """Make a call that must be refused, and return how it was."""
    try:
        answered = call()
    except grpc.RpcError as error:
        return read_refusal(error)
    raise AssertionError(f"not refused: {answered!r}")


def read_refusal(error: grpc.RpcError) -> Refused:
    """How a call was refused, by its error."""
    assert isinstance(error, grpc.Call)
    metadata = dict(error.trailing_metadata() or ())
    info = error_details_pb2.ErrorInfo()
    details = metadata.get(DETAILS_KEY, b"")
    assert isinstance(details, bytes)
    for item in status_pb2.Status.FromString(details).details:
        item.Unpack(info)
    shown = dict(info.metadata)
    return Refused(error.code().name, info.reason, *(shown.get(name, "") for name in ("field", "rule", "got", "want")))


class Identity(NamedTuple):
    """A TLS key with its certificate, PEM."""

    key: bytes
    certificate: bytes


def new_key() -> bytes:
    """A TLS key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def vouching_key(institution: str) -> str:
    """Name of a signing key that a member of the world has had from its enrolment on."""
    usage = "ADMINISTER" if institution in ADMINISTRATORS else "AUDIT" if institution == AUDITOR else "REPORT"
    return f"{institution} {usage}"


def claim_of(
    institution: str,
    key: bytes,
    action: TlsKeyAction = TlsKeyAction.VOUCH,
    *,
    by: str = "",
    now: int | None = None,
    **changes: object,
) -> SignedClaim:
    """What a member says of a TLS key (PEM), signed by a key of its own unless another is named."""
    public_key = load_pem_private_key(key, password=None).public_key()
    claim = TlsKeyClaim(REGISTRY, institution, spki_hash(public_key), now or clock_ms(), action)
    claim = replace(claim, **changes)  # type: ignore[arg-type]  # the test names fields
    return sign_claim(claim, signer(by or vouching_key(institution)))


def request_of(
    institution: str, key: bytes, vouch: SignedClaim | None = None, *, now: int | None = None
) -> CertificateRequest:
    """A member's request for a certificate of a TLS key (PEM)."""
    vouch = vouch or claim_of(institution, key, now=now)
    return CertificateRequest(institution, create_certificate_request(key, institution), vouch)


def revoke(registry: RunningRegistry, institution: str, identity: Identity, by: Identity | None = None) -> int:
    """Let a member revoke a TLS key, over that key unless another one is given; return when it was revoked."""
    revocation = claim_of(institution, identity.key, TlsKeyAction.REVOKE)
    request = certificate_pb2.RevokeTlsKeyRequest(revocation=revocation.message())
    return DirectoryServiceStub(registry.channel(institution, by or identity)).RevokeTlsKey(request).revoked_at


class RunningRegistry:
    """A server and those who talk to it."""

    def __init__(self, app: App, authority: CertificateAuthority, world: World, port: int) -> None:
        self.app = app
        self.authority = authority
        self.world = world
        self.port = port
        self._channels = ExitStack()
        self._identities: dict[str, Identity] = {}

    @property
    def target(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def identity(self, institution: str, *, now: int | None = None) -> Identity:
        """A key that a member vouches for, and its certificate; issued at another time if one is given."""
        key, now = new_key(), now or clock_ms()
        if institution in self.app.ledger.directory.institutions:
            issued, known = issue(
                self.app.database,
                self.app.ledger.directory,
                self.authority,
                request_of(institution, key, now=now),
                carried_by=institution,
                now=now,
            )
            self.app.standing.learn([known])
            return Identity(key, issued.certificate)
        return Identity(key, self.unvouched(institution, key, now))

    def unvouched(self, institution: str, key: bytes, now: int | None = None) -> bytes:
        """A certificate such as the authority itself could make, without a word of the member."""
        request = create_certificate_request(key, institution)
        return self.authority.issue_for_institution(request, institution, now or clock_ms())

    def forged(self, institution: str) -> Identity:
        """A foreign key, with a certificate in a member's name that the authority's own key has signed."""
        key = new_key()
        return Identity(key, self.unvouched(institution, key))

    def key_service(self, name: str) -> Identity:
        """What a key service shows: its request is made the way its own program makes it."""
        home = KeyServiceFolder(self.app.settings.home.parent / f"folder of {name}")
        settings = make_settings({"name": name, "url": "127.0.0.1:18443", "listen": "127.0.0.1:18443"})
        file = KeyServiceFile.parse(setup.create(home, settings, ()).read_bytes())
        key = (home.home / "tls" / "key.pem").read_bytes()
        return Identity(key, self.authority.issue_for_key_service(file.csr, file.name, "127.0.0.1", clock_ms()))

    def channel(self, institution: str, identity: Identity | None = None) -> grpc.Channel:
        """A channel with a member's certificate, closed with the registry."""
        if identity is None:
            if institution not in self._identities:
                self._identities[institution] = self.identity(institution)
            identity = self._identities[institution]
        credentials = grpc.ssl_channel_credentials(self.authority.certificate, identity.key, identity.certificate)
        return self._channels.enter_context(grpc.secure_channel(self.target, credentials))

    def records(self, institution: str) -> RecordServiceStub:
        """The record service, as a member sees it."""
        return RecordServiceStub(self.channel(institution))

    def disputes(self, institution: str) -> DisputeServiceStub:
        """The dispute service, as a member sees it."""
        return DisputeServiceStub(self.channel(institution))

    def inbox(self, institution: str) -> InboxServiceStub:
        """The inbox service, as a member sees it."""
        return InboxServiceStub(self.channel(institution))

    def inquiries(self, institution: str) -> InquiryServiceStub:
        """The inquiry service, as a member sees it."""
        return InquiryServiceStub(self.channel(institution))

    def subject_access(self, institution: str) -> SubjectAccessServiceStub:
        """The service for a person's own report, as a member sees it."""
        return SubjectAccessServiceStub(self.channel(institution))

    def transparency(self, institution: str) -> TransparencyServiceStub:
        """The transparency service, as a member sees it."""
        return TransparencyServiceStub(self.channel(institution))

    def directory(self, institution: str) -> DirectoryServiceStub:
        """The directory service, as a member sees it."""
        return DirectoryServiceStub(self.channel(institution))

    @property
    def trust_root(self) -> TrustRoot:
        """What a verifier starts from."""
        with self.app.ledger.view() as view:
            return TrustRoot.from_genesis(view.leaves_at([0])[0])

    def verify(self, request: check_pb2.CheckRequest, response: check_pb2.CheckResponse) -> VerifiedAnswer:
        """Verify an answer as its asker does."""
        evidence = response.evidence
        evidence.inquiry.CopyFrom(request.inquiry)
        return Verifier(self.trust_root).check(evidence)

    def verify_log(self) -> None:
        """Recompute everything that is stored."""
        with Database(self.app.settings.database, serving=False) as database:
            report = fsck(database, self.app.register)
        assert report.findings == []

    def close(self) -> None:
        """Close the channels."""
        self._channels.close()


@contextmanager
def running_registry(
    folder: Path, database_url: str, world: World | None = None, **values: Value
) -> Iterator[RunningRegistry]:
    """Run a registry on a migrated database; it is founded and its members are enrolled."""
    world = world or World()
    home = folder / "registry"
    home.mkdir(mode=0o700, exist_ok=True)
    # Processes that check streams take longer to start than most tests take, and are tested by themselves.
    given: dict[str, Value] = {"registry": REGISTRY, "listen": "127.0.0.1:0", "database_url": database_url}
    given |= {"checking_processes": 0, **values}
    (home / SETTINGS_FILE).write_text(settings_toml(given))
    if not (home / "ca").exists():
        CertificateAuthority.create(home / "ca", REGISTRY, clock_ms())
        write_secret(home / "log-key.pem", world.log_signer.to_pkcs8_pem())
        with Database(database_url) as database:
            settings = load_settings(home)
            world.begin(database, FileRegister(settings.register_path, settings.log_origin))
    app = build(load_settings(home), world.clock)
    if LENDERS[0] not in app.ledger.directory.institutions:
        world.enrol(app.ledger)
    # The server ends before its clients' channels: what they have under way is finished.
    with ExitStack() as channels, serving(app) as port:
        registry = RunningRegistry(app, CertificateAuthority.load(home / "ca"), world, port)
        channels.callback(registry.close)
        yield registry


@contextmanager
def serving(app: App) -> Iterator[int]:
    """Run the server's event loop in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="registry loop", daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(app.start(), loop).result(START_SECONDS)
    finally:
        asyncio.run_coroutine_threadsafe(app.stop(), loop).result(START_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def inquire(
    world: World,
    asker: str,
    persons: Sequence[str],
    name: str = "question",
    *,
    consent: Consent | None = None,
    officer: str = "officer 7",
    key: str = "",
    **changes: object,
) -> check_pb2.CheckRequest:
    """A signed inquiry about persons by their names, under every version of the subject keys that the world has.

    Args:
        world: whose clock and keys.
        asker: institution id.
        persons: by name.
        name: what id and openings follow from.
        consent: written today unless another is given.
        officer: who asks.
        key: name of the signing key; the asker's INQUIRE key unless another is given.
        changes: fields of the inquiry that are to be otherwise.
    """
    today = day_of(world.clock.now, world.rulebook.time_zone)
    purpose = changes.get("purpose", Purpose.LOAN_APPROVAL)
    assert isinstance(purpose, Purpose)
    # Each person signs a request of its own, on the day of the inquiry.
    document = f"request of {persons} on {today}" if purpose is Purpose.SUBJECT_ACCESS else "consent"
    consent = for_purpose(consent or Consent(form=ConsentForm.WRITTEN, date=today, digest=seed(document)), purpose)
    opened = tuple(
        PersonOpening(
            seed(f"{name} {place}"), tuple((version, subject_of(person, version)) for version in world.key_versions)
        )
        for place, person in enumerate(persons)
    )
    opening = InquiryOpening(opened, seed(f"{name} consent"), consent.encode(), seed(f"{name} officer"), officer)
    inquiry = Inquiry(
        REGISTRY,
        asker,
        seed(f"{name} id", 16),
        world.clock.now,
        Purpose.LOAN_APPROVAL,
        tuple(commit_inquiry(person.opening, person.pseudonyms) for person in opened),
        commit_consent(opening.consent_opening, opening.consent),
        commit_officer(opening.officer_opening, opening.officer),
        terms_of([consent]),
    )
    payload = replace(inquiry, **changes).encode()  # type: ignore[arg-type]  # the test names fields
    own = signer(key or f"{asker} INQUIRE")
    signed = evidence_pb2.SignedPayload(
        payload=payload, key_id=own.public_key.key_id, signature=dsse.sign(own, dsse.INQUIRY, payload)
    )
    return check_pb2.CheckRequest(inquiry=signed, opening=opening.message())
