"""Replay: computes directory, chains and live records from the leaves (proto/README.md 5 to 7).

Feeding every leaf in order yields the directory, each record's chain, the live records and the newest HEAD, without a
fact and without a subject. Signatures of statements are handed back to the caller, who may verify them elsewhere;
everything else is checked here.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.acknowledgement import Acknowledgement
from client_sdk.kernel.formats.act import Act, ClockBody, ErasureBody, RetireKeyServicesBody, RulebookBody
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import ActLeaf, HeadLeaf, LapseLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.statement import Annotation, RecordKey, Statement
from client_sdk.kernel.formats.words import KeyUsage, Kind, LapseKind
from client_sdk.kernel.ledger import chain as chains
from client_sdk.kernel.ledger.chain import Chain
from client_sdk.kernel.ledger.closing import check_not_closed, is_over, opens_record, place_of
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.ledger.head import HeadChain
from client_sdk.kernel.ledger.notice import check_acknowledgement
from client_sdk.kernel.ledger.quality import QualityTally
from client_sdk.kernel.ledger.state_store import MemoryStore
from client_sdk.kernel.ledger.statistics import StatementTally
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk.kernel.formats.leaf import Head, Leaf
    from client_sdk.kernel.ledger.state_store import StateStore

__all__ = ["Replay", "Signed"]


class Signed(NamedTuple):
    """A signature that still has to be verified."""

    payload_type: str
    payload: bytes
    public_key: bytes
    signature: bytes


class Replay:
    """The state of a log after the leaves fed so far.

    Args:
        report: called for each leaf that breaks a rule, with its index; the leaf then has no effect. It may raise.
        tally_until: size of the log at which ``tally`` and ``quality`` end; None for all of it.
        store: takes what grows with the log; None for memory.
    """

    def __init__(
        self,
        report: Callable[[int, FormatError | RuleError], None],
        *,
        tally_until: int | None = None,
        store: StateStore | None = None,
    ) -> None:
        self._report = report
        store = store or MemoryStore()
        self.tally = StatementTally(tally_until)
        self.quality = QualityTally(self.tally, store)
        self._directory: Directory | None = None
        self._continued_by = store.mapping("continued by", RecordKey, RecordKey)
        self._erased_in_commit: list[tuple[int, RecordKey]] = []
        self._speakers: dict[tuple[bytes, str], bytes] = {}
        self._acknowledged = store.mapping("acknowledged", bytes, bool)
        # When the first version of each listing was logged, ms.
        self._copied_at = store.mapping("copied at", RecordKey, int)
        self.chains = store.mapping("chains", RecordKey, Chain)
        self.size = 0
        self.logged_at = 0
        self.head_chain = HeadChain()
        self.head: Head | None = None
        # When the rulebook in force was set, ms.
        self.rulebook_at = 0

    @property
    def directory(self) -> Directory:
        """The directory after the acts so far.

        Raises:
            RuleError: ACT_ORDER where the log does not begin with a genesis.
        """
        if self._directory is None:
            raise RuleError("ACT_ORDER", "number", "act.genesis", want="a genesis act as leaf 0")
        return self._directory

    @property
    def ends_with_head(self) -> bool:
        """Whether the newest leaf is a HEAD, as it must be wherever a checkpoint is signed (proto/README.md 7)."""
        return self.head_chain.size == self.size

    def live(self) -> Iterator[Chain]:
        """Yield each live record."""
        return (chain for chain in self.chains.values() if chain.live)

    @property
    def begun(self) -> bool:
        """Whether the log begins with a genesis that stands; without one no leaf means anything."""
        return self._directory is not None

    def feed(self, data: bytes, hash_: bytes | None = None) -> Signed | None:
        """Take the next leaf; return the signature that the caller must verify, if it carries one of a member.

        Args:
            data: the leaf.
            hash_: its leaf hash, where the caller has it already.
        """
        index = self.size
        self.size += 1
        try:
            leaf = parse_leaf(data)
            self._check_place(index, leaf)
            return self._take(index, leaf, hash_ or leaf_hash(data))
        except (FormatError, RuleError) as error:
            self._report(index, error)
            return None

    def _check_place(self, index: int, leaf: Leaf) -> None:
        if leaf.logged_at >= self.logged_at:
            self.logged_at = leaf.logged_at
        elif not _corrects(leaf):
            # Of an act that corrects the time, its signatures tell whether it counts.
            got = f"{self.logged_at - leaf.logged_at} ms before the leaf before"
            self._report(index, RuleError("TIME", "logged_at", "leaf.logged-at", got=got, want="no step back"))
        if index == 0 and not isinstance(leaf, ActLeaf):
            raise RuleError("ACT_ORDER", "number", "log.genesis", want="a genesis act as leaf 0")
        if index == 1 and not isinstance(leaf, HeadLeaf):
            raise RuleError("HEAD_PLACE", "leaf", "head.first", want="a HEAD as leaf 1")

    def _take(self, index: int, leaf: Leaf, hash_: bytes) -> Signed | None:
        match leaf:
            case StatementLeaf(payload_type=dsse.STATEMENT):
                return self._take_statement(index, leaf, hash_)
            case StatementLeaf(payload_type=dsse.ACKNOWLEDGEMENT):
                return self._take_acknowledgement(index, leaf)
            case StatementLeaf():
                return self._take_annotation(index, leaf, hash_)
            case ActLeaf():
                self._take_act(index, leaf)
            case LapseLeaf():
                self._take_lapse(index, leaf, hash_)
            case HeadLeaf():
                self._take_head(index, leaf)
        return None

    def _take_statement(self, index: int, leaf: StatementLeaf, hash_: bytes) -> Signed:
        statement = Statement.parse(leaf.payload)
        day = self._day(leaf)
        check_not_closed(self.directory.closing, day, opens=opens_record(statement))
        public_key = self._public_key(leaf.key_id, statement.signer, index)
        before = self.chains.get(statement.key)
        chain = chains.advance(
            before,
            statement,
            leaf.payload,
            index=index,
            leaf_hash=hash_,
            logged_at=leaf.logged_at,
            begun_at=self._copied_at.get(statement.key),
            directory=self.directory,
            find=self.chains.get,
        )
        self.chains[chain.key] = chain
        if chain.kind is Kind.LISTING and chain.version == 1:
            self._copied_at[chain.key] = leaf.logged_at
        standing = None if before is None else before.standing
        self.tally.take_statement(index, leaf.logged_at, chain.key.issuer, chain.kind, standing, chain.standing)
        self.quality.take_statement(index, leaf.logged_at, statement, standing, self.directory.rulebook)
        if chain.version == 1 and chain.continues is not None:
            self._continued_by[chain.continues] = chain.key
            self.chains[chain.continues] = replace(self.chains[chain.continues], continued=True)
        self._directory = self.directory.gave(statement, day)
        return Signed(dsse.STATEMENT, leaf.payload, public_key, leaf.signature)

    def _take_annotation(self, index: int, leaf: StatementLeaf, hash_: bytes) -> Signed:
        annotation = Annotation.parse(leaf.payload)
        check_not_closed(self.directory.closing, self._day(leaf))
        public_key = self._public_key(leaf.key_id, annotation.author, index)
        chain = chains.annotate(
            self.chains.get(annotation.key),
            annotation,
            leaf.payload,
            index=index,
            leaf_hash=hash_,
            logged_at=leaf.logged_at,
            directory=self.directory,
        )
        self.chains[chain.key] = chain
        self.quality.take_annotation(index, leaf.logged_at, annotation)
        return Signed(dsse.ANNOTATION, leaf.payload, public_key, leaf.signature)

    def _take_acknowledgement(self, index: int, leaf: StatementLeaf) -> Signed:
        acknowledgement = Acknowledgement.parse(leaf.payload)
        key = check_acknowledgement(acknowledgement, leaf.key_id, self.directory, index)
        if acknowledgement.notice_commitment in self._acknowledged:
            rule, want = "acknowledgement.once", "one acknowledgement of a notice"
            raise RuleError("ACKNOWLEDGED", "notice_commitment", rule, got="another", want=want)
        self._acknowledged[acknowledgement.notice_commitment] = True
        return Signed(dsse.ACKNOWLEDGEMENT, leaf.payload, key.public_key, leaf.signature)

    def _day(self, leaf: StatementLeaf | LapseLeaf) -> str:
        """Return the legal day of a leaf, YYYY-MM-DD."""
        return _legal_day(leaf.logged_at // 1000, self.directory.rulebook.time_zone)

    def _public_key(self, key_id: bytes, speaker: str, index: int) -> bytes:
        """Return the public key of a signer, cached until the next act."""
        known = self._speakers.get((key_id, speaker))
        if known is None:
            known = self.directory.key_at(key_id, speaker, KeyUsage.REPORT, index).public_key
            self._speakers[key_id, speaker] = known
        return known

    def _take_act(self, index: int, leaf: ActLeaf) -> None:
        if index == 0:
            self._directory = Directory.genesis(leaf)
            return
        directory = self.directory.apply(index, leaf)
        body = Act.parse(leaf.payload).body
        if isinstance(body, RetireKeyServicesBody):
            self._check_nothing_carries(body.retire)
        if isinstance(body, ErasureBody):
            erased = [chains.erase(self.chains.get(record), index) for record in body.records]
            for chain in erased:
                self._erase(index, chain)
        if isinstance(body, ClockBody):
            self.tally.take_clock(index, self.logged_at, leaf.logged_at)
            self.logged_at = leaf.logged_at
        if isinstance(body, RulebookBody):
            self.rulebook_at = leaf.logged_at
        self._directory = directory
        self._speakers.clear()

    def _check_nothing_carries(self, version: int) -> None:
        carrying = sum(1 for chain in self.live() if chain.subject_key_version == version)
        if carrying:
            got = f"{carrying} live records"
            raise RuleError("KEY_SERVICES_INVALID", "retire", "key-services.retire", got=got, want="none")

    def _take_lapse(self, index: int, leaf: LapseLeaf, hash_: bytes) -> None:
        event = Lapse.parse(leaf.payload)
        if event.registry != self.directory.state.registry:
            want = self.directory.state.registry
            raise RuleError("REGISTRY_OTHER", "registry", "leaf.registry", got=event.registry, want=want)
        chain = chains.lapse(
            self.chains.get(event.key),
            event,
            leaf.payload,
            index=index,
            leaf_hash=hash_,
            logged_at=leaf.logged_at,
            directory=self.directory,
        )
        # After its last day nobody could answer.
        if not is_over(self.directory.closing, self._day(leaf)):
            self.quality.take_lapse(index, leaf.logged_at, event)
        if event.what is LapseKind.ERASED:
            self._erase(index, chain)
        else:
            self.chains[chain.key] = chain

    def _take_head(self, index: int, leaf: HeadLeaf) -> None:
        self._check_erased_together()
        head, before = leaf.head, self.head_chain
        # Later HEADs chain to this one, whatever is wrong with it.
        self.head_chain, self.head = HeadChain.of(index, leaf, head), head
        self.tally.take_head(index, leaf.logged_at, self.directory.rulebook.time_zone)
        before.check_next(head, self.directory.newest_act, place_of(self.directory.closing))

    def _check_erased_together(self) -> None:
        for index, key in self._erased_in_commit:
            partners = (self.chains[key].continues, self._continued_by.get(key))
            if any(partner is not None and not self.chains[partner].erased for partner in partners):
                self._report(
                    index,
                    RuleError("ERASED_ALONE", "record_id", "record.continues", want="a record and those it continues"),
                )
        self._erased_in_commit.clear()

    def _erase(self, index: int, chain: Chain) -> None:
        self.chains[chain.key] = chain
        self._erased_in_commit.append((index, chain.key))


@lru_cache(maxsize=1024)  # a batch has one time
def _legal_day(seconds: int, time_zone: str) -> str:
    return day_of(seconds * 1000, time_zone).isoformat()


def _corrects(leaf: Leaf) -> bool:
    """Whether a leaf is an act by which the log's time may go back."""
    return isinstance(leaf, ActLeaf) and isinstance(Act.parse(leaf.payload).body, ClockBody)
