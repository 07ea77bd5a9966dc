"""From a report to a signed submission: commitments, sealing, statement, signature (proto/README.md 2 and 3)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.batch_signature import MIN_BATCH, sign_statements
from client_sdk.kernel.formats.commitment import OPENING_BYTES, commit_facts, commit_subject
from client_sdk.kernel.formats.seal import disclosure_digest, seal_facts
from client_sdk.kernel.formats.statement import Statement, payload_hash
from client_sdk.kernel.formats.words import Kind, Standing, WithdrawalReason
from client_sdk.kernel.ledger.submission import Alias, Binding, OpenedFacts, Submission
from client_sdk.kernel.rules.dates import parse_date
from client_sdk.kernel.rules.lifecycle import carries_subject, check_transition
from client_sdk.kernel.rules.listing import check_removal
from client_sdk.kernel.rules.retention import latest_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from creditregistry.v1 import submission_pb2 as pb

    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.ledger.submission import OpenedBasis
    from client_sdk.kernel.rules.facts import Facts
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.models.report import Report

__all__ = [
    "Issuer",
    "RecordEnd",
    "Version",
    "facts_of",
    "pseudonym_for",
    "retain_until_of",
    "sign_ending",
    "sign_together",
    "sign_version",
]


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signing institution, its key, the registry and its rulebook.

    Attributes:
        registry: name of the registry.
        institution: id of the signer.
        signer: its REPORT key.
        rulebook: in force.
        signs_later: whether statements are left unsigned, for ``sign_together``.
    """

    registry: str
    institution: str
    signer: Signer
    rulebook: Rulebook
    signs_later: bool = False

    def sign(self, payload: bytes) -> bytes:
        """Return the signature of a statement; empty where it is made later."""
        return b"" if self.signs_later else dsse.sign(self.signer, dsse.STATEMENT, payload)


@dataclass(frozen=True, slots=True, repr=False)
class Version:
    """Fields of the previous version that the next version of a record depends on.

    Attributes:
        number: 1, 2, 3 and so on.
        payload_hash: SHA-256 of its payload.
        kind: of the record.
        standing: of that version.
        subject_key_version: 0 for WITHDRAWN and SET_ASIDE.
        retain_until: YYYY-MM-DD, or empty.
        opening: of its facts commitment; empty for WITHDRAWN and SET_ASIDE.
        facts: canonical bytes; empty for WITHDRAWN and SET_ASIDE.
    """

    number: int
    payload_hash: bytes
    kind: Kind
    standing: Standing
    subject_key_version: int
    retain_until: str
    opening: bytes
    facts: bytes


def facts_of(facts: Facts, pseudonym: Pseudonym) -> Facts:
    """Return the facts with the reference of their debt under one pseudonym.

    Raises:
        FormatError: creditor or contract are not what they should be.
    """
    debt = facts.debt
    return replace(facts, debt=replace(debt, debt_ref=pseudonym.debt_ref(debt.original_creditor, debt.contract)))


def pseudonym_for(names: Mapping[int, Pseudonym], before: Version | None, standing: Standing) -> Pseudonym:
    """Return the pseudonym that the next version carries.

    Version 1 carries the newest. A later one moves to the newest where its standing stays the same, and otherwise keeps
    that of the version before (proto/README.md 2).
    """
    if before is None or before.standing is standing:
        return names[max(names)]
    return names[before.subject_key_version]


def retain_until_of(report: Report, before: Version | None, rulebook: Rulebook, sold: Version | None = None) -> str:
    """Return the last day of the record's time, as the statement carries it; empty where the conduct goes on.

    Args:
        report: what is reported.
        before: the version before; None for version 1.
        rulebook: in force.
        sold: newest version of the record that version 1 continues: where the years count from the start, its days too.
    """
    if before is None and rulebook.retained_from_start:
        before = sold
    latest = None if report.facts is None else latest_day(report.standing, report.facts, rulebook)
    if latest is None:
        return ""
    if report.retain_until is not None:
        return report.retain_until.isoformat()
    # The term of a listing may be extended; nothing else is ever kept longer than the version before let it be.
    if before is None or report.kind is Kind.LISTING:
        return latest.isoformat()
    earlier = parse_date(before.retain_until, "statement.retain_until")
    return min(latest, earlier or latest).isoformat()


def sign_version(
    issuer: Issuer,
    report: Report,
    key: RecordKey,
    names: Mapping[int, Pseudonym],
    before: Version | None,
    *,
    issued_at: int,
    basis: OpenedBasis | None = None,
    sold: Version | None = None,
) -> tuple[pb.Submission, Version]:
    """Make and sign the next version of a record.

    Args:
        issuer: the signing institution with its key.
        report: what is reported; it passed pre-flight.
        key: which record.
        names: the person's pseudonym under each live version of the subject keys.
        before: the version before; None for version 1.
        issued_at: milliseconds since 1970 UTC, in whole seconds.
        basis: of version 1 of a judgment, an enforcement or a listing.
        sold: newest version of the record that version 1 continues; None where it continues none.

    Returns:
        The submission, and what the version after it needs to know.

    Raises:
        FormatError: creditor or contract are not what they should be, or the facts are too long.
    """
    followed = sold if before is None else before
    statement = Statement(
        registry=issuer.registry,
        issuer=key.issuer,
        signer=issuer.institution,
        record_id=key.record_id,
        version=1 if before is None else before.number + 1,
        previous=b"" if before is None else before.payload_hash,
        kind=report.kind,
        standing=report.standing,
        subject_key_version=0,
        subject_commitment=b"",
        facts_commitment=b"",
        disclosure_digest=b"",
        issued_at=issued_at,
        retain_until=retain_until_of(report, before, issuer.rulebook, sold),
        transferee=report.transferee,
        continues=report.continues if before is None else None,
        # A row that withdraws says that the rows before it were a mistake; other reasons are given one by one.
        reason=WithdrawalReason.ERROR if report.standing is Standing.WITHDRAWN else None,
    )
    sent = Submission()
    if carries_subject(report.standing) and report.facts is not None:
        pseudonym = pseudonym_for(names, before, report.standing)
        statement, sent = _bind(statement, report.facts, pseudonym)
        sent = sent._replace(
            previous=None if followed is None else OpenedFacts(followed.opening, followed.facts),
            basis=basis if before is None else None,
            aliases=_aliases(report.facts, names, pseudonym),
        )
    return _signed(issuer, statement, sent)


@dataclass(frozen=True, slots=True)
class RecordEnd:
    """How a record ends without subject and facts.

    Attributes:
        standing: WITHDRAWN or SET_ASIDE.
        reason: of WITHDRAWN; None for SET_ASIDE.
        evidence: SHA-256 of the documents that a withdrawal rests on.
        removed_on: day on which the court removed an entry; None for every other reason.
    """

    standing: Standing
    reason: WithdrawalReason | None = None
    evidence: tuple[bytes, ...] = ()
    removed_on: date | None = None


def sign_ending(
    issuer: Issuer, key: RecordKey, before: Version, ending: RecordEnd, *, issued_at: int, copied_at: int | None = None
) -> tuple[pb.Submission, Version]:
    """Sign a version without subject and facts: WITHDRAWN or SET_ASIDE.

    Args:
        issuer: the signing institution with its key: the record's issuer, or its successor.
        key: which record.
        before: its newest version.
        ending: standing, reason and evidence.
        issued_at: milliseconds since 1970 UTC.
        copied_at: when the first version of a listing that the court removed was logged, likewise.

    Raises:
        RuleError: the record's standing may not be followed by that one, or it is no listing that the court can have
            removed between then and now.
    """
    check_transition(before.kind, before.standing, ending.standing)
    statement = Statement(
        registry=issuer.registry,
        issuer=key.issuer,
        signer=issuer.institution,
        record_id=key.record_id,
        version=before.number + 1,
        previous=before.payload_hash,
        kind=before.kind,
        standing=ending.standing,
        subject_key_version=0,
        subject_commitment=b"",
        facts_commitment=b"",
        disclosure_digest=b"",
        issued_at=issued_at,
        reason=ending.reason,
        evidence=tuple(sorted(set(ending.evidence))),
        removed_on="" if ending.removed_on is None else ending.removed_on.isoformat(),
    )
    check_removal(statement, issuer.rulebook, copied_at)
    return _signed(issuer, statement, Submission())


def sign_together(issuer: Issuer, submissions: Sequence[pb.Submission]) -> None:
    """Put the signatures into unsigned submissions, different ones, at most 65,536; a single one is signed by itself.

    Args:
        issuer: that made them.
        submissions: their signatures are set.
    """
    payloads = [sent.statement.payload for sent in submissions]
    if len(payloads) < MIN_BATCH:
        signatures = [dsse.sign(issuer.signer, dsse.STATEMENT, payload) for payload in payloads]
    else:
        signatures = sign_statements(issuer.signer, issuer.registry, issuer.institution, payloads)
    for sent, signature in zip(submissions, signatures, strict=True):
        sent.statement.signature = signature


def _signed(issuer: Issuer, statement: Statement, sent: Submission) -> tuple[pb.Submission, Version]:
    """Return the submission with the statement in it, and what the version after it needs to know."""
    payload = statement.encode()
    sent = sent._replace(payload=payload, key_id=issuer.signer.public_key.key_id, signature=issuer.sign(payload))
    version = Version(
        statement.version,
        payload_hash(payload),
        statement.kind,
        statement.standing,
        statement.subject_key_version,
        statement.retain_until,
        b"" if sent.facts is None else sent.facts.opening,
        b"" if sent.facts is None else sent.facts.facts,
    )
    return sent.message(), version


def _bind(statement: Statement, plain: Facts, pseudonym: Pseudonym) -> tuple[Statement, Submission]:
    """Commit to subject and facts, seal them, and put what opens them beside the statement."""
    filled = facts_of(plain, pseudonym)
    facts = filled.encode()
    # Fresh for each commitment and derived from nothing (proto/README.md 1).
    subject_opening = secrets.token_bytes(OPENING_BYTES)
    opening = secrets.token_bytes(OPENING_BYTES)
    commitment = commit_facts(opening, facts)
    sealed = seal_facts(pseudonym.seal_key, commitment, opening, facts)
    bound = replace(
        statement,
        subject_key_version=pseudonym.subject_key_version,
        subject_commitment=commit_subject(subject_opening, pseudonym.subject),
        facts_commitment=commitment,
        disclosure_digest=disclosure_digest(sealed),
    )
    sent = Submission(
        binding=Binding(pseudonym.subject, subject_opening, filled.debt.debt_ref),
        facts=OpenedFacts(opening, facts),
        disclosure=sealed,
    )
    return bound, sent


def _aliases(facts: Facts, names: Mapping[int, Pseudonym], carried: Pseudonym) -> tuple[Alias, ...]:
    creditor, contract = facts.debt.original_creditor, facts.debt.contract
    return tuple(
        Alias(version, names[version].subject, names[version].debt_ref(creditor, contract))
        for version in sorted(names)
        if version != carried.subject_key_version
    )
