"""Data for verification: checkpoints, proofs, tiles, leaves and live bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.limits import MAX_INSTITUTIONS
from client_sdk.kernel.formats.statement import check_institution_id
from client_sdk.kernel.formats.words import Role
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.errors import InconsistentError
from registry_server.sequencing.view import BindingRow
from registry_server.usecases.cosigned_proofs import CosignedProofs
from registry_server.usecases.proofs import ProvedHead, head_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from creditregistry.v1 import evidence_pb2

    from client_sdk.kernel.formats.map_proof import MapProof
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View
    from registry_server.storage.inquiries import SignedLeaf

__all__ = [
    "BindingPage",
    "BindingRow",
    "CheckpointAnswer",
    "DirectoryAnswer",
    "InquiryPage",
    "LeafPage",
    "Transparency",
]

MAX_TILE_LEVEL = 7
# Bytes and leaves of one message.
PAGE_BYTES = 2 * 1024 * 1024
_PAGE_LEAVES = 1_024
PAGE_BINDINGS = 8_192
_PAGE_INQUIRIES = 512


class CheckpointAnswer(NamedTuple):
    """The newest commit, and what ties it to an earlier one.

    Attributes:
        head: the commit.
        consistency: from the size that the caller knows; empty where it knows none.
        known_root: of the tree of that size; empty where it knows none.
        cosigned: the newest checkpoint that witnesses have cosigned; None where it was not asked for or there is none.
        replayed: likewise the newest one of each auditor.
    """

    head: ProvedHead
    consistency: tuple[bytes, ...]
    known_root: bytes
    cosigned: evidence_pb2.CosignedCheckpoint | None = None
    replayed: Sequence[evidence_pb2.CosignedCheckpoint] = ()


class DirectoryAnswer(NamedTuple):
    """Canonical states of the registry and of institutions, and what these have given, by id, proved in one HEAD."""

    head: ProvedHead
    registry_state: bytes
    institutions: tuple[bytes, ...]
    proof: MapProof
    consistency: tuple[bytes, ...]
    contributions: tuple[bytes, ...] = ()


class LeafPage(NamedTuple):
    """Some leaves in order, the first of them with its index."""

    start: int
    leaves: list[bytes]


class InquiryPage(NamedTuple):
    """Some inquiries in order: place of the first, and its leaf and those after it with what was signed."""

    start: int
    inquiries: list[SignedLeaf]


class BindingPage(NamedTuple):
    """Some bindings in order.

    Attributes:
        bindings: ascending by index.
        begun_at: size of the log when the first of all pages was read; 0 on the others.
        size: on the last page, size of the log when it was read; 0 on the others.
        checkpoint: on the last page, signed note of that size; empty on the others.
    """

    bindings: list[BindingRow]
    begun_at: int = 0
    size: int = 0
    checkpoint: bytes = b""


class Transparency:
    """The use case.

    Args:
        ledger: what is verified.
        page_bindings: bindings of one message at most.
        cosigned: what witnesses have cosigned; None where there are none.
    """

    def __init__(
        self, ledger: Ledger, page_bindings: int = PAGE_BINDINGS, cosigned: CosignedProofs | None = None
    ) -> None:
        self._ledger = ledger
        self._page_bindings = page_bindings
        self._cosigned = cosigned or CosignedProofs()

    def checkpoint(self, known_size: int, to_size: int = 0, *, cosigned: bool = False) -> CheckpointAnswer:
        """Return the newest checkpoint.

        Args:
            known_size: of a checkpoint that the caller has; 0 for none.
            to_size: of another one, to which consistency is wanted; 0 for the newest.
            cosigned: whether the newest cosigned checkpoints are wanted, with their consistency with ``known_size``.

        Raises:
            RegistryError: RANGE_INVALID; the caller knows more than there is.
        """
        with self._ledger.recent() as view:
            consistency = _consistency(view, known_size, to_size)
            root = view.root_of(known_size) if known_size else b""
            if not cosigned:
                return CheckpointAnswer(head_of(view), consistency, root)
            size = known_size or view.size
            witnessed, replayed = self._cosigned.beside(view, size), self._cosigned.replayed(view, size)
            return CheckpointAnswer(head_of(view), consistency, root, witnessed, replayed)

    def tile(self, level: int, index: int) -> bytes:
        """Return the hashes of a tile of the log (C2SP tlog-tiles).

        Raises:
            RegistryError: TILE_UNKNOWN.
        """
        with self._ledger.recent() as view:
            hashes = view.tile(level, index) if level <= MAX_TILE_LEVEL else None
        if hashes is None:
            got = f"level {level}, index {index}"
            raise RegistryError(RefusalReason.TILE_UNKNOWN, "index", "tiles.tile", got=got, want="a tile of the log")
        return hashes

    def directory(self, institutions: Sequence[str], known_size: int, reader: str = "") -> DirectoryAnswer:
        """Return the registry's state and those of institutions, proved.

        Args:
            institutions: ids.
            known_size: of a checkpoint that the caller has; 0 for none.
            reader: institution id of who reads what they have given: an auditor of all, another of itself alone;
                empty where nobody does.

        Raises:
            FormatError: an id has a wrong form.
            RegistryError: SIZE_LIMIT or RANGE_INVALID.
            RuleError: INSTITUTION_UNKNOWN.
        """
        if len(institutions) > MAX_INSTITUTIONS:
            got, want = str(len(institutions)), f"at most {MAX_INSTITUTIONS}"
            raise RegistryError(RefusalReason.SIZE_LIMIT, "institutions", "institutions.count", got=got, want=want)
        for institution in institutions:
            check_institution_id(institution, "request", "institutions")
        with self._ledger.recent() as view:
            shown = sorted(set(institutions))
            states = tuple(map(view.institution_state, shown))
            givers = _readable(view.directory, reader, shown)
            proof, consistency = view.map_proof(shown, givers=givers), _consistency(view, known_size)
            given = tuple(map(view.contribution, givers))
            return DirectoryAnswer(head_of(view), view.registry_state, states, proof, consistency, given)

    def vouch_for_clock(self, caller: str, sent_at: int) -> None:
        """Take note of a caller's clock.

        Args:
            caller: URI of its certificate.
            sent_at: what its clock showed, ms since 1970 UTC; 0 where it does not tell.
        """
        if sent_at:
            self._ledger.vouch_for_clock(caller, sent_at)

    def leaves(self, start: int, end: int) -> Iterator[LeafPage]:
        """Yield leaves in order; each page from a snapshot of its own, as leaves never change.

        Raises:
            RegistryError: RANGE_INVALID.
            InconsistentError: the database lacks a leaf.
        """
        with self._ledger.recent() as view:
            _check_range(start, end, view.size)
        while start < end:
            with self._ledger.recent() as view:
                page: list[bytes] = []
                length = 0
                for stored in view.leaves(start, min(end, start + _PAGE_LEAVES)):
                    if stored.leaf_index != start + len(page) or length >= PAGE_BYTES:
                        break
                    page.append(stored.leaf)
                    length += len(stored.leaf)
            if not page:
                raise InconsistentError("leaves", got=f"none at {start}", want="one, as the checkpoint has")
            yield LeafPage(start, page)
            start += len(page)

    def live_bindings(self) -> Iterator[BindingPage]:
        """Yield subject and opening of every record that is live at the size which the last page names.

        Each page is read from a snapshot of its own, which ends before the page is yielded. A record that changes has a
        new index, behind all that were read: a page that is not full therefore ends the whole, and its HEAD is the one
        for which the bindings are complete. Beside them may stand bindings that were live at some size from
        ``begun_at`` on and are no longer; the log tells which.
        """
        after, begun_at = -1, 0
        while True:
            with self._ledger.recent() as view:
                page, size, note = view.live_bindings(after, self._page_bindings), view.size, view.checkpoint
            if len(page) < self._page_bindings:
                yield BindingPage(page, 0 if begun_at else size, size, note)
                return
            yield BindingPage(page, 0 if begun_at else size)
            begun_at = begun_at or size
            after = page[-1].leaf_index

    def inquiries(self, start: int, end: int) -> Iterator[InquiryPage]:
        """Yield leaves of the inquiry tree in order, with what was signed; fewer where the database has fewer.

        Raises:
            RegistryError: RANGE_INVALID.
        """
        with self._ledger.recent() as view:
            _check_range(start, end, view.head.inquiry_count)
        while start < end:
            with self._ledger.recent() as view:
                page = view.signed_inquiries(start, min(end, start + _PAGE_INQUIRIES))
            if not page:
                return
            yield InquiryPage(start, page)
            start += len(page)


def _readable(directory: Directory, reader: str, institutions: Sequence[str]) -> list[str]:
    """Return those of the institutions that lend and whose contributions a member may read."""
    if not reader:
        return []
    audits = Role.AUDITOR in directory.institution(reader).roles
    return [id_ for id_ in institutions if id_ in directory.contributions and (audits or id_ == reader)]


def _consistency(view: View, known_size: int, to_size: int = 0) -> tuple[bytes, ...]:
    if to_size > view.size:
        got, want = str(to_size), f"at most {view.size}"
        raise RegistryError(RefusalReason.RANGE_INVALID, "to_size", "log.size", got=got, want=want)
    if known_size == 0:
        return ()
    newer = to_size or view.size
    if known_size > newer:
        got, want = str(known_size), f"at most {newer}"
        raise RegistryError(RefusalReason.RANGE_INVALID, "known_size", "log.size", got=got, want=want)
    return view.consistency(known_size, newer)


def _check_range(start: int, end: int, size: int) -> None:
    if start > end or end > size:
        got, want = f"{start} to {end}", f"a range within 0 to {size}"
        raise RegistryError(RefusalReason.RANGE_INVALID, "end", "log.range", got=got, want=want)
