"""Shared state and network-free logic of ``Client`` and ``AsyncClient``.

Each client has one; it reads the home folder once, opens the outbox when it is first asked for it, keeps the newest
checkpoint in its file, and does no other input or output.
"""

from __future__ import annotations

import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2

from client_sdk._protocol import inquiry as inquiries
from client_sdk._protocol.own_record import read_held, unknown_record
from client_sdk._protocol.proposal import logged_act
from client_sdk._protocol.reciprocity import check_given, own_gifts
from client_sdk._protocol.statement import Issuer
from client_sdk._protocol.verification import verifying
from client_sdk._transport.channels import Deadlines
from client_sdk._transport.tls import TlsFolder
from client_sdk.clock import clock_ms
from client_sdk.errors import ConfigError, PreflightError, VerificationError
from client_sdk.following import (
    DirectoryFollower,
    DirectoryKeeper,
    EvidenceDemands,
    NewestCheckpoint,
    WitnessTrust,
    replay_trust,
)
from client_sdk.kernel.formats.leaf import HeadLeaf, parse_leaf
from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import KeyUsage, KeyUse, Purpose, purposes_of
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.head_time import check_head_time
from client_sdk.kernel.ledger.inquiry import MAX_PERSONS
from client_sdk.kernel.rules.alerts import check_alerts_until
from client_sdk.kernel.rules.consent import check_inquiry_consent, for_purpose
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.lending.link import MAX_LISTED
from client_sdk.lending.outbox import Outbox
from client_sdk.lending.preflight import Preflight, violation_of_error
from client_sdk.models.status import Status
from client_sdk.models.witnessed import WitnessDemand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from client_sdk._protocol.inquiry import Question
    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk._protocol.reciprocity import OwnGift
    from client_sdk._protocol.replayed import Demands, ReplayTrust
    from client_sdk._transport.owner import Owner
    from client_sdk.config import ClientConfig
    from client_sdk.following import Proving
    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.formats.words import Kind
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.models.act import LoggedAct
    from client_sdk.models.answer import Answer
    from client_sdk.models.reciprocity import Reciprocity
    from client_sdk.models.replayed import Replayed
    from client_sdk.models.screening import Customer
    from client_sdk.models.status import KeyServiceStatus
    from client_sdk.models.violation import Violation

__all__ = ["REFRESH_SECONDS", "Session"]

# How old the followed directory may be before it is followed again; well below what the key services allow.
REFRESH_SECONDS = 60.0
# Receipts that are looked through for what was given.
_REMEMBERED_GIFTS = 1_000
_USES = {KeyUse.REPORT: KeyUsage.REPORT, KeyUse.INQUIRE: KeyUsage.INQUIRE}


class Session:
    """Settings, keys, followed directory and newest checkpoint of a client.

    Args:
        config: of the member.
        owner: who may use the client.

    Raises:
        ConfigError: the trust root, the TLS files or a key are missing or not in order, or what is kept of the
            directory is damaged.
    """

    def __init__(self, config: ClientConfig, owner: Owner) -> None:
        self.config = config
        self.owner = owner
        self.trust_root = config.trust_root()
        self.tls = TlsFolder(config.tls_key.parent, config.tls_key_pem)
        self.deadlines = Deadlines(unary=config.deadline, stream=config.batch_deadline)
        self.verifier = Verifier(self.trust_root)
        self.follower = DirectoryFollower(self.trust_root)
        try:
            config.state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{config.state_folder} cannot be made: {error.strerror}") from error
        self.keeper = DirectoryKeeper(self.follower, config.state_folder / "directory")
        self.newest = NewestCheckpoint(config.state_folder / "checkpoint", self.log_key)
        # One for both, so that what a round finds and the disk does not take stops every call.
        self.keeper.newest = self.newest
        self.witnesses = WitnessTrust(config, self.follower, self.newest)
        self._turn = threading.Lock()
        self._outbox: Outbox | None = None
        # What the receipts show that this lender has given, read once, when something is held back.
        self._gifts: Mapping[Kind, OwnGift] | None = None
        self._followed_at: float | None = None

    @staticmethod
    def now_ms() -> int:
        """Return this machine's clock, milliseconds since 1970 UTC."""
        return clock_ms()

    @cached_property
    def log_key(self) -> VerifierKey:
        """The log's key, from the trust root."""
        return self.trust_root.log_key

    @cached_property
    def signers(self) -> dict[KeyUsage, Signer]:
        """A signer for each usage that has a key."""
        return {usage: self.config.signer(usage) for usage in self.config.keys}

    def signer(self, usage: KeyUsage) -> Signer:
        """Return the signer of a usage.

        Raises:
            ConfigError: there is no such key.
        """
        return self.signers.get(usage) or self.config.signer(usage)

    @property
    def key_signers(self) -> dict[KeyUse, Signer]:
        """The signers of requests to key services."""
        return {use: self.signers[usage] for use, usage in _USES.items() if usage in self.signers}

    def outbox(self) -> Outbox:
        """Return the outbox, the same to every thread; opened when it is first asked for.

        Raises:
            OutboxError: it is damaged or belongs to another institution.
            ConfigError: the client is closed, or of another process or event loop.
        """
        self.owner.check_open()
        with self._turn:
            # Once more: what is opened after the client was closed would stay open.
            self.owner.check_open()
            if self._outbox is None:
                self._outbox = Outbox(self.config.outbox_file, self.config.name, self.config.institution)
            return self._outbox

    def close(self) -> None:
        """Close the outbox, if it was opened."""
        with self._turn:
            if self._outbox is not None:
                self._outbox.close()

    # --- the directory, and the log as it was seen -------------------------------------------------------------------

    @property
    def due(self) -> bool:
        """Whether the directory has to be followed again."""
        return self._followed_at is None or time.monotonic() - self._followed_at > REFRESH_SECONDS

    def proving(self, *notes: bytes) -> Proving:
        """Hold checkpoints against the newest one that is kept, and before them those of receipts that were not yet.

        Args:
            notes: signed by the log, such as that of a verified answer.

        Raises:
            RollbackError: the log went back or split in two, or this was proved before.
            VerificationError: one is no checkpoint of this log.
        """
        self.newest.check_trusted()
        receipts = self._unproved()
        for note in (*receipts, *notes):
            yield from self.newest.prove(note)
        if receipts:
            self.outbox().proved(receipts)

    def proving_round(self) -> Proving:
        """Hold the checkpoint of the follower's newest round against the newest one that is kept; see ``proving``."""
        view = self.follower.view
        return self.proving(*(() if view is None else (view.note,)))

    def _unproved(self) -> list[bytes]:
        """Return the checkpoints of own receipts that were not yet held against the newest one."""
        return self.outbox().unproved() if self._outbox is not None or self.config.outbox_file.exists() else []

    def followed(self, *, at_any_time: bool = False) -> Directory:
        """Take note that a round of the follower has just ended, and return the directory.

        Args:
            at_any_time: whatever the time of its HEAD; for administrators who correct the log's time.

        Raises:
            VerificationError: the registry shows a HEAD that is too old, or of the future.
        """
        if at_any_time:
            return self.follower.directory
        with verifying():
            check_head_time(self.follower.as_of_ms, self.now_ms(), self._max_age_ms)
        self._followed_at = time.monotonic()
        return self.follower.directory

    def acts(self) -> tuple[LoggedAct, ...]:
        """Return every act that the newest round of the follower has covered, from genesis on; none before the first.

        Raises:
            VerificationError: one is of a form that this version does not know.
        """
        view = self.follower.view
        return () if view is None else tuple(logged_act(item, view.directory) for item in view.acts)

    @property
    def _max_age_ms(self) -> int:
        return int(self.config.max_age * 1_000)

    def newest_seen(self) -> Checkpoint | None:
        """Return the newest checkpoint that was verified and proved so far, by whatever process of this home."""
        known = self.newest.read()
        return None if known is None else known.checkpoint

    def status(
        self,
        directory: Directory,
        services: tuple[KeyServiceStatus, ...],
        waiting: int | None,
        stale: int | None,
        reciprocity: Reciprocity | None,
        replayed: Replayed | None,
    ) -> Status:
        """Return how registry, key services and the own inbox stand, by the newest round of the follower."""
        view = self.follower.view
        head = None if view is None else parse_leaf(view.proof.head)
        checkpoint = self.follower.checkpoint
        if view is None or checkpoint is None or not isinstance(head, HeadLeaf):
            raise VerificationError("directory", "directory.followed", "nothing was read from the registry yet")
        return Status(
            registry=directory.state.registry,
            institution=self.config.institution,
            fingerprint=self.trust_root.fingerprint,
            size=checkpoint.size,
            root=checkpoint.root,
            head_at=moment(view.as_of_ms),
            act_number=directory.state.act_number,
            entries=head.head.entry_count,
            witnessed=self.witnesses.witnessed(),
            replayed=replayed,
            key_services=services,
            notices_waiting=waiting,
            stale_records=stale,
            reciprocity=reciprocity,
        )

    # --- asking ------------------------------------------------------------------------------------------------------

    def review_purpose(self, directory: Directory) -> Purpose:
        """Return for which purpose this member asks key services about a person whose evidence it has already.

        Raises:
            ConfigError: it may ask for none.
        """
        purposes = purposes_of(directory.institution(self.config.institution).roles)
        if not purposes:
            raise ConfigError("only a LENDER or a REPRESENTATIVE can hold evidence against a person's number")
        return Purpose.POST_LOAN_REVIEW if Purpose.POST_LOAN_REVIEW in purposes else min(purposes)

    def check_asking(
        self,
        directory: Directory,
        identities: Sequence[Identity],
        purpose: Purpose,
        consent: Consent,
        alerts_until: str = "",
    ) -> None:
        """Hold an inquiry against the rules before anything is sent.

        Raises:
            PreflightError: purpose, consent, number of persons or last day of alerts are not in order.
        """
        today, most = (
            day_of(self.now_ms(), directory.rulebook.time_zone),
            min(MAX_PERSONS, directory.rulebook.max_subjects_per_inquiry),
        )
        try:
            self._check_asker(directory, purpose)
            self._check_consent(directory, purpose, consent)
            if purpose is Purpose.SUBJECT_ACCESS and len(identities) > 1:
                want = "one person under SUBJECT_ACCESS: a request serves the person who signed it"
                raise _refused("inquiry.persons", "inquiry.one-person", str(len(identities)), want)
            if alerts_until:
                check_alerts_until(alerts_until, today)
            if not 0 < len(identities) <= most:
                raise _refused("inquiry.persons", "inquiry.persons", str(len(identities)), f"1 to {most}")
        except RuleError as error:
            raise PreflightError((violation_of_error(error, 0),)) from error

    def check_screening(self, directory: Directory, customers: Sequence[Customer], purpose: Purpose) -> None:
        """Hold a screening against the rules before anything is sent.

        Raises:
            PreflightError: the purpose is not in order, there is nobody or there are too many, or a consent is
                not in order; ``row`` is then the place of the customer, counted from 1.
        """
        most = directory.rulebook.daily_inquired_subjects
        wrong: list[Violation] = []
        try:
            self._check_asker(directory, purpose)
            if not 0 < len(customers) <= most:
                rule = "rulebook.daily-inquired-subjects"
                raise _refused("screening.persons", rule, str(len(customers)), f"1 to {most}")
        except RuleError as error:
            raise PreflightError((violation_of_error(error, 0),)) from error
        for place, customer in enumerate(customers, start=1):
            try:
                self._check_consent(directory, purpose, customer.consent)
            except RuleError as error:
                wrong.append(violation_of_error(error, place))
        if wrong:
            raise PreflightError(tuple(wrong))

    def _check_consent(self, directory: Directory, purpose: Purpose, consent: Consent | None) -> None:
        rulebook = directory.rulebook
        signed = None if consent is None else for_purpose(consent, purpose)
        check_inquiry_consent(signed, purpose, rulebook, today=day_of(self.now_ms(), rulebook.time_zone))

    def _check_asker(self, directory: Directory, purpose: Purpose) -> None:
        purposes = purposes_of(directory.institution(self.config.institution).roles)
        if purpose not in purposes:
            want = f"one of {', '.join(sorted(purposes))}" if purposes else "a LENDER or a REPRESENTATIVE, who may ask"
            raise _refused("inquiry.purpose", "inquiry.purpose", purpose.name, want)

    def ask(
        self,
        people: Sequence[tuple[Identity, Mapping[int, Pseudonym]]],
        purpose: Purpose,
        consent: Consent,
        officer: str,
        alerts_until: str = "",
    ) -> Question:
        """Return a signed inquiry.

        Raises:
            ConfigError: there is no INQUIRE key.
        """
        return inquiries.ask(
            self.config.name,
            self.config.institution,
            self.signer(KeyUsage.INQUIRE),
            people,
            purpose=purpose,
            consent=consent,
            officer=officer,
            issued_at=self.now_ms(),
            alerts_until=alerts_until,
        )

    def expectation(self, known: Checkpoint | None, at: Checkpoint | None) -> inquiries.Expectation:
        """Return what a page is held against."""
        quorums = self.witnesses.quorums
        return inquiries.Expectation(self.now_ms(), self._max_age_ms, known, at, quorums, self.replay_trust)

    @property
    def replay_trust(self) -> ReplayTrust:
        """What this member demands of auditors that rebuild the log."""
        view = self.follower.view
        directory = None if view is None else view.directory
        return replay_trust(directory, self.follower.trust_root, self.config.replay_max_lag)

    def demands_at(self, size: int) -> Demands:
        """Return what this member demands of evidence whose log has so many leaves."""
        demands = EvidenceDemands(self.follower, self.config.own_quorum(), self.config.replay_max_lag)(size)
        return demands if self.config.witnessed is not WitnessDemand.NONE else demands._replace(quorums=())

    def check_given(self, contribution: bytes, size: int, answer: Answer) -> None:
        """Hold what an answer says that this lender has given against the receipts that it keeps.

        Raises:
            FormatError: a receipt shows more.
            OutboxError: the file is damaged.
        """
        if self._gifts is None:
            kept = self.outbox().newest(_REMEMBERED_GIFTS) if self.config.outbox_file.exists() else []
            self._gifts = own_gifts(kept, self.config.institution)
        if answer.as_of is not None:
            as_of = milliseconds(answer.as_of)
            check_given(contribution, self.follower.directory.rulebook, self._gifts, size, as_of)

    # --- reporting ---------------------------------------------------------------------------------------------------

    def issuer(self, directory: Directory) -> Issuer:
        """Return the issuer that signs statements.

        Raises:
            ConfigError: there is no REPORT key.
        """
        signer = self.signer(KeyUsage.REPORT)
        return Issuer(self.config.name, self.config.institution, signer, directory.rulebook)

    def preflight(self, directory: Directory) -> Preflight:
        """Return the rules at this moment."""
        return Preflight(directory.rulebook, self.now_ms(), self.config.institution, directory)

    def record(self, record_id: bytes, issuer: str) -> RecordKey:
        """Return which record an id names: of that issuer, an own one where it is empty."""
        return RecordKey(issuer or self.config.institution, record_id)

    @staticmethod
    def listings(record_ids: Sequence[bytes], issuer: str) -> Iterator[submission_pb2.ListRecordsRequest]:
        """Yield the requests for an issuer's records, its own where it is empty; for all where no ids are given."""
        for start in range(0, max(1, len(record_ids)), MAX_LISTED):
            asked = record_ids[start : start + MAX_LISTED]
            yield submission_pb2.ListRecordsRequest(record_ids=asked, issuer=issuer)

    def read_records(
        self,
        pages: Iterable[submission_pb2.ListRecordsResponse],
        directory: Directory,
        request: submission_pb2.ListRecordsRequest,
    ) -> list[HeldRecord]:
        """Return the verified records of a listing.

        Raises:
            VerificationError: one does not verify, or was not asked for.
        """
        wanted = frozenset(request.record_ids)
        issuer = request.issuer or self.config.institution
        held = [read_held(message, directory, issuer) for page in pages for message in page.records]
        if wanted and any(record.statement.record_id not in wanted for record in held):
            raise unknown_record()
        return held


def _refused(field: str, rule: str, got: str, want: str) -> RuleError:
    return RuleError(RuleReason.FACTS_INVALID, field, rule, got=got, want=want)
