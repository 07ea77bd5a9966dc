"""One submission, checked as far as it goes without the database.

Everything here is decided by the bytes themselves, the directory and the clock: forms, sizes, signature, commitments,
rules on facts. The facts are read in memory and stored nowhere.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from client_sdk.kernel.formats.batch_signature import verify_statement
from client_sdk.kernel.formats.commitment import SUBJECT_BYTES, check_open, commit_facts, commit_subject
from client_sdk.kernel.formats.debt import DEBT_REF_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.seal import MAX_SEALED_BYTES, disclosure_digest
from client_sdk.kernel.formats.statement import Statement, check_institution_id, check_record_id
from client_sdk.kernel.formats.words import KeyUsage, Kind
from client_sdk.kernel.rules.basis import RESTS_ON
from client_sdk.kernel.rules.check import check_admission, check_facts
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import Facts, ListingFacts, parse_facts
from client_sdk.kernel.rules.jurisdiction import check_cause, check_ripe
from client_sdk.kernel.rules.listing import check_term
from client_sdk.kernel.rules.retention import check_retention
from client_sdk.kernel.rules.satisfaction import check_satisfied
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.items import CommittedBasis, CommittedFacts, StatementItem

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.formats.batch_signature import VerifiedBatches
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.submission import Alias, Binding, OpenedBasis, OpenedFacts, Submission

__all__ = ["Arrival", "open_facts", "read_submission"]

# A statement is about 300 bytes, facts about 400; the limits keep one record within a few kilobytes.
MAX_STATEMENT_BYTES = 2_048
MAX_FACTS_BYTES = 4_096
MAX_ALIASES = 16


@dataclass(frozen=True, slots=True)
class Arrival:
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
    def of(cls, now: int, directory: Directory) -> Arrival:
        """Return the arrival at that time, ms."""
        return cls(now, day_of(now, directory.rulebook.time_zone), directory)


def read_submission(sent: Submission, peer: str, arrival: Arrival, verified: VerifiedBatches) -> StatementItem:
    """Return what may be appended, if the log's state allows it.

    Args:
        sent: as it came.
        peer: institution id of who talks.
        arrival: when it came.
        verified: signatures over batches that this process has verified.

    Raises:
        FormatError: bytes are not in their form, or do not open what they should; SignatureError for the signature.
        RegistryError: SIZE_LIMIT, PEER_MISMATCH, PART_MISSING, PART_UNEXPECTED, DISCLOSURE_MISMATCH.
        RuleError: the key is none of the signer's, or a rule on facts is broken.
    """
    payload, key_id, signature = sent.payload, sent.key_id, sent.signature
    if len(payload) > MAX_STATEMENT_BYTES:
        _too_long("statement.payload", len(payload), MAX_STATEMENT_BYTES)
    statement = Statement.parse(payload)
    if statement.signer != peer:
        raise RegistryError(
            RefusalReason.PEER_MISMATCH, "statement.signer", "peer.match", got=statement.signer[:64], want=peer
        )
    public_key = _public_key(arrival.directory, key_id, peer)
    verify_statement(statement, payload, public_key, signature, verified)
    if not statement.carries_subject:
        _check_bare(sent)
        return StatementItem(statement, payload, key_id, signature)
    binding = _read_binding(sent, statement)
    facts = _read_facts(sent, statement, binding, arrival)
    return StatementItem(
        statement,
        payload,
        key_id,
        signature,
        binding,
        facts,
        _read_disclosure(sent, statement),
        _read_previous(sent, statement),
        None if sent.basis is None else _read_basis(sent.basis, statement),
        _read_aliases(sent.aliases),
    )


def _public_key(directory: Directory, key_id: bytes, speaker: str) -> bytes:
    """Return the public key; whether it counts at the leaf is decided where the leaf gets its place.

    A key that has ended meanwhile may have signed what is in the log already, and then the receipt is given again.
    """
    key = directory.key_of(key_id, speaker, "statement.key_id")
    if key.usage is not KeyUsage.REPORT:
        raise RuleError("KEY_USAGE", "statement.key_id", "key.usage", got=key.usage.name, want="REPORT")
    return key.public_key


def _check_bare(sent: Submission) -> None:
    """Check that nothing travels beside a version that binds no subject (proto/README.md 2)."""
    for field in ("binding", "facts", "disclosure", "previous", "basis", "aliases"):
        if getattr(sent, field):
            raise RegistryError(
                RefusalReason.PART_UNEXPECTED,
                field,
                "submission.end-alone",
                want="nothing beside WITHDRAWN and SET_ASIDE",
            )


def _read_binding(sent: Submission, statement: Statement) -> Binding:
    binding = sent.binding
    if binding is None:
        _missing("binding", "what opens the subject commitment")
    _check_length("binding.debt_ref", binding.debt_ref, DEBT_REF_BYTES)
    opened = commit_subject(binding.opening, binding.subject)
    check_open(statement.subject_commitment, opened, "binding")
    return binding


def _read_facts(sent: Submission, statement: Statement, binding: Binding, arrival: Arrival) -> Facts:
    if sent.facts is None:
        _missing("facts", "what opens the facts commitment")
    commitment, facts = open_facts(sent.facts, statement.kind, "facts")
    check_open(statement.facts_commitment, commitment, "facts")
    if not hmac.compare_digest(facts.debt.debt_ref, binding.debt_ref):
        raise RegistryError(
            RefusalReason.COMMITMENT_MISMATCH, "binding.debt_ref", "binding.debt-ref", want="the debt_ref of the facts"
        )
    rulebook = arrival.directory.rulebook
    check_facts(statement.kind, statement.standing, facts, chinese_case_numbers=rulebook.chinese_case_numbers)
    check_admission(
        facts,
        submitted_at_ms=arrival.now,
        issued_at_ms=statement.issued_at,
        notice_hours=rulebook.notice_hours,
        today=arrival.today,
    )
    check_satisfied(statement.standing, facts, rulebook.paid_judgment_months)
    check_cause(facts, rulebook)
    if statement.version == 1:
        check_ripe(facts, rulebook)
    if isinstance(facts, ListingFacts):
        check_term(facts, rulebook, arrival.today)
    check_retention(statement.standing, statement.retain_until, "", facts, rulebook)
    return facts


def open_facts(given: OpenedFacts, kind: Kind, field: str) -> tuple[bytes, Facts]:
    """Return the commitment that an opening gives, and the facts.

    Raises:
        FormatError: the facts are not in their form.
        RegistryError: SIZE_LIMIT.
    """
    if len(given.facts) > MAX_FACTS_BYTES:
        _too_long(f"{field}.facts", len(given.facts), MAX_FACTS_BYTES)
    return commit_facts(given.opening, given.facts), parse_facts(kind, given.facts)


def _read_disclosure(sent: Submission, statement: Statement) -> bytes:
    disclosure = sent.disclosure
    if not disclosure:
        _missing("disclosure", "the sealed disclosure")
    if len(disclosure) > MAX_SEALED_BYTES:
        _too_long("disclosure", len(disclosure), MAX_SEALED_BYTES)
    if disclosure_digest(disclosure) != statement.disclosure_digest:
        raise RegistryError(
            RefusalReason.DISCLOSURE_MISMATCH,
            "disclosure",
            "disclosure.digest",
            want="the bytes that the statement names",
        )
    return disclosure


def _read_previous(sent: Submission, statement: Statement) -> CommittedFacts | None:
    bought = statement.continues is not None
    if sent.previous is None:
        if statement.version > 1 or bought:
            _missing("previous", "the facts of the sold record" if bought else "the facts of the version before")
        return None
    if statement.version == 1 and not bought:
        raise RegistryError(
            RefusalReason.PART_UNEXPECTED, "previous", "submission.previous", want="nothing before version 1"
        )
    return CommittedFacts(*open_facts(sent.previous, statement.kind, "previous"))


def _read_basis(given: OpenedBasis, statement: Statement) -> CommittedBasis:
    kind = RESTS_ON.get(statement.kind)
    if kind is None or statement.version != 1:
        want = "a basis at version 1 of a JUDGMENT, an ENFORCEMENT or a LISTING only"
        raise RegistryError(RefusalReason.PART_UNEXPECTED, "basis", "submission.basis", want=want)
    check_institution_id(given.record.issuer, "basis", "record.issuer")
    check_record_id(given.record.record_id, "basis")
    newest = None if given.newest is None else CommittedFacts(*open_facts(given.newest, kind, "basis.newest"))
    return CommittedBasis(given.record, newest)


def _read_aliases(aliases: tuple[Alias, ...]) -> tuple[Alias, ...]:
    if len(aliases) > MAX_ALIASES:
        _too_long("aliases", len(aliases), MAX_ALIASES)
    for alias in aliases:
        _check_length("aliases.subject", alias.subject, SUBJECT_BYTES)
        _check_length("aliases.debt_ref", alias.debt_ref, DEBT_REF_BYTES)
    return aliases


def _check_length(field: str, value: bytes, want: int) -> None:
    if len(value) != want:
        raise FormatError(field, f"{field}.length", got=f"{len(value)} bytes", want=f"{want} bytes")


def _missing(field: str, want: str) -> NoReturn:
    raise RegistryError(RefusalReason.PART_MISSING, field, "submission.parts", want=want)


def _too_long(field: str, got: int, most: int) -> NoReturn:
    raise RegistryError(RefusalReason.SIZE_LIMIT, field, f"{field}.size", got=str(got), want=f"at most {most}")
