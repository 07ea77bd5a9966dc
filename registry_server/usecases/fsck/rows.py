"""Comparison of each table with the leaves; one function for each group of tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from hashlib import sha256
from secrets import token_bytes
from typing import TYPE_CHECKING, TypeVar

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.debt import DEBT_REF_BYTES
from client_sdk.kernel.formats.encoding import HASH_BYTES, lp
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.seal import disclosure_digest
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.tls_key import SignedClaim
from client_sdk.kernel.formats.words import TlsKeyAction
from client_sdk.kernel.ledger.inquiry import Inquiry, InquiryOpening
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.kernel.rules.consent import RequestUse, check_own_request
from client_sdk.kernel.rules.errors import RuleError
from registry_server.storage import contributions, inquiries, leaves, live, lost, records, tls_keys
from registry_server.storage.contributions import GivenRow
from registry_server.storage.inquiries import InquiredPerson
from registry_server.usecases.asking import requests_of
from registry_server.usecases.fsck.report import RowKind
from registry_server.usecases.tile_rows import wrong_tiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.ledger.chain import Chain
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.state_store import StateStore
    from registry_server.storage.inquiries import StoredInquiry
    from registry_server.storage.live import SealedRow
    from registry_server.storage.records import StoredRecord
    from registry_server.storage.tls_keys import StoredTlsKey
    from registry_server.storage.unit_of_work import UnitOfWork
    from registry_server.usecases.fsck.report import FsckReport

__all__ = [
    "LeafPlaces",
    "check_acts",
    "check_contributions",
    "check_inquiry_rows",
    "check_live_rows",
    "check_records",
    "check_tiles",
    "check_tls_keys",
    "inquired",
]

R = TypeVar("R")


class LeafPlaces:
    """Leaf indexes of acts, of versions by record and number, of annotations by first index of chain and number.

    Args:
        store: takes what grows with the log.

    Attributes:
        acts: by number.
    """

    def __init__(self, store: StateStore) -> None:
        self.acts: list[int] = []
        self._versions = store.mapping("places of versions", bytes, int)
        self._annotations = store.mapping("places of annotations", bytes, int)

    def add_version(self, record: RecordKey, version: int, index: int) -> None:
        """Note the leaf of a version."""
        self._versions[_version_key(record, version)] = index

    def add_annotation(self, first: int, number: int, index: int) -> None:
        """Note the leaf of a link of an annotation chain."""
        self._annotations[_place(first) + _place(number)] = index

    def version(self, record: RecordKey, version: int) -> int | None:
        """Return the leaf index of a version."""
        return self._versions.get(_version_key(record, version))

    def first(self, record: RecordKey) -> int | None:
        """Return the leaf index of version 1 of a record, which names it in the database."""
        return self.version(record, 1)

    def annotation(self, first: int, number: int) -> int | None:
        """Return the leaf index of a link of an annotation chain."""
        return self._annotations.get(_place(first) + _place(number))


def _version_key(record: RecordKey, version: int) -> bytes:
    return lp(record.issuer) + lp(record.record_id) + _place(version)


def _place(number: int) -> bytes:
    # A damaged row may hold any.
    return number.to_bytes(8, signed=True)


def check_tiles(work: UnitOfWork, report: FsckReport, tree: str, hashes: Iterable[bytes]) -> None:
    """Check that the tiles of a tree are those of its leaves, and no other."""
    for level, index, stored, wanted in wrong_tiles(work, tree, hashes):
        got, want = ("", "the hashes of the leaves") if stored else ("none", "a tile")
        want = "none" if wanted is None else want
        report.note(RowKind.TILE_ROW, f"{tree} tile {level}/{index}", "tiles.hashes", got=got, want=want)


def check_acts(work: UnitOfWork, report: FsckReport, places: Sequence[int]) -> None:
    """Check that each act is listed under its number; whether the leaves number them rightly, their replay says."""
    listed = {stored.number: stored.leaf_index for stored in leaves.act_leaves(work)}
    want = dict(enumerate(places))
    for number in sorted(listed.keys() | want.keys()):
        if listed.get(number) != want.get(number):
            place = f"leaf {want[number]}" if number in want else "no such act"
            report.note(RowKind.ACT_ROW, f"act {number}", "acts.number", got=str(listed.get(number)), want=place)


def check_contributions(work: UnitOfWork, report: FsckReport, directory: Directory) -> None:
    """Check that the rows of what lenders have given are those that the statements make."""
    want = {
        GivenRow(item.institution, given.kind, given.given_on)
        for item in directory.contributions.values()
        for given in item.given
    }
    for row in sorted(want ^ set(contributions.rows(work))):
        place = f"{row.kind.name} of {row.institution}"
        report.note(RowKind.CONTRIBUTION_ROW, place, "contributions.row", want="what the leaves say")


def check_records(work: UnitOfWork, report: FsckReport, chains: Mapping[RecordKey, Chain], links: LeafPlaces) -> None:
    """Check that each record stands as the log says, and that its versions and annotations are found."""
    found = 0
    for page in work.in_pages(records.records(work)):
        for stored in page:
            report.records += 1
            chain = chains.get(stored.chain.key)
            # No two rows have the same key.
            found += chain is not None
            _check_record(report, stored, chain, links)
        _check_links(work, report, page, chains, links)
    if found == len(chains):
        return
    for some in work.in_pages(chains.values()):
        rows = records.by_keys(work, [chain.key for chain in some])
        for chain in some:
            if chain.key not in rows:
                report.note(RowKind.RECORD_ROW, f"leaf {chain.index}", "records.row", got="none", want="a row")


def _check_record(report: FsckReport, stored: StoredRecord, chain: Chain | None, links: LeafPlaces) -> None:
    place = f"record of leaf {stored.first_index}"
    # The table leaves out what the leaf of the newest version holds.
    if chain is None or replace(chain, subject_commitment=b"") != replace(stored.chain, subject_commitment=b""):
        report.note(RowKind.RECORD_ROW, place, "records.chain", want="what the leaves say")
    if links.first(stored.chain.key) != stored.first_index:
        report.note(RowKind.RECORD_ROW, place, "records.first-index", want="the leaf of version 1")


def _check_links(
    work: UnitOfWork,
    report: FsckReport,
    page: Sequence[StoredRecord],
    chains: Mapping[RecordKey, Chain],
    links: LeafPlaces,
) -> None:
    # As many as the leaves say: the number in a damaged row may be any.
    logged = [(stored.first_index, chain) for stored in page if (chain := chains.get(stored.chain.key)) is not None]
    versions = {
        (first, version): links.version(chain.key, version)
        for first, chain in logged
        for version in range(1, chain.version + 1)
    }
    found = records.version_places(work, versions)
    for (record, version), index in versions.items():
        if index is None or found.get((record, version)) != index:
            place = f"version {version} of the record of leaf {record}"
            report.note(RowKind.VERSION_ROW, place, "versions.leaf-index", want="its leaf")
    heads = [(first, chain.annotation) for first, chain in logged if chain.annotation is not None]
    stored_links = records.annotation_chains(work, [head.first for _, head in heads])
    for first, head in heads:
        want = [links.annotation(head.first, number) for number in range(1, head.number + 1)]
        # A record that was continued has the beginning of a chain that goes on with the record after it.
        if [place.leaf_index for place in stored_links.get(head.first, []) if place.number <= head.number] != want:
            place = f"record of leaf {first}"
            report.note(RowKind.ANNOTATION_ROW, place, "annotations.leaf-index", want="the leaves of its annotations")


def check_live_rows(work: UnitOfWork, report: FsckReport, chains: Mapping[RecordKey, Chain], links: LeafPlaces) -> None:
    """Check what is kept of each live record; whether its binding opens the commitment, the examination says.

    What issuers are to give back are live records of which nothing is kept.
    """
    for sealed in live.live_rows(work):
        report.live += 1
        chain = chains.get(sealed.row.key)
        wrong = _wrong_columns(sealed, chain) if chain is not None and chain.live else ["leaf_index"]
        if "text_disclosure" in wrong and not sealed.text_disclosure:
            wrong.remove("text_disclosure")
            place = f"leaf {sealed.row.annotation_index}"
            report.note(RowKind.TEXT_LOST, place, "live.text", want="the sealed text of the annotation")
        if sealed.row.record != links.first(sealed.row.key):
            wrong.append("record")
        for column in wrong:
            report.note(RowKind.LIVE_ROW, f"leaf {sealed.row.index}: {column}", "live.row", want="what the leaves say")
    for some in work.in_pages(lost.rows(work)):
        indexes = [index for index, _ in some]
        kept, found = live.sealed_by_indexes(work, indexes), leaves.leaves_at(work, indexes)
        for index, issuer in some:
            key = _record_of(found.get(index, b""))
            chain = None if key is None else chains.get(key)
            if chain is None or not chain.live or (chain.index, chain.key.issuer) != (index, issuer) or index in kept:
                place, want = f"leaf {index}: {issuer}", "a live record of which nothing is kept"
                report.note(RowKind.LOST_ROW, place, "lost.row", want=want)


def _record_of(data: bytes) -> RecordKey | None:
    """Return the record that a leaf is a version of."""
    try:
        leaf = parse_leaf(data)
        return Statement.parse(leaf.payload).key if isinstance(leaf, StatementLeaf) else None
    except FormatError:
        return None


def _wrong_columns(sealed: SealedRow, chain: Chain) -> list[str]:
    row = sealed.row
    leaf = parse_leaf(sealed.leaf)
    if not isinstance(leaf, StatementLeaf):
        return ["leaf_index"]
    statement = Statement.parse(leaf.payload)
    head = chain.annotation
    text_digest = b"" if head is None else head.disclosure_digest
    right = {
        "leaf_index": row.index == chain.index,
        "leaf_hash": row.leaf_hash == chain.leaf_hash,
        "kind": row.kind is chain.kind,
        "standing": row.standing is chain.standing,
        "subject_key_version": row.subject_key_version == chain.subject_key_version,
        "facts_commitment": row.facts_commitment == statement.facts_commitment,
        "disclosure": disclosure_digest(sealed.disclosure) == statement.disclosure_digest,
        "text_disclosure": (disclosure_digest(sealed.text_disclosure) if sealed.text_disclosure else b"")
        == text_digest,
        "debt_ref": len(row.debt_ref) == DEBT_REF_BYTES,
        "annotation_index": row.annotation_index == (-1 if head is None else head.index),
        "hidden": row.hidden is chain.hidden,
        "annotation_hash": row.annotation_hash == (b"" if head is None else head.leaf_hash),
    }
    return [column for column, holds in right.items() if not holds]


def check_inquiry_rows(work: UnitOfWork, report: FsckReport, placed: int, store: StateStore) -> None:
    """Check the leaf and the persons of each inquiry; the tree over the leaves, the examination checks.

    Args:
        work: the snapshot.
        report: takes the findings.
        placed: leaves of the inquiry tree.
        store: takes what grows with the inquiries.
    """
    missing, secret = 0, token_bytes(HASH_BYTES)
    signed = store.mapping("uses of requests", bytes, RequestUse)
    for stored in inquiries.rows(work):
        report.inquiries += 1
        leaf = InquiryLeaf.of(stored.received_at, stored.outcome, stored.payload, stored.signature).encode()
        if leaf != stored.leaf:
            position = "waiting" if stored.position is None else str(stored.position)
            want = "the leaf of payload, signature, time and outcome"
            report.note(RowKind.INQUIRY_ROW, f"inquiry {position}", "inquiries.leaf", want=want)
        if stored.position is not None and not 0 <= stored.position < placed:
            want = f"none, or one below {placed}"
            report.note(RowKind.INQUIRY_ROW, f"inquiry {stored.position}", "inquiries.position", want=want)
        for row in inquired(stored):
            missing += _row_number(row)
            if row.request is not None:
                signed_on = date.fromisoformat(Inquiry.parse(stored.payload).consent_terms.first_given_on)
                use = RequestUse(row.subject, signed_on)
                # A store shows keys: that of a request is hidden, for it is of a person.
                first = signed.setdefault(sha256(secret + row.request).digest(), use)
                _check_request(use, first, stored, report)
    for row in inquiries.persons(work):
        missing -= _row_number(row)
    if missing:
        want = "a row for each pseudonym that an opening names, and no other"
        report.note(RowKind.INQUIRED_PERSON_ROWS, "inquired_persons", "inquiries.opening", want=want)


def _check_request(use: RequestUse, first: RequestUse, stored: StoredInquiry, report: FsckReport) -> None:
    try:
        check_own_request(use, first)
    except RuleError as error:
        want = "one person and one day for each request that a person signed"
        report.note(RowKind.INQUIRY_ROW, f"inquiry {stored.position}", error.rule, want=want)


def inquired(stored: StoredInquiry) -> set[InquiredPerson]:
    """Return the rows that follow from an inquiry's opening; none where it opens nothing that can be read."""
    places: dict[bytes, int] = {}
    try:
        opening = InquiryOpening.parse(stored.opening or b"")
        requests = requests_of(Inquiry.parse(stored.payload), opening) if opening.persons else {}
    except (FormatError, RuleError):
        return set()
    for place, person in enumerate(opening.persons):
        for _, subject in person.pseudonyms:
            places.setdefault(subject, place)
    return {
        InquiredPerson(subject, stored.received_at, stored.asker, stored.inquiry_id, place, requests.get(subject))
        for subject, place in places.items()
    }


def _row_number(row: InquiredPerson) -> int:
    """Return a number that stands for a row: sums of them differ where the rows do, in whatever order they come."""
    encoded = lp(row.subject) + row.received_at.to_bytes(8) + lp(row.asker) + lp(row.inquiry_id) + row.place.to_bytes(8)
    encoded += lp(row.request or b"")
    return int.from_bytes(sha256(encoded).digest())


def check_tls_keys(work: UnitOfWork, report: FsckReport, directory: Directory) -> None:
    """Check that a signing key of its member has said what each row of a TLS key tells."""
    for row in tls_keys.changed_since(work, 0):
        place = f"TLS key {row.spki_hash.hex()} of {row.institution}"
        vouched = not row.vouch or _claims(directory, row, row.vouch, TlsKeyAction.VOUCH) == row.vouching_key_id
        if not vouched or bool(row.vouch) is not bool(row.last_issued_at):
            report.note(RowKind.TLS_KEY_ROW, place, "tls-key.vouch", want="the vouch of a key of its institution")
        revoked = not row.revocation or _claims(directory, row, row.revocation, TlsKeyAction.REVOKE)
        if not revoked or bool(row.revocation) is not bool(row.revoked_at):
            report.note(RowKind.TLS_KEY_ROW, place, "tls-key.revocation", want="a revocation by its institution")


def _claims(directory: Directory, row: StoredTlsKey, data: bytes, action: TlsKeyAction) -> bytes:
    """Return the id of the key that has signed a claim; empty where it is no claim of the row's institution."""
    try:
        signed = SignedClaim.parse(data)
        claim = signed.claim
        key = directory.institution(row.institution).key(signed.key_id)
        said = (claim.registry, claim.institution, claim.spki_hash, claim.action)
        if key is None or said != (directory.state.registry, row.institution, row.spki_hash, action):
            return b""
        dsse.verify(dsse.TLS_KEY, signed.payload, key.public_key, signed.signature)
    except (FormatError, RuleError):
        return b""
    return signed.key_id
