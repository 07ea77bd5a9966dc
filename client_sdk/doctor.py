"""A member's checklist: files and modes of the home, keys, certificate, clock, registry, key services.

Each check looks for itself, so that one that fails hides no other. Nothing is changed, and no person is asked about.
"""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from client_sdk._transport.tls import TlsMaterial
from client_sdk.client import Client
from client_sdk.errors import CreditRegistryError
from client_sdk.following import kept_contradictions
from client_sdk.home_standing import pending_reports
from client_sdk.kernel.formats.words import KeyUsage, Role
from client_sdk.kernel.ledger.head_time import MAX_OFF_MS
from client_sdk.models.examined import Examined, Grade
from client_sdk.signing import institution_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk.config import ClientConfig
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.models.status import KeyServiceStatus, Status

__all__ = ["examine"]

_CERTIFICATE_SOON = timedelta(days=30)
# The registry writes a HEAD a minute; clients refuse one that is older than five.
_HEAD_DUE = timedelta(minutes=3)
_MOST_OFF = timedelta(milliseconds=MAX_OFF_MS)
# Key services refuse with a directory that is older than five minutes.
_DIRECTORY_DUE = timedelta(minutes=3)
_ROOM_LITTLE_BYTES = 1024**3
_ROOM_NONE_BYTES = 64 * 1024**2
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Of a home; the certificate and what it leads to are for everybody.
_PRIVATE = ("*.secret", "*.sqlite*", "keys/*.pem", "tls/*key.pem", "state/**/*")
_AGAIN = "this check could not be made: put right what it names, then run doctor again"


def examine(config: ClientConfig) -> list[Examined]:
    """Walk the checklist.

    Args:
        config: of the member.
    """
    looking = _HomeChecklist(config)
    checks: dict[str, Callable[[], Iterator[Examined]]] = {
        "files": looking.files,
        "room": looking.room,
        "trust-root": looking.trust_root,
        "misbehaviour": looking.misbehaviour,
        "keys": looking.keys,
        "certificate": looking.certificate,
        "outbox": looking.outbox,
        "registry": looking.registry,
        "membership": looking.membership,
        "clock": looking.clock,
        "witnesses": looking.witnesses,
        "auditors": looking.auditors,
        "key-services": looking.key_services,
    }
    return [found for name, check in checks.items() for found in _examined(name, check)]


def _examined(name: str, check: Callable[[], Iterator[Examined]]) -> Iterator[Examined]:
    try:
        yield from check()
    except CreditRegistryError as error:
        yield Examined(name, Grade.FAIL, str(error), _AGAIN)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        yield Examined(name, Grade.FAIL, f"{where}{error.strerror or 'cannot be used'}", _AGAIN)


class _HomeChecklist:
    """The checks, each yielding what it found."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        # What the registry said, once it was asked.
        self._status: Status | None = None
        self._directory: Directory | None = None

    def files(self) -> Iterator[Examined]:
        """Whether nobody else can read what is secret."""
        home = self._config.home
        private = [home, *(path for pattern in _PRIVATE for path in sorted(home.glob(pattern)))]
        if os.name != "posix":
            yield Examined("files", Grade.WARN, "modes are not checked on this system", "let nobody else read the home")
            return
        open_to_others = [path for path in private if path.stat().st_mode & _OTHERS]
        for path in open_to_others:
            mode = stat.S_IMODE(path.stat().st_mode)
            want = 0o700 if path.is_dir() else 0o600
            yield Examined(
                "files", Grade.FAIL, f"{path} has mode {mode:04o}", f"chmod {want:04o} {shlex.quote(str(path))}"
            )
        if not open_to_others:
            yield Examined("files", Grade.PASS, f"{len(private)} files and folders are this user's alone")

    def room(self) -> Iterator[Examined]:
        """Whether there is room for reports and answers."""
        free = shutil.disk_usage(self._config.home).free
        grade = Grade.PASS if free >= _ROOM_LITTLE_BYTES else Grade.WARN if free >= _ROOM_NONE_BYTES else Grade.FAIL
        advice = "" if grade is Grade.PASS else "make room: a report is kept on this disk before it is sent"
        yield Examined("room", grade, f"{free / 1024**3:.1f} GiB are free on the disk of the home", advice)

    def trust_root(self) -> Iterator[Examined]:
        """Which registry is believed."""
        root = self._config.trust_root()
        yield Examined("trust-root", Grade.PASS, f"of {root.registry}, fingerprint {root.fingerprint}")

    def misbehaviour(self) -> Iterator[Examined]:
        """Whether this home holds a proof that the log has two histories."""
        proofs = kept_contradictions(self._config.state_folder)
        for proof in proofs:
            command = f"credit-registry verify {shlex.quote(str(proof))}"
            advice = f"stop using this registry; `{command}` tells what it proves to anybody"
            yield Examined("misbehaviour", Grade.FAIL, f"{proof}: the log's key has signed two histories", advice)
        if not proofs:
            yield Examined("misbehaviour", Grade.PASS, "the log was never seen to contradict itself")

    def keys(self) -> Iterator[Examined]:
        """Whether each key of the settings opens, and counts in the directory."""
        config = self._config
        if not config.keys:
            yield Examined("keys", Grade.FAIL, "the settings name none", "[keys] of config.toml, or `init` anew")
        for usage in sorted(config.keys):
            key_id = config.signer(usage).public_key.key_id
            yield from self._key(usage, key_id)
        if KeyUsage.REPORT in config.keys and Role.LENDER in config.roles:
            config.record_secret()
            yield Examined("keys", Grade.PASS, "the secret behind record ids is there; back it up with the keys")

    def _key(self, usage: KeyUsage, key_id: bytes) -> Iterator[Examined]:
        name = usage.name.lower()
        state = self._followed().institutions.get(self._config.institution)
        granted = () if state is None else state.keys
        held = next((key for key in granted if key.key_id == key_id), None)
        if held is None:
            advice = "an act must grant it: `credit-registry key list`, then `key add`"
            yield Examined("keys", Grade.FAIL, f"the directory does not know the {name} key of this home", advice)
        elif not held.running:
            advice = "`credit-registry key list`, then `key use` one that runs"
            yield Examined("keys", Grade.FAIL, f"the {name} key of this home has ended", advice)
        else:
            yield Examined("keys", Grade.PASS, f"the {name} key opens, and counts")

    def certificate(self) -> Iterator[Examined]:
        """Whether the TLS certificate is this member's, belongs to its key, and lasts."""
        config = self._config
        TlsMaterial.from_folder(config.tls_key.parent, config.tls_key_pem)
        certificate = x509.load_pem_x509_certificates(config.tls_certificate.read_bytes())[0]
        named = institution_of(certificate)
        if named != config.institution:
            found = f"it is for {named or 'no institution'}, and this home is that of {config.institution}"
            yield Examined("certificate", Grade.FAIL, found, "install this member's own: `certificate install FILE`")
            return
        left = certificate.not_valid_after_utc - datetime.now(UTC)
        grade = Grade.PASS if left >= _CERTIFICATE_SOON else Grade.WARN
        advice = "" if grade is Grade.PASS else "credit-registry certificate renew"
        yield Examined("certificate", grade, f"ends in {left.days:,} days", advice)
        if config.next_tls_key.exists():
            advice = "`certificate install FILE` once it is issued"
            yield Examined("certificate", Grade.WARN, "a new TLS key waits for its certificate", advice)

    def outbox(self) -> Iterator[Examined]:
        """Whether signed reports wait for their receipts."""
        config = self._config
        if not config.outbox_file.exists():
            return
        waiting = pending_reports(config)
        if waiting:
            advice = "run `report` with the same file again: nothing is doubled"
            yield Examined("outbox", Grade.WARN, f"{waiting:,} signed reports wait for a receipt", advice)
        else:
            yield Examined("outbox", Grade.PASS, "no report waits for a receipt")

    def registry(self) -> Iterator[Examined]:
        """Whether the registry answers, at each of its addresses."""
        addresses = [address.strip() for address in self._config.registry.split(",")]
        for address in addresses:
            try:
                with Client(replace(self._config, registry=address)) as client:
                    status = self._status = client.status()
                    self._directory = client.directory()
            except CreditRegistryError as error:
                # Where another address answers, calls go there.
                grade = Grade.FAIL if len(addresses) == 1 else Grade.WARN
                advice = "check address, network and certificate, and ask its operator"
                yield Examined("registry", grade, f"{address}: {error}", advice)
            else:
                yield Examined("registry", Grade.PASS, f"{address} answers, {status.size:,} leaves are verified")
        if self._status is None and len(addresses) > 1:
            yield Examined("registry", Grade.FAIL, "it answers at no address", "ask its operator")

    def membership(self) -> Iterator[Examined]:
        """Whether this institution is a member that may act."""
        state = self._followed().institutions.get(self._config.institution)
        if state is None:
            advice = "hand the enrolment file to the administrators"
            yield Examined("membership", Grade.FAIL, f"{self._config.institution} is not enrolled", advice)
            return
        roles = ", ".join(role.name for role in state.roles)
        grade = Grade.PASS if state.status.name == "ACTIVE" else Grade.FAIL
        advice = "" if grade is Grade.PASS else "ask the administrators what it needs to be active again"
        yield Examined("membership", grade, f"{self._config.institution} is {state.status.name}, {roles}", advice)
        speaks = Role.REPRESENTATIVE in state.roles
        if Role.LENDER in state.roles and KeyUsage.REPORT not in self._config.keys:
            advice = "`credit-registry key add --usage REPORT`"
            yield Examined("membership", Grade.WARN, "a lender, and the settings name no key to report with", advice)
        if speaks is not (Role.REPRESENTATIVE in self._config.roles):
            found = "the settings name another role, and the desk shows its pages"
            advice = 'add role = "REPRESENTATIVE" to config.toml' if speaks else "take `role` out of config.toml"
            yield Examined("membership", Grade.WARN, found, advice)

    def clock(self) -> Iterator[Examined]:
        """Whether this machine's clock agrees with the newest HEAD of the log."""
        age = datetime.now(UTC) - self._asked().head_at
        if age < -_HEAD_DUE:
            found = f"this machine is {-age.total_seconds():,.0f} s behind the registry"
        elif age > _HEAD_DUE:
            found = f"by this machine's clock the newest HEAD is {age.total_seconds():,.0f} s old"
        else:
            yield Examined("clock", Grade.PASS, f"the newest HEAD is {max(0, int(age.total_seconds()))} s old")
            return
        grade = Grade.FAIL if abs(age) > _MOST_OFF else Grade.WARN
        advice = "check the time synchronisation (NTP) here first; where it is right, tell the registry's operator"
        yield Examined("clock", grade, found, advice)

    def witnesses(self) -> Iterator[Examined]:
        """How far witnesses have confirmed the log."""
        seen = self._asked().witnessed
        if seen is None:
            advice = "name some in witnesses.policy of this home, or let the rulebook: docs/members.md"
            yield Examined("witnesses", Grade.WARN, "none are demanded: two histories would be seen later", advice)
        elif seen.at is None:
            advice = "ask the registry's operator which of them does not answer"
            yield Examined("witnesses", Grade.WARN, "no quorum has ever signed a checkpoint of this log", advice)
        else:
            late = datetime.now(UTC) - seen.at > _MOST_OFF
            advice = "ask the registry's operator which of them does not answer" if late else ""
            found = f"a quorum has signed {seen.size:,} leaves, {seen.at:%Y-%m-%d %H:%M:%S} UTC"
            yield Examined("witnesses", Grade.WARN if late else Grade.PASS, found, advice)

    def auditors(self) -> Iterator[Examined]:
        """How lately auditors have rebuilt the log: else each CLEAR says NOT REPLAYED."""
        seen = self._asked().replayed
        if seen is None:
            advice = "ask the administrators to name auditors that rebuild the log: docs/members.md, Replayed answers"
            yield Examined("auditors", Grade.WARN, "the rulebook names none: each CLEAR says NOT REPLAYED", advice)
        elif seen.at is None:
            advice = "ask the registry's operator which of them does not cosign"
            yield Examined(
                "auditors", Grade.WARN, "too few have rebuilt this log: each CLEAR says NOT REPLAYED", advice
            )
        else:
            advice = "ask the auditors what they have found" if seen.late else ""
            found = f"enough have rebuilt {seen.size:,} leaves, begun {seen.at:%Y-%m-%d %H:%M:%S} UTC"
            yield Examined("auditors", Grade.WARN if seen.late else Grade.PASS, found, advice)

    def key_services(self) -> Iterator[Examined]:
        """Whether each key service answers with a recent directory: all of them are needed for a pseudonym."""
        for service in self._asked().key_services:
            yield _service(service)

    def _asked(self) -> Status:
        if self._status is None:
            with Client(self._config) as client:
                self._status = client.status()
        return self._status

    def _followed(self) -> Directory:
        if self._directory is None:
            with Client(self._config) as client:
                self._directory = client.directory()
        return self._directory


def _service(service: KeyServiceStatus) -> Examined:
    if not service.reachable:
        advice = "without each of them nobody can be asked about or reported: tell its operator"
        return Examined("key-services", Grade.FAIL, f"{service.url}: {service.problem or 'does not answer'}", advice)
    if service.directory_as_of is None:
        return Examined("key-services", Grade.WARN, f"{service.url} has followed no directory yet", "try again soon")
    age = datetime.now(UTC) - service.directory_as_of
    if age > _DIRECTORY_DUE:
        found = f"{service.url} follows a directory that is {age.total_seconds():,.0f} s old"
        return Examined("key-services", Grade.WARN, found, "it refuses from five minutes on: tell its operator")
    return Examined("key-services", Grade.PASS, f"{service.url} answers")
