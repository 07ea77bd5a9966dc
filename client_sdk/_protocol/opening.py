"""Opening the facts of proved records, with the cause where they do not open (proto/README.md 3)."""

from __future__ import annotations

import hmac
from datetime import date
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.seal import open_facts, open_text
from client_sdk.kernel.formats.words import AnnotationFlag
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import parse_facts
from client_sdk.kernel.rules.text import check_statement
from client_sdk.models.listed import ListedRecord, Unopened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.kernel.ledger.answer_reading import VerifiedRecord
    from client_sdk.kernel.rules.facts import Facts
    from client_sdk.kernel.subjects.pseudonym import Pseudonym

__all__ = ["listed"]


def listed(record: VerifiedRecord, names: Mapping[int, Pseudonym]) -> ListedRecord:
    """Return a proved record with its facts, or with the reason why they do not open.

    Args:
        record: verified.
        names: the person's pseudonym under each version of the subject keys; empty if it is unknown.
    """
    statement = record.statement
    facts, unopened = _open(record, names.get(statement.subject_key_version))
    text, text_unopened = _text(record, names)
    annotation = record.annotation
    return ListedRecord(
        issuer=statement.issuer,
        signer=statement.signer,
        record_id=statement.record_id,
        version=statement.version,
        kind=statement.kind,
        standing=statement.standing,
        index=record.index,
        issued_at=moment(statement.issued_at),
        logged_at=moment(record.logged_at),
        retain_until=_kept_until(record),
        issuer_ended=bool(record.ended_until),
        transferee=statement.transferee,
        contested=record.contested,
        stale=record.stale,
        flags=frozenset() if annotation is None else frozenset(annotation.flags),
        remark="" if annotation is None else annotation.code,
        subject_statement=text,
        statement_unopened=text_unopened,
        facts=facts,
        unopened=unopened,
        _logged_on=record.logged_on,
        _known_on=record.known_on,
    )


def _kept_until(record: VerifiedRecord) -> date | None:
    days = [day for day in (record.statement.retain_until, record.ended_until) if day]
    return date.fromisoformat(min(days)) if days else None


def _open(record: VerifiedRecord, pseudonym: Pseudonym | None) -> tuple[Facts | None, Unopened | None]:
    if record.held_back is not None:
        return None, Unopened(record.held_back.value)
    if not record.intact:
        return None, Unopened.DISCLOSURE_MISMATCH
    if pseudonym is None:
        return None, Unopened.SEALED
    try:
        opened = open_facts(pseudonym.seal_key, record.statement.facts_commitment, record.disclosure)
    except FormatError:
        return None, Unopened.DISCLOSURE_UNOPENABLE
    try:
        facts = parse_facts(record.statement.kind, opened.content)
    except (FormatError, RuleError):
        return None, Unopened.FACTS_UNREADABLE
    try:
        reference = pseudonym.debt_ref(facts.debt.original_creditor, facts.debt.contract)
    except FormatError:
        return None, Unopened.DEBT_REF_WRONG
    if not hmac.compare_digest(reference, facts.debt.debt_ref):
        return None, Unopened.DEBT_REF_WRONG
    return facts, None


def _text(record: VerifiedRecord, names: Mapping[int, Pseudonym]) -> tuple[str, Unopened | None]:
    """Return the person's own statement, or why it is not shown; neither where there is none."""
    annotation = record.annotation
    if annotation is None or AnnotationFlag.STATEMENT not in annotation.flags:
        return "", None
    if record.text_lost:
        return "", Unopened.DISCLOSURE_MISMATCH
    if record.statement.subject_key_version not in names:
        return "", Unopened.SEALED
    # Sealed when it was given: a sale or a new version of the subject keys may have come since.
    for _, pseudonym in sorted(names.items(), reverse=True):
        try:
            text = open_text(pseudonym.seal_key, annotation.text_commitment, record.text_disclosure)
        except FormatError:
            continue
        try:
            check_statement(text)
        except RuleError:
            return "", Unopened.FACTS_UNREADABLE
        return text, None
    return "", Unopened.DISCLOSURE_UNOPENABLE
