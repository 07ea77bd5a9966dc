"""Read view: one commit in memory together with the matching snapshot of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.leaf import parse_leaf
from client_sdk.kernel.formats.log_proof import prove_leaves
from client_sdk.kernel.formats.map_entry import REGISTRY_KEY, contribution_key, institution_key, subject_key
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.tiles import TILE_WIDTH
from client_sdk.kernel.ledger.quality import MAX_COUNTS
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.overlay import latest_retention
from client_sdk.kernel.rules.stale import stale_before
from registry_server.sequencing.map_cache import StoredBlocks
from registry_server.storage import inquiries, leaves, live, notices, proposals, quality, records, statistics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from client_sdk.kernel.formats.leaf import Head
    from client_sdk.kernel.formats.map_proof import MapProof
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.quality import QualityCount
    from client_sdk.kernel.ledger.statistics import FactCount, StatementCount
    from registry_server.sequencing.log_tree import LogTree
    from registry_server.sequencing.map_cache import MapCache
    from registry_server.sequencing.map_tree import MapTree
    from registry_server.sequencing.state import State
    from registry_server.storage.inquiries import SignedLeaf, StoredInquiry
    from registry_server.storage.leaves import StoredAct, StoredLeaf
    from registry_server.storage.live import SealedRow
    from registry_server.storage.notices import StoredNotice
    from registry_server.storage.proposals import StoredProposal
    from registry_server.storage.records import StoredRecord
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["BindingRow", "OwnRecord", "Served", "View"]


class BindingRow(NamedTuple):
    """Opening of a live record's newest subject commitment, for auditors."""

    leaf_index: int
    subject: bytes
    opening: bytes

    def __repr__(self) -> str:
        return f"LiveBinding({self.leaf_index}, ...)"


class OwnRecord(NamedTuple):
    """One of the caller's own records, as stored.

    Attributes:
        record: its chain, and where it began.
        leaf: of the newest version.
        sealed: binding and disclosure; None where it is not live.
    """

    record: StoredRecord
    leaf: bytes
    sealed: SealedRow | None


class Served:
    """A commit as it is served: with its checkpoint, and what every answer from it shares.

    Args:
        state: of the commit.
        checkpoint: signed note over its size and root.
        head_path: inclusion of the HEAD, leaf's sibling first.
    """

    __slots__ = ("_institutions", "checkpoint", "head_path", "registry_state", "state")

    def __init__(self, state: State, checkpoint: bytes, head_path: tuple[bytes, ...]) -> None:
        self.state = state
        self.checkpoint = checkpoint
        self.head_path = head_path
        self.registry_state = state.directory.state.encode()
        self._institutions: dict[str, bytes] = {}

    def institution_state(self, institution: str) -> bytes:
        """Return a canonical InstitutionState.

        Raises:
            RuleError: INSTITUTION_UNKNOWN.
        """
        found = self._institutions.get(institution)
        if found is None:
            found = self._institutions[institution] = self.state.directory.institution(institution).encode()
        return found


class View:
    """One commit; good until its block ends.

    Args:
        served: the commit.
        work: a snapshot of the database at that commit.
        log: the log's tree.
        inquiry_tree: the inquiry tree.
        map_cache: blocks of the map that are in memory.
        of_standby: whether the snapshot is a standby's.
    """

    def __init__(
        self,
        served: Served,
        work: UnitOfWork,
        log: LogTree,
        inquiry_tree: LogTree,
        map_cache: MapCache,
        *,
        of_standby: bool = False,
    ) -> None:
        self._served = served
        self._state = served.state
        self._log = log
        self._inquiry_tree = inquiry_tree
        self._map_blocks = StoredBlocks(map_cache, work)
        self.work = work
        self.of_standby = of_standby

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._state.size

    @property
    def root(self) -> bytes:
        """Root of the log."""
        return self._state.root

    @property
    def checkpoint(self) -> bytes:
        """Signed note over size and root."""
        return self._served.checkpoint

    @property
    def head(self) -> Head:
        """The HEAD, parsed."""
        return self._state.head

    @property
    def head_leaf(self) -> bytes:
        """The HEAD, last leaf."""
        return self._state.head_leaf

    @property
    def head_path(self) -> tuple[bytes, ...]:
        """Inclusion of the HEAD, leaf's sibling first."""
        return self._served.head_path

    @property
    def logged_at(self) -> int:
        """Time of the HEAD, ms."""
        return self._state.logged_at

    @property
    def directory(self) -> Directory:
        """The directory after all acts."""
        return self._state.directory

    @property
    def rulebook(self) -> Rulebook:
        """The rulebook in force."""
        return self._state.directory.rulebook

    @property
    def registry_state(self) -> bytes:
        """Canonical RegistryState; encoded once for each HEAD."""
        return self._served.registry_state

    def institution_state(self, institution: str) -> bytes:
        """Return a canonical InstitutionState; encoded once for each HEAD.

        Raises:
            RuleError: INSTITUTION_UNKNOWN.
        """
        return self._served.institution_state(institution)

    def contribution(self, institution: str) -> bytes:
        """Return what a lender has given, canonically.

        Raises:
            RuleError: NOT_A_LENDER.
        """
        return self.directory.contribution(institution).encode()

    def map_proof(
        self, institutions: Iterable[str], subjects: Iterable[bytes] = (), givers: Iterable[str] = ()
    ) -> MapProof:
        """Return what the map holds of the registry, of institutions, of pseudonyms and of what lenders have given."""
        of_directory = [*map(institution_key, institutions), *map(contribution_key, givers)]
        keys = [REGISTRY_KEY, *of_directory, *map(subject_key, subjects)]
        return self._state.map_tree.prove(keys, self._map_blocks)

    @property
    def map_tree(self) -> MapTree:
        """The map whose root the HEAD carries: a value, which may be kept when the view has ended."""
        return self._state.map_tree

    def log_proof(self, indexes: Iterable[int]) -> bytes:
        """Return what shows that the HEAD and the leaves at these places are in the log.

        Raises:
            FormatError: a leaf is outside the log.
        """
        places = {*indexes, self.size - 1}
        return prove_leaves(places, self.size, self._log.node) if len(places) > 1 else b"".join(self.head_path)

    def live_records(self, subjects: Iterable[bytes]) -> dict[bytes, list[SealedRow]]:
        """Return the live records of pseudonyms, ascending by index, in one statement; those with none left out."""
        return live.sealed_by_subjects(self.work, subjects)

    def hidden_records(self, subjects: Iterable[bytes]) -> list[SealedRow]:
        """Return the records of pseudonyms that an overlay hides, ascending by index, in one statement."""
        return live.hidden_by_subjects(self.work, subjects)

    def annotation_leaves(self, rows: Iterable[SealedRow]) -> dict[int, list[tuple[int, bytes]]]:
        """Return the links that show how records are annotated, by ``SealedRow.row.record``, in one statement."""
        return records.annotation_leaves(self.work, [row.row.record for row in rows if row.row.annotation_index >= 0])

    def stored_record(self, key: RecordKey) -> StoredRecord | None:
        """Return a record's chain; None where the log does not know it."""
        return records.by_keys(self.work, [key]).get(key)

    def leaves_at(self, indexes: Iterable[int]) -> dict[int, bytes]:
        """Return the leaves at these places in one statement; those beyond the HEAD are left out."""
        return leaves.leaves_at(self.work, [index for index in indexes if index < self.size])

    def leaves(self, start: int, end: int) -> Iterator[StoredLeaf]:
        """Yield the leaves from start to before end, in order."""
        return leaves.leaves(self.work, start, min(end, self.size))

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """Return the path of a leaf to this commit's root, leaf's sibling first.

        Raises:
            FormatError: the leaf is outside the log.
        """
        return self._log.inclusion(index, self.size)

    def consistency(self, older: int, newer: int) -> tuple[bytes, ...]:
        """Return the consistency proof: the first ``newer`` leaves begin with the first ``older`` ones.

        Raises:
            FormatError: not 0 < older <= newer <= size.
        """
        return self._log.consistency(older, newer)

    def root_of(self, size: int) -> bytes:
        """Return the root of the first so many leaves.

        Raises:
            FormatError: there are fewer.
        """
        return self._log.root_of(size)

    def tile(self, level: int, index: int) -> bytes | None:
        """Return the hashes of a tile of the log; None where there is none."""
        # So that the database is asked for no tile, and for no number, beyond the log.
        if index * TILE_WIDTH >= self.size >> 8 * level:
            return None
        return leaves.tile(self.work, "log", level, index)

    def acts(self, from_number: int, limit: int) -> list[StoredAct]:
        """Return acts in order of their number, from that one on; none where there is no such act yet."""
        if from_number > self.directory.state.act_number:
            return []
        return leaves.act_leaves(self.work, from_number, limit)

    def live_bindings(self, after: int = -1, limit: int | None = None) -> list[BindingRow]:
        """Return subject and opening of live records, ascending by index, from after that index on, at most so many."""
        rows = live.map_page(self.work, after, limit)
        return [BindingRow(index, subject, opening) for subject, (index, _, _, opening) in rows]

    def version_index(self, key: RecordKey, version: int) -> int | None:
        """Return where a version is logged; None where it is not."""
        record = self.stored_record(key)
        if record is None:
            return None
        return records.version_places(self.work, [(record.first_index, version)]).get((record.first_index, version))

    def first_indexes(self, issuer: str, record_ids: Iterable[bytes]) -> list[tuple[int, bytes]]:
        """Return index of the first leaf and id of those of these records that the log knows, ascending by index."""
        found = records.by_keys(self.work, [RecordKey(issuer, record_id) for record_id in record_ids])
        return sorted((record.first_index, key.record_id) for key, record in found.items())

    def sold_to(self, buyer: str, issuer: str, record_ids: Iterable[bytes]) -> list[bytes]:
        """Return those of an issuer's records that are sold to a buyer and not continued yet, by their first leaf."""
        found = records.by_keys(self.work, [RecordKey(issuer, record_id) for record_id in record_ids]).values()
        sold = [record for record in found if record.chain.live and record.chain.transferee == buyer]
        return [record.chain.key.record_id for record in sorted(sold, key=lambda record: record.first_index)]

    def own_records(self, issuer: str, record_ids: Iterable[bytes]) -> list[OwnRecord]:
        """Return what is held of these records of an issuer, in order of their first leaf; unknown ones left out."""
        found = records.by_keys(self.work, [RecordKey(issuer, record_id) for record_id in record_ids])
        return self._own(sorted(found.values(), key=lambda record: record.first_index))

    def own_records_between(self, issuer: str, after: int, before: int, limit: int) -> list[OwnRecord]:
        """Return what is held of an issuer's records whose first leaf lies between two indexes, in its order."""
        return self._own(records.of_issuer(self.work, issuer, after, min(before, self.size), limit))

    def _own(self, page: Sequence[StoredRecord]) -> list[OwnRecord]:
        newest = leaves.leaves_at(self.work, [record.chain.index for record in page])
        sealed = live.sealed_by_indexes(self.work, [record.chain.index for record in page if record.chain.live])
        return [OwnRecord(record, newest[record.chain.index], sealed.get(record.chain.index)) for record in page]

    def inquiry(self, asker: str, inquiry_id: bytes) -> StoredInquiry | None:
        """Return a kept inquiry."""
        return inquiries.by_keys(self.work, [(asker, inquiry_id)]).get((asker, inquiry_id))

    def inquiries_of(self, asker: str, before: tuple[int, bytes] | None, limit: int) -> list[StoredInquiry]:
        """Return an asker's inquiries before one of them, those received last first."""
        return inquiries.of_asker(self.work, asker, before, limit)

    def inquiries_about(
        self, subjects: Sequence[bytes], until: int, skip: int, limit: int
    ) -> list[tuple[StoredInquiry, int]]:
        """Return the inquiries about a person and the person's place in each, received until then, the last first."""
        return inquiries.about(self.work, subjects, until, skip, limit)

    def used_requests(self, hashes: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the pseudonym for which each request was used; unused ones are left out."""
        return {request: subject for request, (subject, _) in inquiries.requests(self.work, hashes).items()}

    def inquiry_place(self, inquiry: StoredInquiry) -> tuple[int, tuple[bytes, ...]]:
        """Return the position of an inquiry, and its path to the inquiry root of this commit's HEAD.

        Raises:
            RuleError: INQUIRY_WAITING; it has no place under this HEAD yet.
        """
        position, count = inquiry.position, self.head.inquiry_count
        if position is None or position >= count:
            raise RuleError("INQUIRY_WAITING", "inquiry_id", "inquiry.sequenced", want="the next HEAD")
        return position, self._inquiry_tree.inclusion(position, count)

    def signed_inquiries(self, start: int, end: int) -> list[SignedLeaf]:
        """Return leaves of the inquiry tree with their inquiries, from start to before end; callers bound the width."""
        return inquiries.signed_range(self.work, start, min(end, self.head.inquiry_count))

    def notices(self, member: str, after: int, limit: int, *, waiting: bool) -> list[StoredNotice]:
        """Return a member's notices with a higher number, ascending, at most so many; only those that wait or all."""
        return notices.of_member(self.work, member, after, limit, waiting=waiting)

    def waiting_notices(self, member: str) -> int:
        """Return how many notices of a member wait for an acknowledgement, counted up to 10,000."""
        return notices.count_waiting(self.work, member)

    def notice(self, member: str, number: int) -> StoredNotice | None:
        """Return a member's notice; None where it has none with that number."""
        return notices.by_keys(self.work, [(member, number)]).get((member, number))

    def counts(self) -> tuple[dict[StatementCount, int], dict[FactCount, int]]:
        """Return the counts of statements and of facts for the statistics."""
        return statistics.statements(self.work), statistics.facts(self.work)

    def quality(self, member: str, first: str, last: str) -> dict[QualityCount, int]:
        """Return counts for the quality of what a member reports, or all members for an empty id.

        Of the newest months of a range, YYYY-MM, as many as an answer may hold; ``first`` may be empty.
        """
        return quality.counts(self.work, member, first, last, MAX_COUNTS)

    def proposals(self, now: int) -> list[StoredProposal]:
        """Return the proposals that wait at that moment (ms)."""
        return proposals.waiting(self.work, now)

    def record_places(self, record: StoredRecord) -> list[int]:
        """Return the indexes of all leaves of a record, ascending: versions, annotations and lapses.

        The annotations of a bought debt begin with those of the record that it continues.
        """
        versions = records.version_places(
            self.work, [(record.first_index, version) for version in range(1, record.chain.version + 1)]
        )
        head = record.chain.annotation
        links = [] if head is None else records.annotation_chains(self.work, [head.first]).get(head.first, [])
        # The first version of a record that carries annotations over is both.
        return sorted({*versions.values(), *(place.leaf_index for place in links)})

    def overdue(self, day: str, limit: int) -> list[StoredRecord]:
        """Return records whose time is over on that day (YYYY-MM-DD), for a LapseItem ERASED each."""
        return [row for row in records.overdue(self.work, day, limit) if row.chain.live]

    def live_of_issuer(self, issuer: str, limit: int) -> list[StoredRecord]:
        """Return live records of an institution, at most so many, in order of their first leaf."""
        return records.live_of(self.work, issuer, limit)

    def stale_of(self, issuer: str) -> int:
        """Return how many records of an issuer are stale by the rulebook at the HEAD, counted up to 10,000."""
        moment = stale_before(self.logged_at, self.rulebook.stale_days)
        first, last = 0, self.size
        # Leaves are logged in order of time: the first one that is young enough.
        while first < last:
            middle = (first + last) // 2
            if parse_leaf(self.leaves_at([middle])[middle]).logged_at < moment:
                first = middle + 1
            else:
                last = middle
        return records.count_running(self.work, issuer, first)

    def disputed_of(self, issuer: str, first: int, limit: int, *, ended: bool = False) -> list[StoredRecord]:
        """Return an issuer's records with a dispute that stands, or has ended, from that first index on."""
        return records.disputed(self.work, first, limit, issuer=issuer, ended=ended)

    def disputed_by(self, institution: str, first: int, limit: int, *, ended: bool = False) -> list[StoredRecord]:
        """Return records with a dispute that the institution opened, as ``disputed_of``."""
        return records.disputed(self.work, first, limit, by=institution, ended=ended)

    def chain_ends(self, found: Iterable[StoredRecord]) -> dict[int, list[tuple[int, bytes]]]:
        """Return the links that show how records are annotated, by their first index."""
        annotated = [row.first_index for row in found if row.chain.annotation is not None]
        return records.annotation_leaves(self.work, annotated)

    def annotation_places(self, links: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """Return the leaf index of each link, named by the first index of its chain and its number."""
        return records.annotation_places(self.work, links)

    def unanswered(self, day: str, limit: int) -> list[StoredRecord]:
        """Return records whose answer was due before that day (YYYY-MM-DD), for a LapseItem RESTRICTED each."""
        return records.unanswered(self.work, day, limit)

    def disclosed_again(self, day: date, limit: int) -> list[StoredRecord]:
        """Return hidden records that no overlay covers on that day, for a LapseItem SHOWN each."""
        hiding = [overlay for overlay in self.rulebook.overlays if overlay.hides_from <= day < overlay.hides_until]
        covering = {overlay.name: latest_retention(overlay, self.rulebook.longest_years) for overlay in hiding}
        return records.disclosed_again(self.work, covering, limit)
