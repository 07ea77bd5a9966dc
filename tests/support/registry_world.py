"""Members of a registry without the registry: administrators, lenders and askers, with keys derived from names.

world = World()                                  three administrators, three lenders, an auditor; a clock to be set
with world.ledger(url) as ledger: ...            founds where needed; enrols the members
world.report("lender-1", "loan")                 the next version of a record, as a Submission
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2 as pb

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import (
    NO_PREVIOUS,
    Act,
    AdministratorsBody,
    Enrolment,
    ErasureBody,
    GenesisBody,
    InstitutionBody,
    KeyServicesBody,
    StateBody,
    SuccessionBody,
    grant_key,
)
from client_sdk.kernel.formats.commitment import commit_facts, commit_subject
from client_sdk.kernel.formats.debt import debt_ref
from client_sdk.kernel.formats.leaf import Approval
from client_sdk.kernel.formats.seal import disclosure_digest, seal_facts, seal_text
from client_sdk.kernel.formats.state import KeyService, KeyServices, LogKey, Rulebook
from client_sdk.kernel.formats.statement import Annotation, RecordKey, Statement, payload_hash
from client_sdk.kernel.formats.words import (
    AnnotationFlag,
    InstitutionStatus,
    KeyUsage,
    Kind,
    Role,
    Standing,
    WithdrawalReason,
)
from client_sdk.kernel.ledger.submission import Submission
from client_sdk.kernel.rules.lifecycle import carries_subject
from client_sdk.kernel.rules.retention import latest_day
from registry_server.sequencing.errors import NoGenesisError
from registry_server.sequencing.genesis import found
from registry_server.sequencing.items import ActItem, AnnotationItem, InquiryItem
from registry_server.sequencing.ledger import Ledger
from registry_server.storage import head
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.submit import Submitting
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.support import founded
from tests.support.handmade_log import REGISTRY, record_id, seed, signer, voprf_key
from tests.support.registers import ORIGIN, register_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.rules.facts import Facts
    from registry_server.sequencing.items import Appended
    from registry_server.storage.register import Register

LENDERS = ("lender-1", "lender-2", "lender-3")
ADMINISTRATORS = ("admin-1", "admin-2", "admin-3")
AUDITOR = "auditor"
NOW = samples.SUBMITTED_AT
# SHA-256 of what the person signed, which who disputes the record of another names.
PERSONS_REQUEST = seed("request of the person")
DAY_MS = 86_400_000
FACTS: dict[tuple[Kind, Standing], Facts] = {
    (Kind.DEFAULT, Standing.OPEN): samples.DEFAULT,
    (Kind.DEFAULT, Standing.ARRANGED): replace(samples.DEFAULT, days_past_due=0),
    (Kind.DEFAULT, Standing.CURED): samples.CURED,
    (Kind.DEFAULT, Standing.TRANSFERRED): replace(samples.DEFAULT, ended_on=samples.DEFAULT.as_of),
    (Kind.JUDGMENT, Standing.OPEN): samples.JUDGMENT,
    (Kind.ENFORCEMENT, Standing.OPEN): samples.ENFORCEMENT,
    (Kind.LISTING, Standing.OPEN): samples.LISTING,
}


class Clock:
    """The clocks of a machine, as a test sets them: time passes where ``now`` is set, and ``jump`` sets the wall clock.

    As a kernel does, it says that it is synchronised until the wall clock is set.
    """

    def __init__(self, now: int = NOW) -> None:
        self._now = now
        self._steady = 0
        self._boot = ""
        self.is_synchronised = True

    def __call__(self) -> int:
        return self._now

    @property
    def state(self) -> tuple[int, int, str, bool]:
        """All that it says."""
        return self._now, self._steady, self._boot, self.is_synchronised

    @property
    def now(self) -> int:
        """What the wall clock shows, ms."""
        return self._now

    @now.setter
    def now(self, value: int) -> None:
        self._steady += value - self._now
        self._now = value

    def jump(self, by: int) -> None:
        """Set the wall clock, while no time passes."""
        self._now += by
        self.is_synchronised = False

    def wall(self) -> int:
        """The wall clock, ms since 1970 UTC."""
        return self._now

    def steady(self) -> int:
        """The clock that never steps, ms."""
        return self._steady

    def synchronised(self) -> int | None:
        """What time synchronisation vouches for."""
        return self._now if self.is_synchronised else None

    def boot(self) -> str:
        """The name of the boot; empty, as on a machine that has none, until ``reboot`` gives one."""
        return self._boot

    def reboot(self, boot: str) -> None:
        """Start the machine anew, while no time passes."""
        self._boot, self._steady = boot, 0

    def pass_days(self, days: int) -> None:
        """Let days pass."""
        self.now += days * DAY_MS


@dataclass(frozen=True, slots=True)
class Version:
    """A version as its issuer remembers it."""

    statement: Statement
    payload: bytes
    person: str
    opening: bytes
    facts_opening: bytes
    facts: Facts | None


def subject_of(person: str, version: int = 1) -> bytes:
    """The pseudonym of a person."""
    return seed(f"subject {person} {version}")


def seal_key_of(person: str, version: int = 1) -> bytes:
    """The seal key of a person."""
    return seed(f"seal key {person} {version}")


class World:
    """Members of one registry and what they remember."""

    def __init__(self, rulebook: Rulebook | None = None) -> None:
        self.clock = Clock()
        self.rulebook = rulebook or Rulebook()
        self.log_signer = signer("log")
        self.newest: dict[RecordKey, Version] = {}
        self.key_versions = [1]

    # The registry

    def confirm_clock(self, ledger: Ledger) -> None:
        """Confirm the clock as the registry's operator."""
        with ledger.database.append() as work:
            head.confirm_clock(work, self.clock.wall())
            work.commit()

    @contextmanager
    def ledger(self, url: str, *, enrolled: bool = True) -> Iterator[Ledger]:
        """The ledger of a migrated database; founded, and its members enrolled, where they are not yet."""
        with Database(url) as database:
            register = register_of(url)
            try:
                ledger = Ledger.open(database, register, self.log_signer, self.clock)
            except NoGenesisError:
                begin = self.begin if enrolled else self.found
                begin(database, register)
                ledger = Ledger.open(database, register, self.log_signer, self.clock)
                if enrolled:
                    # As where the members are enrolled here: the clock is known to be right from now on.
                    ledger.clock()
            with ledger:
                if enrolled and LENDERS[0] not in ledger.directory.institutions:
                    self.enrol(ledger)
                yield ledger

    def begin(self, database: Database, register: Register) -> None:
        """Found the registry and enrol its members."""

        def found() -> None:
            self.found(database, register)
            with Ledger.open(database, register, self.log_signer, self.clock) as ledger:
                self.enrol(ledger)

        founded.begin(
            (type(self), self.rulebook, self.clock.state, self.log_signer.public_key.raw), database, register, found
        )

    def found(self, database: Database, register: Register) -> bytes:
        """Log the genesis."""
        act = self.genesis()
        return found(database, register, self.log_signer, act.payload, act.approvals, self.clock())

    def genesis(self) -> ActItem:
        """The first act, signed."""
        administrators = tuple(
            self.enrolment(name, (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER) for name in ADMINISTRATORS
        )
        log_key = LogKey(ORIGIN, "ed25519", self.log_signer.public_key.raw)
        body = GenesisBody(administrators, 2, (log_key,), self.key_services(1), self.rulebook)
        return self.signed(Act(REGISTRY, 0, NO_PREVIOUS, body))

    @staticmethod
    def key_services(version: int) -> KeyServices:
        """Key services of a version."""
        names = ("key-service-a", "key-service-b")
        services = tuple(KeyService(f"{name}.example:443", voprf_key(f"{name} {version}"), name) for name in names)
        return KeyServices(version, services)

    @staticmethod
    def enrolment(name: str, roles: tuple[Role, ...], *usages: KeyUsage) -> Enrolment:
        """A member's first keys."""
        grants = [grant_key(REGISTRY, name, signer(f"{name} {usage.name}"), usage) for usage in usages]
        keys = tuple(sorted(grants, key=lambda grant: grant.key_id))
        return Enrolment(name, f"licence of {name}", name.title(), roles, keys)

    @staticmethod
    def signed(act: Act, by: Sequence[str] = ADMINISTRATORS[:2]) -> ActItem:
        """An act with signatures of administrators."""
        payload = act.encode()
        signers = [signer(f"{name} ADMINISTER") for name in by]
        approvals = [Approval(key.public_key.key_id, dsse.sign(key, dsse.ACT, payload)) for key in signers]
        return ActItem(payload, tuple(sorted(approvals)))

    def act(self, ledger: Ledger, body: Body, *, number: int | None = None, previous: bytes | None = None) -> ActItem:
        """The next act, with that decision."""
        state = ledger.directory.state
        act = Act(
            REGISTRY,
            state.act_number + 1 if number is None else number,
            state.act_hash if previous is None else previous,
            body,
        )
        by = ADMINISTRATORS if isinstance(body, AdministratorsBody) else ADMINISTRATORS[:2]
        return self.signed(act, by)

    def decide(self, ledger: Ledger, body: Body) -> None:
        """Log an act."""
        (result,) = ledger.append([self.act(ledger, body)]).result().results
        assert result.complaint is None, result.complaint

    def enrol(self, ledger: Ledger) -> None:
        """Enrol lenders and auditor."""
        for name in LENDERS:
            roles = (Role.LENDER,)
            self.decide(ledger, InstitutionBody(self.enrolment(name, roles, KeyUsage.INQUIRE, KeyUsage.REPORT)))
        self.decide(ledger, InstitutionBody(self.enrolment(AUDITOR, (Role.AUDITOR,), KeyUsage.AUDIT)))

    def enrol_lender(self, ledger: Ledger, name: str, role: Role = Role.LENDER) -> None:
        """Enrol a further lender, or a representative."""
        enrolment = self.enrolment(name, (role,), KeyUsage.INQUIRE, KeyUsage.REPORT)
        self.decide(ledger, InstitutionBody(enrolment))

    def introduce_keys(self, ledger: Ledger) -> int:
        """Log a new version of the subject keys; return it."""
        version = self.key_versions[-1] + 1
        self.decide(ledger, KeyServicesBody(self.key_services(version)))
        self.key_versions.append(version)
        return version

    def set_state(self, ledger: Ledger, name: str, status: InstitutionStatus, successor: str = "") -> None:
        """Log a change of a member's state."""
        self.decide(ledger, SuccessionBody(name, successor, "merger") if successor else StateBody(name, status))

    def erase(self, ledger: Ledger, *keys: RecordKey) -> None:
        """Log the erasure of records by order."""
        self.decide(ledger, ErasureBody(tuple(sorted(keys)), "court order"))

    # Reports

    def key(self, issuer: str, name: str) -> RecordKey:
        """The key of a record that follows from its name."""
        return RecordKey(issuer, record_id(f"{issuer} {name}"))

    def report(
        self,
        issuer: str,
        name: str,
        standing: Standing = Standing.OPEN,
        *,
        kind: Kind = Kind.DEFAULT,
        person: str = "",
        facts: Facts | None = None,
        contract: str = "",
        key_version: int | None = None,
        basis: RecordKey | None = None,
        **changes: object,
    ) -> pb.Submission:
        """The next version of a record, with all that travels beside it; remembered as if it were accepted."""
        key = self.key(issuer, name)
        before = self.newest.get(key)
        kind = before.statement.kind if before else kind
        person = before.person if before else (person or f"person of {name}")
        version = before.statement.version + 1 if before else 1
        if key_version is None:
            key_version = before.statement.subject_key_version if before else self.key_versions[-1]
        bound = carries_subject(standing)
        given = self._facts(kind, standing, facts, before, contract or f"LN{seed(name, 4).hex().upper()}")
        if given is not None:
            given = replace(given, debt=replace(given.debt, debt_ref=self._debt_ref(given, person, key_version)))
        opening, facts_opening = seed(f"{key} {version} opening"), seed(f"{key} {version} facts opening")
        raw = b"" if given is None else given.encode()
        commitment = commit_facts(facts_opening, raw) if bound else b""
        sealed = seal_facts(seal_key_of(person, key_version), commitment, facts_opening, raw) if bound else b""
        until = None if given is None else latest_day(standing, given, self.rulebook)
        statement = Statement(
            REGISTRY,
            issuer,
            issuer,
            key.record_id,
            version,
            payload_hash(before.payload) if before else b"",
            kind,
            standing,
            key_version if bound else 0,
            commit_subject(opening, subject_of(person, key_version)) if bound else b"",
            commitment,
            disclosure_digest(sealed) if bound else b"",
            self.clock.now,
            "" if until is None else until.isoformat(),
            reason=WithdrawalReason.ERROR if standing is Standing.WITHDRAWN else None,
        )
        statement = replace(statement, **changes)  # type: ignore[arg-type]  # the test names fields
        message = pb.Submission(statement=self._signed(statement), disclosure=sealed)
        self.newest[key] = Version(statement, statement.encode(), person, opening, facts_opening, given)
        if not bound or given is None:
            return message
        message.binding.subject = subject_of(person, key_version)
        message.binding.opening = opening
        message.binding.debt_ref = given.debt.debt_ref
        message.facts.opening, message.facts.facts = facts_opening, raw
        followed = before if statement.continues is None else self.newest.get(statement.continues)
        if followed is not None and followed.facts is not None:
            message.previous.opening, message.previous.facts = followed.facts_opening, followed.facts.encode()
        for other in self.key_versions:
            if other != key_version:
                alias = message.aliases.add(subject_key_version=other, subject=subject_of(person, other))
                alias.debt_ref = self._debt_ref(given, person, other)
        if basis is not None:
            self._add_basis(message, basis)
        return message

    @staticmethod
    def _facts(
        kind: Kind, standing: Standing, facts: Facts | None, before: Version | None, contract: str
    ) -> Facts | None:
        if not carries_subject(standing):
            return None
        if facts is None:
            facts = FACTS[kind, standing]
            known = before.facts if before is not None and before.facts is not None else None
            number = contract if known is None else known.debt.contract
            facts = replace(facts, debt=replace(facts.debt, contract=number))
        return facts

    @staticmethod
    def _debt_ref(facts: Facts, person: str, key_version: int) -> bytes:
        return debt_ref(seal_key_of(person, key_version), facts.debt.original_creditor, facts.debt.contract)

    @staticmethod
    def _signed(statement: Statement) -> pb.SignedPayload:  # type: ignore[name-defined]  # imported by the generated code
        payload = statement.encode()
        key = signer(f"{statement.signer} REPORT")
        message = pb.Submission()
        message.statement.payload = payload
        message.statement.key_id = key.public_key.key_id
        message.statement.signature = dsse.sign(key, dsse.STATEMENT, payload)
        return message.statement

    def _add_basis(self, message: pb.Submission, basis: RecordKey) -> None:
        message.basis.record.issuer, message.basis.record.record_id = basis
        rested = self.newest[basis]
        if rested.facts is not None:
            message.basis.newest.opening, message.basis.newest.facts = rested.facts_opening, rested.facts.encode()

    # Annotations and inquiries

    def annotate(
        self,
        author: str,
        key: RecordKey,
        *flags: AnnotationFlag,
        before: AnnotationItem | None = None,
        text: str = "",
        **changes: object,
    ) -> AnnotationItem:
        """The next annotation of a record."""
        commitment, sealed = b"", b""
        if AnnotationFlag.STATEMENT in flags:
            opening = seed(f"text opening {text}")
            commitment = seed(f"text commitment {text}")
            sealed = seal_text(seal_key_of(self.newest[key].person), commitment, opening, text)
        annotation = Annotation(
            REGISTRY,
            author,
            key.issuer,
            key.record_id,
            1 if before is None else before.annotation.number + 1,
            b"" if before is None else payload_hash(before.payload),
            tuple(sorted(flags)),
            "objection",
            commitment,
            disclosure_digest(sealed) if sealed else b"",
            self.clock.now,
        )
        stood = before is not None and before.annotation.disputed
        if author != key.issuer and annotation.disputed and not stood and "outcome" not in changes:
            changes = {"evidence": (PERSONS_REQUEST,), **changes}
        annotation = replace(annotation, **changes)  # type: ignore[arg-type]  # the test names fields
        own, payload = signer(f"{author} REPORT"), annotation.encode()
        signature = dsse.sign(own, dsse.ANNOTATION, payload)
        return AnnotationItem(annotation, payload, own.public_key.key_id, signature, sealed)

    @staticmethod
    def inquiry(asker: str, name: str, *, count: int = 1, **changes: object) -> InquiryItem:
        """An inquiry as the sequencer sees it: bytes."""
        own, payload = signer(f"{asker} INQUIRE"), f"inquiry {name}".encode()
        signature = dsse.sign(own, dsse.INQUIRY, payload)
        item = InquiryItem(
            asker, seed(f"inquiry {name}", 16), payload, own.public_key.key_id, signature, count, b"opening"
        )
        return replace(item, **changes)  # type: ignore[arg-type]  # the test names fields


def submit(ledger: Ledger, *submissions: pb.Submission) -> Appended:
    """Send submissions, each as its issuer."""
    (peer,) = {Statement.parse(message.statement.payload).signer for message in submissions}
    return submit_as(peer, ledger, *submissions)


def submit_as(peer: str, ledger: Ledger, *submissions: pb.Submission) -> Appended:
    """Send submissions as an institution, also with signatures of another."""
    submitting = Submitting(ledger)
    return submitting.enqueue(submitting.prepare(peer, [Submission.of(message) for message in submissions])).result()


def accept(ledger: Ledger, *submissions: pb.Submission) -> None:
    """Send submissions that must be accepted."""
    for record in submit(ledger, *submissions).results:
        assert record.complaint is None, record.complaint
