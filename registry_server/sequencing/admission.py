"""Validation of items against the state of the log, before they become leaves (proto/README.md 2, 3, 5 and 6).

Each function either changes the staging and returns the index of the leaf, or raises and changes nothing.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import StatementLeaf
from client_sdk.kernel.formats.statement import REMOVALS
from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome, KeyUsage, Kind, Standing, WithdrawalReason
from client_sdk.kernel.ledger import chain as chains
from client_sdk.kernel.ledger.annotating import check_requested
from client_sdk.kernel.ledger.closing import check_not_closed, opens_record
from client_sdk.kernel.ledger.quality import (
    VersionBefore,
    events_of_annotation,
    events_of_facts,
    events_of_statement,
)
from client_sdk.kernel.rules.basis import check_basis
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import ListingFacts
from client_sdk.kernel.rules.jurisdiction import check_part_payment
from client_sdk.kernel.rules.lifecycle import is_running
from client_sdk.kernel.rules.listing import check_not_banned
from client_sdk.kernel.rules.overlay import named, unmet
from client_sdk.kernel.rules.progress import check_progress, same_content
from registry_server.sequencing.loading import debts_of
from registry_server.sequencing.notifying import note_annotation, note_statement
from registry_server.storage.live import LiveRow
from registry_server.storage.quotas import STATEMENTS, QuotaKey, annotations_of
from registry_server.storage.records import StoredRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.kernel.ledger.chain import Chain
    from client_sdk.kernel.ledger.quality import QualityEvent
    from client_sdk.kernel.ledger.submission import Alias, Binding
    from registry_server.sequencing.items import AnnotationItem, StatementItem
    from registry_server.sequencing.staging import Staging

__all__ = ["BLOCKING", "admit_annotation", "admit_statement"]


# Of one author about one record: evidence of a restriction shows all of them since the dispute.
MAX_DAILY_ANNOTATIONS = 20
# Withdrawals after which the debt, or the entry of the court's list, is not reported again.
BLOCKING = REMOVALS | {WithdrawalReason.IDENTITY_THEFT}


def _refuse(reason: str, field: str, rule: str, *, got: str = "", want: str = "") -> RuleError:
    return RuleError(reason, field, rule, got=got, want=want)


def _missing(staging: Staging, chain: Chain | None) -> RuleError:
    """Return why a record without a row takes no leaf: it has ended, or a restore has not brought it back yet."""
    if chain is not None and chain.key in staging.loaded.lost:
        want = "the version that was lost first: credit-registry records redisclose"
        return _refuse("RECORDS_LOST", "record_id", "restore.whole", got="a record without its facts", want=want)
    return _refuse("RECORD_ENDED", "record_id", "record.live", want="a live record")


def admit_statement(staging: Staging, item: StatementItem) -> int:
    """Log a version that is not in the log yet.

    Raises:
        FormatError: the leaf would be too long.
        RuleError: the version may not follow, or what travels beside it does not go with what is stored.
    """
    statement = item.statement
    index = staging.next_index
    check_not_closed(staging.directory.closing, staging.day, opens=opens_record(statement))
    staging.directory.key_at(item.key_id, statement.signer, KeyUsage.REPORT, index)
    leaf = StatementLeaf(staging.logged_at, dsse.STATEMENT, item.payload, item.key_id, item.signature).encode()
    hash_ = leaf_hash(leaf)
    before = staging.record(statement.key)
    chain = chains.advance(
        None if before is None else before.chain,
        statement,
        item.payload,
        index=index,
        leaf_hash=hash_,
        logged_at=staging.logged_at,
        begun_at=staging.loaded.copied_at.get(statement.key),
        directory=staging.directory,
        find=staging.chain,
    )
    if item.binding is not None:
        _check_blocked(staging, item)
        _check_aliases(staging, item)
        _check_person(staging, item, item.binding, None if before is None else before.chain)
        _check_debt(staging, item, item.binding, None if before is None else before.chain)
        staging.also_about[statement.key] = tuple(alias.subject for alias in item.aliases)
    _use_quota(staging, statement.signer)
    staging.add_leaf(leaf, hash_)
    if before is None:
        record = _begun(staging, chain)
    else:
        record = replace(before, chain=chain, changed_index=index if _says_else(item, before) else before.changed_index)
    staging.put_record(record)
    staging.directory = staging.directory.gave(statement, staging.day)
    staging.add_version(record)
    staging.count_version(chain, None if before is None else before.chain.standing, item.facts)
    staging.count_quality(statement.signer, _events(staging, item, None if before is None else before.chain))
    staging.loaded.logged_at[statement.key] = staging.logged_at
    if before is None:
        staging.loaded.copied_at[statement.key] = staging.logged_at
    if before is not None:
        note_statement(staging, item, before.chain.standing, record)
    elif statement.continues is not None:
        note_statement(staging, item, Standing.TRANSFERRED, record)
    _bind(staging, item, record)
    return index


def _events(staging: Staging, item: StatementItem, before: Chain | None) -> Iterator[QualityEvent]:
    """Yield what a version is counted as for the quality of what its signer reports."""
    then = None if before is None else VersionBefore(before.standing, staging.loaded.logged_at[before.key])
    yield from events_of_statement(item.statement, then, staging.logged_at, staging.directory.rulebook)
    if before is not None and item.previous is not None and item.facts is not None:
        today = date.fromisoformat(staging.day)
        yield from events_of_facts(before.standing, item.previous.facts, item.statement.standing, item.facts, today)


def _begun(staging: Staging, chain: Chain) -> StoredRecord:
    """Return a record after its first version; the one that it continues ends, and leaves it its annotations."""
    old = None if chain.continues is None else staging.record(chain.continues)
    if old is None:
        return StoredRecord(chain.index, chain)
    staging.put_record(old.ended_by(chain.key))
    staging.remove_live(old.chain.key)
    record = StoredRecord(chain.index, chain, changed_index=old.changed_index)
    staging.add_annotation(record)
    return record


def _says_else(item: StatementItem, before: StoredRecord) -> bool:
    """Whether a version says something else than the one before: neither its date nor new subject keys do."""
    if item.statement.standing is Standing.TRANSFERRED:
        # A sale corrects nothing.
        return False
    if item.previous is None or item.facts is None or item.statement.standing is not before.chain.standing:
        return True
    return not same_content(item.previous.facts, item.facts)


def _bind(staging: Staging, item: StatementItem, record: StoredRecord) -> None:
    chain, binding = record.chain, item.binding
    if binding is None:
        row = staging.live(chain.key)
        reason = item.statement.reason
        if row is not None and reason is not None and reason in BLOCKING:
            staging.block(record, row, reason, item.statement.removed_on)
        staging.remove_live(chain.key)
        return
    text = None if item.statement.continues is None else staging.text_of(item.statement.continues)
    row = LiveRow.of(chain, record.first_index, binding, item.statement.facts_commitment)
    staging.put_live(row, disclosure=item.disclosure, text=text)


def _check_blocked(staging: Staging, item: StatementItem) -> None:
    """Check that what was withdrawn so that it is not reported again stays so."""
    if not staging.loaded.blocked:
        return
    rulebook = staging.directory.rulebook
    blocks = [held for debt in debts_of(item) for held in staging.loaded.blocked.get(debt, ())]
    for held in blocks:
        if held.reason == WithdrawalReason.IDENTITY_THEFT.name:
            want = "another debt, or a judgment that says whose debt it is"
            raise _refuse("DEBT_BLOCKED", "binding.debt_ref", "debt.blocked", want=want)
        if isinstance(item.facts, ListingFacts):
            check_not_banned(
                item.facts,
                date.fromisoformat(held.removed_on),
                on_request=held.reason == WithdrawalReason.REMOVED_ON_REQUEST.name,
                months=rulebook.relisting_months,
            )


def _check_aliases(staging: Staging, item: StatementItem) -> None:
    """Check that person and debt are given under each other live version of the subject keys (proto/README.md 3)."""
    own = item.statement.subject_key_version
    want = [version for version in staging.directory.state.live_subject_key_versions if version != own]
    if [alias.subject_key_version for alias in item.aliases] != want:
        got = f"{len(item.aliases)} aliases"
        raise _refuse("ALIASES_INVALID", "aliases", "aliases.versions", got=got, want=f"versions {want}")


def _check_person(staging: Staging, item: StatementItem, binding: Binding, before: Chain | None) -> None:
    if before is None:
        _check_first(staging, item, binding)
        return
    row = staging.live(before.key)
    if row is None:
        raise _missing(staging, before)
    known = _under(item, binding, row.subject_key_version)
    if known is None or not hmac.compare_digest(known.subject, row.subject):
        raise _refuse("SUBJECT_CHANGED", "binding.subject", "version.same-person", want="that of the version before")
    if not hmac.compare_digest(known.debt_ref, row.debt_ref):
        raise _refuse("DEBT_CHANGED", "binding.debt_ref", "version.same-debt", want="that of the version before")
    rekeyed = item.statement.subject_key_version != before.subject_key_version
    _check_follows(staging, item, row, rekeyed=rekeyed)


def _check_follows(staging: Staging, item: StatementItem, row: LiveRow, *, rekeyed: bool) -> None:
    """Check the facts against those of the version that they follow, or of the sold record that they continue."""
    previous, facts, standing = item.previous, item.facts, item.statement.standing
    if previous is None or facts is None or not hmac.compare_digest(previous.commitment, row.facts_commitment):
        want = "the facts of the version before, or of the sold record"
        raise _refuse("COMMITMENT_MISMATCH", "previous", "submission.previous", want=want)
    check_progress(row.kind, row.standing, previous.facts, standing, facts, rekeyed=rekeyed)
    check_part_payment(row.standing, previous.facts, standing, facts, staging.directory.rulebook)


def _check_first(staging: Staging, item: StatementItem, binding: Binding) -> None:
    statement = item.statement
    if statement.continues is not None:
        row = staging.live(statement.continues)
        if row is None or not _is_of(item, binding, row) or not _same_debt(item, binding, row):
            raise _refuse("CONTINUES_INVALID", "continues", "record.continues", want="the same subject and debt")
        # A sale begins no new clock: what was sold is continued as by a further version.
        rekeyed = statement.subject_key_version != row.subject_key_version
        _check_follows(staging, item, row, rekeyed=rekeyed)
    most = staging.directory.rulebook.max_live_records_per_subject
    subjects = dict.fromkeys((binding.subject, *(alias.subject for alias in item.aliases)))
    own = sum(row.key[0] == statement.issuer for subject in subjects for row in staging.live_of(subject))
    if own >= most:
        raise _refuse(
            "TOO_MANY_RECORDS", "binding.subject", "record.count", got=str(own + 1), want=f"at most {most} live ones"
        )
    _check_basis(staging, item, binding)


def _check_basis(staging: Staging, item: StatementItem, binding: Binding) -> None:
    basis, facts = item.basis, item.facts
    if facts is None:
        return
    if basis is None:
        check_basis(item.statement.kind, facts, None, None, None)
        return
    row = staging.live(basis.record)
    if row is None:
        raise _refuse("BASIS_INVALID", "basis.record", "basis.live", want="a live record")
    if not _is_of(item, binding, row):
        raise _refuse("BASIS_INVALID", "basis.record", "basis.subject", want="a record of the same subject")
    newest = basis.newest
    if newest is not None and not hmac.compare_digest(newest.commitment, row.facts_commitment):
        raise _refuse("COMMITMENT_MISMATCH", "basis.newest", "submission.basis", want="its newest facts")
    check_basis(item.statement.kind, facts, row.kind, row.standing, None if newest is None else newest.facts)


def _check_debt(staging: Staging, item: StatementItem, binding: Binding, before: Chain | None) -> None:
    """Check that at most one record of the debt is running, over all issuers (proto/README.md 3).

    Where the rulebook has ``one_default_a_debt``, a DEFAULT that has ended counts as well until it is erased. While a
    restore has not brought all records back, nobody can tell whether a record that begins to run is the only one.
    """
    statement = item.statement
    only_one = staging.directory.rulebook.one_default_a_debt and statement.kind is Kind.DEFAULT
    if not is_running(statement.standing):
        return
    begins = statement.continues is None and (before is None or not is_running(before.standing))
    if staging.loaded.awaits and begins:
        want = "all records that the restore has lost, which their issuers give back"
        raise _refuse("RECORDS_LOST", "standing", "restore.whole", got="some are lost", want=want)
    for _, subject, debt_ref in ((0, binding.subject, binding.debt_ref), *item.aliases):
        for row in staging.live_of(subject):
            if (
                row.kind is statement.kind
                and (row.running or (only_one and row.key != statement.continues))
                and hmac.compare_digest(row.debt_ref, debt_ref)
                and row.key != statement.key
            ):
                raise _refuse(
                    "DEBT_TAKEN",
                    "binding.debt_ref",
                    "debt.one-record",
                    want="no other running record of the debt" if not only_one else "no other DEFAULT of the debt",
                )


def _under(item: StatementItem, binding: Binding, subject_key_version: int) -> Binding | Alias | None:
    """Return person and debt as they are under a version of the subject keys."""
    if item.statement.subject_key_version == subject_key_version:
        return binding
    return next((alias for alias in item.aliases if alias.subject_key_version == subject_key_version), None)


def _is_of(item: StatementItem, binding: Binding, row: LiveRow) -> bool:
    known = _under(item, binding, row.subject_key_version)
    return known is not None and hmac.compare_digest(known.subject, row.subject)


def _same_debt(item: StatementItem, binding: Binding, row: LiveRow) -> bool:
    known = _under(item, binding, row.subject_key_version)
    return known is not None and hmac.compare_digest(known.debt_ref, row.debt_ref)


def _use_quota(staging: Staging, speaker: str) -> None:
    most = staging.directory.rulebook.daily_statements
    _count(staging, QuotaKey(speaker, STATEMENTS, staging.day), "rulebook.daily-statements", most)


def _count(staging: Staging, key: QuotaKey, rule: str, most: int) -> None:
    used = staging.loaded.used.get(key, 0) + 1
    if used > most:
        raise _refuse("QUOTA_EXCEEDED", "statement", rule, got=str(used), want=f"at most {most}")
    staging.loaded.used[key] = used
    staging.used[key] = staging.used.get(key, 0) + 1


def admit_annotation(staging: Staging, item: AnnotationItem) -> int:
    """Log an annotation that is not in the log yet.

    Raises:
        FormatError: the leaf would be too long.
        RuleError: the annotation may not follow, or its text is missing.
    """
    annotation = item.annotation
    index = staging.next_index
    check_not_closed(staging.directory.closing, staging.day)
    staging.directory.key_at(item.key_id, annotation.author, KeyUsage.REPORT, index)
    leaf = StatementLeaf(staging.logged_at, dsse.ANNOTATION, item.payload, item.key_id, item.signature).encode()
    hash_ = leaf_hash(leaf)
    before = staging.record(annotation.key)
    chain = chains.annotate(
        None if before is None else before.chain,
        annotation,
        item.payload,
        index=index,
        leaf_hash=hash_,
        logged_at=staging.logged_at,
        directory=staging.directory,
    )
    row = staging.live(annotation.key)
    if before is None or row is None:
        raise _missing(staging, None if before is None else before.chain)
    head, issuer = before.chain.annotation, staging.directory.institution(annotation.issuer)
    stood = head is not None and head.disputed
    check_requested(annotation, stood=stood, own=issuer.speaks_at(annotation.author, index))
    _check_corrected(item, before)
    _check_covered(staging, item, row)
    if item.subject and not hmac.compare_digest(item.subject, row.subject):
        want = "the person whom the record names"
        raise _refuse("SUBJECT_CHANGED", "subject", "record.person", got="another person", want=want)
    text = _text(item, before.chain)
    remarks = annotations_of(annotation.author, annotation.key, staging.day)
    _count(staging, remarks, "annotation.daily", MAX_DAILY_ANNOTATIONS)
    _use_quota(staging, annotation.author)
    staging.add_leaf(leaf, hash_)
    record = before.with_chain(chain)
    staging.put_record(record)
    staging.add_annotation(record)
    staging.count_quality(annotation.author, events_of_annotation(annotation))
    note_annotation(staging, item, before.chain, record)
    hidden = annotation.hides
    staging.put_live(replace(row, annotation_index=index, annotation_hash=hash_, hidden=hidden), text=text)
    return index


def _check_corrected(item: AnnotationItem, before: StoredRecord) -> None:
    """Check that a dispute is answered CORRECTED only where what the record says has changed since."""
    head = before.chain.annotation
    corrected = item.annotation.outcome is DisputeOutcome.CORRECTED
    if corrected and head is not None and before.changed_index < head.disputed_since:
        want = "a version since the dispute whose standing or facts differ from those before, as_of aside"
        raise _refuse("ANNOTATION_INVALID", "outcome", "annotation.corrected", want=want)


def _check_covered(staging: Staging, item: AnnotationItem, row: LiveRow) -> None:
    """Check against its facts that the overlay under which a record is newly hidden covers it."""
    annotation, given = item.annotation, item.facts
    head = None if (record := staging.record(annotation.key)) is None else record.chain.annotation
    if not annotation.hides or (head is not None and head.overlay == annotation.overlay):
        return
    if given is None:
        raise _refuse(
            "ANNOTATION_INVALID", "facts", "overlay.facts", got="none", want="the facts of the newest version"
        )
    if not hmac.compare_digest(given.commitment, row.facts_commitment):
        raise _refuse("COMMITMENT_MISMATCH", "facts", "overlay.facts", want="the facts of the newest version")
    overlay = named(staging.directory.rulebook.overlays, annotation.overlay)
    if overlay is None:
        want = "the name of an overlay of the rulebook"
        raise _refuse("ANNOTATION_INVALID", "overlay", "overlay.covers", got=annotation.overlay, want=want)
    lacking = unmet(overlay, row.standing, given.facts)
    if lacking is not None:
        raise _refuse("ANNOTATION_INVALID", lacking.field, "overlay.covers", got=lacking.got, want=lacking.want)


def _text(item: AnnotationItem, before: Chain) -> bytes | None:
    """Return the sealed text that is stored from now on; None where the one before stays (proto/README.md 5)."""
    annotation, head = item.annotation, before.annotation
    if AnnotationFlag.STATEMENT not in annotation.flags:
        return b""
    if item.text_disclosure:
        return item.text_disclosure
    same = head is not None and (head.text_commitment, head.disclosure_digest) == (
        annotation.text_commitment,
        annotation.disclosure_digest,
    )
    if not same:
        raise _refuse("DISCLOSURE_MISMATCH", "text_disclosure", "annotation.text", want="the sealed text")
    return None
