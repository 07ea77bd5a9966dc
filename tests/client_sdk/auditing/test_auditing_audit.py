"""An audit that goes on from where the last one ended, keeps what it found, and trusts neither registry nor disk."""

from __future__ import annotations

import multiprocessing
import stat
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import grpc
import pytest
from creditregistry.v1 import transparency_pb2 as pb

from client_sdk.auditing.audit import audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.source import LiveBindings, RegistrySource
from client_sdk.errors import ConfigError, VerificationError
from client_sdk.kernel.formats.act import StateBody
from client_sdk.kernel.formats.checkpoint import parse_checkpoint, sign_checkpoint
from client_sdk.kernel.formats.contradiction import Contradiction
from client_sdk.kernel.formats.words import InstitutionStatus, Standing
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.verification import verify_contradiction
from tests.support.handmade_log import HandmadeLog
from tests.support.lies import Forger, honest_log
from tests.support.transparency_server import PAGE, HandmadeRegistry, serve
from tests.support.troubles import small_files_only

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from client_sdk.auditing.report import AuditReport
    from client_sdk.auditing.source import Source
    from client_sdk.kernel.ledger.examination import LiveBinding

P = TypeVar("P")


class Auditor:
    """An auditor of one handmade registry, with a folder of its own."""

    def __init__(self, log: HandmadeLog, registry: HandmadeRegistry, source: Source, folder: Path) -> None:
        self.log = log
        self.registry = registry
        self.source = source
        self.folder = folder

    def audit(self, source: Source | None = None, executor: Executor | None = None) -> AuditReport:
        home = AuditHome(self.folder, hot_entries=3)
        return audit(source or self.source, home, self.log.trust_root, executor=executor, now_ms=self.log.logged_at)


@contextmanager
def auditor_of(log: HandmadeLog, folder: Path) -> Iterator[Auditor]:
    registry = HandmadeRegistry(log)
    with serve(registry) as channel:
        yield Auditor(log, registry, RegistrySource(channel), folder)


@pytest.fixture
def auditor(tmp_path: Path) -> Iterator[Auditor]:
    with auditor_of(honest_log(), tmp_path / "audit") as auditor:
        yield auditor


class BreakingRegistry(HandmadeRegistry):
    """A registry whose process is restarted after the first page of each of its first streams of leaves."""

    def __init__(self, log: HandmadeLog, breaks: int) -> None:
        super().__init__(log)
        self.breaks = breaks

    def ListLeaves(  # noqa: N802 - the name of the method in the contract
        self, request: pb.ListLeavesRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ListLeavesResponse]:
        pages = super().ListLeaves(request, context)
        yield next(pages)
        if self.breaks:
            self.breaks -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "the registry is stopping")
        yield from pages


def test_a_stream_that_breaks_is_gone_on_with(tmp_path: Path) -> None:
    log = honest_log()
    registry = BreakingRegistry(log, breaks=1)
    with serve(registry) as channel:
        report = audit(RegistrySource(channel), AuditHome(tmp_path), log.trust_root, now_ms=log.logged_at)
    assert report.findings == ()
    assert registry.asked == [(0, len(log.leaves)), (PAGE, len(log.leaves))]


class Interrupted(Exception):  # noqa: N818 - it is no error of ours
    """A power failure."""


class PulledPlug:
    """A registry whose line goes dead after so many leaves."""

    def __init__(self, source: Source, leaves: int) -> None:
        self._source = source
        self._leaves = leaves

    def checkpoint(self, known_size: int) -> pb.GetCheckpointResponse:
        return self._source.checkpoint(known_size)

    def statistics(self) -> pb.GetStatisticsResponse:
        return self._source.statistics()

    def leaves(self, start: int, end: int) -> Iterator[bytes]:
        for count, leaf in enumerate(self._source.leaves(start, end)):
            if count == self._leaves:
                raise Interrupted
            yield leaf

    def live_bindings(self, bindings: MutableMapping[int, LiveBinding]) -> LiveBindings:
        return self._source.live_bindings(bindings)

    def inquiries(self, start: int, end: int) -> Iterator[pb.LoggedInquiry]:
        return self._source.inquiries(start, end)

    def directory(self, institutions: Sequence[str]) -> pb.GetDirectoryProofResponse:
        return self._source.directory(institutions)


def test_the_first_audit_reads_everything(auditor: Auditor) -> None:
    report = auditor.audit()
    assert report.clean
    assert auditor.registry.asked == [(0, len(auditor.log.leaves))]
    assert (report.previous_size, report.size) == (0, len(auditor.log.leaves))
    assert report.root == auditor.log.tree.root()
    assert report.signatures == report.leaves["STATEMENT"] + report.inquiries == 16
    assert report.live == len(auditor.log.bindings()) == 5
    assert report.inquiries == 3
    assert report.directory_checked
    assert report.maps_checked == (report.size, report.size, 1)


def test_the_report_counts_acts_and_records(auditor: Auditor) -> None:
    report = auditor.audit()
    rows = {row.id: row for row in report.institutions}
    assert set(rows) == {"admin-1", "admin-2", "admin-3", "lender-1", "lender-2", "lender-3"}
    assert (rows["lender-1"].records, rows["lender-1"].versions, rows["lender-1"].live) == (3, 5, 2)
    assert (rows["lender-2"].live, rows["lender-2"].disputed, rows["lender-3"].erased) == (3, 1, 1)
    assert [act.decision for act in report.acts] == ["genesis", *["institution"] * 3, "erasure"]
    assert report.acts[-1].about == "records erased: 1; ground: court-order"
    assert report.acts[-1].signers == ("admin-1", "admin-2")


def test_the_next_audit_reads_what_is_new(auditor: Auditor) -> None:
    before = auditor.audit()
    auditor.log.say("lender-1", "running")
    auditor.log.inquire("later")
    auditor.log.head()
    report = auditor.audit()
    assert report.clean
    assert auditor.registry.asked[-1] == (before.size, before.size + 2)
    assert report.signatures == 2
    assert (report.previous_size, report.size) == (before.size, before.size + 2)
    assert report.maps_checked == (before.size, report.size, 2)
    assert report.inquiries == 4
    assert sum(report.inquiry_outcomes.values()) == 4
    assert "ANSWERED" in report.inquiry_outcomes
    # A registry that lost its disk gets all of them back from this folder, not those of the newest audit alone.
    home = AuditHome(auditor.folder)
    position, _ = home.load()
    assert len(list(home.asked.read(0, position.asked_bytes))) == 4


def test_an_audit_of_nothing_new_is_clean(auditor: Auditor) -> None:
    auditor.audit()
    report = auditor.audit()
    assert report.clean
    assert report.signatures == 0
    assert report.maps_checked[2] == 1


def test_what_was_found_stays_found(auditor: Auditor) -> None:
    auditor.log.say("lender-1", "new", by=Forger("lender-1 REPORT"))
    auditor.log.head()
    first = auditor.audit()
    assert [found.finding.id for found in first.findings] == [FindingId.SIGNATURE]
    auditor.log.wait(1_000)
    auditor.log.head()
    second = auditor.audit()
    assert second.findings == first.findings
    assert (second.new, second.exit_code) == (0, 1)
    assert second.size == first.size + 1


@pytest.mark.parametrize("leaves_read", [True, False])
def test_a_fork_is_proved_by_a_file_that_anybody_can_judge(auditor: Auditor, *, leaves_read: bool) -> None:
    if not leaves_read:
        # What was signed before is beyond the leaves that were read of it.
        size, bindings = len(auditor.log.leaves), auditor.log.bindings()
        auditor.log.say("lender-1", "running")
        auditor.log.head()
        auditor.registry.bindings_size, auditor.registry.bindings = size, bindings
    assert auditor.audit().clean
    signed = auditor.log.checkpoint(len(auditor.log.leaves))
    auditor.registry.bindings_size = auditor.registry.bindings = None
    auditor.log.replace_last(auditor.log.leaves[-1][:9] + b"\xff" + auditor.log.leaves[-1][10:])
    auditor.log.wait(1_000)
    auditor.log.head()
    assert not auditor.audit().clean
    auditor.log.wait(1_000)
    auditor.log.head()
    report = auditor.audit()
    (proof,) = auditor.folder.glob("contradiction-*.proof")
    assert {found.finding.id for found in report.findings} == {FindingId.FORK}
    assert all(f"{proof.name} proves that it does not" in found.finding.want for found in report.findings)
    assert verify_contradiction(proof.read_bytes(), auditor.log.trust_root).first.raw == signed


def test_a_fork_on_a_full_disk_is_no_file(auditor: Auditor) -> None:
    key, size, home = auditor.log.trust_root.log_key, len(auditor.log.leaves), AuditHome(auditor.folder)
    other = sign_checkpoint(key.name, size, bytes(32), auditor.log.log_signer)
    proof = Contradiction.of(parse_checkpoint(auditor.log.checkpoint(size), key), parse_checkpoint(other, key))
    with small_files_only(16):
        assert home.keep_proof(proof) == ""
    assert home.keep_proof(proof).startswith("contradiction-")


def test_a_fork_is_not_gone_on_from(auditor: Auditor) -> None:
    honest = auditor.audit()
    kept = auditor.log.leaves.copy()
    auditor.log.wait(1)
    auditor.log.replace_last(auditor.log.leaves[-1][:9] + b"\xff" + auditor.log.leaves[-1][10:])
    auditor.log.head()
    assert {found.finding.id for found in auditor.audit().findings} == {FindingId.FORK}
    # The honest log again: the audit still stands where it stood, and the fork is not forgotten.
    auditor.log.leaves[:] = kept
    auditor.log.state = auditor.log._replay()
    report = auditor.audit()
    assert report.size == honest.size
    assert {found.finding.id for found in report.findings} == {FindingId.FORK}
    assert report.new == 0


def test_a_checkpoint_shown_before_its_leaves_is_held_to_later(auditor: Auditor) -> None:
    # The bindings are older than the newest checkpoint: the audit goes to the bindings' size only.
    size, bindings = len(auditor.log.leaves), auditor.log.bindings()
    auditor.log.say("lender-1", "running")
    auditor.log.head()
    auditor.registry.bindings_size, auditor.registry.bindings = size, bindings
    report = auditor.audit()
    assert report.clean
    assert report.size == size
    # What the newest checkpoint promised is replaced by something else.
    auditor.log.replace_last(auditor.log.leaves[-1][:9] + b"\xff" + auditor.log.leaves[-1][10:])
    auditor.log.wait(1_000)
    auditor.log.head()
    auditor.registry.bindings_size = auditor.registry.bindings = None
    assert {found.finding.id for found in auditor.audit().findings} == {FindingId.FORK}


def test_a_log_that_goes_on_while_it_is_audited_is_clean(auditor: Auditor) -> None:
    size, bindings = len(auditor.log.leaves), auditor.log.bindings()
    auditor.log.act(StateBody("lender-3", InstitutionStatus.SUSPENDED))
    auditor.log.head()
    auditor.registry.bindings_size, auditor.registry.bindings = size, bindings
    report = auditor.audit()
    assert report.clean
    assert report.size == size
    # The directory that was proved is a newer one: it is compared the next time.
    assert not report.directory_checked
    auditor.registry.bindings_size = auditor.registry.bindings = None
    later = auditor.audit()
    assert later.clean
    assert later.directory_checked


def test_an_audit_that_breaks_off_leaves_no_trace(auditor: Auditor) -> None:
    auditor.audit()
    auditor.log.say("lender-1", "running")
    auditor.log.say("lender-1", "cured", Standing.WITHDRAWN)
    auditor.log.head()
    for leaves in range(3):
        with pytest.raises(Interrupted):
            auditor.audit(PulledPlug(auditor.source, leaves))
    report = auditor.audit()
    assert report.clean
    assert report.signatures == 2


def test_other_processes_find_the_same(auditor: Auditor, tmp_path: Path) -> None:
    for place in range(40):
        auditor.log.say("lender-1", f"many {place}", by=Forger("lender-1 REPORT") if place % 9 == 4 else None)
    auditor.log.head()
    alone = auditor.audit()
    auditor.folder = tmp_path / "again"
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        shared = auditor.audit(executor=executor)
    assert shared.findings == alone.findings
    assert len(alone.findings) == 4
    assert shared.signatures == alone.signatures == 56


def test_nothing_that_leads_to_a_person_reaches_the_disk(auditor: Auditor) -> None:
    auditor.audit()
    held = b"".join(path.read_bytes() for path in auditor.folder.iterdir())
    assert auditor.log.statements
    for subject, opening, _ in auditor.log.secrets.values():
        assert subject not in held
        assert opening not in held
        assert subject.hex().encode() not in held
        assert opening.hex().encode() not in held


def test_the_folder_is_its_owners_alone(auditor: Auditor) -> None:
    auditor.audit()
    assert stat.S_IMODE(auditor.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in auditor.folder.iterdir()} == {0o600}


def test_a_changed_leaf_on_the_auditors_disk_is_noticed(auditor: Auditor) -> None:
    auditor.audit()
    path = auditor.folder / "leaves"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not those that the last audit left"):
        auditor.audit()


@pytest.mark.parametrize("keep", [0, 3, 1000])
def test_a_shortened_file_of_leaves_is_noticed(auditor: Auditor, keep: int) -> None:
    auditor.audit()
    path = auditor.folder / "leaves"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ConfigError, match="shorter"):
        auditor.audit()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"form": "another"}', '{"form": "creditregistry audit v1", "findings": [{}]}']
)
def test_a_damaged_position_is_refused(auditor: Auditor, content: str) -> None:
    auditor.audit()
    (auditor.folder / "audit.json").write_text(content)
    with pytest.raises(ConfigError, match=r"damaged|another version"):
        auditor.audit()


def test_a_folder_serves_one_registry(auditor: Auditor) -> None:
    auditor.audit()
    auditor.log = HandmadeLog(administrators=("admin-7", "admin-8", "admin-9"))
    with pytest.raises(ConfigError, match="another registry"):
        auditor.audit()


def test_two_audits_never_share_a_folder(auditor: Auditor) -> None:
    with AuditHome(auditor.folder).lock(), pytest.raises(ConfigError, match="another audit is running"):
        auditor.audit()
    assert auditor.audit().clean


def test_leaves_that_stop_short_are_refused(auditor: Auditor) -> None:
    auditor.registry.leaves = auditor.log.leaves[:-1]
    with pytest.raises(VerificationError, match=r"leaves\.complete"):
        auditor.audit()
    auditor.registry.leaves = None
    assert auditor.audit().clean


def test_bindings_that_changed_while_they_were_read_are_passed_over(auditor: Auditor) -> None:
    auditor.audit()
    log = auditor.log
    begun_at, before = len(log.leaves), log.bindings()
    log.say("lender-1", "running")
    log.say("lender-2", "disputed", Standing.WITHDRAWN)
    log.head()
    between = log.bindings()
    log.say("lender-1", "running")
    log.head()
    shown = sorted({*before, *between, *log.bindings()})
    auditor.registry.bindings_begun_at, auditor.registry.bindings = begun_at, shown
    report = auditor.audit()
    assert report.clean
    assert report.live == len(log.bindings()) < len(shown) - 2
    # Those that were not live any more when the reading began are still findings.
    auditor.registry.bindings_begun_at = None
    log.head()
    assert {found.finding.id for found in auditor.audit().findings} == {FindingId.BINDING_DEAD}


def test_bindings_out_of_order_are_refused(auditor: Auditor) -> None:
    auditor.registry.bindings = [*reversed(auditor.log.bindings())]
    with pytest.raises(VerificationError, match=r"bindings\.order"):
        auditor.audit()


def test_bindings_of_leaves_beyond_the_log_are_refused(auditor: Auditor) -> None:
    _, subject, opening = auditor.log.bindings()[0]
    auditor.registry.bindings = [*auditor.log.bindings(), (len(auditor.log.leaves), subject, opening)]
    with pytest.raises(VerificationError, match=r"bindings\.size"):
        auditor.audit()


def test_bindings_that_never_end_are_refused(auditor: Auditor) -> None:
    first = auditor.log.bindings()[0]
    auditor.registry.bindings = [first] * (len(auditor.log.leaves) + 1)
    with pytest.raises(VerificationError, match=r"bindings\.count"):
        auditor.audit()


class EmptyPages(HandmadeRegistry):
    """A registry whose streams of one kind bring nothing, again and again, and break in between."""

    def __init__(self, log: HandmadeLog, method: str) -> None:
        super().__init__(log)
        self.method = method

    def _nothing(self, method: str, page: P, pages: Iterator[P], context: grpc.ServicerContext) -> Iterator[P]:
        if self.method != method:
            yield from pages
            return
        while context.is_active():
            yield page
            if method != "ListLiveBindings":
                context.abort(grpc.StatusCode.UNAVAILABLE, "the registry is stopping")

    def ListLeaves(  # noqa: N802 - the name of the method in the contract
        self, request: pb.ListLeavesRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ListLeavesResponse]:
        empty = pb.ListLeavesResponse(start=request.start)
        return self._nothing("ListLeaves", empty, super().ListLeaves(request, context), context)

    def ListInquiryLeaves(  # noqa: N802 - the name of the method in the contract
        self, request: pb.ListInquiryLeavesRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ListInquiryLeavesResponse]:
        empty = pb.ListInquiryLeavesResponse(start=request.start)
        return self._nothing("ListInquiryLeaves", empty, super().ListInquiryLeaves(request, context), context)

    def ListLiveBindings(  # noqa: N802 - the name of the method in the contract
        self, request: pb.ListLiveBindingsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ListLiveBindingsResponse]:
        pages = super().ListLiveBindings(request, context)
        if self.method == "ListLiveBindings":
            yield next(pages)
        empty = pb.ListLiveBindingsResponse()
        yield from self._nothing("ListLiveBindings", empty, pages, context)


@pytest.mark.parametrize("method", ["ListLeaves", "ListInquiryLeaves", "ListLiveBindings"])
def test_pages_without_anything_hold_no_audit_up(tmp_path: Path, method: str) -> None:
    log = honest_log()
    with serve(EmptyPages(log, method)) as channel:
        source, home = RegistrySource(channel), AuditHome(tmp_path)
        if method == "ListInquiryLeaves":
            report = audit(source, home, log.trust_root, now_ms=log.logged_at)
            assert {item.finding.id for item in report.findings} == {FindingId.INQUIRY_TREE}
            return
        with pytest.raises(VerificationError, match=r"leaves\.complete|bindings\.count"):
            audit(source, home, log.trust_root, now_ms=log.logged_at)


def test_progress_is_told(auditor: Auditor) -> None:
    told: list[tuple[int, int]] = []
    size = len(auditor.log.leaves)
    home = AuditHome(auditor.folder)
    audit(
        auditor.source,
        home,
        auditor.log.trust_root,
        progress=lambda done, total: told.append((done, total)),
        now_ms=auditor.log.logged_at,
    )
    assert told[-1] == (size, size)
