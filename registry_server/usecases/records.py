"""A lender's own records: what the registry holds of them, and receipts.

The named successor of a terminated institution reads its records like own ones: it ends and continues them, which takes
their newest version and their facts. The buyer of a debt reads the sold record until its own continues it.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.limits import MAX_RECORD_IDS
from client_sdk.kernel.formats.statement import RECORD_ID_BYTES, RecordKey
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.view import OwnRecord
from registry_server.usecases.receipts import LeafReceipt, receipt_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View

__all__ = ["OwnRecord", "Records", "issuer_read_by"]

# Records of one message; each takes about 2 KB.
PAGE_RECORDS = 256


class Records:
    """The use case.

    Args:
        ledger: where the records are.
        page: records of one message at most.
    """

    def __init__(self, ledger: Ledger, page: int = PAGE_RECORDS) -> None:
        self._ledger = ledger
        self._page = page

    def list_own(self, peer: str, issuer: str, record_ids: Sequence[bytes]) -> Iterator[list[OwnRecord]]:
        """Yield what is held of an issuer's records, some at a time, in order of their first leaf.

        Each page is read from a snapshot of its own, which ends before the page is yielded. So each record that the log
        knew when the first page was read comes exactly once, whole and as it stood when its page was read; later
        records do not come.

        Args:
            peer: institution id of the caller.
            issuer: institution id; empty for the peer.
            record_ids: which; none for all. Unknown ones are left out, and of another's what was not sold to the peer.

        Raises:
            FormatError: a record_id does not have 16 bytes.
            RegistryError: SIZE_LIMIT.
            RuleError: INSTITUTION_UNKNOWN; NOT_THE_SUCCESSOR, and none of the records was sold to the peer.
        """
        if len(record_ids) > MAX_RECORD_IDS:
            got, want = str(len(record_ids)), f"at most {MAX_RECORD_IDS}"
            raise RegistryError(RefusalReason.SIZE_LIMIT, "record_ids", "record_ids.count", got=got, want=want)
        for record_id in record_ids:
            _check_record_id(record_id)
        yield from self._named(peer, issuer, record_ids) if record_ids else self._all(peer, issuer)

    def _named(self, peer: str, issuer: str, record_ids: Sequence[bytes]) -> Iterator[list[OwnRecord]]:
        with self._ledger.recent() as view:
            ordered = _readable(view, peer, issuer, record_ids)
            if not ordered:
                issuer_read_by(view.directory, peer, issuer)
        for start in range(0, len(ordered), self._page):
            with self._ledger.recent() as view:
                page = ordered[start : start + self._page]
                found = view.own_records(issuer or peer, _readable(view, peer, issuer, page))
            yield found

    def _all(self, peer: str, issuer: str) -> Iterator[list[OwnRecord]]:
        after, size = -1, 0
        for number in count():
            with self._ledger.recent() as view:
                size = size if number else view.size
                page = view.own_records_between(issuer_read_by(view.directory, peer, issuer), after, size, self._page)
            if page:
                yield page
            if len(page) < self._page:
                return
            after = page[-1].record.first_index

    def receipt(self, peer: str, issuer: str, record_id: bytes, version: int) -> LeafReceipt:
        """Return the receipt of a version of an issuer's record.

        Args:
            peer: institution id of the caller.
            issuer: institution id; empty for the peer.
            record_id: 16 bytes.
            version: of the record.

        Raises:
            FormatError: the record_id does not have 16 bytes.
            RegistryError: RECORD_UNKNOWN or VERSION_UNKNOWN.
            RuleError: INSTITUTION_UNKNOWN or NOT_THE_SUCCESSOR.
        """
        _check_record_id(record_id)
        with self._ledger.recent() as view:
            key = RecordKey(issuer_read_by(view.directory, peer, issuer), record_id)
            if view.stored_record(key) is None:
                raise RegistryError("RECORD_UNKNOWN", "record_id", "record.known", want="a record of the issuer")
            index = view.version_index(key, version)
            if index is None:
                raise RegistryError(RefusalReason.VERSION_UNKNOWN, "version", "version.next", got=str(version))
            return receipt_at(view, index)


def issuer_read_by(directory: Directory, peer: str, issuer: str) -> str:
    """Return the issuer whose records are asked for, if the caller may read them."""
    if not _reads(directory, peer, issuer):
        raise RuleError("NOT_THE_SUCCESSOR", "issuer", "successor.named", want="the issuer or its named successor")
    return issuer or peer


def _reads(directory: Directory, peer: str, issuer: str) -> bool:
    """Whether a member reads all records of an issuer; only a terminated one has a successor (proto/README.md 6)."""
    return not issuer or issuer == peer or directory.institution(issuer).successor == peer


def _readable(view: View, peer: str, issuer: str, record_ids: Sequence[bytes]) -> list[bytes]:
    """Return which of these records of an issuer the caller may read, in order of their first leaf."""
    if _reads(view.directory, peer, issuer):
        return [record_id for _, record_id in view.first_indexes(issuer or peer, record_ids)]
    return view.sold_to(peer, issuer, record_ids)


def _check_record_id(record_id: bytes) -> None:
    if len(record_id) != RECORD_ID_BYTES:
        raise FormatError("record_id", "record_id.length", got=f"{len(record_id)} bytes", want="16 bytes")
