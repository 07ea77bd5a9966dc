"""Record chains: state of one record, and validation of its next leaf (proto/README.md 2 and 5).

``Chain`` is the state of one record after its newest leaf. The functions here are the only place that decides whether
a statement, an annotation, a lapse or an erasure may follow; the server calls them under its lock, the auditor and
``fsck`` on every leaf again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.statement import payload_hash
from client_sdk.kernel.formats.words import (
    ANNOTATING,
    InstitutionStatus,
    Kind,
    LapseKind,
    Role,
    Standing,
)
from client_sdk.kernel.ledger.annotating import (
    AnnotationHead,
    Author,
    after_restriction,
    annotated,
    carried,
    shown,
    superseded,
)
from client_sdk.kernel.ledger.closing import is_over
from client_sdk.kernel.rules.check import check_issued
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.lifecycle import check_transition, is_live, may_succeed, names_last_day
from client_sdk.kernel.rules.listing import check_removal
from client_sdk.kernel.rules.overlay import covers, named
from client_sdk.kernel.rules.satisfaction import check_withdrawn_as_paid

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.kernel.formats.lapse import Lapse
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.formats.statement import Annotation, RecordKey, Statement
    from client_sdk.kernel.ledger.directory import Directory

__all__ = [
    "Chain",
    "advance",
    "annotate",
    "check_annotator",
    "check_speaker",
    "coverable",
    "erasable",
    "erase",
    "keeps_until",
    "lapse",
    "overdue",
]


@dataclass(frozen=True, slots=True)
class Chain:
    """One record after its newest leaf."""

    key: RecordKey
    kind: Kind
    standing: Standing
    version: int
    payload_hash: bytes
    index: int
    leaf_hash: bytes
    subject_key_version: int
    retain_until: str = ""
    transferee: str = ""
    continues: RecordKey | None = None
    continued: bool = False
    erased: bool = False
    # Of the leaf that erased it; 0 for none.
    erased_index: int = 0
    annotation: AnnotationHead | None = None
    # Of the newest version: what the binding of a live record must open.
    subject_commitment: bytes = b""

    @property
    def ended_at(self) -> int:
        """Index of the leaf with which nothing of it leads to a person any more; 0 for none, or if it is continued."""
        if self.erased:
            return self.erased_index
        return 0 if is_live(self.standing) else self.index

    @property
    def live(self) -> bool:
        """Whether it can be found and go on: its standing is live, it is not erased and no other continues it."""
        return not self.erased and not self.continued and is_live(self.standing)

    @property
    def hidden(self) -> bool:
        """Whether an overlay keeps it out of the map."""
        return self.annotation is not None and self.annotation.hidden

    @property
    def mapped(self) -> bool:
        """Whether the map holds it (proto/README.md 6, table)."""
        return self.live and not self.hidden


def check_speaker(statement: Statement, directory: Directory) -> None:
    """Check that the signer may speak for the issuer now (proto/README.md 2).

    Raises:
        RuleError: REGISTRY_OTHER, INSTITUTION_UNKNOWN, INSTITUTION_SUSPENDED, INSTITUTION_TERMINATED,
            NOT_A_LENDER or NOT_THE_SUCCESSOR.
    """
    if statement.registry != directory.state.registry:
        want = directory.state.registry
        raise RuleError("REGISTRY_OTHER", "registry", "statement.registry", got=statement.registry, want=want)
    issuer = directory.institution(statement.issuer)
    if Role.LENDER not in issuer.roles:
        raise RuleError("NOT_A_LENDER", "issuer", "institution.role", want="a LENDER")
    if statement.signer == statement.issuer:
        if issuer.status is InstitutionStatus.TERMINATED:
            raise RuleError("INSTITUTION_TERMINATED", "issuer", "institution.state", want="its successor")
        if issuer.status is InstitutionStatus.SUSPENDED and statement.version == 1:
            raise RuleError("INSTITUTION_SUSPENDED", "version", "institution.state", got="1", want="no new record")
        return
    if issuer.ending is not None:
        want = "no further version once an act has ended its records"
        raise RuleError("NOT_THE_SUCCESSOR", "signer", "ending.final", want=want)
    if issuer.status is not InstitutionStatus.TERMINATED or issuer.successor != statement.signer:
        raise RuleError("NOT_THE_SUCCESSOR", "signer", "successor.named", want="the issuer or its named successor")
    if directory.institution(statement.signer).status is InstitutionStatus.TERMINATED:
        raise RuleError("INSTITUTION_TERMINATED", "signer", "institution.state", want="a successor that is a member")
    if statement.version == 1 or not may_succeed(statement.standing):
        raise RuleError("NOT_THE_SUCCESSOR", "standing", "successor.named", want="the end of a record")


def advance(
    chain: Chain | None,
    statement: Statement,
    payload: bytes,
    *,
    index: int,
    leaf_hash: bytes,
    logged_at: int,
    begun_at: int | None,
    directory: Directory,
    find: Callable[[RecordKey], Chain | None],
) -> Chain:
    """Return the record after a statement that is logged at ``index``.

    Args:
        chain: the record before; None for one that the log does not know.
        statement: the version, parsed.
        payload: its exact bytes.
        index: where it is logged.
        leaf_hash: of its leaf.
        logged_at: of its leaf, ms.
        begun_at: logged_at of the record's first version, ms: by it the removal of a court's entry is judged; None
            where nothing needs it.
        directory: before the leaf.
        find: finds other records, for ``continues``.

    Raises:
        RuleError: the version may not follow.
    """
    check_speaker(statement, directory)
    check_issued(statement.issued_at, logged_at)
    if chain is None:
        _check_first(statement, directory, find)
    else:
        _check_next(chain, statement, directory)
    _check_retention(chain, statement, directory.rulebook)
    check_removal(statement, directory.rulebook, begun_at)
    check_withdrawn_as_paid(statement.kind, statement.reason, directory.rulebook.paid_judgment_months)
    if statement.transferee:
        directory.check_transferee(statement.issuer, statement.transferee)
    continues = statement.continues if chain is None else chain.continues
    if chain is not None:
        annotation = None if chain.annotation is None else superseded(chain.annotation)
    else:
        old = None if continues is None else find(continues)
        before = None if old is None else old.annotation
        annotation = None if before is None else superseded(carried(before, payload, index, leaf_hash))
    return Chain(
        statement.key,
        statement.kind,
        statement.standing,
        statement.version,
        payload_hash(payload),
        index,
        leaf_hash,
        statement.subject_key_version,
        statement.retain_until,
        statement.transferee,
        continues,
        annotation=annotation,
        subject_commitment=statement.subject_commitment,
    )


def _check_first(statement: Statement, directory: Directory, find: Callable[[RecordKey], Chain | None]) -> None:
    if statement.version != 1:
        raise RuleError("VERSION_SKIPPED", "version", "version.next", got=str(statement.version), want="1")
    check_transition(statement.kind, None, statement.standing)
    newest = directory.state.newest_subject_key_version
    if statement.subject_key_version != newest:
        got = str(statement.subject_key_version)
        raise RuleError("SUBJECT_KEY_VERSION", "subject_key_version", "subject-key.newest", got=got, want=str(newest))
    if statement.continues is not None:
        _check_continues(statement, find(statement.continues), directory.rulebook)


def _check_continues(statement: Statement, old: Chain | None, rulebook: Rulebook) -> None:
    rule = "record.continues"
    if old is None or not old.live or old.standing is not Standing.TRANSFERRED:
        raise RuleError("CONTINUES_INVALID", "continues", rule, want="a live record that is TRANSFERRED")
    if old.transferee != statement.issuer or old.kind is not statement.kind:
        raise RuleError("CONTINUES_INVALID", "continues", rule, want="same kind, and this issuer as transferee")
    # Where the years count from the start, a sale is no new start (K05).
    if rulebook.retained_from_start and statement.retain_until > old.retain_until:
        want = f"at most {old.retain_until}, until which the sold record was kept"
        raise RuleError("RETENTION_INVALID", "retain_until", "K05", got=statement.retain_until, want=want)


def _check_next(chain: Chain, statement: Statement, directory: Directory) -> None:
    if chain.erased:
        raise RuleError("RECORD_ERASED", "record_id", "record.erased", want="no leaf after the erasure")
    if not chain.live:
        raise RuleError("RECORD_ENDED", "record_id", "record.live", got=chain.standing.name, want="a live record")
    if statement.version <= chain.version:
        raise RuleError(
            "VERSION_TAKEN", "version", "version.next", got=str(statement.version), want=str(chain.version + 1)
        )
    if statement.version != chain.version + 1:
        raise RuleError(
            "VERSION_SKIPPED", "version", "version.next", got=str(statement.version), want=str(chain.version + 1)
        )
    if statement.previous != chain.payload_hash:
        raise RuleError("PREVIOUS_MISMATCH", "previous", "version.previous", want="the hash of the version before")
    if statement.kind is not chain.kind:
        raise RuleError("KIND_CHANGED", "kind", "record.kind", got=statement.kind.name, want=chain.kind.name)
    check_transition(chain.kind, chain.standing, statement.standing)
    if statement.signer != statement.issuer and statement.standing is chain.standing:
        raise RuleError("NOT_THE_SUCCESSOR", "standing", "successor.named", want="a standing that ends the record")
    if statement.carries_subject:
        _check_subject_key_version(chain, statement, directory)


def _check_subject_key_version(chain: Chain, statement: Statement, directory: Directory) -> None:
    if statement.subject_key_version == chain.subject_key_version:
        return
    live = directory.state.live_subject_key_versions
    risen = statement.subject_key_version > chain.subject_key_version and statement.subject_key_version in live
    if not risen or statement.standing is not chain.standing:
        raise RuleError(
            "SUBJECT_KEY_VERSION",
            "subject_key_version",
            "version.rekey",
            got=str(statement.subject_key_version),
            want=f"{chain.subject_key_version}, or a newer live one with the standing unchanged",
        )


def _check_retention(chain: Chain | None, statement: Statement, rulebook: Rulebook) -> None:
    from_start = rulebook.retained_from_start
    if bool(statement.retain_until) is not names_last_day(statement.kind, statement.standing, from_start=from_start):
        want = "a date once the conduct has ended or the debt was sold, and for each listing"
        raise RuleError("RETENTION_INVALID", "retain_until", "C07", want=want)
    # A court may extend the term of its entry.
    if (
        statement.kind is not Kind.LISTING
        and chain is not None
        and chain.retain_until
        and statement.retain_until > chain.retain_until
    ):
        raise RuleError(
            "RETENTION_INVALID", "retain_until", "C07", got=statement.retain_until, want=f"at most {chain.retain_until}"
        )


def check_annotator(annotation: Annotation, directory: Directory) -> None:
    """Check that the author may annotate.

    Raises:
        RuleError: REGISTRY_OTHER, INSTITUTION_UNKNOWN, INSTITUTION_SUSPENDED, INSTITUTION_TERMINATED or NOT_A_LENDER.
    """
    if annotation.registry != directory.state.registry:
        want = directory.state.registry
        raise RuleError("REGISTRY_OTHER", "registry", "leaf.registry", got=annotation.registry, want=want)
    author = directory.institution(annotation.author)
    if author.status is InstitutionStatus.TERMINATED:
        raise RuleError("INSTITUTION_TERMINATED", "author", "institution.state", want="a member")
    if author.status is InstitutionStatus.SUSPENDED and annotation.outcome is None:
        want = "an answer to a dispute, or its withdrawal"
        raise RuleError("INSTITUTION_SUSPENDED", "author", "institution.state", got=author.status.name, want=want)
    if ANNOTATING.isdisjoint(author.roles):
        raise RuleError("NOT_A_LENDER", "author", "institution.role", want="a LENDER or a REPRESENTATIVE")


def annotate(
    chain: Chain | None,
    annotation: Annotation,
    payload: bytes,
    *,
    index: int,
    leaf_hash: bytes,
    logged_at: int,
    directory: Directory,
) -> Chain:
    """Return the record after an annotation (proto/README.md 5).

    Raises:
        RuleError: the annotation may not follow.
    """
    check_annotator(annotation, directory)
    chain = _annotated(chain, annotation.number, annotation.previous)
    issuer = directory.institution(chain.key.issuer)
    author = Author(directory.institution(annotation.author), issuer.speaks_at(annotation.author, index))
    head = annotated(
        chain.annotation,
        annotation,
        payload,
        author,
        index=index,
        leaf_hash=leaf_hash,
        logged_at=logged_at,
        version_index=chain.index,
        rulebook=directory.rulebook,
        coverable=partial(coverable, chain, logged_at=logged_at, rulebook=directory.rulebook),
    )
    return replace(chain, annotation=head)


def coverable(chain: Chain, name: str, *, logged_at: int, rulebook: Rulebook) -> bool:
    """Whether an overlay of the rulebook may hide the record at that time (ms), as far as the log shows it."""
    overlay, day = named(rulebook.overlays, name), day_of(logged_at, rulebook.time_zone)
    return covers(overlay, chain.kind, chain.standing, chain.retain_until, day=day, years=rulebook.longest_years)


def _annotated(chain: Chain | None, number: int, previous: bytes) -> Chain:
    if chain is None:
        raise RuleError("RECORD_UNKNOWN", "record_id", "record.known", want="a record of the log")
    if chain.erased:
        raise RuleError("RECORD_ERASED", "record_id", "record.erased", want="no leaf after the erasure")
    if not chain.live:
        raise RuleError("RECORD_ENDED", "record_id", "record.live", got=chain.standing.name, want="a live record")
    head = chain.annotation
    want = head.number + 1 if head else 1
    if number != want:
        raise RuleError("ANNOTATION_ORDER", "number", "leaf.number", got=str(number), want=str(want))
    if previous != (head.payload_hash if head else b""):
        raise RuleError("ANNOTATION_ORDER", "previous", "leaf.previous", want="the hash of the payload before")
    return chain


def lapse(
    chain: Chain | None,
    event: Lapse,
    payload: bytes,
    *,
    index: int,
    leaf_hash: bytes,
    logged_at: int,
    directory: Directory,
) -> Chain:
    """Return the record after a lapse (proto/README.md 5 and 6).

    Args:
        chain: the record before.
        event: the lapse, parsed.
        payload: its exact bytes.
        index: where it is logged.
        leaf_hash: of its leaf.
        logged_at: of its leaf, ms.
        directory: before the leaf.

    Raises:
        RuleError: the lapse may not follow, or LAPSE_EARLY; DATE_INVALID where no calendar has the period's end.
    """
    rulebook = directory.rulebook
    if event.what is LapseKind.RESTRICTED:
        chain = _annotated(chain, event.number, event.previous)
        head = chain.annotation
        if head is None or not head.waits or day_of(logged_at, rulebook.time_zone).isoformat() <= head.due_on:
            raise RuleError("LAPSE_EARLY", "what", "annotation.restricted", want="a dispute unanswered for the period")
        if head.restricted:
            raise RuleError(
                "ANNOTATION_INVALID", "what", "annotation.restricted", want="a record not RESTRICTED before"
            )
        return replace(chain, annotation=after_restriction(head, payload, index, leaf_hash))
    if event.what is LapseKind.SHOWN:
        chain = _annotated(chain, event.number, event.previous)
        head = chain.annotation
        if head is None or not head.hidden or coverable(chain, head.overlay, logged_at=logged_at, rulebook=rulebook):
            raise RuleError("LAPSE_EARLY", "what", "overlay.ended", want="a hidden record that no overlay covers")
        return replace(chain, annotation=shown(head, payload, index, leaf_hash))
    if chain is None:
        raise RuleError("RECORD_UNKNOWN", "record_id", "record.known", want="a record of the log")
    if chain.erased:
        raise RuleError("RECORD_ERASED", "record_id", "record.erased", want="no leaf after the erasure")
    # A record that another continues is erased with that one, whatever its own date; replay checks that it is.
    if not chain.continued and not (chain.live and erasable(chain, logged_at, directory)):
        got = keeps_until(chain, directory) or "no date"
        raise RuleError("LAPSE_EARLY", "what", "retention.due", got=got, want="a due date")
    return erase(chain, index)


def keeps_until(chain: Chain, directory: Directory) -> str:
    """Return the last day that a record is kept: its own, or that of its issuer's ending; empty for none."""
    issuer = directory.institutions.get(chain.key.issuer)
    ending = None if issuer is None else issuer.ending
    days = [chain.retain_until, "" if ending is None else ending.retain_until]
    return min(filter(None, days), default="")


def overdue(chain: Chain, logged_at: int, directory: Directory) -> bool:
    """Whether the record's time was over on the day of ``logged_at`` (征信业管理条例 Art. 16)."""
    until = keeps_until(chain, directory)
    return bool(until) and until <= day_of(logged_at, directory.rulebook.time_zone).isoformat()


def erasable(chain: Chain, logged_at: int, directory: Directory) -> bool:
    """Whether the clock may erase the record on the day of ``logged_at``: its time or the registry's is over."""
    today = day_of(logged_at, directory.rulebook.time_zone).isoformat()
    return overdue(chain, logged_at, directory) or is_over(directory.closing, today)


def erase(chain: Chain | None, index: int) -> Chain:
    """Return the record after its erasure by the leaf at ``index``.

    Raises:
        RuleError: RECORD_UNKNOWN or RECORD_ERASED.
    """
    if chain is None:
        raise RuleError("RECORD_UNKNOWN", "record_id", "record.known", want="a record of the log")
    if chain.erased:
        raise RuleError("RECORD_ERASED", "record_id", "record.erased", want="a record not erased before")
    return replace(chain, erased=True, erased_index=index)
