"""Examination: verification of a whole log, leaf by leaf, with findings instead of exceptions.

The auditor and the registry's own ``fsck`` share it. Leaves are fed in order; structure is checked at once, signatures
of members are handed back and may be verified anywhere. What is known only at the end (checkpoint, bindings and map,
inquiries, retention) is checked by a method each. No fact is read.

    examination = Examination(findings, genesis=trust_root.genesis)
    for batch in leaves:
        for finding in verify_signatures(examination.feed(batch)):
            findings.add(finding)
    examination.check_checkpoint(checkpoint)
    examination.check_map(bindings)
    examination.check_inquiries(inquiry_leaves)
    examination.check_retention()

``check_log`` does all of it in one call.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain as joined
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.batch_signature import VerifiedBatches, verify_signed
from client_sdk.kernel.formats.commitment import check_binding
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.leaf import LeafType
from client_sdk.kernel.formats.merkle import Frontier
from client_sdk.kernel.formats.moment import DAY_MS, span
from client_sdk.kernel.formats.statement import RecordKey, Statement
from client_sdk.kernel.ledger.asked import DirectoryTimes, check_shown_inquiry
from client_sdk.kernel.ledger.chain import coverable, keeps_until, overdue
from client_sdk.kernel.ledger.findings import Finding, FindingId, Findings, finding_of
from client_sdk.kernel.ledger.head_time import AHEAD, MAX_OFF_MS, OLD
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.kernel.ledger.map_parts import bound_leaf, map_parts, map_subtree, place_of_bound, whole_of
from client_sdk.kernel.ledger.replay import Replay
from client_sdk.kernel.ledger.state_store import MemoryStore
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, MutableMapping, Sequence

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.contribution import Contribution
    from client_sdk.kernel.formats.leaf import Head
    from client_sdk.kernel.formats.state import InstitutionState, RegistryState
    from client_sdk.kernel.ledger.asked import ShownInquiry
    from client_sdk.kernel.ledger.map_parts import MapPart, MapSubtree
    from client_sdk.kernel.ledger.replay import Signed
    from client_sdk.kernel.ledger.state_store import StateStore

__all__ = ["Examination", "LiveBinding", "Unverified", "check_log", "verify_signatures"]

# How long after its last day a record may still be there: the job that erases it runs once a day.
RETENTION_GRACE_MS = DAY_MS


class LiveBinding(NamedTuple):
    """Opening of a live record's newest subject commitment: leaf index, pseudonym, opening."""

    leaf_index: int
    subject: bytes
    opening: bytes

    def __repr__(self) -> str:
        return f"LiveBinding(leaf_index={self.leaf_index})"


class Unverified(NamedTuple):
    """A member's signature that still has to be verified; small enough to be sent to another process.

    Of an inquiry ``leaf_index`` is the place in the inquiry tree.
    """

    leaf_index: int
    payload_type: str
    payload: bytes
    public_key: bytes
    signature: bytes


class _InquiryMark(NamedTuple):
    """Size and root of the inquiry tree in a HEAD."""

    leaf_index: int
    inquiries: int
    root: bytes


def verify_signatures(batch: Sequence[Unverified]) -> list[Finding]:
    """Verify signatures; return a finding for each that does not verify. Runs in any process.

    One over a batch is verified once a call, and of each statement its place in the batch.
    """
    found: list[Finding] = []
    verified = VerifiedBatches()
    for index, payload_type, payload, public_key, signature in batch:
        try:
            verify_signed(payload_type, payload, public_key, signature, verified)
        except SignatureError as error:
            asked = payload_type == dsse.INQUIRY
            found.append(_of_inquiry(index, error) if asked else finding_of(index, error))
    return found


def _subtrees_here(parts: Iterable[MapPart]) -> list[MapSubtree]:
    return [map_subtree(part) for part in parts]


def _of_inquiry(place: int, error: FormatError | RuleError) -> Finding:
    """Return the finding for an error about the inquiry at a place in the inquiry tree."""
    id_ = FindingId.CONSENT if isinstance(error, RuleError) else FindingId.INQUIRY
    return Finding.of(id_, None, f"inquiry {place}", error.rule, got=error.got, want=error.want)


class Examination:
    """One pass over one log.

    Args:
        findings: takes up what is wrong.
        genesis: leaf hash of the genesis act, as the trust root names it; None where nothing names one.
        roots_at: sizes whose roots are wanted in ``roots``.
        bindings_from: size of the log when the first of the bindings was read, where the log went on meanwhile: those
            that were live at this size or a later one may be among them. None where all are of the size examined.
        tally_until: size of the log at which its statements are counted; None for all of it.
        store: takes what grows with the log; None for memory.
    """

    def __init__(
        self,
        findings: Findings,
        *,
        genesis: bytes | None = None,
        roots_at: Collection[int] = (),
        bindings_from: int | None = None,
        tally_until: int | None = None,
        store: StateStore | None = None,
    ) -> None:
        self._findings = findings
        self._genesis = genesis
        self._roots_at = frozenset(roots_at)
        self._frontier = Frontier()
        self._bindings_from = bindings_from
        # Leaves whose record was live at ``bindings_from`` or later.
        self._store = store = store or MemoryStore()
        self._once_live = store.mapping("once live", int, bool)
        self._leaf_type = 0
        # In their order; the newest once more.
        self._inquiry_marks = store.mapping("inquiry marks", int, _InquiryMark)
        self._newest_mark: _InquiryMark | None = None
        self._directories = DirectoryTimes()
        # Inquiries that HEADs count, by outcome: ANSWERED, or why they were refused.
        self.inquiry_outcomes: Counter[str] = Counter()
        self.replay = Replay(self._report, tally_until=tally_until, store=store)
        self.roots: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        """Number of leaves examined."""
        return self._frontier.size

    @property
    def root(self) -> bytes:
        """Root of the log's tree over the leaves examined."""
        return self._frontier.root()

    @property
    def frontier(self) -> bytes:
        """Bytes of the frontier of the leaves examined."""
        return self._frontier.to_bytes()

    @property
    def begun(self) -> bool:
        """Whether the log begins with a genesis that stands; without one no leaf means anything."""
        return self.replay.begun

    def _report(self, index: int, error: FormatError | RuleError) -> None:
        self._findings.add(finding_of(index, error, self._leaf_type))

    def feed(self, leaves: Iterable[bytes]) -> list[Unverified]:
        """Take the next leaves; return the signatures of members that must be verified."""
        batch = list(leaves)
        hashes = [leaf_hash(leaf) for leaf in batch]
        start = self.size
        self._grow(hashes)
        if start == 0 and batch:
            self._check_genesis(hashes[0])
        replay, unverified = self.replay, list[Unverified]()
        for index, (leaf, hash_) in enumerate(zip(batch, hashes, strict=True), start):
            if index and not replay.begun:
                break
            if index == self._bindings_from:
                self._once_live.update((chain.index, True) for chain in replay.live())
            self._leaf_type = leaf[0] if leaf else 0
            before = replay.logged_at
            signed = replay.feed(leaf, hash_)
            if self._leaf_type == LeafType.ACT and replay.begun:
                self._directories.add(replay.logged_at, replay.directory, before)
            if signed is not None:
                unverified.append(Unverified(index, *signed))
                if self._bindings_from is not None and index >= self._bindings_from:
                    self._note_live(index, signed)
            elif self._leaf_type == LeafType.HEAD and replay.ends_with_head and replay.head is not None:
                self._mark_inquiries(index, replay.head)
        return unverified

    def _note_live(self, index: int, signed: Signed) -> None:
        """Note a leaf that makes a record live or a new version of it."""
        if signed.payload_type == dsse.STATEMENT:
            chain = self.replay.chains[Statement.parse(signed.payload).key]
            if chain.live and chain.index == index:
                self._once_live[index] = True

    def _grow(self, hashes: list[bytes]) -> None:
        """Append to the tree, and note the roots that are wanted on the way."""
        done = 0
        for size in sorted(self._roots_at):
            if self.size < size <= self.size + len(hashes) - done:
                until = done + size - self.size
                self._frontier.extend(hashes[done:until])
                done, self.roots[size] = until, self.root
        self._frontier.extend(hashes[done:])

    def _check_genesis(self, hash_: bytes) -> None:
        if self._genesis is not None and hash_ != self._genesis:
            self._findings.note(
                FindingId.GENESIS, 0, "leaf", "trust-root.genesis", want="the genesis of the trust root"
            )

    def _mark_inquiries(self, index: int, head: Head) -> None:
        mark = _InquiryMark(index, head.inquiry_count, head.inquiry_root)
        if self._newest_mark is None or self._newest_mark[1:] != mark[1:]:
            self._inquiry_marks[index] = self._newest_mark = mark

    @property
    def inquiry_count(self) -> int:
        """Number of inquiries in the newest HEAD."""
        return self.replay.head_chain.inquiry_count

    def check_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Hold a checkpoint of the size examined against the leaves, and the last leaf against proto/README.md 7."""
        if checkpoint.size != self.size:
            got, want = str(checkpoint.size), str(self.size)
            self._findings.note(FindingId.CHECKPOINT, None, "size", "log.checkpoint", got=got, want=want)
        elif checkpoint.root != self.root:
            self._findings.note(FindingId.CHECKPOINT, None, "root", "log.checkpoint", want="the root of the leaves")
        self.check_last_leaf()

    def check_last_leaf(self) -> None:
        """Check that the log ends with a HEAD, as it must wherever a checkpoint is signed (proto/README.md 7)."""
        if not self.replay.ends_with_head:
            last = max(self.size - 1, 0)
            self._findings.note(FindingId.HEAD_PLACE, last, "leaf", "head.last", want="a HEAD as the last leaf")

    def check_map(
        self,
        bindings: Iterable[LiveBinding],
        subtrees: Callable[[Iterable[MapPart]], Sequence[MapSubtree]] = _subtrees_here,
    ) -> None:
        """Hold the bindings of live records against the log, and the map that follows against the newest HEAD.

        Those of records that were live while the bindings were read are passed over: nothing is wrong with them.

        Args:
            bindings: of the live records.
            subtrees: computes ``map_subtree`` of each part; in this process unless given.
        """
        live = self._store.mapping("live", int, RecordKey)
        live.update((chain.index, chain.key) for chain in self.replay.live())
        bound = self._store.mapping("bound", int, bool)
        leaves = self._store.in_order(self._bound_leaves(bindings, live, bound), place_of_bound)
        for index, _ in self._store.ascending(live):
            if index not in bound:
                self._findings.note(FindingId.BINDING_MISSING, index, "binding", "binding.live", want="one binding")
        if self.begun:
            parts = map_parts(leaves, len(bound), self.replay.directory.map_entries())
            self._check_subtrees(whole_of(subtrees(parts)))

    def _bound_leaves(
        self, bindings: Iterable[LiveBinding], live: Mapping[int, RecordKey], bound: MutableMapping[int, bool]
    ) -> Iterator[bytes]:
        """Yield the live records with their bindings, and note which are bound."""
        for binding in bindings:
            index, key = binding.leaf_index, live.get(binding.leaf_index)
            if key is None and index in self._once_live:
                continue
            if self._binding_in_order(binding, key, bound) and key is not None:
                bound[index] = True
                yield bound_leaf(self.replay.chains[key], binding.subject, binding.opening)

    def _binding_in_order(self, binding: LiveBinding, key: RecordKey | None, bound: Container[int]) -> bool:
        """Whether a binding belongs in the map; a wrong one does, as that is what the registry must have mapped."""
        rule = "binding.live"
        if key is None:
            want = "none but of the newest version of a live record"
            self._findings.note(FindingId.BINDING_DEAD, binding.leaf_index, "binding", rule, want=want)
            return False
        if binding.leaf_index in bound:
            want = "one binding a record"
            self._findings.note(FindingId.BINDING_WRONG, binding.leaf_index, "binding", rule, got="another", want=want)
            return False
        try:
            check_binding(binding.subject, binding.opening)
        except FormatError as error:
            got, want = error.got, error.want
            self._findings.note(FindingId.BINDING_WRONG, binding.leaf_index, error.part, error.rule, got=got, want=want)
            return False
        return True

    def _check_subtrees(self, whole: MapSubtree) -> None:
        """Note the bindings that open nothing, and hold the map against the newest HEAD."""
        for index in whole.wrong:
            want = "subject and opening that were committed to"
            self._findings.note(FindingId.BINDING_WRONG, index, "binding", "binding.live", want=want)
        head, index = self.replay.head, self.replay.head_chain.size - 1
        if head is None:
            return
        if whole.size != head.entry_count:
            got, want = str(head.entry_count), str(whole.size)
            self._findings.note(FindingId.MAP_COUNT, index, "entry_count", "head.chain", got=got, want=want)
        if whole.root != head.map_root:
            want = "the root of what is live"
            self._findings.note(FindingId.MAP_ROOT, index, "map_root", "map.root", want=want)

    def check_directory(self, registry: RegistryState, institutions: Iterable[InstitutionState]) -> None:
        """Compare the proved states of registry and members with the acts."""
        rule = "map.directory"
        directory = self.replay.directory
        if registry != directory.state:
            want = "what the acts say"
            self._findings.note(FindingId.DIRECTORY, None, "registry state", rule, want=want)
        proved = {state.id: state for state in institutions}
        for id_ in sorted(directory.institutions.keys() | proved.keys()):
            if directory.institutions.get(id_) != proved.get(id_):
                got = "another state" if id_ in proved else "none"
                self._findings.note(FindingId.DIRECTORY, None, id_, rule, got=got, want="what the acts say")

    def check_contributions(self, proved: Iterable[Contribution], institutions: Iterable[str]) -> None:
        """Compare what the map says that these members have given with what they have reported."""
        shown = {contribution.institution: contribution for contribution in proved}
        given = self.replay.directory.contributions
        for id_ in institutions:
            if shown.get(id_) != given.get(id_):
                got = "other days" if id_ in shown else "none"
                self._findings.note(
                    FindingId.RECIPROCITY, None, id_, "contribution.measured", got=got, want="what the log shows"
                )

    def check_inquiries(self, leaves: Iterable[bytes]) -> None:
        """Compare the leaves of the inquiry tree with size and root in every HEAD (proto/README.md 9)."""
        rule = "head.inquiry-root"
        tree = Frontier()
        marks = joined((mark for _, mark in self._store.ascending(self._inquiry_marks)), (None,))
        mark = next(marks)
        for leaf in joined((None,), leaves):
            if leaf is not None:
                self._check_inquiry(tree.size, leaf)
                tree.append(leaf_hash(leaf))
            while mark is not None and mark.inquiries == tree.size:
                if tree.root() != mark.root:
                    want = "the root of the inquiries"
                    self._findings.note(FindingId.INQUIRY_TREE, mark.leaf_index, "inquiry_root", rule, want=want)
                mark = next(marks)
            if mark is None:
                break
        if mark is not None:
            got, want = f"{tree.size} inquiries", str(self.inquiry_count)
            self._findings.note(FindingId.INQUIRY_TREE, mark.leaf_index, "inquiry_count", rule, got=got, want=want)

    def _check_inquiry(self, place: int, leaf: bytes) -> None:
        try:
            self.inquiry_outcomes[InquiryLeaf.parse(leaf).outcome] += 1
        except FormatError as error:
            got, want = f"inquiry {place}: {error.got}", error.want
            self._findings.note(FindingId.INQUIRY_TREE, None, error.part, error.rule, got=got, want=want)

    def check_asked(self, start: int, shown: Iterable[ShownInquiry]) -> Iterator[Unverified]:
        """Check signed inquiries against the acts, and yield their signatures, which must be verified.

        Args:
            start: place of the first in the inquiry tree.
            shown: from there on, in order.
        """
        for place, item in enumerate(shown, start):
            try:
                received_at = InquiryLeaf.parse(item.leaf).received_at
            except FormatError:
                continue  # A finding of ``check_inquiries`` says so.
            try:
                public_key = check_shown_inquiry(item, self._directories.around(received_at))
            except (FormatError, RuleError) as error:
                self._findings.add(_of_inquiry(place, error))
            else:
                yield Unverified(place, dsse.INQUIRY, item.payload, public_key, item.signature)

    def check_retention(self) -> None:
        """Check that no live record is overdue at the newest HEAD (征信业管理条例 Art. 16), a day's grace given."""
        as_of = max(self.replay.head_chain.logged_at - RETENTION_GRACE_MS, 0)
        directory = self.replay.directory
        for chain in self.replay.live():
            if overdue(chain, as_of, directory):
                got = keeps_until(chain, directory)
                self._findings.note(
                    FindingId.RETENTION, chain.index, "retain_until", "retention.due", got=got, want="erased"
                )

    def check_hidden(self) -> None:
        """Check that no record is still hidden at the newest HEAD that no overlay covers, a day's grace given."""
        replay = self.replay
        as_of, rulebook = replay.head_chain.logged_at - RETENTION_GRACE_MS, replay.directory.rulebook
        if as_of <= replay.rulebook_at:
            return
        for chain in replay.live():
            head = chain.annotation
            if (
                head is not None
                and head.hidden
                and not coverable(chain, head.overlay, logged_at=as_of, rulebook=rulebook)
            ):
                rule, want = "overlay.ended", "shown again"
                self._findings.note(FindingId.HIDDEN, head.index, "overlay", rule, got=head.overlay, want=want)

    def check_clock(self, now_ms: int) -> None:
        """Check that the registry's clock is not ahead of the auditor's, and that no old log is shown as the newest."""
        off = self.replay.logged_at - now_ms
        if abs(off) > MAX_OFF_MS:
            side, want = "ahead of" if off > 0 else "behind", f"at most {span(MAX_OFF_MS)}"
            got = f"{span(off)} {side} this machine's clock"
            rule = AHEAD if off > 0 else OLD
            self._findings.note(FindingId.TIME, self.size - 1, "logged_at", rule, got=got, want=want)


def check_log(
    leaves: Iterable[bytes],
    bindings: Iterable[LiveBinding],
    checkpoint: Checkpoint,
    inquiry_leaves: Iterable[bytes],
    *,
    genesis: bytes | None = None,
) -> Findings:
    """Examine a whole log in this process.

    Args:
        leaves: all of them, in order.
        bindings: of live records.
        checkpoint: of exactly these leaves; its signature is the caller's to verify.
        inquiry_leaves: all that the newest HEAD counts, in order.
        genesis: leaf hash of the genesis act, as the trust root names it.
    """
    findings = Findings()
    examination = Examination(findings, genesis=genesis)
    for leaf in leaves:
        for finding in verify_signatures(examination.feed((leaf,))):
            findings.add(finding)
    examination.check_checkpoint(checkpoint)
    if examination.begun:
        examination.check_map(bindings)
        examination.check_inquiries(inquiry_leaves)
        examination.check_retention()
        examination.check_hidden()
    return findings
