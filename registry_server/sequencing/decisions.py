"""Acts and lapses: what administrators and the clock decide, as the next leaves (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import Act, BreachBody, ClockBody, ErasureBody, RetireKeyServicesBody
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import ActLeaf, LapseLeaf
from client_sdk.kernel.formats.words import LapseKind
from client_sdk.kernel.ledger import chain as chains
from client_sdk.kernel.ledger.closing import is_over
from client_sdk.kernel.ledger.quality import events_of_lapse
from client_sdk.kernel.rules.errors import RuleError
from registry_server.sequencing.items import ActItem, LapseItem
from registry_server.sequencing.loading import partners
from registry_server.sequencing.notifying import note_breach, note_restriction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.ledger.chain import Chain
    from registry_server.sequencing.items import Item
    from registry_server.sequencing.staging import Staging

__all__ = ["admit_act", "admit_lapse", "corrects_time"]


def admit_act(staging: Staging, item: ActItem) -> int:
    """Log an act.

    Raises:
        FormatError: the act is not canonical.
        RuleError: it is not the next one, is not signed by the threshold, or breaks a rule.
    """
    index = staging.next_index
    leaf = ActLeaf(staging.logged_at, item.payload, item.approvals)
    directory = staging.directory.apply(index, leaf)
    body = Act.parse(item.payload).body
    if isinstance(body, RetireKeyServicesBody) and body.retire in staging.loaded.carried:
        raise RuleError(
            "KEY_SERVICES_INVALID",
            "retire",
            "key-services.retire",
            got=str(body.retire),
            want="a version that no live record carries",
        )
    erased = _erased_by_order(staging, body, index) if isinstance(body, ErasureBody) else []
    staging.add_leaf(leaf.encode())
    staging.acts.append((directory.state.act_number, index))
    staging.directory = directory
    if isinstance(body, BreachBody):
        note_breach(staging, body, index)
    for chain in erased:
        _erase(staging, chain)
    # What is ordered is gone from the database's files before the act is answered. Lapses are many, and housekeeping
    # takes them out when they are over.
    staging.erases |= bool(erased)
    return index


def corrects_time(items: Sequence[Item]) -> bool:
    """Whether items are an act that corrects the log's time."""
    if len(items) != 1 or not isinstance(items[0], ActItem):
        return False
    try:
        return isinstance(Act.parse(items[0].payload).body, ClockBody)
    except FormatError:
        return False


def _erased_by_order(staging: Staging, body: ErasureBody, index: int) -> list[Chain]:
    together = frozenset(body.records)
    for key in body.records:
        record = staging.record(key)
        for partner in [] if record is None else partners(record):
            chain = staging.chain(partner)
            if partner not in together and chain is not None and not chain.erased:
                raise RuleError("ERASED_ALONE", "records", "record.continues", want="a record and those it continues")
    return [chains.erase(staging.chain(key), index) for key in body.records]


def admit_lapse(staging: Staging, item: LapseItem) -> int:
    """Log a lapse; an erasure with one more for each record that is erased together with it. Return the first index.

    Raises:
        RuleError: the record is unknown, ended or erased, or its time has not come.
    """
    if item.what is not LapseKind.ERASED:
        return _remark(staging, item)
    planned: list[tuple[bytes, Chain]] = []
    for offset, key in enumerate(_family(staging, item.key)):
        planned.append(_lapsed(staging, item, key, staging.next_index + offset))
    first = staging.next_index
    for leaf, chain in planned:
        staging.add_leaf(leaf)
        _erase(staging, chain)
    return first


def _family(staging: Staging, key: RecordKey) -> list[RecordKey]:
    """Return a record, then every other not erased yet that is tied to it by ``continues``."""
    family, at = [key], 0
    while at < len(family):
        record = staging.record(family[at])
        for partner in [] if record is None else partners(record):
            chain = staging.chain(partner)
            if partner not in family and chain is not None and not chain.erased:
                family.append(partner)
        at += 1
    return family


def _lapsed(staging: Staging, item: LapseItem, key: RecordKey, index: int) -> tuple[bytes, Chain]:
    chain = staging.chain(key)
    number, previous = 0, b""
    if item.what is not LapseKind.ERASED:
        head = None if chain is None else chain.annotation
        number, previous = (1, b"") if head is None else (head.number + 1, head.payload_hash)
    registry = staging.directory.state.registry
    event = Lapse(registry, key.issuer, key.record_id, item.what, item.ground, number, previous)
    payload = event.encode()
    leaf = LapseLeaf(staging.logged_at, payload).encode()
    after = chains.lapse(
        chain,
        event,
        payload,
        index=index,
        leaf_hash=leaf_hash(leaf),
        logged_at=staging.logged_at,
        directory=staging.directory,
    )
    return leaf, after


def _remark(staging: Staging, item: LapseItem) -> int:
    """Log a lapse that is a link of the annotation chain."""
    leaf, chain = _lapsed(staging, item, item.key, staging.next_index)
    record, row = staging.record(item.key), staging.live(item.key)
    if record is None or row is None or chain.annotation is None:
        raise RuleError("RECORD_ENDED", "record_id", "record.live", want="a live record")
    index = staging.add_leaf(leaf)
    record = record.with_chain(chain)
    staging.put_record(record)
    staging.add_annotation(record)
    if item.what is LapseKind.RESTRICTED:
        note_restriction(staging, record, index)
    # After its last day nobody could answer.
    if not is_over(staging.directory.closing, staging.day):
        staging.count_quality(item.key.issuer, events_of_lapse(item.what))
    head = chain.annotation
    staging.put_live(replace(row, annotation_index=index, annotation_hash=head.leaf_hash, hidden=head.hidden))
    return index


def _erase(staging: Staging, chain: Chain) -> None:
    record = staging.record(chain.key)
    if record is not None:
        staging.put_record(record.with_chain(chain))
        staging.erased.append(record.first_index)
    staging.remove_live(chain.key)
