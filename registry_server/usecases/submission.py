"""One submission, checked as far as it goes without the database (design 6, Report).

Everything here is decided by the bytes themselves, the directory and the clock: forms, sizes, signature, commitments,
rules on facts. The facts are read in memory and stored nowhere.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from client_sdk.formats import dsse
from client_sdk.formats.commitment import check_open, commit_facts, commit_subject
from client_sdk.formats.debt import DEBT_REF_BYTES
from client_sdk.formats.errors import FormatError
from client_sdk.formats.seal import MAX_SEALED_BYTES, disclosure_digest
from client_sdk.formats.statement import RecordKey, Statement, check_institution_id, check_record_id
from client_sdk.formats.words import KeyUsage, Kind
from client_sdk.rules.check import check_admission, check_facts
from client_sdk.rules.dates import day_of
from client_sdk.rules.errors import RuleError
from client_sdk.rules.facts import Facts, parse_facts
from client_sdk.rules.retention import check_retain_until
from registry_server.errors import Reason, RegistryError
from registry_server.sequencing.items import Alias, Basis, Binding, OpenedFacts, StatementItem

if TYPE_CHECKING:
    from datetime import date

    from creditregistry.v1 import submission_pb2 as pb

    from client_sdk.ledger.directory import Directory

__all__ = ["Moment", "read_submission"]

# A statement is about 300 bytes, facts about 400; the limits keep one record within a few kilobytes.
MAX_STATEMENT_BYTES = 2_048
MAX_FACTS_BYTES = 4_096
MAX_ALIASES = 16
_SUBJECT_BYTES = 32
# What the record that another rests on is.
_BASIS_KIND = {Kind.JUDGMENT: Kind.DEFAULT, Kind.ENFORCEMENT: Kind.JUDGMENT}


@dataclass(frozen=True, slots=True)
class Moment:
    """When a submission came in, and what counts then.

    Attributes:
        now: ms since 1970 UTC.
        today: the same as a legal day.
        directory: who is a member, with which keys, under which rulebook.
    """

    now: int
    today: date
    directory: Directory

    @classmethod
    def of(cls, now: int, directory: Directory) -> Moment:
        """Return the moment of that time."""
        return cls(now, day_of(now, directory.rulebook.time_zone), directory)


def read_submission(message: pb.Submission, peer: str, moment: Moment) -> StatementItem:
    """Return what may be appended, if the log's state allows it.

    Args:
        message: as it came.
        peer: institution id of who talks.
        moment: when it came.

    Raises:
        FormatError: bytes are not in their form, or do not open what they should; SignatureError for the signature.
        RegistryError: SIZE_LIMIT, PEER_MISMATCH, PART_MISSING, PART_UNEXPECTED, DISCLOSURE_MISMATCH.
        RuleError: the key is none of the signer's, or a rule on facts is broken.
    """
    signed = message.statement
    payload, key_id, signature = signed.payload, signed.key_id, signed.signature
    if len(payload) > MAX_STATEMENT_BYTES:
        _too_long("statement.payload", len(payload), MAX_STATEMENT_BYTES)
    statement = Statement.parse(payload)
    if statement.signer != peer:
        raise RegistryError(
            Reason.PEER_MISMATCH, "statement.signer", "design-7.peer", got=statement.signer[:64], want=peer
        )
    public_key = _public_key(moment.directory, key_id, peer)
    dsse.verify(dsse.STATEMENT, payload, public_key, signature)
    if not statement.carries_subject:
        _check_bare(message)
        return StatementItem(statement, payload, key_id, signature)
    binding = _read_binding(message, statement)
    facts = _read_facts(message, statement, binding, moment)
    return StatementItem(
        statement,
        payload,
        key_id,
        signature,
        binding,
        facts,
        _read_disclosure(message, statement),
        _read_previous(message, statement),
        _read_basis(message, statement) if message.HasField("basis") else None,
        _read_aliases(message) if message.aliases else (),
    )


def _public_key(directory: Directory, key_id: bytes, speaker: str) -> bytes:
    """Return the public key; whether it counts at the leaf is decided where the leaf gets its place.

    A key that has ended meanwhile may have signed what is in the log already, and then the receipt is given again.
    """
    owner = directory.owners.get(key_id)
    key = None if owner is None else directory.institution(owner).key(key_id)
    if owner is None or key is None:
        raise RuleError("KEY_UNKNOWN", "statement.key_id", "formats-6.key", want="a key that an act gave")
    if owner != speaker:
        raise RuleError("KEY_OF_ANOTHER", "statement.key_id", "formats-6.owner", got=owner, want=speaker)
    if key.usage is not KeyUsage.REPORT:
        raise RuleError("KEY_USAGE", "statement.key_id", "formats-6.usage", got=key.usage.name, want="REPORT")
    return key.public_key


def _check_bare(message: pb.Submission) -> None:
    """Check that nothing travels beside a version that binds no subject (formats 2)."""
    for field, _ in message.ListFields():
        if field.name != "statement":
            raise RegistryError(
                Reason.PART_UNEXPECTED, field.name, "formats-2.bare", want="nothing beside WITHDRAWN and SET_ASIDE"
            )


def _read_binding(message: pb.Submission, statement: Statement) -> Binding:
    if not message.HasField("binding"):
        _missing("binding", "what opens the subject commitment")
    given = message.binding
    binding = Binding(given.subject, given.opening, given.debt_ref)
    _check_length("binding.debt_ref", binding.debt_ref, DEBT_REF_BYTES)
    opened = commit_subject(binding.opening, binding.subject)
    check_open(statement.subject_commitment, opened, "binding")
    return binding


def _read_facts(message: pb.Submission, statement: Statement, binding: Binding, moment: Moment) -> Facts:
    if not message.HasField("facts"):
        _missing("facts", "what opens the facts commitment")
    commitment, facts = _open_facts(message.facts, statement.kind, "facts")
    check_open(statement.facts_commitment, commitment, "facts")
    if not hmac.compare_digest(facts.debt.debt_ref, binding.debt_ref):
        raise RegistryError(
            Reason.COMMITMENT_MISMATCH, "binding.debt_ref", "formats-3.debt-ref", want="the debt_ref of the facts"
        )
    check_facts(statement.kind, statement.standing, facts)
    rulebook = moment.directory.rulebook
    check_admission(
        facts,
        submitted_at_ms=moment.now,
        issued_at_ms=statement.issued_at,
        notice_hours=rulebook.notice_hours,
        today=moment.today,
    )
    check_retain_until(statement.standing, statement.retain_until, "", facts.ended_on, rulebook.retention_years)
    return facts


def _open_facts(given: pb.OpenedFacts, kind: Kind, field: str) -> tuple[bytes, Facts]:
    if len(given.facts) > MAX_FACTS_BYTES:
        _too_long(f"{field}.facts", len(given.facts), MAX_FACTS_BYTES)
    return commit_facts(given.opening, given.facts), parse_facts(kind, given.facts)


def _read_disclosure(message: pb.Submission, statement: Statement) -> bytes:
    disclosure = message.disclosure
    if not disclosure:
        _missing("disclosure", "the sealed disclosure")
    if len(disclosure) > MAX_SEALED_BYTES:
        _too_long("disclosure", len(disclosure), MAX_SEALED_BYTES)
    if disclosure_digest(disclosure) != statement.disclosure_digest:
        raise RegistryError(
            Reason.DISCLOSURE_MISMATCH, "disclosure", "formats-3.digest", want="the bytes that the statement names"
        )
    return disclosure


def _read_previous(message: pb.Submission, statement: Statement) -> OpenedFacts | None:
    given = message.HasField("previous")
    if given and statement.version == 1:
        raise RegistryError(Reason.PART_UNEXPECTED, "previous", "formats-3.previous", want="nothing before version 1")
    if not given and statement.version > 1:
        _missing("previous", "the facts of the version before")
    return OpenedFacts(*_open_facts(message.previous, statement.kind, "previous")) if given else None


def _read_basis(message: pb.Submission, statement: Statement) -> Basis:
    kind = _BASIS_KIND.get(statement.kind)
    if kind is None or statement.version != 1:
        want = "a basis at version 1 of a JUDGMENT or an ENFORCEMENT only"
        raise RegistryError(Reason.PART_UNEXPECTED, "basis", "formats-2.basis", want=want)
    given = message.basis
    check_institution_id(given.record.issuer, "basis", "record.issuer")
    key = RecordKey(given.record.issuer, check_record_id(given.record.record_id, "basis"))
    newest = OpenedFacts(*_open_facts(given.newest, kind, "basis.newest")) if given.HasField("newest") else None
    return Basis(key, newest)


def _read_aliases(message: pb.Submission) -> tuple[Alias, ...]:
    if len(message.aliases) > MAX_ALIASES:
        _too_long("aliases", len(message.aliases), MAX_ALIASES)
    for alias in message.aliases:
        _check_length("aliases.subject", alias.subject, _SUBJECT_BYTES)
        _check_length("aliases.debt_ref", alias.debt_ref, DEBT_REF_BYTES)
    return tuple(Alias(alias.subject_key_version, alias.subject, alias.debt_ref) for alias in message.aliases)


def _check_length(field: str, value: bytes, want: int) -> None:
    if len(value) != want:
        raise FormatError(field, f"{field}.length", got=f"{len(value)} bytes", want=f"{want} bytes")


def _missing(field: str, want: str) -> NoReturn:
    raise RegistryError(Reason.PART_MISSING, field, "formats-3.submission", want=want)


def _too_long(field: str, got: int, most: int) -> NoReturn:
    raise RegistryError(Reason.SIZE_LIMIT, field, f"{field}.size", got=str(got), want=f"at most {most}")
