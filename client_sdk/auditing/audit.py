"""The audit: fetch, verify everything offline, keep what was found.

Structure is replayed in this process; signatures of members are verified, and the map is computed, in the executor's.
Signatures that an earlier audit verified are not verified again, everything else is. The position moves on in the same
step in which the findings become durable, and only where the log's key vouches for the leaves.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from creditregistry.v1 import transparency_pb2 as pb

from client_sdk._shared_examination import SharedExamination
from client_sdk._shared_work import SharedWork
from client_sdk.act_titles import CLOCK_DECISION
from client_sdk.auditing.fetching import fetch
from client_sdk.auditing.home import AuditFinding, Position, Seen
from client_sdk.auditing.member_quality import check_quality
from client_sdk.auditing.published import check_statistics
from client_sdk.auditing.report import AuditReport
from client_sdk.auditing.silencing import silences, tells_against
from client_sdk.auditing.tally import LeafTally, breach_rows, inquiry_rows, institution_rows
from client_sdk.clock import clock_ms
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.ledger.asked import ShownInquiry
from client_sdk.kernel.ledger.directory_proof import ProvedDirectory, verify_directory
from client_sdk.kernel.ledger.examination import Examination
from client_sdk.kernel.ledger.findings import MAX_KEPT, Finding, FindingId, Findings
from client_sdk.kernel.ledger.head_time import AHEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor

    from client_sdk.auditing.fetching import Fetched
    from client_sdk.auditing.home import AuditHome
    from client_sdk.auditing.source import Source
    from client_sdk.kernel.ledger.findings import Finding
    from client_sdk.kernel.ledger.state_store import StateStore
    from client_sdk.kernel.ledger.trust_root import TrustRoot

    # What is done, of how many leaves.
    Progress = Callable[[int, int], None]

__all__ = ["audit", "verify"]

# Leaves that are replayed at a time.
BATCH_LEAVES = 1_024
# A log that failed here is not the one that the next audit starts from.
_NOT_TO_GO_ON_FROM = frozenset((FindingId.CHECKPOINT, FindingId.FORK, FindingId.ROLLBACK, FindingId.GENESIS))


def audit(
    source: Source,
    home: AuditHome,
    trust_root: TrustRoot,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
    now_ms: int | None = None,
) -> AuditReport:
    """Audit a registry from where the last audit ended.

    Args:
        source: the registry.
        home: the auditor's folder for this registry.
        trust_root: what the auditor starts from.
        executor: verifies signatures and computes the map; None for this process.
        progress: called with the number of leaves that are done and of all leaves.
        now_ms: the auditor's clock, in ms since 1970 UTC; None for the machine's.

    Returns:
        What was found, now and earlier.

    Raises:
        VerificationError: a stream was cut short or out of order.
        ConfigError: the folder is damaged, in use, or of another registry.
        ExecutorError: the executor did not do a part; the position stays where it was.
    """
    started = time.monotonic()
    now = clock_ms() if now_ms is None else now_ms
    with home.lock(), home.state() as store:
        position, known = home.load()
        if position.fingerprint not in {"", trust_root.fingerprint}:
            raise ConfigError("the audit's folder belongs to another registry")
        findings = Findings()
        report = AuditReport(
            registry=trust_root.registry,
            fingerprint=trust_root.fingerprint,
            audited_at=moment(now),
            previous_size=position.size,
            size=position.size,
        )
        fetched = fetch(source, home, position, trust_root.log_key, findings, store)
        if fetched is not None:
            report = verify(fetched, home, position, trust_root, findings, report, store, executor, progress)
        known = tuple(item for item in known if not _corrected(item.finding, report))
        number = position.audits + 1
        found, beyond = _together(known, findings, number, report)
        after = _next_position(position, fetched, findings, report)
        after = replace(after, audits=number, beyond=position.beyond or beyond)
        home.save(after, found)
    counts = Counter(item.finding.id for item in found) | findings.counts
    return replace(
        report,
        maps_checked=after.maps_checked,
        findings=found,
        new=len(found) - len(known),
        silencing=tuple(item.reference for item in found if silences(item, after)),
        counts=counts,
        seconds=time.monotonic() - started,
    )


def verify(
    fetched: Fetched,
    home: AuditHome,
    position: Position,
    trust_root: TrustRoot,
    findings: Findings,
    report: AuditReport,
    store: StateStore,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Verify what was fetched, offline; return the report without its findings.

    What grows with the log goes into the store.

    Raises:
        ConfigError: the leaves in the folder are not those that the last audit left there.
        ExecutorError: the executor did not do a part.
    """
    sizes = {position.size, *(seen.size for seen in position.seen)}
    examination = Examination(
        findings,
        genesis=trust_root.genesis,
        roots_at=sizes,
        bindings_from=fetched.begun_at,
        tally_until=fetched.statistics.size,
        store=store,
    )
    tally = LeafTally()
    with SharedWork(executor) as work:
        shared = SharedExamination(work, findings)
        for batch in _batches(home.leaves.read(0, fetched.leaf_bytes)):
            tally.take(batch)
            unverified = examination.feed(batch)
            shared.verify(item for item in unverified if item.leaf_index >= position.size)
            if progress is not None:
                progress(examination.size, fetched.size)
        shared.flush()
        if position.size and examination.roots.get(position.size, b"").hex() != position.root:
            raise ConfigError("the leaves in the audit's folder are not those that the last audit left there")
        _check_seen(examination, position.seen, findings)
        examination.check_checkpoint(fetched.checkpoint.checkpoint)
        report = replace(
            report,
            origin=trust_root.log_key.name,
            size=examination.size,
            root=examination.root,
            logged_at=moment(examination.replay.logged_at) if examination.size else None,
            leaves=tally.leaves,
            heads=tally.heads(),
        )
        # Without a valid genesis no leaf means anything.
        if examination.begun:
            examination.check_map(fetched.bindings.values(), shared.subtrees)
            report = _verify_content(examination, fetched, home, trust_root, findings, report)
            report = replace(report, acts=tally.acts(examination.replay))
            asked = examination.check_asked(position.inquiries, _asked(home, position.asked_bytes, fetched.asked_bytes))
            shared.verify(asked, of="inquiries")
            shared.flush()
        return replace(report, signatures=shared.count)


def _verify_content(
    examination: Examination,
    fetched: Fetched,
    home: AuditHome,
    trust_root: TrustRoot,
    findings: Findings,
    report: AuditReport,
) -> AuditReport:
    """Check inquiries, clocks and directory against the log."""
    examination.check_inquiries(home.inquiries.read(0, fetched.inquiry_bytes))
    examination.check_retention()
    examination.check_hidden()
    examination.check_clock(milliseconds(report.audited_at))
    check_statistics(examination.replay, fetched.statistics, findings)
    check_quality(examination.replay, fetched.statistics, findings)
    rows = institution_rows(examination.replay)
    return replace(
        report,
        live=sum(row.live for row in rows),
        inquiries=fetched.inquiries,
        inquiry_outcomes=dict(sorted(examination.inquiry_outcomes.items())),
        inquiries_by=inquiry_rows(_asked(home, 0, fetched.asked_bytes)),
        directory_checked=_check_directory(examination, fetched, trust_root, findings),
        institutions=rows,
        breaches=breach_rows(examination.replay),
    )


def _asked(home: AuditHome, start: int, end: int) -> Iterator[ShownInquiry]:
    """Yield the signed inquiries that were fetched, between two offsets of their file."""
    for item in map(pb.LoggedInquiry.FromString, home.asked.read(start, end)):
        signed = item.inquiry
        yield ShownInquiry(item.leaf, signed.payload, signed.key_id, signed.signature)


def _batches(leaves: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch := list(islice(leaves, BATCH_LEAVES)):
        yield batch


def _check_seen(examination: Examination, seen: Iterable[Seen], findings: Findings) -> None:
    """Hold the leaves against checkpoints that were signed before their leaves were read."""
    for size, root, _ in seen:
        if size in examination.roots and examination.roots[size] != root:
            want = "the root that was signed for this size before"
            findings.note(FindingId.FORK, None, "checkpoint", "log.checkpoint", got=f"size {size}", want=want)


def _check_directory(examination: Examination, fetched: Fetched, trust_root: TrustRoot, findings: Findings) -> bool:
    """Hold the proved directory against the acts; whether it could be: not where newer acts stand in the log."""
    proved: list[ProvedDirectory] = []
    for response in fetched.directory:
        try:
            proved.append(verify_directory(response, trust_root.log_key))
        except FormatError as error:
            findings.note(FindingId.DIRECTORY, None, error.part, error.rule, got=error.got, want=error.want)
            return True
    own = examination.replay.directory.state
    if any(page.registry.act_number > own.act_number for page in proved):
        return False
    for registry in {page.registry.encode(): page.registry for page in proved}.values():
        examination.check_directory(registry, (state for page in proved for state in page.institutions))
    for page in proved:
        if page.checkpoint.size == examination.size:
            examination.check_contributions(page.contributions, [state.id for state in page.institutions])
    return bool(proved)


def _corrected(finding: Finding, report: AuditReport) -> bool:
    """Whether a finding was that the log's time lay in the future, and an act has corrected it since.

    From then on the act and the leaves before it show it to every reader of the log.
    """
    corrected = max((act.leaf_index for act in report.acts if act.decision == CLOCK_DECISION), default=0)
    return finding.rule == AHEAD and (finding.leaf_index or 0) < corrected


def _together(
    known: tuple[AuditFinding, ...], findings: Findings, number: int, report: AuditReport
) -> tuple[tuple[AuditFinding, ...], bool]:
    """Return what was found before and now, each once: what was found stays found.

    Args:
        known: found before, at most 1,000 of a kind.
        findings: of this audit.
        number: of this audit.
        report: of this audit.

    Returns:
        At most 1,000 of a kind; and whether there were more that tell against the log.
    """
    again = dict.fromkeys(findings.kept())
    found = [item._replace(audit=number) if item.finding in again else item for item in known]
    counts, before = Counter(item.finding.id for item in known), {item.finding for item in known}
    left_out = [finding for finding in again if findings.counts[finding.id] > MAX_KEPT]
    for finding in again:
        if finding in before:
            continue
        counts[finding.id] += 1
        if counts[finding.id] <= MAX_KEPT:
            found.append(AuditFinding(finding, report.size, report.audited_at, number))
        else:
            left_out.append(finding)
    return tuple(found), any(map(tells_against, left_out))


def _next_position(position: Position, fetched: Fetched | None, findings: Findings, report: AuditReport) -> Position:
    """Return where the next audit starts: here, or where this one started if the log cannot be gone on from."""
    if fetched is None or not _NOT_TO_GO_ON_FROM.isdisjoint(findings.counts):
        return position
    first, _, count = position.maps_checked
    newer = {*position.seen, *fetched.seen}
    return Position(
        fingerprint=report.fingerprint,
        size=report.size,
        root=report.root.hex(),
        checkpoint=fetched.checkpoint.raw.decode(),
        audited_at=milliseconds(report.audited_at),
        logged_at=0 if report.logged_at is None else milliseconds(report.logged_at),
        leaf_bytes=fetched.leaf_bytes,
        inquiries=fetched.inquiries,
        inquiry_bytes=fetched.inquiry_bytes,
        asked_bytes=fetched.asked_bytes,
        maps_checked=(first or report.size, report.size, count + (report.size != position.maps_checked[1])),
        seen=tuple(sorted(seen for seen in newer if seen.size > report.size)),
    )
